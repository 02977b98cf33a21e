"""Reports of one method as arrays: when, where, how large."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from events.domain.rotation import TURN, synodic_rate
from ingest.tracking.reports import Report
from ingest.tracking.settings import DAY

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: Longitudes farther out than this, deg, are no longitudes.
_FARTHEST = 2 * TURN


@dataclass(frozen=True, slots=True)
class Sightings:
    """Reports of one type and method in the canonical order, arrays of one length n.

    `time` is the start, s since 1970; `frame` numbers the looks at the Sun among these reports, and
    `frame_time` (a value a look, not a report) is the first start in each. `shape` has a valid polygon
    (Stonyhurst, deg at the start; its middle at a longitude of -180 to 180) where `drawn`, else None; `area`
    is its area, deg2; `box` (n, 4) is its envelope, or the point twice. `centre` (n, 2) is NaN where there is
    no place. `log_area` and `log_intensity` are natural logarithms, NaN where unknown.
    """

    reports: Sequence[Report]
    time: Floats
    frame: NDArray[np.int64]
    frame_time: Floats
    shape: NDArray[Any]
    drawn: Mask
    area: Floats
    box: Floats
    centre: Floats
    log_area: Floats
    log_intensity: Floats


def sightings(reports: Sequence[Report], frame: timedelta) -> Sightings:
    """The arrays of reports, which are in the canonical order."""
    time = np.array([report.start.timestamp() for report in reports])
    slots, first, numbers = np.unique(time // frame.total_seconds(), return_index=True, return_inverse=True)
    shape = polygons([report.shape for report in reports])
    drawn = ~shapely.is_missing(shape)
    point = _points([report.point for report in reports])
    centre = np.where(drawn[:, np.newaxis], _centres(shape), point)
    corners = np.where(drawn[:, np.newaxis], shapely.bounds(shape), np.hstack((point, point)))
    area = shapely.area(shape) * np.cos(np.radians(centre[:, 1]))
    told = _logarithms([report.area for report in reports])
    with np.errstate(divide="ignore", invalid="ignore"):
        log_area = np.where(np.isnan(told), np.log(area), told)
    return Sightings(
        reports=reports,
        time=time,
        frame=numbers.astype(np.int64),
        frame_time=time[first] if slots.size else np.empty(0),
        shape=shape,
        drawn=drawn,
        area=shapely.area(shape),
        box=corners,
        centre=centre,
        log_area=log_area,
        log_intensity=_logarithms([report.intensity for report in reports]),
    )


def polygons(shapes: Sequence[Any]) -> NDArray[Any]:
    """Shapes made usable: valid, polygonal, in one piece across the 180th meridian; None if that fails.

    A jump of more than half a turn from one vertex to the next is the seam and no side: what lies east of
    it (negative) goes on beyond 180 deg. What has no area, or vertices that are no places, is no polygon.
    """
    made = np.empty(len(shapes), dtype=object)
    made[:] = list(shapes)
    coordinates, index = shapely.get_coordinates(made, return_index=True)
    wild = ~np.isfinite(coordinates).all(axis=1)
    wild |= (np.abs(coordinates[:, 0]) > _FARTHEST) | (np.abs(coordinates[:, 1]) > TURN / 4)
    jumps = (np.abs(np.diff(coordinates[:, 0])) > TURN / 2) & (np.diff(index) == 0)
    torn = np.zeros(len(shapes), dtype=np.bool_)
    torn[index[1:][jumps]] = True
    made[np.unique(index[wild])] = None
    kept = ~shapely.is_missing(made[index])
    coordinates, index = coordinates[kept], index[kept]
    beyond = torn[index] & (coordinates[:, 0] < 0)
    coordinates[beyond, 0] += TURN
    made = shapely.set_coordinates(made, coordinates)
    return _home(_valid(made))


def _valid(shapes: NDArray[Any]) -> NDArray[Any]:
    """Valid shapes with an area; None for the others."""
    crooked = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if crooked.any():
        shapes[crooked] = shapely.make_valid(shapes[crooked], method="structure", keep_collapsed=False)
    # Also drops lines, points and NaN (the area of what is missing).
    shapes[~(shapely.area(shapes) > 0)] = None
    return shapes


def _home(shapes: NDArray[Any]) -> NDArray[Any]:
    """Shapes turned by whole turns so that their middle lies between -180 and 180 deg."""
    west, _, east, _ = shapely.bounds(shapes).T
    turns = np.round((west + east) / 2 / TURN)
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    coordinates[:, 0] -= TURN * turns[index]
    return np.asarray(shapely.set_coordinates(shapes, coordinates))


def carried(shapes: NDArray[Any], seconds: Floats, turn: Floats) -> NDArray[Any]:
    """Polygons as the Sun carries them, every vertex at the rate of its latitude; then moved by `turn` deg.

    Arrays of one length. The polygons are valid: straight sides between vertices that move at different
    rates may cross in rare cases, which is repaired.
    """
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    drift = synodic_rate(coordinates[:, 1]) * (seconds / DAY)[index]
    coordinates[:, 0] += drift + turn[index]
    return _valid(np.asarray(shapely.set_coordinates(shapes.copy(), coordinates)))


def _points(points: Sequence[tuple[float, float] | None]) -> Floats:
    """Points (n, 2) at longitudes of -180 to 180 deg, NaN where there is none."""
    nowhere = (np.nan, np.nan)
    given = np.array([nowhere if p is None else p for p in points], dtype=np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        usable = np.all(np.abs(given) <= (_FARTHEST, TURN / 4), axis=1)  # not so of NaN
    given[~usable] = np.nan
    given[:, 0] -= TURN * np.round(given[:, 0] / TURN)
    return given


def _centres(shapes: NDArray[Any]) -> Floats:
    centroids = shapely.centroid(shapes)
    return np.column_stack((shapely.get_x(centroids), shapely.get_y(centroids)))


def _logarithms(values: Sequence[float | None]) -> Floats:
    """Natural logarithms; NaN for what is absent or not positive."""
    numbers = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    return np.log(np.where(numbers > 0, numbers, np.nan))
