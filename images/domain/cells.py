"""Which cells of the grid a shape covers.

Cell (row, column) is the square of pixels 64 row .. 64 row + 63 and 64 column .. 64 column + 63. A pixel
reaches half a pixel to each side of its whole coordinates, so that the cell reaches from 64 column - 0.5 to
64 column + 63.5 in x, and likewise in y (downwards). Shapes are in those pixel coordinates (`in_pixels`
brings them there); what lies beside the image covers nothing.
"""

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from images.domain.settings import CELL, GRID
from images.domain.wcs import Wcs

#: The cells of a full image, (rows, columns).
FULL = (GRID, GRID)


def cell_of(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, column) of the cells that contain pixels (x, y); an edge belongs to the cell after it.

    Beside the image the numbers run on, negative ones included.
    """
    row, column = (np.floor((np.asarray(axis, dtype=np.float64) + 0.5) / CELL) for axis in (y, x))
    return row.astype(np.int64), column.astype(np.int64)


def centre_of(row: ArrayLike, column: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel coordinates (x, y) of the middle of cells (row, column)."""
    x, y = ((np.asarray(axis, dtype=np.float64) + 0.5) * CELL - 0.5 for axis in (column, row))
    return x, y


def in_pixels(shape: BaseGeometry, wcs: Wcs) -> BaseGeometry:
    """A shape in helioprojective arcsec as one in pixels: vertices are carried over, sides stay straight.

    Empty where a vertex has no place in the image's plane (90 deg and more from its centre).
    """
    placed = np.column_stack(wcs.arcsec_to_pixel(*shapely.get_coordinates(shape).T))
    if not np.isfinite(placed).all():
        return type(shape)()
    return shapely.set_coordinates(shapely.force_2d(shape), placed)


def mask(shape: BaseGeometry, grid: tuple[int, int] = FULL) -> NDArray[np.bool_]:
    """The cells that have a point in common with `shape` (pixels), a mere edge included: (rows, columns).

    Of `grid`, too, these are the sides, in cells. An empty shape covers nothing.
    """
    covered = np.zeros(grid, dtype=np.bool_)
    rows, columns = _near(shape, grid)
    if rows.size:
        shapely.prepare(shape)
        covered[rows, columns] = shapely.intersects(shape, _squares(rows, columns))
    return covered


def weights(shape: BaseGeometry, grid: tuple[int, int] = FULL) -> NDArray[np.float64]:
    """The part (0 to 1) of each cell's area that a valid `shape` (pixels) covers, (rows, columns)."""
    parts = np.zeros(grid, dtype=np.float64)
    rows, columns = _near(shape, grid)
    if rows.size:
        squares = _squares(rows, columns)
        shapely.prepare(shape)
        whole = shapely.contains(shape, squares)
        parts[rows[whole], columns[whole]] = 1.0
        cut = ~whole & shapely.intersects(shape, squares)
        areas = shapely.area(shapely.intersection(shape, squares[cut])) / CELL**2
        parts[rows[cut], columns[cut]] = np.clip(areas, 0.0, 1.0)
    return parts


def _near(shape: BaseGeometry, grid: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the cells that the shape's envelope meets; none for an empty shape."""
    bounds = np.array(shape.bounds)
    if shape.is_empty or not np.isfinite(bounds).all():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    (top, bottom), (left, right) = cell_of(bounds[0::2], bounds[1::2])
    # One more at the near ends: a shape that ends on a cell's edge shares that edge with the cell before.
    rows = np.arange(max(top - 1, 0), min(bottom + 1, grid[0]))
    columns = np.arange(max(left - 1, 0), min(right + 1, grid[1]))
    every_row, every_column = np.meshgrid(rows, columns, indexing="ij")
    return every_row.ravel(), every_column.ravel()


def _squares(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.object_]:
    half = CELL / 2
    x, y = centre_of(rows, columns)
    return np.asarray(shapely.box(x - half, y - half, x + half, y + half))
