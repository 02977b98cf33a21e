"""Pairs of reports that may be of one thing, and what is measured of each pair."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from events.domain.rotation import TURN, synodic_rate
from ingest.tracking.settings import DAY, Settings
from ingest.tracking.surface import Floats, Mask, Rows, Sightings, carried

#: The search area opens to north and south by this angle, deg, as the thing moves.
OPENING = 20.5
#: Around where the rotation brings a shape, or a point, the search goes on for so many degrees.
REACH = 2.0
POINT_REACH = 8.0
#: One tree finds the pairs of all frames: each frame has its own stretch of the x-axis, which nothing leaves.
_STRETCH = 4 * TURN
_ROUNDING = 1e-3
#: So many pairs of polygons are there at once, about 1 kB each.
_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of reports by their rows, `first` in an earlier frame than `second`; arrays of one length.

    `skipped` counts the frames between. `distance` is between the centres, deg of arc, `first` carried to the
    time of `second`. Of two polygons, `shared` is the area of their intersection, and `overlap` this as part
    of their union (0 to 1; NaN if one has only a point); `of_first` and `of_second` as part of each.
    """

    first: Rows
    second: Rows
    skipped: NDArray[np.int64]
    distance: Floats
    overlap: Floats
    of_first: Floats
    of_second: Floats

    def where(self, mask: Mask) -> "Pairs":
        """Some of the pairs."""
        return Pairs(*(getattr(self, field.name)[mask] for field in fields(self)))


def pairs_of(seen: Sightings, settings: Settings) -> Pairs:
    """All pairs within reach, in the order of their rows."""
    found = [_in_frame(seen, skipped, settings) for skipped in range(settings.skips + 1)]
    first, second = (np.concatenate([pair[end] for pair in found]) for end in (0, 1))
    order = np.lexsort((second, first))
    return _measured(seen, first[order], second[order])


def _in_frame(seen: Sightings, skipped: int, settings: Settings) -> tuple[Rows, Rows]:
    """The pairs with so many frames between."""
    placed = np.flatnonzero(~np.isnan(seen.box[:, 0]))
    target = seen.frame[placed] + 1 + skipped
    inside = target < seen.frame_time.size
    inside[inside] = (
        seen.frame_time[target[inside]] - seen.time[placed[inside]]
        <= settings.gap.total_seconds() + settings.frame.total_seconds()
    )
    early, target = placed[inside], target[inside]
    if not early.size:
        return early, early
    tree = shapely.STRtree(_boxes(seen.box[placed], seen.frame[placed]))
    area = search_area(seen, early, seen.frame_time[target] - seen.time[early])
    first, second = [], []
    for turns in (-1, 0, 1):
        shift = np.array([turns * TURN, 0, turns * TURN, 0])
        here, there = tree.query(_boxes(area + shift, target))
        first.append(early[here])
        second.append(placed[there])
    a, b = np.concatenate(first), np.concatenate(second)
    near = seen.time[b] - seen.time[a] <= settings.gap.total_seconds()
    found = np.unique(np.column_stack((a[near], b[near])), axis=0)
    return _within_reach(seen, found[:, 0], found[:, 1])


def _boxes(box: Floats, frame: NDArray[np.int64]) -> NDArray[Any]:
    aside = frame * _STRETCH
    return np.asarray(
        shapely.box(
            box[:, 0] + aside - _ROUNDING, box[:, 1] - _ROUNDING,
            box[:, 2] + aside + _ROUNDING, box[:, 3] + _ROUNDING,
        )
    )  # fmt: skip


def search_area(seen: Sightings, rows: Rows, seconds: Floats) -> Floats:
    """Where what was seen in these rows may be after so many seconds: boxes (m, 4), longitudes not wrapped.

    The box goes where the rotation carries its centre, grows to north and south by tan(OPENING) of its width,
    as the search area of Kempton and Angryk does, and by REACH (a point: POINT_REACH) on all sides.
    """
    box = seen.box[rows]
    drift = synodic_rate(seen.centre[rows, 1]) * seconds / DAY
    reach = np.where(seen.drawn[rows], REACH, POINT_REACH)
    stretch = reach / np.cos(np.radians(np.minimum(np.abs(seen.centre[rows, 1]), 75.0)))
    opened = reach + np.tan(np.radians(OPENING)) * (box[:, 2] - box[:, 0])
    return np.column_stack(
        (box[:, 0] + drift - stretch, box[:, 1] - opened, box[:, 2] + drift + stretch, box[:, 3] + opened)
    )


def _within_reach(seen: Sightings, first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Those pairs whose second meets the search area of the first at its own time.

    The tree was asked for the time of the frame, in coordinates whose rounding depends on how many frames
    there are; this is asked of the pair alone.
    """
    area = search_area(seen, first, seen.time[second] - seen.time[first])
    box = seen.box[second]
    aside = TURN * np.round(((area[:, 0] + area[:, 2]) - (box[:, 0] + box[:, 2])) / 2 / TURN)
    meets = (area[:, 0] <= box[:, 2] + aside) & (area[:, 2] >= box[:, 0] + aside)
    meets &= (area[:, 1] <= box[:, 3]) & (area[:, 3] >= box[:, 1])
    return first[meets], second[meets]


def _measured(seen: Sightings, first: Rows, second: Rows) -> Pairs:
    seconds = seen.time[second] - seen.time[first]
    latitude = (seen.centre[first, 1] + seen.centre[second, 1]) / 2
    drift = synodic_rate(seen.centre[first, 1]) * seconds / DAY
    east = seen.centre[second, 0] - seen.centre[first, 0] - drift
    turn = TURN * np.round(east / TURN)
    north = seen.centre[second, 1] - seen.centre[first, 1]
    distance = np.hypot((east - turn) * np.cos(np.radians(latitude)), north)
    shared = np.full(first.size, np.nan)
    drawn = np.flatnonzero(seen.drawn[first] & seen.drawn[second])
    shared[drawn] = _shared(seen, first[drawn], second[drawn], seconds[drawn], turn[drawn])
    own, other = seen.area[first], seen.area[second]
    return Pairs(
        first=first,
        second=second,
        skipped=seen.frame[second] - seen.frame[first] - 1,
        distance=distance,
        overlap=shared / (own + other - shared),
        of_first=np.minimum(shared / own, 1.0),
        of_second=np.minimum(shared / other, 1.0),
    )


def _shared(seen: Sightings, first: Rows, second: Rows, seconds: Floats, turn: Floats) -> Floats:
    """The area, deg2, in which polygons meet when the first are carried to the time of the second."""
    area = np.zeros(first.size)
    for begin in range(0, first.size, _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        there = carried(seen.shape[first[some]], seconds[some], turn[some])
        area[some] = shapely.area(shapely.intersection(there, seen.shape[second[some]]))
    return np.nan_to_num(area)
