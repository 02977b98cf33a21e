"""GOES classes as numbers.

A class is the peak soft X-ray flux (1-8 angstrom) in W/m2: a letter for the decade, a factor after it
(NOAA/SWPC). As text "X10" sorts before "X2"; as a flux it does not.
"""

import math
import re

_DECADES = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
_CLASS = re.compile(r"\s*([ABCMX])\s*([0-9]+\.?[0-9]*|\.[0-9]+)?\s*", re.IGNORECASE)


def goes_flux(goes_class: str) -> float | None:
    """Peak flux in W/m2 of a GOES class, or None where the text is not one.

    A bare letter is the lower end of its decade (X = X1.0). "X15." and "M1" occur in real records.
    """
    match = _CLASS.fullmatch(goes_class)
    if match is None:
        return None
    letter, factor = match.groups()
    flux = float(factor or 1) * _DECADES[letter.upper()]
    if not math.isfinite(flux):
        return None
    return float(f"{flux:.12g}")  # 5.6 * 1e-6 would otherwise differ from 5.6e-6 in the last digit
