"""A track through time: which two reports an instant lies between, and what is given for it.

**Which reports count.** One without a usable shape (none, a point, a line, no area, a vertex at no finite
place) is left out as if it had not been made: the gap goes on to the next one that has a shape, and a track
without any has no shapes. Of reports that hold at one time the last one counts (the later end, then the
larger id; of those observed at one time, first, the later start). A track lives from the start of the report
that holds first to the last end, both included, whatever holes its reports leave; where a report ends does
not matter but for the last end.

**What holds when.** A report's shape holds at its start, or at `observed` where that is known. It is given
then, and again on the slot at or after it (`aligned`; of several reports before one slot the last), even if
the track has ended. Between two reports, one of the methods; after the last the last shape is carried on by
the Sun's rotation (and before the first, where that was observed after its start, the first one carried
back) while its centre is in sight, or held where it lies beside the disk. In the original's mode a report
holds at its slot only, which is that of its start.

Each shape depends on its two reports and the settings alone: not on which other times are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from events.domain.frames import convert
from events.domain.interpolation.gap import End, Gap
from events.domain.interpolation.kernels import ring_centroid
from events.domain.interpolation.methods import BY_NAME
from events.domain.interpolation.rings import (
    LEAST_AREA,
    Floats,
    elongation,
    mended,
    polygons_of,
    ring_of,
    usable,
)
from events.domain.interpolation.sky import carried, observers, on_disk, place
from events.domain.interpolation.track import DEFAULT, Settings, Shape, Sighting

_Found = dict[datetime, Shape]


@dataclass(frozen=True, slots=True)
class _Report:
    """A sighting with a usable shape; `time`: when it holds. `slot`: when it is repeated."""

    sighting: Sighting
    polygon: Polygon
    repaired: bool
    time: datetime
    slot: datetime

    @property
    def end(self) -> End:
        return End(ring_of(self.polygon), self.polygon.area, self.time, self.sighting.is_box)


def aligned(time: datetime, step: timedelta, epoch: datetime) -> datetime:
    """The slot at or after `time`."""
    return epoch - (epoch - time) // step * step


def grid(start: datetime, end: datetime, step: timedelta, epoch: datetime) -> list[datetime]:
    """The slots of a track that lives from start to end, both included; the first at least."""
    first = aligned(start, step, epoch)
    return [first + k * step for k in range(max((end - first) // step, 0) + 1)]


def shapes_at(
    track: Sequence[Sighting], times: Sequence[datetime], settings: Settings = DEFAULT
) -> list[Shape]:
    """The track's shape at each of the times (with a zone) at which it exists, in their order.

    Times outside its life, and those at which its centre is behind the limb, give nothing. `track`: the
    reports in any order. Work that a gap needs once is done once: ask for many times together.
    """
    reports = _reports(track, settings)
    if not reports:
        return []
    first = reports[0]
    begin = first.time if settings.mode == "gsu" else min(first.time, first.sighting.start)
    end = max(report.sighting.end for report in reports)
    slots = {report.slot for report in reports}
    here = [time for time in times if begin <= time <= end or time in slots]
    held = [report.time.timestamp() for report in reports]
    after = np.searchsorted(held, [time.timestamp() for time in here], side="right").tolist()
    found: _Found = {}
    for k in sorted(set(after)):
        inside = [time for time, i in zip(here, after, strict=True) if i == k]
        if 0 < k < len(reports):
            found |= _between(reports[k - 1], reports[k], inside, settings)
        else:
            found |= _carried(reports[max(k - 1, 0)], inside, settings)
    for report in reports:
        for time in (report.time, report.slot):
            found[time] = Shape(
                time, report.polygon, "reported", "reported", report.repaired, report.sighting.id
            )
    return [found[time] for time in here if time in found]


def rotated_to(sighting: Sighting, time: datetime, settings: Settings = DEFAULT) -> Shape | None:
    """A report's shape as the Sun carries it to a time before or after; None without one, or out of sight."""
    reports = _reports([sighting], settings)
    if not reports:
        return None
    return _carried(reports[0], [time], settings).get(time)


def _reports(track: Sequence[Sighting], settings: Settings) -> list[_Report]:
    """Those with a usable shape, by the time at which it holds, one a time."""
    by_time = {}
    for sighting in sorted(track, key=lambda sighting: (sighting.start, sighting.end, sighting.id)):
        shape = usable(sighting.hpc if sighting.hpc is not None else _seen(sighting, settings))
        if shape is None:
            continue
        gsu = settings.mode == "gsu"
        time = sighting.start if gsu else sighting.holds
        slot = aligned(time, settings.step, settings.epoch)
        time = slot if gsu else time
        by_time[time] = _Report(sighting, shape.polygon, shape.repaired, time, slot)
    return [by_time[time] for time in sorted(by_time)]


def _seen(sighting: Sighting, settings: Settings) -> BaseGeometry | None:
    """A shape that is known on the surface only, as it is seen at its start: positions hold then."""
    if sighting.hgs is None:
        return None
    observer = observers([sighting.start], settings)

    def see(points: Floats) -> Floats:
        seen = convert(points[:, 0], points[:, 1], "hgs", "hpc", observer)
        return np.column_stack((seen.x, seen.y))

    return shapely.transform(sighting.hgs, see)


def _between(first: _Report, second: _Report, times: Sequence[datetime], settings: Settings) -> _Found:
    """Interpolated shapes at times between two reports."""
    gap = Gap.between(first.end, second.end, settings)
    found: _Found = {}
    for name, method_gap in _chain(gap):
        missing = [time for time in times if time not in found]
        if missing:
            polygons, repaired = mended(BY_NAME[name](method_gap, missing))
            good = shapely.area(polygons) >= gap.least_area
            for i in np.flatnonzero(good).tolist():
                found[missing[i]] = Shape(
                    missing[i], polygons[i], name, "interpolated", bool(repaired[i]), None
                )
    return found


def _chain(gap: Gap) -> list[tuple[str, Gap]]:
    """The gap's method; where it fails or falls below the area floor, Areal, at last in the plane of the sky.

    The last always gives something: its area lies between those of the two reports.
    """
    name = gap.settings.method
    if name == "auto":
        name = _by_geometry(gap)
    return [(name, gap), ("areal", gap), ("areal", gap.still())]


def _by_geometry(gap: Gap) -> str:
    ends = (gap.first, gap.second)
    if any(end.is_box for end in ends):
        return "MBR"
    if gap.second.time - gap.first.time > gap.settings.longest_gap:
        return "areal"
    if all(elongation(end.ring) > gap.settings.elongation for end in ends):
        return "FI"
    return "blend"


def _carried(report: _Report, times: Sequence[datetime], settings: Settings) -> _Found:
    """The report carried to other times by rotation, while it is in sight; held where it cannot be."""
    ring = report.end.ring
    if not on_disk(ring, report.time, settings):
        return {
            time: Shape(time, report.polygon, "held", "extrapolated", report.repaired, None) for time in times
        }
    centre = np.array([ring_centroid(ring)])
    hidden = carried(place(centre, report.time, settings), times, settings)[1][:, 0]
    if hidden.all():
        return {}
    rings, _ = carried(place(ring, report.time, settings), times, settings)
    polygons, repaired = mended(polygons_of(rings))
    good = ~hidden & (shapely.area(polygons) >= LEAST_AREA)
    return {
        times[i]: Shape(
            times[i], polygons[i], "rotation", "extrapolated", report.repaired or bool(repaired[i]), None
        )
        for i in np.flatnonzero(good).tolist()
    }
