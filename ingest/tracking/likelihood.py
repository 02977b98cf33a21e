"""How probable it is that two reports are of one thing, and what a link gains.

A track is a unit of flow from a source through reports to a sink; the tracks are the cheapest flow (Zhang,
Li and Nevatia, CVPR 2008; for the Sun: Kempton and Angryk, Astronomy and Computing 13, 2015). It costs

    C_enter = -ln P_enter     C_exit = -ln P_exit     C_observe = ln((1 - P_observe) / P_observe)
    C_assoc = -ln(p_same / p_different) - ln P_skip

All reports are equally sure, and surer than a track of one is dear (C_enter + C_observe + C_exit < 0), so
every report is on a path. Then a set of links costs

    sum over reports (C_enter + C_observe + C_exit) - sum over links (C_exit + C_enter - C_assoc),

C_exit of the first and C_enter of the second. The cheapest flow is the set of links of the greatest gain in
which no report has two successors or two predecessors: an assignment; `ingest.tracking.matching` solves it.

Kempton and Angryk's C_assoc is another: -235 ln of a logistic function of the *sum* of the probabilities of
appearance and skip. That sum is near its maximum for all likely pairs and hardly tells which is likelier;
docs/benchmarks.md has it beside ours. Their P_motion is not used: the rotation is known, and the direction of
what remains of a motion is noise.
"""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ingest.tracking.candidates import Pairs
from ingest.tracking.settings import DAY, Settings
from ingest.tracking.surface import Floats, Sightings

#: Intersection of rotated outlines as part of their union. Of one thing: normal, mean and deviation of the 79
#: steps of SPoCA's regions of March 2018. Of two things: mostly none, exponential with this mean (the
#: simulated Sun at maximum).
OVERLAP_MEAN, OVERLAP_DEVIATION, OVERLAP_OF_OTHERS = 0.53, 0.20, 0.07
#: Points of one thing scatter by so many degrees of arc, and by so many a day on top: Student's t in two
#: dimensions, because now and then a position is far off. NOAA's regions 2010-2020; others lie anywhere, one
#: in a square of FIELD deg.
POINT_SCATTER, POINT_DRIFT, POINT_FREEDOM, POINT_FIELD = 1.0, 1.3, 4.0, 30.0
#: Deviation of ln(area ratio) at once, what a root of a day adds, and of two things on top. Only of
#: points: of outlines the overlap has it in it.
AREA_DEVIATION, AREA_GROWTH, AREA_OF_OTHERS = 0.3, 0.5, 1.0
#: Deviation of ln(intensity ratio) of one thing and of two (the regions of March 2018: 0.2 and 0.4).
INTENSITY_DEVIATION, INTENSITY_OF_OTHERS = 0.25, 0.4
#: Area and intensity are told wrongly now and then; neither weighs more than so much.
MOST_OF_LOOKS = 2.0

#: A track enters or leaves with this probability at any report, e^-2; at the limb it does twice as often.
#: Between the longitude (deg) LIMB_FROM and LIMB the probability rises.
ANYWHERE, LIMB_FROM, LIMB = 0.135, 60.0, 90.0
#: Probability of a report being of something.
P_OBSERVE = 0.999
#: A thing that is not seen in the next look has mostly ended or changed: P_skip is this, times the share of
#: looks in which the method misses things (`missing`) for each look.
P_STILL_THERE = 0.08
#: How often a method misses a thing that is there, before anything is known of it, and how many looks at
#: things this is worth. RECOGNISED is the ln(p_same / p_different) of what is counted.
MISSED, MISSED_WEIGHT, RECOGNISED = 0.05, 20.0, 2.0


def p_enter(seen: Sightings) -> Floats:
    """Probability that a track begins with a report, for all reports: greater towards the eastern limb."""
    return _towards_limb(-seen.centre[:, 0])


def p_exit(seen: Sightings) -> Floats:
    """Probability that a track ends with a report, for all reports: greater towards the western limb."""
    return _towards_limb(seen.centre[:, 0])


def _towards_limb(longitude: Floats) -> Floats:
    return ANYWHERE * (1 + np.clip((longitude - LIMB_FROM) / (LIMB - LIMB_FROM), 0.0, 1.0))


def missing(seen: Sightings, pairs: Pairs, looks: Floats, watch: timedelta) -> Floats:
    """How often the method misses things around the time of each report, 0 to 1.

    Of the reports within `watch` that are recognised again, the share of those that are not in the next look
    but only later; MISSED where there are few.
    """
    soonest = np.full(seen.time.size, np.inf)
    recognised = looks >= RECOGNISED
    np.minimum.at(soonest, pairs.first[recognised], pairs.skipped[recognised])
    counts = np.column_stack((np.isfinite(soonest), np.isfinite(soonest) & (soonest > 0)))
    summed = np.vstack(((0, 0), np.cumsum(counts, axis=0)))
    width = watch.total_seconds()
    begin, end = np.searchsorted(seen.time, seen.time - width), np.searchsorted(seen.time, seen.time + width)
    again, later = (summed[end] - summed[begin]).T
    return np.asarray((later + MISSED_WEIGHT * MISSED) / (again + MISSED_WEIGHT))


def p_skip(skipped: NDArray[np.int64], missed: Floats) -> Floats:
    """Probability that a thing is not seen in so many looks and then is; relative to 0."""
    return np.where(skipped == 0, 1.0, P_STILL_THERE * missed**skipped)


def appearance(seen: Sightings, pairs: Pairs) -> Floats:
    """ln(p_same / p_different) of what two reports look like: place, extent, area, intensity."""
    days = (seen.time[pairs.second] - seen.time[pairs.first]) / DAY
    area = seen.log_area[pairs.second] - seen.log_area[pairs.first]
    growth = np.sqrt(AREA_DEVIATION**2 + AREA_GROWTH**2 * days)
    points = _by_distance(pairs.distance, days) + _of_looks(area, growth, np.hypot(growth, AREA_OF_OTHERS))
    intensity = seen.log_intensity[pairs.second] - seen.log_intensity[pairs.first]
    place = np.where(np.isnan(pairs.overlap), points, _by_overlap(pairs.overlap))
    return place + _of_looks(intensity, INTENSITY_DEVIATION, INTENSITY_OF_OTHERS)


def _by_overlap(overlap: Floats) -> Floats:
    same = -(((overlap - OVERLAP_MEAN) / OVERLAP_DEVIATION) ** 2) / 2
    same -= np.log(OVERLAP_DEVIATION * np.sqrt(2 * np.pi))
    return np.asarray(same + overlap / OVERLAP_OF_OTHERS + np.log(OVERLAP_OF_OTHERS))


def _by_distance(distance: Floats, days: Floats) -> Floats:
    variance = POINT_SCATTER**2 + (POINT_DRIFT * days) ** 2
    tail = (POINT_FREEDOM + 2) / 2 * np.log1p(distance**2 / (POINT_FREEDOM * variance))
    return np.asarray(np.log(POINT_FIELD**2 / (2 * variance)) - tail)


def _of_looks(log_ratio: Floats, same: Floats | float, different: Floats | float) -> Floats:
    """Of a logarithm of a ratio, normal around 0 with two deviations; 0 where it is unknown."""
    log = (log_ratio / different) ** 2 / 2 - (log_ratio / same) ** 2 / 2 + np.log(different / same)
    return np.where(np.isnan(log_ratio), 0.0, np.clip(log, -MOST_OF_LOOKS, MOST_OF_LOOKS))


def costs(seen: Sightings, pairs: Pairs, settings: Settings) -> tuple[Floats, Floats, float, Floats]:
    """C_enter and C_exit of every report, C_observe, and C_assoc of every pair; `pairs` are all there are."""
    looks = appearance(seen, pairs)
    missed = missing(seen, pairs, looks, settings.watch)
    associate = -looks - np.log(p_skip(pairs.skipped, missed[pairs.first]))
    observe = float(np.log((1 - P_OBSERVE) / P_OBSERVE))
    return -np.log(p_enter(seen)), -np.log(p_exit(seen)), observe, associate


def gains(seen: Sightings, pairs: Pairs, settings: Settings) -> Floats:
    """What each link saves: C_exit(first) + C_enter(second) - C_assoc; the logarithm of the odds for it."""
    enter, leave, _, associate = costs(seen, pairs, settings)
    return leave[pairs.first] + enter[pairs.second] - associate


def probability(gain: Floats) -> Floats:
    """The probability of a link by the odds for it, one half at no gain."""
    return np.asarray(1 / (1 + np.exp(-np.clip(gain, -500.0, 500.0))))
