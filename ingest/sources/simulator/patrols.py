"""Methods that look at the whole disk again and again and outline what they find.

A patrol has a cadence; each feature that it sees is followed through its whole life (a `Track`), because the
name of a track and the associations of a report depend on the reports around it. Tracks are made once and
kept; the reports of a day are then picked from them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from events.domain.frames import Floats
from ingest.sources.simulator import methods
from ingest.sources.simulator.sightings import Edge, Method, Sighting, archivid, moment
from ingest.sources.simulator.sky import Duty, cosine_from_centre, earth
from ingest.sources.simulator.sun import (
    DAY,
    Feature,
    Piece,
    Region,
    Stream,
    Sun,
    day_at,
    day_start,
    draws,
)

#: Nearer to the limb than 85.4 deg from the centre of the disk nothing is recognised.
_NEAREST_LIMB = 0.08
#: SPoCA gives up a track after this long (its trackingDeltat), s.
_LOSES_TRACK = 36_000
#: Kilometres in a degree of arc on the Sun, and in an arcsecond at the centre of the disk.
_KM_PER_DEGREE, _KM_PER_ARCSEC = 12_142.0, 725.3
_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Look:
    """One feature as one method sees it at one time: half widths in deg of arc, `cosine` 1 at the centre."""

    feature: Any
    half_length: float
    half_width: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Patrol:
    """What a method looks for and when.

    It observes every `cadence` seconds from `phase` (after midnight) on, and now and then (`late`) an hour
    late. A report lasts from the last scheduled observation to its own (`lasts` is None), or `lasts` seconds
    from its observation on. Features with a smaller half width than `smallest` (deg) are not recognised.
    """

    method: Method
    cadence: int
    phase: int
    features: Callable[[Sun, int], Iterable[Feature]]
    describe: Callable[[Look, np.random.Generator], dict[str, Any]]
    lasts: int | None = None
    late: float = 0.0
    smallest: float = 0.0
    vertices: tuple[int, int] = (5, 11)
    misses: float = 0.03
    tracks: bool = False
    has_skeleton: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """A feature's reports by one patrol, in time: arrays of one length n.

    `slot` numbers the observation (for its randomness), `segment` the stretch without a long gap. `centre` is
    (n, 2), Carrington deg; `half_widths` (n, 2), deg of arc; `cosine` is 1 at the disk's centre.
    """

    feature: Feature
    slot: NDArray[np.int64]
    start: NDArray[np.int64]
    observed: NDArray[np.int64]
    run: NDArray[np.int64]
    archived: NDArray[np.int64]
    segment: NDArray[np.int64]
    centre: Floats
    half_widths: Floats
    cosine: Floats


class Watch:
    """A patrol at work on one Sun."""

    def __init__(self, sun: Sun, patrol: Patrol) -> None:
        self._sun, self._patrol = sun, patrol
        self._duty = Duty(sun.seed, patrol.method.number)
        self._schedule = lru_cache(maxsize=512)(self._schedule_of)
        self._track = lru_cache(maxsize=1024)(self._track_of)

    def sightings(self, day: int) -> Iterator[Sighting]:
        """The reports whose start lies on a day."""
        first, last = day_start(day), day_start(day + 1)
        # A report that starts late on a day is of an observation on the next.
        features = {f.key: f for d in (day, day + 1) for f in self._patrol.features(self._sun, d)}
        for feature in features.values():
            track = self._track(feature)
            for index in np.flatnonzero((track.start >= first) & (track.start < last)).tolist():
                yield self._sighting(track, index)

    def _schedule_of(self, day: int) -> NDArray[np.int64]:
        """The times of the observations of a day."""
        patrol = self._patrol
        times = np.arange(day_start(day) + patrol.phase, day_start(day + 1), patrol.cadence)
        rng = draws(self._sun.seed, Stream.SCHEDULE, patrol.method.number, day)
        return times + _HOUR * (rng.random(times.size) < patrol.late)

    def _track_of(self, feature: Feature) -> Track:
        patrol = self._patrol
        first = day_at(feature.born)
        last = day_at(feature.dies)
        # The day before gives the first observation its predecessor.
        times = np.concatenate([self._schedule(day) for day in range(first - 1, last + 1)])
        per_day = times.size // (last - first + 2)
        observed, start = times[1:], times[:-1] if patrol.lasts is None else times[1:]
        slot = (first - 1) * per_day + 1 + np.arange(observed.size)
        centre, half_widths = (
            np.column_stack(pair)
            for pair in (feature.position(observed * 1.0), feature.half_widths(observed * 1.0))
        )
        cosine = cosine_from_centre(centre[:, 0], centre[:, 1], earth(observed))
        rng = draws(self._sun.seed, Stream.PATROL, patrol.method.number, *feature.key)
        seen = (
            (observed >= feature.born)
            & (observed <= feature.dies)
            & (cosine > _NEAREST_LIMB)
            & (half_widths[:, 1] >= patrol.smallest)
            & (rng.random(observed.size) >= patrol.misses)
            & self._duty.works(first - 1, last, observed)
        )
        # Usually computed within half an hour of the observation, some only days later.
        late = (rng.random(observed.size) < 0.04) * rng.integers(_HOUR, 70 * _HOUR, observed.size)
        run = observed + rng.integers(1_260, 1_800, observed.size) + late
        archived = run + rng.integers(1, 4, observed.size)
        segment = np.cumsum((np.diff(observed[seen], prepend=0) > _LOSES_TRACK).astype(np.int64))
        return Track(
            feature=feature,
            slot=slot[seen],
            start=start[seen],
            observed=observed[seen],
            run=run[seen],
            archived=archived[seen],
            segment=segment,
            centre=centre[seen],
            half_widths=half_widths[seen],
            cosine=cosine[seen],
        )

    def _name(self, track: Track, index: int) -> str:
        """The kb_archivid of a report."""
        day, number, *part = track.feature.key
        suffix = f"_{moment(int(track.observed[index])):%Y%m%dT%H%M%S}_{day % 100:02d}{number:02d}"
        suffix += "".join(str(p) for p in part)
        return archivid(self._patrol.method, int(track.run[index]), suffix)

    def _sighting(self, track: Track, index: int) -> Sighting:
        patrol, feature, observed = self._patrol, track.feature, int(track.observed[index])
        key = (patrol.method.number, *feature.key, int(track.slot[index]))
        rng = draws(self._sun.seed, Stream.PATROL, *key)
        name = self._name(track, index)
        centre = track.centre[index].tolist()
        length, width = (half * rng.uniform(0.93, 1.07) for half in track.half_widths[index].tolist())
        attributes = patrol.describe(Look(feature, length, width, float(track.cosine[index])), rng)
        if patrol.tracks:
            attributes["frm_specificid"] = self._track_name(track, index)
        return Sighting(
            method=patrol.method,
            archivid=name,
            start=int(track.start[index]),
            end=observed + (patrol.lasts or 0),
            run=int(track.run[index]),
            archived=int(track.archived[index]),
            submitted="hpc",
            coord=(centre[0], centre[1]),
            observed=observed,
            outline=outline(feature, (length, width), patrol.vertices, rng, centre),
            skeleton=skeleton(feature, length, centre) if patrol.has_skeleton else None,
            errors=(round(rng.uniform(2, 16), 4), round(rng.uniform(2, 16), 4)),
            attributes=attributes,
            edges=tuple(self._edges(track, index, name)) if patrol.tracks else (),
        )

    def _track_name(self, track: Track, index: int) -> str:
        day, number, *part = track.feature.key
        stretch = int(track.segment[index])
        which = f"{day % 10_000:04d}{number % 100:02d}{(*part, 0)[0]}{stretch % 1_000:03d}"
        return f"SPoCA_v1.0_{self._patrol.method.event_type}_{which}"

    def _edges(self, track: Track, index: int, name: str) -> Iterator[Edge]:
        """Every association that touches a report, whichever end it is."""
        if index > 0 and track.segment[index - 1] == track.segment[index]:
            yield Edge(self._name(track, index - 1), name, "is_followed_by")
        if index + 1 < track.slot.size and track.segment[index + 1] == track.segment[index]:
            yield Edge(name, self._name(track, index + 1), "is_followed_by")
        yield from self._splits(track, index)

    def _splits(self, track: Track, index: int) -> Iterator[Edge]:
        """A split joins the region's last report before it with the leaving part's first, if near in time."""
        if not isinstance(track.feature, Region):
            return
        family = {r.key: r for r in self._sun.regions_born(track.feature.key[0])}
        if track.feature.parent is not None:
            whole, part = self._track(family[track.feature.parent]), track
        else:
            leaving = next((r for r in family.values() if r.parent == track.feature.key), None)
            if leaving is None:
                return
            whole, part = track, self._track(leaving)
        if part.slot.size == 0:
            return
        last = int(np.searchsorted(whole.observed, part.observed[0])) - 1
        if last < 0 or part.observed[0] - whole.observed[last] > _LOSES_TRACK:
            return
        if (track is part and index == 0) or (track is whole and index == last):
            yield Edge(self._name(whole, last), self._name(part, 0), "splits_into")


def outline(
    feature: Feature,
    half_widths: tuple[float, float],
    vertices: tuple[int, int],
    rng: np.random.Generator,
    centre: Sequence[float],
) -> Floats:
    """An outline on the surface, Carrington degrees, shape (n, 2), clockwise as seen; not closed.

    An ellipse with the feature's own lobes and fresh noise; about one in two hundred crosses itself, as in
    real reports.
    """
    count = int(rng.integers(vertices[0], vertices[1] + 1)) - 1  # the closing one counts in HEK's numbers
    angle = -2 * np.pi * (np.arange(count) + rng.uniform(-0.25, 0.25, count)) / count
    amplitude, phase = feature.lobes
    radius = 1 + amplitude * np.cos(2 * (angle - phase)) + rng.normal(0, 0.05, count)
    along = half_widths[0] * radius * np.cos(angle)
    across = half_widths[1] * radius * np.sin(angle)
    points = on_surface(along, across, feature.tilt, centre)
    if rng.random() < 0.005:
        points[[1, 2]] = points[[2, 1]]
    return points


def skeleton(feature: Feature, half_length: float, centre: Sequence[float]) -> Floats:
    """The spine of a feature, five points from end to end; Carrington degrees, shape (5, 2)."""
    along = np.linspace(-0.95, 0.95, 5) * half_length
    return on_surface(along, np.zeros(5), feature.tilt, centre)


def on_surface(along: Floats, across: Floats, tilt: float, centre: Sequence[float]) -> Floats:
    """Points given in degrees of arc along and across an axis, as (longitude, latitude).

    A positive tilt lifts the western end of the axis to the north.
    """
    turn = np.radians(tilt)
    east_west = along * np.cos(turn) - across * np.sin(turn)
    latitude = np.clip(centre[1] + along * np.sin(turn) + across * np.cos(turn), -88, 88)
    return np.column_stack((centre[0] + east_west / np.cos(np.radians(latitude)), latitude))


def _areas(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    """Areas in km2: as measured on the sphere, and foreshortened as seen."""
    area = np.pi * look.half_length * look.half_width * _KM_PER_DEGREE**2
    return {
        "area_atdiskcenter": float(f"{area:.7g}"),
        "area_atdiskcenteruncert": float(f"{area * rng.uniform(0.04, 0.1):.6g}"),
        "area_raw": float(f"{area * look.cosine:.7g}"),
        "area_uncert": float(f"{area * look.cosine * rng.uniform(0.04, 0.1):.6g}"),
    }


def _intensities(look: Look, rng: np.random.Generator, level: float) -> dict[str, Any]:
    """Statistics of the pixels, DN/s; SPoCA takes them only inside 0.95 solar radii and is silent beyond."""
    area = np.pi * look.half_length * look.half_width * _KM_PER_DEGREE**2 * look.cosine
    pixels = max(int(area / (0.6 * _KM_PER_ARCSEC) ** 2), 1)
    told: dict[str, Any] = {**_areas(look, rng), "event_npixels": pixels}
    if look.cosine < np.sqrt(1 - 0.95**2):
        return told
    mean = level * rng.lognormal(0, 0.25)
    deviation = mean * rng.uniform(0.15, 0.5)
    told |= {
        "intensmean": mean,
        "intensmedian": mean * rng.uniform(0.93, 0.99),
        "intensmin": mean * rng.uniform(0.2, 0.4),
        "intensmax": mean + deviation * rng.uniform(3, 5),
        "intensvar": deviation**2,
        "intensskew": rng.uniform(0.3, 1.4),
        "intenskurt": rng.uniform(-0.3, 2.5),
        "intenstotal": mean * pixels,
    }
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in told.items()}


def _describe_region(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    return _intensities(look, rng, 330)


def _describe_hole(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    return _intensities(look, rng, 45)


def _describe_spot(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    region = look.feature.region
    leads = look.feature.offset[0] > 0
    return {**_areas(look, rng), "ar_polarity": region.polarity * (1 if leads else -1)}


def _describe_sigmoid(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    handed = 1 if look.feature.region.latitude < 0 else -1
    return {
        **_areas(look, rng),
        "sg_shape": "S" if handed > 0 else "inverse-S",
        "sg_chirality": handed,
        "sg_orientation": round(look.feature.tilt, 2),
        "sg_aspectratio": round(look.half_length / look.half_width, 3),
        "sg_peakcontrast": round(rng.uniform(2, 6), 3),
        "sg_meancontrast": round(rng.uniform(1.2, 2), 3),
    }


def _describe_filament(look: Look, rng: np.random.Generator) -> dict[str, Any]:
    left, right = (int(n) for n in rng.poisson(1 + 0.1 * look.half_length, 2))
    length = 2 * look.half_length * _KM_PER_DEGREE / _KM_PER_ARCSEC
    return {
        **_areas(look, rng),
        "fi_length": round(length, 3),
        "fi_tilt": round(look.feature.tilt, 3),
        "fi_chirality": look.feature.chirality,
        "fi_barbstot": left + right,
        "fi_barbsl": left,
        "fi_barbsr": right,
        "skel_nsteps": 4,
        "skel_curvature": round(rng.normal(0, 0.02), 5),
    }


def spots(sun: Sun, day: int) -> Iterator[Piece]:
    """The sunspots of the regions of a day: a leading one, and up to two that follow along the axis."""
    for region in sun.regions(day):
        rng = draws(sun.seed, Stream.REGIONS, *region.key, 1)
        shares = (0.045, 0.032, 0.025)[: 1 + min(int(region.peak_area > 60) + int(region.peak_area > 250), 2)]
        for number, share in enumerate(shares):
            distance = (3.0, -3.0, -1.5)[number] * np.sqrt(region.peak_area / 150) * rng.uniform(0.8, 1.2)
            turn = np.radians(region.tilt)
            yield Piece(
                key=(*region.key, 7, number),
                born=region.born,
                dies=region.dies,
                region=region,
                offset=(float(distance * np.cos(turn)), float(distance * np.sin(turn))),
                relative_size=share,
                slenderness=1.1,
                tilt=0.0,
                lobes=(0.05, rng.uniform(0, 6)),
            )


def sigmoids(sun: Sun, day: int) -> Iterator[Piece]:
    """The regions that wear a sigmoid, one in three of the larger, for some of their life."""
    for region in sun.regions(day):
        rng = draws(sun.seed, Stream.REGIONS, *region.key, 2)
        if rng.random() >= 1 / 3 or region.peak_area < 60:
            continue
        begins, lasts = rng.uniform(0.15, 0.5), rng.uniform(1, 5) * DAY
        born = region.born + begins * (region.dies - region.born)
        yield Piece(
            key=(*region.key, 8, 0),
            born=born,
            dies=min(born + lasts, region.dies),
            region=region,
            offset=(0.0, 0.0),
            relative_size=0.16,
            slenderness=1.9,
            tilt=rng.uniform(-50, 50),
            lobes=(0.25, rng.uniform(0, 6)),
        )


PATROLS = (
    Patrol(
        methods.SPOCA_AR,
        4 * _HOUR,
        3 * _HOUR + 1_906,
        Sun.regions,
        _describe_region,
        late=0.1,
        smallest=0.95,
        vertices=(5, 12),
        tracks=True,
    ),
    Patrol(
        methods.SPOCA_CH,
        4 * _HOUR,
        2 * _HOUR + 1_906,
        Sun.holes,
        _describe_hole,
        late=0.1,
        smallest=1.5,
        vertices=(8, 20),
        tracks=True,
    ),
    Patrol(methods.EGSO_SS, 6 * _HOUR, 4_830, spots, _describe_spot, lasts=0, smallest=0.22, misses=0.06),
    Patrol(methods.SIGMOID_SG, 5_400, 1_800, sigmoids, _describe_sigmoid, lasts=5_400, misses=0.08),
    Patrol(
        methods.AAFDCC_FI,
        12 * _HOUR,
        5 * _HOUR + 74,
        Sun.filaments,
        _describe_filament,
        lasts=6 * _HOUR,
        vertices=(9, 24),
        misses=0.08,
        has_skeleton=True,
    ),
)
