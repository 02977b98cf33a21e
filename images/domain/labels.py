"""The part of each cell of the grid that areas cover together: what labels the cells of an image."""

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from images.domain import cells
from images.domain.wcs import Wcs

#: Digits after the point of a share. A millionth of a cell is 0.0015 arcsec2, less than what the thousandths
#: of an arcsec that shapes are stored with make of it.
DECIMALS = 6


def shares(shapes: Iterable[BaseGeometry], wcs: Wcs) -> NDArray[np.float64]:
    """The part (0 to 1) of each cell that `shapes` (helioprojective, arcsec) cover together, (64, 64).

    `wcs`: of the image. What lies under several shapes counts once. Points and lines cover nothing.
    Nor does a shape with a vertex that has no place in the image's plane (90 deg and more from its centre).
    """
    return np.round(cells.weights(shapely.union_all(_areas(shapes, wcs))), DECIMALS)


def _areas(shapes: Iterable[BaseGeometry], wcs: Wcs) -> NDArray[np.object_]:
    """The areas in shapes (arcsec) as pixels, each valid."""
    given = np.array(list(shapes), dtype=object)
    points, owner = shapely.get_coordinates(given, return_index=True)
    # Left out first, since no ring can be made of vertices without a place.
    is_placed = np.isfinite(wcs.arcsec_to_pixel(*points.T)).all(axis=0)
    given = np.delete(given, owner[~is_placed])
    placed = cells.in_pixels(shapely.GeometryCollection(list(given)), wcs)
    parts = shapely.get_parts(shapely.make_valid(shapely.get_parts(placed)))
    return parts[shapely.get_dimensions(parts) == 2]
