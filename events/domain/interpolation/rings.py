"""Rings: what of a reported geometry is used, and how what was computed is made valid.

A ring is an open array (n, 2) of vertices, counter-clockwise, begun at its lexicographically least vertex: so
nothing depends on where a report begins its outline, or which way round it goes.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
#: An object array of polygons and None.
Polygons = NDArray[Any]

#: arcsec^2; what is smaller is a line.
LEAST_AREA = 1e-6


class Usable(NamedTuple):
    """A valid polygon of one ring, and whether it had to be made so."""

    polygon: Polygon
    repaired: bool


def usable(geometry: BaseGeometry | None) -> Usable | None:
    """The largest part of an area without its holes; None where there is no area, or a vertex at no place."""
    if geometry is None or geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        return None
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        return None
    polygon: Polygon | None
    if isinstance(geometry, Polygon) and geometry.is_valid and not (geometry.interiors or geometry.has_z):
        polygon = geometry
    else:
        polygon = largest_part(shapely.force_2d(geometry))
    if polygon is None or polygon.area < LEAST_AREA:
        return None
    return Usable(polygon, repaired=polygon is not geometry)


def largest_part(geometry: BaseGeometry) -> Polygon | None:
    """The largest polygon of what is valid of a geometry, its holes filled; None if there is none."""
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    # make_valid can nest a multipolygon in a collection
    parts = [part for part in shapely.get_parts(shapely.get_parts(valid)) if isinstance(part, Polygon)]
    if not parts:
        return None
    filled = Polygon(max(parts, key=lambda part: part.area).exterior)
    return filled if filled.is_valid else None


def mended(polygons: Polygons) -> tuple[Polygons, NDArray[np.bool_]]:
    """Each polygon valid and of one ring (None where nothing is left of it), and which had to be changed."""
    changed = ~(shapely.is_valid(polygons) & (shapely.get_type_id(polygons) == 3))
    changed |= shapely.get_num_interior_rings(polygons) > 0
    changed &= ~shapely.is_missing(polygons)
    polygons = polygons.copy()
    for i in np.flatnonzero(changed).tolist():
        polygons[i] = largest_part(polygons[i])
    return polygons, changed


def ring_of(polygon: Polygon) -> Floats:
    """The polygon's ring in the form that this module's first lines describe."""
    vertices = shapely.get_coordinates(polygon.exterior)[:-1]
    vertices = vertices[np.any(vertices != np.roll(vertices, 1, axis=0), axis=1)]
    if not polygon.exterior.is_ccw:
        vertices = vertices[::-1]
    first = int(np.lexsort((vertices[:, 1], vertices[:, 0]))[0])
    return np.ascontiguousarray(np.roll(vertices, -first, axis=0))


def densified(ring: Floats, segments: int) -> Floats:
    """The ring with vertices added until no side is longer than perimeter / segments, or 1 arcsec."""
    polygon = Polygon(ring)
    divided = shapely.segmentize(polygon, max(1.0, polygon.length / segments))
    return shapely.get_coordinates(divided)[:-1]


def polygons_of(rings: Floats) -> Polygons:
    """Polygons of an array (m, n, 2) of open rings."""
    return np.asarray(shapely.polygons(np.concatenate((rings, rings[:, :1]), axis=1)), dtype=object)


def elongation(ring: Floats) -> float:
    """How many times longer than wide the ring's minimum rotated rectangle is."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(Polygon(ring)))
    sides = sorted(np.hypot(*np.diff(corners, axis=0)[:2].T))
    return float(sides[1] / max(sides[0], sides[1] * 1e-9))
