"""One image as the readers hand it over: its pixels, what they miss, and the keys of its header."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A header's values as its file gives them: text from a JP2's XML, typed values from FITS.
Header = Mapping[str, str | float | int | bool]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An 8-bit image, array row 0 in the north.

    `pixels`: (rows, columns) grey levels. `missing`: the pixels without data, of the same shape, or None
    where the format has no word for them. `header`: FITS keys in upper case.
    """

    pixels: NDArray[np.uint8]
    header: Header
    missing: NDArray[np.bool_] | None = None
