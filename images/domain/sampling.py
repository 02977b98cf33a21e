"""The parameters under a shape: how they are spread over the cells that it covers.

A cell counts by the part of it that the shape covers. The mean is the weighted mean; the quantile q is the
least value up to which the covered parts make at least q of the whole (the inverse of the weighted
distribution, Hyndman & Fan 1996, definition 1). A cell without a value is left out, of that parameter only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from images.domain import cells
from images.domain.settings import CELL
from images.domain.wcs import Wcs

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cover:
    """What of the grid a shape covers: the part of each cell, 0 to 1, as (rows, columns); and where."""

    weights: Floats
    wcs: Wcs

    @property
    def count(self) -> int:
        """Cells that are covered at least in part."""
        return int(np.count_nonzero(self.weights))

    @property
    def area(self) -> float:
        """What is covered, on the plane of the sky, arcsec2."""
        return float(self.weights.sum() * (CELL * self.wcs.scale) ** 2)


@dataclass(frozen=True, slots=True)
class Spread:
    """How one parameter is spread over a cover; all None where no covered cell has a value."""

    mean: float | None
    quantiles: tuple[float | None, ...]


def covered_by(shape: BaseGeometry, wcs: Wcs) -> Cover:
    """What an area (helioprojective arcsec) covers of the grid of an image with this coordinate system.

    A shape without area (a point, a line) covers the cells that it touches, wholly.
    """
    placed = cells.in_pixels(shape, wcs)
    weights = cells.weights(placed) if placed.area else cells.mask(placed).astype(np.float64)
    return Cover(weights, wcs)


def spread(plane: NDArray[np.floating], cover: Cover, quantiles: Sequence[float]) -> Spread:
    """How the values of `plane` (rows, columns) are spread over the cover; `quantiles` from 0 to 1."""
    counted = (cover.weights > 0) & np.isfinite(plane)
    values, weights = plane[counted].astype(np.float64), cover.weights[counted]
    if not values.size:
        return Spread(None, (None,) * len(quantiles))
    found = np.quantile(values, quantiles, weights=weights, method="inverted_cdf")
    return Spread(float(np.average(values, weights=weights)), tuple(found.tolist()))
