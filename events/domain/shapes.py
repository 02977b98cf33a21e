"""Shapes as reported, made usable: read from text, judged, mended by fixed rules or given up.

`read` makes geometries of WKT or hexadecimal WKB, `tidy` returns what may stand in a column: a point for
`coord`, else a valid polygon or multipolygon of at least `LEAST_AREA`; two-dimensional, finite, within
`RANGES`, longitudes in [-180, 180]. Whatever was done is told in one note a shape, words joined by "+":

===================  ===============================================================================
computed:<from>      the report lacks it; we made it. <from>: hpc, hgs, hgc, hrc (the same shape in that
                     frame), outline (its envelope), hpc_geom (HEK's own search area), goes (a square
                     around the position, its side from the GOES class), point (a square of 2 arcsec)
recomputed:<from>    so made because the reported one was unusable. <from> also: numbers (the report's
                     numeric columns of the same frame: event_coord*, boundbox_*, hpc_x ...)
dropped:<why>        null though something was reported. <why>: noposition (the report says that the place
                     is unknown), whole-sun (a box of +-89 deg or more, a placeholder), unreadable,
                     empty, kind (neither point nor area), range (not finite, or outside `RANGES`),
                     degenerate (no area)
repaired             an open ring was closed, a third dimension cut off, self-intersections resolved (the
                     polygonal part is kept), or vertices beyond `MOST_VERTICES` thinned out
wrapped              longitudes were brought to [-180, 180]
split                it crosses +-180 deg of longitude (hrc: position angle 0) and is cut there
limb                 vertices beyond the visible half were moved to the limb (see `events.domain.frames`)
corners              reported; only the four corners of a sector of the corona were converted to hpc, so
                     for wide CMEs it is no real box
===================  ===============================================================================
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Point, Polygon
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

#: An object array of geometries and None.
Geometries = NDArray[Any]

#: (xmin, ymin, xmax, ymax) of what can be meant: a full turn around the observer in hpc (180 deg is 675
#: solar radii), a turn to either side of the meridian in longitude.
RANGES = MappingProxyType(
    {
        "hpc": (-648_000.0, -324_000.0, 648_000.0, 324_000.0),
        "hgs": (-360.0, -90.0, 360.0, 90.0),
        "hgc": (-360.0, -90.0, 360.0, 90.0),
        "hrc": (0.0, -360.0, 700.0, 720.0),
    }
)
#: Smaller areas are degenerate, in the square of the frame's units: far below any resolution.
LEAST_AREA = MappingProxyType({"hpc": 1e-6, "hgs": 1e-9, "hgc": 1e-9, "hrc": 1e-9})
#: HEK's chain codes have tens of vertices, rarely hundreds.
MOST_VERTICES = 5_000
#: A box that reaches this far to all four sides (deg) is the placeholder for an unknown position.
WHOLE_SUN = 89.0

_POINT, _POLYGON, _MULTIPOLYGON = 0, 3, 6
_AREAS = (_POLYGON, _MULTIPOLYGON)
# Nothing else is handed to GEOS: curves would raise, nested collections can exhaust the stack.
_WKT = ("POINT", "POLYGON", "MULTIPOLYGON")
_WKB = tuple(
    head
    for kind in (_POINT, _POLYGON, _MULTIPOLYGON)
    for head in (f"010{kind}000000", f"010{kind}000020", f"000000000{kind}", f"002000000{kind}")
)


class Wrap(NamedTuple):
    """How a frame's angle goes round: its axis, and where the interval of 360 deg begins."""

    axis: int
    low: float


_WRAPS = MappingProxyType({"hgs": Wrap(0, -180.0), "hgc": Wrap(0, -180.0), "hrc": Wrap(1, 0.0)})


class Mended(NamedTuple):
    """One shape after judgement: None where it is given up; the note is "" where nothing was done."""

    geometry: BaseGeometry | None
    note: str


class Tidied(NamedTuple):
    """A column after judgement; `notes` by index, only where something was done."""

    geometries: Geometries
    notes: dict[int, str]


def read(texts: Sequence[str]) -> Tidied:
    """Geometries of WKT or hexadecimal WKB texts; None where nothing can be read.

    Rings that are not closed are closed, which is noted. Other kinds than points and polygons are not read.
    """
    notes = {}
    shapes = np.full(len(texts), None, dtype=object)
    wkt = [i for i, text in enumerate(texts) if text.startswith(_WKT)]
    rest = [i for i, text in enumerate(texts) if not text.startswith(_WKT)]
    with np.errstate(all="ignore"):  # shapely reports what infinite coordinates do to the FPU's flags
        shapes[wkt] = shapely.from_wkt(np.array([texts[i] for i in wkt], dtype=object), on_invalid="ignore")
        for i in rest:
            shapes[i] = _read_other(texts[i])
        for i in np.flatnonzero(shapely.is_missing(shapes)).tolist():
            shapes[i] = _read_other(texts[i], on_invalid="fix")
            if shapes[i] is not None:
                notes[i] = "repaired"
    return Tidied(shapes, notes)


def _read_other(text: str, on_invalid: Literal["ignore", "fix"] = "ignore") -> BaseGeometry | None:
    """One WKT in any case, or hexadecimal WKB."""
    upper = text.strip().upper()
    if upper.startswith(_WKT):
        return shapely.from_wkt(upper, on_invalid=on_invalid)
    if not upper.startswith(_WKB):
        return None
    try:
        return shapely.from_wkb(upper, on_invalid=on_invalid)
    except (NotImplementedError, shapely.errors.ShapelyError):
        return None  # a curve inside a collection


def tidy(geometries: Geometries, frame: str, shape: str, splits: NDArray[np.bool_]) -> Tidied:
    """What of a column's geometries may be stored, and what had to be done to each.

    `frame` and `shape` name the column (hpc, bbox). None means that nothing could be read. `splits`: whether
    a step of more than 180 deg between neighbouring vertices means a crossing of the wrap; not so for boxes
    given by their own sides, which can really be that wide.
    """
    tidied = geometries.copy()
    notes = {}
    for i in np.flatnonzero(~_good(geometries, frame, shape, splits)).tolist():
        tidied[i], note = _mend(geometries[i], frame, shape, splits=bool(splits[i]))
        if note:
            notes[i] = note
    return Tidied(tidied, notes)


def whole_sun(geometries: Geometries) -> NDArray[np.bool_]:
    """Which heliographic boxes are placeholders for "somewhere on the Sun"; None is not."""
    xmin, ymin, xmax, ymax = shapely.bounds(geometries).T
    return (xmin <= -WHOLE_SUN) & (ymin <= -WHOLE_SUN) & (xmax >= WHOLE_SUN) & (ymax >= WHOLE_SUN)


@np.errstate(all="ignore")  # areas and widths of what is infinite or huge, and not good anyway
def _good(geometries: Geometries, frame: str, shape: str, splits: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a geometry needs no mending. Bounds of nothing are not-a-number, which compares false."""
    low, high = np.array(RANGES[frame][:2]), np.array(RANGES[frame][2:])
    wrap = _WRAPS.get(frame)
    if wrap and wrap.axis == 0:
        low[0], high[0] = wrap.low, wrap.low + 360
    bounds = shapely.bounds(geometries)
    good = shapely.is_valid(geometries) & (bounds[:, :2] >= low).all(axis=1)
    good &= (bounds[:, 2:] <= high).all(axis=1) & (shapely.get_coordinate_dimension(geometries) == 2)
    kind = shapely.get_type_id(geometries)
    if shape == "coord":
        return good & (kind == _POINT)
    good &= np.isin(kind, _AREAS) & (shapely.area(geometries) >= LEAST_AREA[frame])
    good &= shapely.get_num_coordinates(geometries) <= MOST_VERTICES
    if wrap:
        good &= ~splits | (bounds[:, 2 + wrap.axis] - bounds[:, wrap.axis] <= 180)
    return good


def _mend(geometry: BaseGeometry | None, frame: str, shape: str, *, splits: bool) -> Mended:
    """One geometry that is not good as it is."""
    if geometry is None:
        return Mended(None, "dropped:unreadable")
    if geometry.is_empty:
        return Mended(None, "dropped:empty")
    kinds = (_POINT,) if shape == "coord" else _AREAS
    if shapely.get_type_id(geometry) not in kinds:
        return Mended(None, "dropped:kind")
    flat = shapely.force_2d(geometry)
    words = [] if shapely.get_coordinate_dimension(geometry) == 2 else ["repaired"]
    low, high = RANGES[frame][:2], RANGES[frame][2:]
    coordinates = shapely.get_coordinates(flat)
    if not ((coordinates >= low) & (coordinates <= high)).all():
        return Mended(None, "dropped:range")
    if isinstance(flat, Point):
        if frame in ("hgs", "hgc") and abs(flat.x) > 180:
            flat, words = Point((flat.x + 180) % 360 - 180, flat.y), [*words, "wrapped"]
        return Mended(flat, "+".join(words))
    return _mend_area(flat, frame, words, splits=splits)


def _mend_area(area: BaseGeometry, frame: str, words: list[str], *, splits: bool) -> Mended:
    """A polygon or multipolygon of finite coordinates: thinned, unrolled, made valid, cut, measured."""
    wrap = _WRAPS.get(frame)
    whole = _thinned(area)
    thinned = whole is not area
    jumps = False
    if wrap and splits:
        rolled, whole = whole, _unrolled(whole, wrap)
        jumps = not np.array_equal(shapely.get_coordinates(rolled), shapely.get_coordinates(whole))
    if thinned or not shapely.is_valid(whole):
        words = [*words, "repaired"]
        whole = _polygonal(whole)
    if wrap:
        whole, turns = _cut(whole, wrap)
        if jumps or len(turns) > 1:
            words = [*words, "split"]
        elif turns and turns != range(1):
            words = [*words, "wrapped"]
    if shapely.area(whole) < LEAST_AREA[frame] or not shapely.is_valid(whole):
        return Mended(None, "dropped:degenerate")
    return Mended(whole, "+".join(dict.fromkeys(words)))


def _thinned(area: BaseGeometry) -> BaseGeometry:
    """`area` with at most MOST_VERTICES; the tolerance grows until that is so, at last nothing is left."""
    xmin, ymin, xmax, ymax = area.bounds
    tolerance = max(xmax - xmin, ymax - ymin) / MOST_VERTICES
    while shapely.get_num_coordinates(area) > MOST_VERTICES:
        area = shapely.simplify(area, tolerance, preserve_topology=False)
        tolerance *= 2
    return area


def _polygonal(area: BaseGeometry) -> BaseGeometry:
    """The valid polygonal part: what the shells enclose, without the holes."""
    valid = shapely.make_valid(area, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(valid) if isinstance(part, Polygon)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _unrolled(area: BaseGeometry, wrap: Wrap) -> BaseGeometry:
    """`area` without jumps: every ring goes on beyond the interval where it crosses the wrap."""
    polygons = []
    for part in shapely.get_parts(area):
        shell = _unrolled_ring(part.exterior, wrap)
        middle = shell[:, wrap.axis].mean()
        holes = [_unrolled_ring(ring, wrap) for ring in part.interiors]
        for hole in holes:
            hole[:, wrap.axis] += 360 * np.round((middle - hole[:, wrap.axis].mean()) / 360)
        polygons.append(Polygon(shell, holes))
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def _unrolled_ring(ring: BaseGeometry, wrap: Wrap) -> NDArray[np.float64]:
    """A ring's coordinates without jumps.

    One that goes round the pole is closed over it: the nearer pole of longitudes, radius 0 (the disk's
    centre) of position angles.
    """
    points = shapely.get_coordinates(ring)
    angle, other = wrap.axis, 1 - wrap.axis
    points[:, angle] = np.unwrap(points[:, angle], period=360)
    if abs(points[-1, angle] - points[0, angle]) < 180:
        points[-1] = points[0]
        return points
    pole = 0.0 if angle == 1 else float(np.copysign(90, points[:, other].mean()))
    closing = np.empty((3, 2))
    closing[:, angle] = points[[-1, 0, 0], angle]
    closing[:, other] = pole, pole, points[0, other]
    return np.vstack([points, closing])


def _cut(area: BaseGeometry, wrap: Wrap) -> tuple[BaseGeometry, range]:
    """A valid `area` brought into the frame's interval of 360 deg, and in which turns it was found."""
    if area.is_empty:
        return area, range(0)
    bounds = area.bounds
    first = int(np.floor((bounds[wrap.axis] - wrap.low) / 360))
    turns = range(first, max(int(np.ceil((bounds[2 + wrap.axis] - wrap.low) / 360)), first + 1))
    if turns == range(1):
        return area, turns
    pieces = []
    for turn in turns:
        low = wrap.low + 360 * turn
        # The other axis stays within RANGES, far inside 1000.
        band = shapely.box(*((low, -1e3, low + 360, 1e3) if wrap.axis == 0 else (-1e3, low, 1e3, low + 360)))
        shift = {"xoff" if wrap.axis == 0 else "yoff": -360.0 * turn}
        pieces.append(translate(_polygonal(shapely.intersection(area, band)), **shift))
    return _polygonal(shapely.union_all(pieces)), turns
