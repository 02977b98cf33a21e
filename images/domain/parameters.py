"""The ten image parameters of every cell of an image, in the order of the API (`settings.PARAMETERS`).

Three passes over the image, one for each kind of parameter: `statistics`, `edges` and `directionality` say by
what rules. Importing this module loads compiled code; the first import on a machine compiles it (about 12
seconds of one core) into numba's cache, beside the sources or in NUMBA_CACHE_DIR.
"""

import numpy as np
from numpy.typing import NDArray

from images.domain import directionality, edges, statistics
from images.domain.settings import CELL, PARAMETERS, ParameterSettings


class WrongShapeError(ValueError):
    """The image cannot be cut into whole cells."""


def check_shape(rows: int, columns: int) -> None:
    """Raise WrongShapeError unless an image of this size has whole cells only; nothing is ever padded."""
    if not (rows and columns) or rows % CELL or columns % CELL:
        raise WrongShapeError(f"{rows} x {columns} pixels cannot be cut into cells of {CELL} x {CELL}")


def parameters(
    image: NDArray[np.uint8],
    settings: ParameterSettings,
    missing: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """The parameters of `image` (rows, columns), row 0 in the north: (rows/64, columns/64, 10), float32.

    `missing` marks pixels without data: **a cell with any of them is NaN** in all ten, since no rule says
    what a neighbourhood with holes is; a number, 0 included, always stands for a whole cell.
    Compiled code on one core; other threads run meanwhile.
    Raises WrongShapeError where the image has no whole number of cells, TypeError for other kinds of pixels.
    """
    if image.ndim != 2 or (missing is not None and missing.shape != image.shape):
        raise WrongShapeError("an image has two dimensions, and so has what it misses")
    check_shape(*image.shape)
    if image.dtype != np.uint8:
        raise TypeError(f"pixels are uint8, not {image.dtype}")
    image = np.ascontiguousarray(image)
    out = np.empty((image.shape[0] // CELL, image.shape[1] // CELL, len(PARAMETERS)), dtype=np.float64)
    for kind in (statistics, edges, directionality):
        kind.fill(image, settings, out)
    if missing is not None:
        out[_any_in_cell(missing)] = np.nan
    return out.astype(np.float32)


def _any_in_cell(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which cells hold a marked pixel."""
    rows, columns = marks.shape
    return np.asarray(marks.reshape(rows // CELL, CELL, columns // CELL, CELL).any(axis=(1, 3)))
