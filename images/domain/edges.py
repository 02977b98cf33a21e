"""Fractal dimension of a cell: Canny's edges, counted in boxes of several sizes.

The rule, for one cell g of 64 x 64 pixels and never across cells:

1. **Kernels.** G(t) = exp(-t^2 / 2 sigma^2); w taps are kept, k = 0 .. w-1, up to the first k >= 2 with
   G(k) <= 0.005 (sigma 2: w = 7). Smoothing S_k = (G(k) + G(k-0.5) + G(k+0.5)) / 3 / (2 pi sigma^2),
   derivative D_k = G(k+0.5) - G(k-0.5). They do not sum to 1, and the thresholds are meant for that.
2. **Smoothing** in one direction each, for w-1 <= x, y <= 64-w: A along x, B along y; 0 outside, or, with the
   border "mirror", everywhere, the cell being continued by its reflection (the edge pixel is not repeated).
3. **Gradient.** gx = sum D_k (B(x-k) - B(x+k)) on the same area, gy = sum D_k (A(y-k) - A(y+k)) on its rows
   and on the columns w .. 63-w; M = sqrt(gx^2 + gy^2). With the border "reference" the sums reach into the
   zeros of step 2: bright cells get a false gradient there, which is part of the definition.
4. **Thinning** on w .. 63-w: a pixel stays where its gradient is the largest across the edge, compared with
   two interpolated neighbours (`_stands_out`). Strength: the integer part of 100 M, at most 100,000.
5. **Hysteresis.** From every pixel of at least the high threshold, in reading order, one walk along unmarked
   neighbours of at least the low one. It never branches and never comes back.
6. **Boxes** of 16, 8, 4, 2 pixels from the top left that hold a marked pixel; the dimension is the absolute
   slope of the least squares of ln(count) on ln(size), 0 where a count is 0.

Canny 1986, IEEE PAMI 8, 679; the particulars are those of the authors of ApJS 243, 18 (2019).
"""

from typing import NamedTuple

import numpy as np
from numba import boolean, float64, int32, int64, njit, void
from numba.core.types import UniTuple
from numpy.typing import NDArray

from images.domain.settings import CELL, ParameterSettings

#: Where `fill` puts its parameter in the API's order.
DIMENSION = 3
#: Sizes of boxes: twice the root of the cell's side, then halves.
BOXES = (16, 8, 4, 2)
#: A tap this small ends the kernel.
_LEAST_TAP = 0.005
#: Strengths are whole numbers, in hundredths of the gradient.
_STRENGTH = 100.0
_MOST_STRENGTH = 100_000
_LOG_BOXES = np.log(np.array(BOXES, dtype=np.float64))
# Room for the flat cells A, B, gx, gy and M.
_PLANES = 5


class _Kernel(NamedTuple):
    """Step 1: taps (2, w), smoothing and derivative; the rule (low, high, mirror), thresholds in 1/100."""

    taps: NDArray[np.float64]
    rule: tuple[int, int, int]


def fill(image: NDArray[np.uint8], settings: ParameterSettings, out: NDArray[np.float64]) -> None:
    """Write the fractal dimension of every cell of `image` into `out` (rows/64, cols/64, 10), float64."""
    kernel = _kernel(settings)
    for r in range(out.shape[0]):
        strip = image[r * CELL : (r + 1) * CELL].astype(np.float64)
        _fill_strip(strip, kernel.taps, kernel.rule, _LOG_BOXES, out[r, :, DIMENSION])


def marked(cell: NDArray[np.uint8], settings: ParameterSettings) -> NDArray[np.bool_]:
    """The pixels of one cell (64, 64) that lie on an edge: steps 1 to 5.

    The tests' window into the compiled code, as are `box_counts` and `dimension`.
    """
    kernel = _kernel(settings)
    found = np.zeros((2, CELL, CELL), dtype=np.int32)
    planes = np.zeros((_PLANES, CELL * CELL), dtype=np.float64)
    _mark(np.array(cell, dtype=np.float64, order="C"), kernel.taps, kernel.rule, planes, found)
    return found[1].astype(np.bool_)


def box_counts(marks: NDArray[np.bool_]) -> tuple[int, ...]:
    """How many boxes of each of `BOXES` hold a marked pixel of one cell (64, 64)."""
    counts = np.zeros(len(BOXES), dtype=np.int64)
    _count_boxes(marks.astype(np.int32), counts)
    return tuple(counts.tolist())


def dimension(marks: NDArray[np.bool_]) -> float:
    """The fractal dimension of the marked pixels of one cell (64, 64): step 6."""
    return float(_slope(np.array(box_counts(marks), dtype=np.int64), _LOG_BOXES))


def _kernel(settings: ParameterSettings) -> _Kernel:
    sigma = settings.canny_sigma

    def gauss(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-(t**2) / (2 * sigma**2))

    k = np.arange(settings.canny_width, dtype=np.float64)
    ends = np.flatnonzero((k >= 2) & (gauss(k) <= _LEAST_TAP))
    k = k[: ends[0]] if ends.size else k
    smooth = (gauss(k) + gauss(k - 0.5) + gauss(k + 0.5)) / 3 / (2 * np.pi * sigma**2)
    low, high = (round(_STRENGTH * bound) for bound in (settings.canny_low, settings.canny_high))
    taps = np.stack([smooth, gauss(k + 0.5) - gauss(k - 0.5)])
    return _Kernel(taps, (low, high, int(settings.canny_border == "mirror")))


_LINE = float64[::1]
_PLANE = float64[:, ::1]
_RULE = UniTuple(int64, 3)


@njit(void(_PLANE, _LINE, _PLANE), cache=True, nogil=True)
def _smooth(cell: NDArray[np.float64], taps: NDArray[np.float64], planes: NDArray[np.float64]) -> None:
    """Step 2 with the border "reference": A and B, flat, into the first two of `planes`."""
    side, w = cell.shape[0], taps.size
    along_x, along_y, flat = planes[0], planes[1], cell.reshape(-1)
    planes[:2] = 0.0
    # The rows of the area as one line: what runs over from row to row is overwritten with 0 below.
    begin, end = (w - 1) * side + w - 1, (side - w) * side + side - w + 1
    a, b = along_x[begin:end], along_y[begin:end]
    a[:] = taps[0] * flat[begin:end]
    b[:] = a
    for k in range(1, w):
        tap = taps[k]
        left, right = flat[begin - k : end - k], flat[begin + k : end + k]
        above, below = flat[begin - k * side : end - k * side], flat[begin + k * side : end + k * side]
        for i in range(a.size):
            a[i] += tap * (left[i] + right[i])
            b[i] += tap * (above[i] + below[i])
    for y in range(w - 1, side - w + 1):
        planes[:2, y * side : y * side + w - 1] = 0.0
        planes[:2, y * side + side - w + 1 : (y + 1) * side] = 0.0


@njit(void(_PLANE, _LINE, _PLANE), cache=True, nogil=True)
def _smooth_mirrored(
    cell: NDArray[np.float64], taps: NDArray[np.float64], planes: NDArray[np.float64]
) -> None:
    """Step 2 with the border "mirror": A and B of the whole cell."""
    side = cell.shape[0]
    last = side - 1
    for y in range(side):
        for x in range(side):
            a, b = taps[0] * cell[y, x], taps[0] * cell[y, x]
            for k in range(1, taps.size):
                a += taps[k] * (cell[y, abs(x - k)] + cell[y, last - abs(last - x - k)])
                b += taps[k] * (cell[abs(y - k), x] + cell[last - abs(last - y - k), x])
            planes[0, y * side + x], planes[1, y * side + x] = a, b


@njit(float64(_PLANE, _LINE, int64), cache=True, nogil=True)
def _gradient(planes: NDArray[np.float64], taps: NDArray[np.float64], side: int) -> float:
    """Step 3: gx, gy and M from A and B, all rows of `planes`; the largest M of the area that is thinned."""
    w = taps.size
    along_x, along_y, gx, gy, size = planes[0], planes[1], planes[2], planes[3], planes[4]
    planes[2:4] = 0.0
    begin, end = (w - 1) * side + w - 1, (side - w) * side + side - w + 1
    a, b = gx[begin:end], gy[begin:end]
    for k in range(1, w):
        tap = taps[k]
        left, right = along_y[begin - k : end - k], along_y[begin + k : end + k]
        above, below = along_x[begin - k * side : end - k * side], along_x[begin + k * side : end + k * side]
        for i in range(a.size):
            a[i] += tap * (left[i] - right[i])
            b[i] += tap * (above[i] - below[i])
    for y in range(w - 1, side - w + 1):
        row = y * side
        gx[row : row + w - 1] = 0.0
        gx[row + side - w + 1 : row + side] = 0.0
        gy[row : row + w] = 0.0
        gy[row + side - w : row + side] = 0.0
    for i in range(size.size):
        size[i] = np.sqrt(gx[i] * gx[i] + gy[i] * gy[i])
    most = 0.0
    for y in range(w, side - w):
        for i in range(y * side + w, y * side + side - w):
            most = max(most, size[i])
    return most


@njit(boolean(_LINE, float64, float64, int64, int64), cache=True, nogil=True)
def _stands_out(size: NDArray[np.float64], gx: float, gy: float, i: int, side: int) -> bool:
    """Step 4: whether pixel `i` (flat) exceeds what lies before and behind it across the edge.

    Each side is interpolated between a diagonal neighbour and one along the larger component: northeast and
    east or north where gx gy <= 0, southeast and east or south otherwise, and their opposites. A tie with the
    first side keeps the pixel, with the second drops it.
    """
    wide, tall = abs(gx), abs(gy)
    diagonal = 1 - side if gx * gy <= 0 else 1 + side
    straight = 1 if wide >= tall else diagonal - 1
    large, small = max(wide, tall), min(wide, tall)
    first = small * size[i + diagonal] + (large - small) * size[i + straight]
    second = small * size[i - diagonal] + (large - small) * size[i - straight]
    return large * size[i] >= first and large * size[i] > second


@njit(void(int32[:, :, ::1], int64, int64), cache=True, nogil=True)
def _walk(found: NDArray[np.int32], low: int, high: int) -> None:
    """Step 5: marks into `found[1]` from the strengths in `found[0]`.

    Strengths at the cell's border are 0, so that no walk leaves the cell.
    """
    strengths, marks = found[0], found[1]
    marks[:] = 0
    for start_y in range(marks.shape[0]):
        for start_x in range(marks.shape[1]):
            if marks[start_y, start_x] or strengths[start_y, start_x] < high:
                continue
            y, x, walking = start_y, start_x, True
            while walking:
                marks[y, x] = 1
                walking = False
                for place in range(9):  # column by column; the middle one is marked already
                    next_y, next_x = y - 1 + place % 3, x - 1 + place // 3
                    if not marks[next_y, next_x] and strengths[next_y, next_x] >= low:
                        y, x, walking = next_y, next_x, True
                        break


@njit(boolean(_PLANE, _PLANE, _RULE, _PLANE, int32[:, :, ::1]), cache=True, nogil=True)
def _mark(
    cell: NDArray[np.float64],
    taps: NDArray[np.float64],
    rule: tuple[int, int, int],
    planes: NDArray[np.float64],
    found: NDArray[np.int32],
) -> bool:
    """Steps 2 to 5: strengths and marks into `found` (2, 64, 64).

    False, and `found` as it was, where nothing reaches the high threshold.
    """
    side, w = cell.shape[0], taps.shape[1]
    low, high, mirror = rule
    if mirror:
        _smooth_mirrored(cell, taps[0], planes)
    else:
        _smooth(cell, taps[0], planes)
    if _STRENGTH * _gradient(planes, taps[1], side) < high:
        return False
    gx, gy, size = planes[2], planes[3], planes[4]
    found[0] = 0
    for y in range(w, side - w):
        for x in range(w, side - w):
            i = y * side + x
            # Weaker pixels are never part of a walk, so they need no thinning.
            if _STRENGTH * size[i] >= low and _stands_out(size, gx[i], gy[i], i, side):
                found[0, y, x] = min(int(_STRENGTH * size[i]), _MOST_STRENGTH)
    _walk(found, low, high)
    return True


@njit(void(int32[:, ::1], int64[::1]), cache=True, nogil=True)
def _count_boxes(marks: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
    """Step 6, the counting: boxes of 16, 8, 4 and 2 pixels that hold a mark."""
    seen = np.zeros((4, 32, 32), dtype=np.uint8)
    counts[:] = 0
    for y in range(marks.shape[0]):
        for x in range(marks.shape[1]):
            if marks[y, x]:
                for n in range(4):
                    row, column = y >> (4 - n), x >> (4 - n)
                    counts[n] += 1 - seen[n, row, column]
                    seen[n, row, column] = 1


@njit(float64(int64[::1], _LINE), cache=True, nogil=True)
def _slope(counts: NDArray[np.int64], sizes: NDArray[np.float64]) -> float:
    """Step 6, the least squares: `sizes` are the logarithms of the boxes' sizes."""
    middle = sizes.mean()
    slope, spread = 0.0, 0.0
    for n in range(sizes.size):
        if counts[n] == 0:
            return 0.0
        # The ratio to the first count, so that equal counts have a slope of exactly 0.
        slope += (sizes[n] - middle) * np.log(counts[n] / counts[0])
        spread += (sizes[n] - middle) ** 2
    return abs(slope / spread)


@njit(void(_PLANE, _PLANE, _RULE, _LINE, float64[:]), cache=True, nogil=True)
def _fill_strip(
    strip: NDArray[np.float64],
    taps: NDArray[np.float64],
    rule: tuple[int, int, int],
    sizes: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """The dimensions of one row of cells."""
    side = strip.shape[0]
    cell = np.empty((side, side), dtype=np.float64)
    planes = np.zeros((_PLANES, side * side), dtype=np.float64)
    found = np.zeros((2, side, side), dtype=np.int32)
    counts = np.zeros(sizes.size, dtype=np.int64)
    for c in range(out.size):
        cell[:] = strip[:, c * side : (c + 1) * side]
        out[c] = 0.0
        if _mark(cell, taps, rule, planes, found):
            _count_boxes(found[1], counts)
            out[c] = _slope(counts, sizes)
