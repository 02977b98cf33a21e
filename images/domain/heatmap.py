"""A parameter over the grid as a picture: black, red, yellow, white, scaled to the image's own values.

Level L = 228 (p - min) / (max - min) over the finite cells, rounded; R rises by 2.5 a level, then G, then B
by 10. Measured on pictures of the original service, whose cells are flat squares and whose brightest colour
is that of level 228. A cell without a value is black, as is a constant plane.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The highest level; there are one more.
TOP = 228
#: Levels at which green and blue begin to rise: 255 / 2.5 levels a colour.
_GREEN, _BLUE = 102, 204
_STEEP = (2.5, 2.5, 10.0)


class Mark(NamedTuple):
    """One mark of a legend: a value of the parameter, and its level, of which the colour follows."""

    value: float
    level: int


#: The colour of every level, (229, 3).
RAMP: NDArray[np.uint8] = np.stack(
    [
        np.clip(steep * (np.arange(TOP + 1) - begin), 0, 255)
        for steep, begin in zip(_STEEP, (0, _GREEN, _BLUE), strict=True)
    ],
    axis=-1,
).astype(np.uint8)


def levels(plane: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The level (0 to 228) of every cell of one parameter's plane, of the same shape."""
    low, high = _bounds(plane)
    if not high > low:  # constant, or without any value
        return np.zeros(plane.shape, dtype=np.uint8)
    known = np.where(np.isfinite(plane), plane, low).astype(np.float64)
    return np.rint(TOP * (known - low) / (high - low)).astype(np.uint8)


def picture(plane: NDArray[np.floating], size: int, colours: NDArray[np.uint8] = RAMP) -> NDArray[np.uint8]:
    """The heat map of a plane (rows, columns) in RGB, `size` pixels a row, every cell a flat square.

    (size * rows / columns, size, 3), row 0 at the top; `colours`: that of every level, (229, 3). Raises
    ValueError where `size` is no multiple of the number of columns.
    """
    each, rest = divmod(size, plane.shape[1])
    if rest or each < 1:
        raise ValueError(f"{size} pixels cannot be shared by {plane.shape[1]} cells")
    coloured = colours[levels(plane)]
    return np.repeat(np.repeat(coloured, each, axis=0), each, axis=1)


def legend(plane: NDArray[np.floating], marks: int = 5) -> tuple[Mark, ...]:
    """What the colours of this plane's heat map stand for: evenly spaced values, rising.

    One mark for a constant plane, none for a plane without values. Raises ValueError for fewer than two
    marks.
    """
    if marks < 2:
        raise ValueError("a legend has two marks at least")
    low, high = _bounds(plane)
    if not np.isfinite(low):
        return ()
    if high <= low:
        return (Mark(low, 0),)
    shares = np.linspace(0, 1, marks)
    return tuple(Mark(float(low + share * (high - low)), round(TOP * share)) for share in shares)


def _bounds(plane: NDArray[np.floating]) -> tuple[float, float]:
    finite = plane[np.isfinite(plane)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.nan, np.nan)
