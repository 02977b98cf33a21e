"""The eight parameters that need only the pixels' values: all but fractal dimension and directionality.

For one cell with pixels x_1..x_n, mean m, standard deviation s (n - 1), p_i the share of pixels in bin i:

entropy              - sum p_i log2(p_i + 1e-32), bits
mean                 sum x / n
standard deviation   s
skewness             n / ((n-1)(n-2)) sum ((x-m)/s)^3
kurtosis             K, the unbiased excess: n(n+1)/((n-1)(n-2)(n-3)) sum ((x-m)/s)^4 - 3(n-1)^2/((n-2)(n-3))
uniformity           sum p_i^2
relative smoothness  1 - 1/(1 + s^2), s^2 in squared grey levels
Tamura contrast      s^2 / (K + 1e-32)^0.25; 0 where K < 0

Skewness and kurtosis of a constant cell are 0. Source: Ahmadzadeh et al. 2019, ApJS 243, 18, in the form of
its authors' published code; the excess kurtosis under the root (textbooks take the 4th moment) is theirs.

**Bins** are equal parts of the format's range, not of the cell's: a value on an inner edge belongs to the bin
on its right, the last bin has both its edges, and what lies outside is in no bin but still counts in n.
"""

import numpy as np
from numba import float64, int64, njit, uint8, void
from numba.core.types import Array, UniTuple
from numpy.typing import NDArray

from images.domain.settings import CELL, ParameterSettings

#: Where `fill` puts its parameters in the API's order.
ENTROPY, MEAN, DEVIATION, SKEWNESS, KURTOSIS, UNIFORMITY, SMOOTHNESS, CONTRAST = 0, 1, 2, 4, 5, 6, 7, 8
#: Keeps logarithms and roots away from 0, as in the definitions above.
TINY = 1e-32
_LEVELS = 256
# Equal levels follow each other in quiet cells; counting them in turn in several histograms keeps one
# increment from waiting for the last.
_LANES = 4

# Images may be read-only, as decoders give them.
_LEVEL_IMAGE = Array(uint8, 2, "C", readonly=True)


def fill(image: NDArray[np.uint8], settings: ParameterSettings, out: NDArray[np.float64]) -> None:
    """Write the eight parameters of every cell of `image` into `out` (rows/64, cols/64, 10), float64.

    `image` is C-contiguous.
    """
    shares = np.arange(CELL * CELL + 1) / (CELL * CELL)
    surprise = shares * np.log2(shares + TINY)
    _fill(image, _bin_of_level(settings), surprise, settings.bins, out)


def _bin_of_level(settings: ParameterSettings) -> NDArray[np.int64]:
    """The bin of each of the 256 grey levels; -1 for those outside the range."""
    levels = np.arange(_LEVELS, dtype=np.float64)
    width = settings.highest - settings.lowest
    # Multiplied before divided, so that a level on an edge comes out as a whole number.
    bins = np.floor((levels - settings.lowest) * settings.bins / width).astype(np.int64)
    inside = (levels >= settings.lowest) & (levels <= settings.highest)
    return np.where(inside, np.minimum(bins, settings.bins - 1), -1)


@njit(UniTuple(float64, 5)(float64, float64, float64, float64), cache=True, nogil=True, error_model="numpy")
def _shape(n: float, second: float, third: float, fourth: float) -> tuple[float, ...]:
    """(s, skewness, kurtosis, smoothness, contrast) from n and the sums of powers of x - m."""
    if second <= 0:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    variance = second / (n - 1)
    s = np.sqrt(variance)
    skewness = n / ((n - 1) * (n - 2)) * third / (variance * s)
    kurtosis = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth / (variance * variance)
    kurtosis -= 3 * (n - 1) * (n - 1) / ((n - 2) * (n - 3))
    contrast = variance / (kurtosis + TINY) ** 0.25 if kurtosis >= 0 else 0.0
    return s, skewness, kurtosis, 1 - 1 / (1 + variance), contrast


@njit(UniTuple(float64, 2)(int64[::1], float64[::1]), cache=True, nogil=True)
def _spread(bins: NDArray[np.int64], surprise: NDArray[np.float64]) -> tuple[float, float]:
    """(entropy, uniformity) of the numbers of pixels in `bins`; `surprise` has p log2(p) for each number."""
    entropy, squares = 0.0, 0
    for i in range(bins.size):
        entropy -= surprise[bins[i]]
        squares += bins[i] * bins[i]
    return entropy + 0.0, squares / float(surprise.size - 1) ** 2


@njit(void(uint8[:, ::1], int64[:, ::1], int64), cache=True, nogil=True)
def _count(tile: NDArray[np.uint8], lanes: NDArray[np.int64], columns: int) -> None:
    """The histogram of the first `columns` columns of `tile`, spread over the rows of `lanes`."""
    lanes[:] = 0
    for y in range(tile.shape[0]):
        row = tile[y]
        for x in range(0, columns, _LANES):
            lanes[0, row[x]] += 1
            lanes[1, row[x + 1]] += 1
            lanes[2, row[x + 2]] += 1
            lanes[3, row[x + 3]] += 1


@njit(void(_LEVEL_IMAGE, int64[::1], float64[::1], int64, float64[:, :, ::1]), cache=True, nogil=True)
def _fill(
    image: NDArray[np.uint8],
    bin_of_level: NDArray[np.int64],
    surprise: NDArray[np.float64],
    n_bins: int,
    out: NDArray[np.float64],
) -> None:
    """Everything follows from the numbers of pixels of each of the 256 levels."""
    lanes = np.zeros((_LANES, _LEVELS), dtype=np.int64)
    bins = np.zeros(n_bins, dtype=np.int64)
    cell = image.shape[0] // out.shape[0]
    n = float(cell * cell)
    tile = np.empty((cell, cell), dtype=np.uint8)
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            for y in range(cell):
                tile[y] = image[r * cell + y, c * cell : (c + 1) * cell]
            _count(tile, lanes, cell)
            bins[:] = 0
            total = 0
            for level in range(_LEVELS):
                count = lanes[0, level] + lanes[1, level] + lanes[2, level] + lanes[3, level]
                lanes[0, level] = count
                total += level * count
                if bin_of_level[level] >= 0:
                    bins[bin_of_level[level]] += count
            mean = total / n
            second, third, fourth = 0.0, 0.0, 0.0
            for level in range(_LEVELS):
                count, away = lanes[0, level], level - mean
                square = away * away
                second += count * square
                third += count * square * away
                fourth += count * square * square
            cells = out[r, c]
            cells[MEAN] = mean
            cells[ENTROPY], cells[UNIFORMITY] = _spread(bins, surprise)
            shape = _shape(n, second, third, fourth)
            cells[DEVIATION], cells[SKEWNESS], cells[KURTOSIS] = shape[0], shape[1], shape[2]
            cells[SMOOTHNESS], cells[CONTRAST] = shape[3], shape[4]
