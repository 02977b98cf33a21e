"""Grey levels of physical intensities, as Helioviewer scales its JP2 of AIA.

Level-1.5 counts are divided by the exposure (DN/s), clipped to a range that each wavelength has, taken
through a function and stretched so that the range's ends become 0 and 255. Source: Helioviewer's jp2gen, the
settings of version 5 (those of the JP2 that it serves for 2013 to 2024), and for the stretch IDL's BYTSCL.
The degradation of the instrument over the years is not corrected, there as here.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TOP = 255
# IDL's BYTSCL multiplies by 255.9999 and cuts off, so that only the very top becomes 255.
_STRETCH = _TOP + 0.9999


class _Scale(NamedTuple):
    """Range of the intensity, DN/s, and what is stretched in place of it."""

    lowest: float
    highest: float
    function: Callable[[Floats], Floats]


def _root_above_5(intensity: Floats) -> Floats:
    return np.sqrt(np.maximum(intensity - 5, 0.1))


# 171 is clipped after its root, to 1..40: intensities of 6 to 1605.
_SCALES = MappingProxyType(
    {
        94: _Scale(0.1, 30, np.log10),
        131: _Scale(0.7, 500, np.log10),
        171: _Scale(6, 1605, _root_above_5),
        193: _Scale(20, 2500, np.log10),
        211: _Scale(7, 1500, np.log10),
        304: _Scale(0.8, 250, np.log10),
        335: _Scale(0.4, 80, np.log10),
        1600: _Scale(20, 400, np.log10),
        1700: _Scale(220, 5000, np.sqrt),
    }
)


def grey_levels(counts: Floats, exposure: float, wave: int) -> NDArray[np.uint8]:
    """The 8-bit image of `counts` (DN, any shape) exposed for `exposure` seconds, at `wave` (angstrom).

    What is not a number becomes 0. Raises KeyError for another wavelength, ValueError for an exposure that is
    not positive.
    """
    if not exposure > 0:
        raise ValueError(f"an exposure of {exposure} s")
    scale = _SCALES[wave]
    known = np.nan_to_num(counts / exposure, nan=scale.lowest)
    low, high = scale.function(np.array([scale.lowest, scale.highest]))
    value = scale.function(np.clip(known, scale.lowest, scale.highest))
    stretched = np.floor(_STRETCH * (value - low) / (high - low))
    return np.clip(stretched, 0, _TOP).astype(np.uint8)
