"""Tamura directionality of a cell: how sharply the directions of its gradients gather around their peaks.

The rule, for one cell of 64 x 64 pixels and never across cells:

1. **Gradient** of Prewitt (or Sobel): gx = sum over three rows of (right - left), gy = sum over three columns
   of (upper - lower); 0 on a border of one pixel.
2. r = sqrt(gx^2 + gy^2), t = atan2(gy, gx); but t = pi where gx > 0 and gy = 0.
3. Where r < 0.15 max(r), or r = 0, t = 0.
4. H, the histogram of t in equal bins of [0, pi]; negative angles are not counted.
5. H_0 becomes the integer part of H_0 / 100, which damps flat pixels.
6. **Peaks**: bins strictly higher than both neighbours (beyond the ends there is always less), not below the
   integer part of a percentile of all bins; from the highest down, each drops the others within +-width bins,
   lower index first among equals; at most so many are kept.
7. No peak: 0. Else, with peaks c_1 < ... < c_P and bounds b_i halfway between them (rounded down),
   F = P sum_i sum_{b_{i-1} <= j < b_i} (e_j - e_{c_i})^2 H_j / sum_j H_j, e_j = left edge of bin j in
   radians.

Small means directional; F is not normalised. Tamura et al. 1978, IEEE SMC 8, 460; all peaks instead of one:
Ahmadzadeh, Kempton, Schuh, Angryk, Improving the Functionality of Tamura Directionality on Solar Images.
"""

from functools import lru_cache

import numpy as np
from numba import float64, int32, int64, njit, uint8, uint16, void
from numba.core.types import Array, Tuple, UniTuple
from numpy.typing import NDArray

from images.domain.settings import CELL, ParameterSettings

#: Where `fill` puts its parameter in the API's order.
DIRECTIONALITY = 9
#: Gradients below this part of the largest have no direction (as a ratio of whole numbers: 3 / 20).
LEAST_GRADIENT = (3, 20)
#: What step 5 divides by.
_DAMPING = 100
# An angle on the edge between two bins belongs to the right one, however atan2 has rounded it. Gradients of
# whole numbers come no closer to an edge without lying on it.
_ON_EDGE = 1e-11
_TOP_LEVEL = 255

# Images may be read-only, as decoders give them.
_LEVEL_IMAGE = Array(uint8, 2, "C", readonly=True)
_RULE = Tuple((float64, int64, int64))
# Room for the flat cells of levels, gx, gy and their squares.
_PLANES = 4


def fill(image: NDArray[np.uint8], settings: ParameterSettings, out: NDArray[np.float64]) -> None:
    """Write the directionality of every cell of `image` into `out` (rows/64, cols/64, 10), float64.

    `image` is C-contiguous.
    """
    bins, weight = settings.direction_bins, _middle_weight(settings)
    _fill(image, (bins, weight), _bin_of_gradient(bins, weight), _peak_rule(settings), out)


def histogram_of(cell: NDArray[np.uint8], settings: ParameterSettings) -> NDArray[np.int64]:
    """H of one cell (64, 64) after step 5; the tests' window into the compiled code."""
    bins, weight = settings.direction_bins, _middle_weight(settings)
    histogram = np.empty(bins, dtype=np.int64)
    planes = np.zeros((_PLANES, CELL * CELL), dtype=np.int32)
    _histogram(np.ascontiguousarray(cell), weight, _bin_of_gradient(bins, weight), planes, histogram)
    return histogram


def peaks_of(histogram: NDArray[np.int64], settings: ParameterSettings) -> tuple[int, ...]:
    """The indices of the peaks of H, rising: step 6; the tests' window into the compiled code."""
    scratch = np.empty((2, histogram.size), dtype=np.int64)
    bars = np.ascontiguousarray(histogram, dtype=np.int64)
    found = _find_peaks(bars, _peak_rule(settings), scratch)
    return tuple(scratch[0, :found].tolist())


def _peak_rule(settings: ParameterSettings) -> tuple[float, int, int]:
    """What counts as a peak: percentile, width, most of them."""
    return float(settings.peak_percentile), settings.peak_width, settings.peaks_at_most


def _middle_weight(settings: ParameterSettings) -> int:
    """The weight of the middle one of three rows or columns."""
    return {"prewitt": 1, "sobel": 2}[settings.gradient]


@lru_cache(maxsize=8)
def _bin_of_gradient(bins: int, weight: int) -> NDArray[np.uint16]:
    """The bin of every gradient that 8-bit pixels can have: [gy, gx + reach], gy >= 0 (steps 2 and 4).

    A look-up is ten times as fast as atan2, and there are only about a million gradients.
    """
    reach = _TOP_LEVEL * (2 + weight)
    gy, gx = np.arange(reach + 1)[:, None], np.arange(-reach, reach + 1)
    angle = np.arctan2(gy, gx)
    angle[0, reach + 1 :] = np.pi
    return np.minimum(np.floor(angle * bins / np.pi + _ON_EDGE), bins - 1).astype(np.uint16)


@njit(void(int32[:, ::1], int64, int64), cache=True, nogil=True)
def _gradients(planes: NDArray[np.int32], weight: int, side: int) -> None:
    """Step 1 in whole numbers: gx and gy into `planes` 1 and 2 from the levels in 0, all flat."""
    level = planes[0]
    # All rows but the outer two as one line; what runs over from row to row is overwritten with 0 below.
    begin, end = side + 1, side * (side - 1) - 1
    for plane, across, along in ((planes[1], 1, side), (planes[2], -side, 1)):
        inner = plane[begin:end]
        inner[:] = 0
        for step, times in ((-along, 1), (0, weight), (along, 1)):
            ahead = level[begin + across + step : end + across + step]
            behind = level[begin - across + step : end - across + step]
            for i in range(inner.size):
                inner[i] += times * (ahead[i] - behind[i])
        plane[:side] = 0
        plane[side * (side - 1) :] = 0
        for y in range(side):
            plane[y * side], plane[(y + 1) * side - 1] = 0, 0


@njit(void(_LEVEL_IMAGE, int64, uint16[:, ::1], int32[:, ::1], int64[::1]), cache=True, nogil=True)
def _histogram(
    cell: NDArray[np.uint8],
    weight: int,
    table: NDArray[np.uint16],
    planes: NDArray[np.int32],
    histogram: NDArray[np.int64],
) -> None:
    """Steps 1 to 5 in whole numbers; `planes` is room for four flat cells."""
    level, gx, gy, squares = planes[0], planes[1], planes[2], planes[3]
    flat = cell.reshape(-1)
    for i in range(flat.size):
        level[i] = flat[i]
    _gradients(planes, weight, cell.shape[0])
    most = 0
    for i in range(squares.size):
        squares[i] = gx[i] * gx[i] + gy[i] * gy[i]
        most = max(most, squares[i])
    reach = table.shape[0] - 1
    part, whole = LEAST_GRADIENT
    least = -(-(part * part * most) // (whole * whole))  # r < 3/20 max(r), squared, and rounded up
    histogram[:] = 0
    for i in range(squares.size):
        if squares[i] < least:
            histogram[0] += 1
        elif gy[i] >= 0:
            histogram[table[gy[i], gx[i] + reach]] += 1
    histogram[0] //= _DAMPING


@njit(float64(int64[::1], float64, int64[::1]), cache=True, nogil=True)
def _percentile(values: NDArray[np.int64], percent: float, rising: NDArray[np.int64]) -> float:
    """The percentile of `values` with linear interpolation; `rising` is room for sorting them."""
    for i in range(values.size):  # few values and mostly small ones: insertion beats anything cleverer
        j = i
        while j > 0 and rising[j - 1] > values[i]:
            rising[j] = rising[j - 1]
            j -= 1
        rising[j] = values[i]
    place = (values.size - 1) * percent / 100
    below = int(place)
    above, part = min(below + 1, values.size - 1), place - below
    gap = rising[above] - rising[below]
    return rising[below] + gap * part if part < 0.5 else rising[above] - gap * (1 - part)


@njit(int64(int64[::1], int64[:, ::1], int64, int64, int64), cache=True, nogil=True)
def _thin_out(
    histogram: NDArray[np.int64], scratch: NDArray[np.int64], found: int, width: int, at_most: int
) -> int:
    """Step 6, who stays of the first `found` in `scratch[0]`: how many; they move to its beginning."""
    peaks, kept = scratch[0], scratch[1]
    kept[:found] = 0
    for _ in range(found if at_most == 0 else min(at_most, found)):
        best = -1
        for n in range(found):
            if kept[n] == 0 and (best < 0 or histogram[peaks[n]] > histogram[peaks[best]]):
                best = n
        if best < 0:
            break
        for n in range(found):
            if kept[n] == 0 and abs(peaks[n] - peaks[best]) <= width:
                kept[n] = -1
        kept[best] = 1
    left = 0
    for n in range(found):
        if kept[n] == 1:
            peaks[left] = peaks[n]
            left += 1
    return left


@njit(int64(int64[::1], _RULE, int64[:, ::1]), cache=True, nogil=True)
def _find_peaks(
    histogram: NDArray[np.int64], rule: tuple[float, int, int], scratch: NDArray[np.int64]
) -> int:
    """Step 6: how many peaks there are; their indices stand at the beginning of `scratch[0]`."""
    percentile, width, at_most = rule
    least = int(_percentile(histogram, percentile, scratch[1]))
    found, last = 0, histogram.size - 1
    for i in range(histogram.size):
        height = histogram[i]
        if (
            height >= least
            and (i == 0 or height > histogram[i - 1])
            and (i == last or height > histogram[i + 1])
        ):
            scratch[0, found] = i
            found += 1
    if width <= 1 and at_most == 0:  # strict peaks are never neighbours
        return found
    return _thin_out(histogram, scratch, found, width, at_most)


@njit(float64(int64[::1], int64[::1]), cache=True, nogil=True)
def _spread(histogram: NDArray[np.int64], peaks: NDArray[np.int64]) -> float:
    """Step 7: F of H around its peaks; 0 where there are none."""
    if peaks.size == 0:
        return 0.0
    moment, n = 0, 0
    for j in range(histogram.size):
        while n < peaks.size - 1 and j >= (peaks[n] + peaks[n + 1]) // 2:
            n += 1
        moment += histogram[j] * (j - peaks[n]) ** 2
    return peaks.size * moment * (np.pi / histogram.size) ** 2 / histogram.sum()


@njit(
    void(_LEVEL_IMAGE, UniTuple(int64, 2), uint16[:, ::1], _RULE, float64[:, :, ::1]), cache=True, nogil=True
)
def _fill(
    image: NDArray[np.uint8],
    shape: tuple[int, int],
    table: NDArray[np.uint16],
    rule: tuple[float, int, int],
    out: NDArray[np.float64],
) -> None:
    """The directionality of every cell; `shape`: bins, and weight of the middle row."""
    side = image.shape[0] // out.shape[0]
    cell = np.empty((side, side), dtype=np.uint8)
    planes = np.zeros((_PLANES, side * side), dtype=np.int32)
    histogram = np.empty(shape[0], dtype=np.int64)
    scratch = np.empty((2, shape[0]), dtype=np.int64)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            cell[:] = image[r * side : (r + 1) * side, c * side : (c + 1) * side]
            _histogram(cell, shape[1], table, planes, histogram)
            found = _find_peaks(histogram, rule, scratch)
            out[r, c, DIRECTIONALITY] = _spread(histogram, scratch[0, :found])
