"""Where a pixel looks: arcsec <-> pixel, by the header's own coordinate system.

Pixel coordinates are those of the array: x = column, y = row from the north, whole numbers at pixel centres.
FITS counts from 1 and from the south, so FITS (i, j) is (x + 1, rows - y). Helioprojective coordinates are
arcsec, x to the west, y to the north. The projection is TAN (gnomonic); Greisen & Calabretta 2002, A&A 395,
1061 (linear part) and Calabretta & Greisen 2002, A&A 395, 1077 (section 5.1.3); for the Sun: Thompson 2006,
A&A 449, 791.
"""

from dataclasses import dataclass, replace
from math import cos, isfinite, radians, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_ARCSEC = np.degrees(1) * 3600  # in a radian


@dataclass(frozen=True, slots=True)
class Wcs:
    """The coordinate system of an image, in FITS's terms.

    `rows`, `columns`: the array that it is for. `crpix`: the reference pixel (axis 1, axis 2), counted as
    FITS does. `crval`: what that pixel looks at, arcsec. `cd`: arcsec a pixel, row by row
    (dx/di, dx/dj, dy/di, dy/dj). `dsun`: distance from the Sun's centre, m. `rsun`: its radius, arcsec.
    """

    rows: int
    columns: int
    crpix: tuple[float, float]
    crval: tuple[float, float]
    cd: tuple[float, float, float, float]
    dsun: float
    rsun: float

    @classmethod
    def turned(
        cls,
        *,
        shape: tuple[int, int],
        crpix: tuple[float, float],
        crval: tuple[float, float],
        cdelt: tuple[float, float],
        crota: float,
        dsun: float,
        rsun: float,
    ) -> "Wcs":
        """From scales (arcsec a pixel) and one angle (CROTA2, deg), as most headers say it.

        `shape` is (rows, columns); the rest as in the class.
        """
        sine, cosine = sin(radians(crota)), cos(radians(crota))
        across, up = cdelt
        cd = (across * cosine, -up * sine, across * sine, up * cosine)
        return cls(*shape, crpix, crval, cd, dsun, rsun)

    @property
    def is_usable(self) -> bool:
        """Whether every pixel looks somewhere, and one there: numbers, and a matrix that can be inverted."""
        numbers = (*self.crpix, *self.crval, *self.cd, self.dsun, self.rsun, self._determinant)
        return all(map(isfinite, numbers)) and self.scale > 0 and isfinite(self.radius)

    @property
    def _determinant(self) -> float:
        a, b, c, d = self.cd
        return a * d - b * c

    @property
    def cdelt(self) -> tuple[float, float]:
        """The scales along both axes, arcsec a pixel, which `turned` makes the same matrix of with `roll`."""
        a, _, c, _ = self.cd
        across = float(np.hypot(a, c))
        return across, self._determinant / across

    @property
    def scale(self) -> float:
        """Arcsec a pixel, the geometric mean of both axes."""
        return sqrt(abs(self._determinant))

    @property
    def roll(self) -> float:
        """The angle from the rows' end to solar west, deg in (-180, 180]: 0 where north is up (CROTA2)."""
        a, _, c, _ = self.cd
        return float(np.degrees(np.arctan2(c, a)))

    @property
    def centre(self) -> tuple[float, float]:
        """Where the disk's centre lies, pixels (x, y)."""
        x, y = self.arcsec_to_pixel(0.0, 0.0)
        return float(x), float(y)

    @property
    def radius(self) -> float:
        """The Sun's radius in pixels."""
        return self.rsun / self.scale

    def pixel_to_arcsec(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """What pixels (x, y) look at: helioprojective arcsec (x, y)."""
        i = np.asarray(x, dtype=np.float64) + 1 - self.crpix[0]
        j = self.rows - np.asarray(y, dtype=np.float64) - self.crpix[1]
        a, b, c, d = self.cd
        xi, eta = (a * i + b * j) / _ARCSEC, (c * i + d * j) / _ARCSEC
        lon, lat = np.array(self.crval) / _ARCSEC
        depth = np.cos(lat) - eta * np.sin(lat)
        west = lon + np.arctan2(xi, depth)
        north = np.arctan2(eta * np.cos(lat) + np.sin(lat), np.hypot(xi, depth))
        return west * _ARCSEC, north * _ARCSEC

    def arcsec_to_pixel(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """The pixels (x, y) that look at helioprojective arcsec (x, y), which may lie beside the image.

        Directions of 90 deg and more from the reference pixel's have no place in the plane: NaN.
        """
        west, north = (np.asarray(angle, dtype=np.float64) / _ARCSEC for angle in (x, y))
        lon, lat = np.array(self.crval) / _ARCSEC
        ahead = np.sin(lat) * np.sin(north) + np.cos(lat) * np.cos(north) * np.cos(west - lon)
        ahead = np.where(ahead > 0, ahead, np.nan)
        xi = np.cos(north) * np.sin(west - lon) / ahead * _ARCSEC
        eta = np.cos(lat) * np.sin(north) - np.sin(lat) * np.cos(north) * np.cos(west - lon)
        eta = eta / ahead * _ARCSEC
        a, b, c, d = self.cd
        i, j = (d * xi - b * eta) / self._determinant, (a * eta - c * xi) / self._determinant
        return i + self.crpix[0] - 1, self.rows - self.crpix[1] - j

    def resized(self, rows: int, columns: int) -> "Wcs":
        """The coordinate system of the same view in another number of pixels, both edges staying in place."""
        across, down = columns / self.columns, rows / self.rows
        a, b, c, d = self.cd
        crpix = ((self.crpix[0] - 0.5) * across + 0.5, (self.crpix[1] - 0.5) * down + 0.5)
        cd = (a / across, b / down, c / across, d / down)
        return replace(self, rows=rows, columns=columns, crpix=crpix, cd=cd)
