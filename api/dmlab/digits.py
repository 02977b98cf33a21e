"""The digits of a frame's text: compiled loops, for `api.dmlab.cells`."""

import numpy as np
from numba import float32, int64, njit, uint8
from numpy.typing import NDArray

from api.dmlab.cells import COLUMN, ROW

#: Values from here on count as no numbers: six times what the contrast of 8-bit pixels can reach (1.63e12,
#: where the kurtosis is 0), and small enough that with four decimals they are whole numbers of 64 bits.
MOST = 1e13
_SCALE = 10_000  # four decimals


@njit(int64(uint8[::1], int64, int64), cache=True, nogil=True)
def _write_whole(out: NDArray[np.uint8], at: int, value: int) -> int:
    """A whole number of 0 or more, from place `at` on; the place after it."""
    end = at + 1
    rest = value // 10
    while rest:
        end += 1
        rest //= 10
    for place in range(end - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return end


@njit(int64(uint8[::1], int64, float32, uint8[::1]), cache=True, nogil=True)
def _write_value(out: NDArray[np.uint8], at: int, value: float, null: NDArray[np.uint8]) -> int:
    """A value with up to four decimals and at least one; the place after it.

    A float32 times 10000 is exact in double precision (24 + 10 significant bits), so that rounding it to even
    is what Python's `format(value, ".4f")` does.
    """
    if not abs(value) < MOST:
        out[at : at + null.size] = null
        return at + null.size
    scaled = int(np.rint(np.float64(value) * _SCALE))
    if scaled < 0:
        out[at] = 45  # -
        at, scaled = at + 1, -scaled
    at = _write_whole(out, at, scaled // _SCALE)
    out[at] = 46  # .
    rest, unit = scaled % _SCALE, _SCALE // 10
    while True:
        at += 1
        out[at] = 48 + rest // unit
        rest %= unit
        unit //= 10
        if rest == 0:
            return at + 1


@njit(
    int64(float32[:, :, ::1], uint8[::1], int64[::1], int64[::1], uint8[::1]),
    cache=True,
    nogil=True,
)
def write(
    frame: NDArray[np.float32],
    literals: NDArray[np.uint8],
    ends: NDArray[np.int64],
    numbers: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """All cells of `frame` into `out`; how many bytes they took. The other three are those of a Form."""
    null = literals[ends[-1] :]
    at = 0
    for x in range(frame.shape[1]):
        for y in range(frame.shape[0]):
            begin = 0
            for part in range(ends.size):
                for place in range(begin, ends[part]):
                    out[at] = literals[place]
                    at += 1
                begin = ends[part]
                if part == numbers.size:
                    break
                number = numbers[part]
                if number == COLUMN:
                    at = _write_whole(out, at, x)
                elif number == ROW:
                    at = _write_whole(out, at, y)
                else:
                    at = _write_value(out, at, frame[y, x, number], null)
    return at
