"""Colours: those in which each channel of AIA is usually shown, and ramps for heat maps.

AIA's tables are those of SolarSoft's aia_lct.pro (K. Schrijver, 2010), as sunpy has them: made of the line,
the root, the square, a mixture of both, and the colours of IDL's table 3 ("red temperature").
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from images.domain import heatmap

Table = NDArray[np.uint8]
Floats = NDArray[np.float64]

_LEVELS = 256
_MOST = 255.0
#: Where the red, green and blue of IDL's table 3 begin to rise, and over how many levels they do.
_RED_TEMPERATURE = ((0, 176), (120, 135), (190, 65))
#: Green's colour scheme: start, rotations, hue and gamma of his default.
_START, _ROTATIONS, _HUE, _GAMMA = 0.5, -1.5, 1.0, 1.0


def aia_table(wave: int) -> Table:
    """The colours (256, 3) of the grey levels of an AIA channel. Raises KeyError for a wave without one."""
    line = np.arange(_LEVELS, dtype=np.float64)
    root, square = np.sqrt(line * _MOST), line**2 / _MOST
    mixed = (root + square / 2) / 1.5
    red, green, blue = (
        np.clip(np.floor((line - begin) * _MOST / rise), 0, _MOST) for begin, rise in _RED_TEMPERATURE
    )
    tables = {
        94: (square, mixed, line),
        131: (green, red, red),
        171: (red, line, blue),
        193: (root, line, square),
        211: (root, line, mixed),
        304: (red, green, blue),
        335: (square, line, root),
        1600: (mixed, mixed, square),
        1700: (root, line, line),
    }
    return np.stack(tables[wave], axis=-1).astype(np.uint8)


def _grey(shares: Floats) -> Floats:
    return np.repeat(shares[:, None], 3, axis=1)


def _cubehelix(shares: Floats) -> Floats:
    """D. A. Green 2011, Bull. Astr. Soc. India 39, 289: rises evenly, so it can be printed grey."""
    angle = 2 * np.pi * (_START / 3 + 1 + _ROTATIONS * shares)
    light = shares**_GAMMA
    away = _HUE * light * (1 - light) / 2
    weights = np.array([[-0.14861, 1.78277], [-0.29227, -0.90649], [1.97294, 0.0]])
    return light[:, None] + away[:, None] * (np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ weights.T)


def _levels_of(colours: Callable[[Floats], Floats]) -> Table:
    shares = np.linspace(0, 1, heatmap.TOP + 1)
    return np.rint(np.clip(colours(shares), 0, 1) * _MOST).astype(np.uint8)


#: The colour of each level of a heat map (229, 3) by the ramp's name; `heat` is the original service's.
RAMPS: Mapping[str, Table] = MappingProxyType(
    {"heat": heatmap.RAMP, "grey": _levels_of(_grey), "cubehelix": _levels_of(_cubehelix)}
)
