"""Whether an image can be trusted: the bits of its header's QUALITY, and flags of our own from its pixels.

QUALITY is a number of 32 bits (`BITS` names them; the rest is unused). Some are usually tolerated
(`TOLERATED`), among them bit 30, "quicklook", which every JP2 has: QUALITY == 0 would drop them all.

Our flags (`Flag`), each with the test that decides it:

ROTATED       not north-up by a quarter turn or two. First witness: the bright pixel that Helioviewer's
              scaling leaves near the bottom left corner, where it shows. Else the last good image before it
              of the same wave: if what remains of both grids of means without their average over the four
              quarter turns agrees after one turn, and clearly (`LIKE`, `CLEARLY`), that turn decides. Else
              the header's roll. So a turned image that none of them tells, the first after a gap, speaks
              against the upright ones after it for as long as it is looked for.
DARK          taken with closed shutter (IMG_TYPE, bit 16), or the disk is no brighter than `DARK_LEVEL`.
DUPLICATE     every pixel equals that of the image before it; in the database, of any one observed earlier.
INCOMPLETE    more than 1 % is missing: by bits 9 to 11, by MISSVALS, or because that part of the cells well
              inside the disk has no value or one grey level only (which no real one has, on either wave at
              hand).
MARKED        the bright pixel is there: cell (63, 0) holds it and not the sky.
"""

from enum import Flag as BaseFlag
from enum import auto
from hashlib import blake2b
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from images.domain.cells import centre_of
from images.domain.header import ImageFacts
from images.domain.settings import PARAMETERS
from images.domain.wcs import Wcs

Grey = NDArray[np.uint8]

#: What each bit of QUALITY says when it is set.
BITS = MappingProxyType(
    {
        0: "no flat field",
        1: "no orbit data",
        2: "no ancillary data",
        3: "no master pointing",
        4: "limb fit not acceptable",
        8: "values are missing",
        9: "more than 1 % of the values are missing",
        10: "more than 5 % of the values are missing",
        11: "more than 25 % of the values are missing",
        12: "not in science mode",
        13: "eclipse",
        14: "no Sun presence",
        15: "safe mode",
        16: "dark image",
        17: "image stabilisation loop open",
        18: "calibration image",
        19: "HMI calibration mode",
        20: "AIA focus out of range",
        21: "AIA register flag",
        30: "quicklook image",
        31: "image missing",
    }
)
#: Bits with which an image is still good.
TOLERATED = frozenset({0, 1, 2, 3, 4, 8, 30})

#: A correlation of this much, and by so much better than every other turn's, decides how an image is turned.
LIKE, CLEARLY = 0.5, 0.2
#: Mean grey level of the disk up to which an image is dark.
DARK_LEVEL = 2.0
#: The part of an image that may be missing.
MOST_MISSING = 0.01
#: Cells up to this part of the solar radius from the centre are well inside the disk.
WELL_INSIDE = 0.9
#: By how many grey levels the marker exceeds all pixels around it.
_MARKER_CONTRAST = 128

_DARK_BIT = 16
_MISSING_BITS = (9, 10, 11, 31)
_MEAN, _DEVIATION = PARAMETERS.index("mean"), PARAMETERS.index("standard_deviation")
_TOLERATED_MASK = sum(1 << bit for bit in TOLERATED)


class Flag(BaseFlag):
    """What we found wrong with an image; their names are stored, so they never change."""

    ROTATED = auto()
    DARK = auto()
    DUPLICATE = auto()
    INCOMPLETE = auto()
    MARKED = auto()

    @property
    def words(self) -> list[str]:
        """The raised ones by their names in lower case, as they are stored and told."""
        return [flag.name.lower() for flag in self if flag.name]


class Seen(NamedTuple):
    """What is remembered of an image to judge the next one of its wave."""

    means: NDArray[np.float32]
    fingerprint: str


def names_of(quality: int) -> tuple[str, ...]:
    """What the bits of `quality` say, from the lowest; an unused bit is called by its number."""
    return tuple(BITS.get(bit, f"bit {bit}") for bit in range(32) if quality >> bit & 1)


def is_tolerable(quality: int) -> bool:
    """Whether no bit is set but tolerated ones."""
    return not quality & ~_TOLERATED_MASK


def seen(pixels: Grey, values: NDArray[np.float32]) -> Seen:
    """What to remember of an image with these pixels and parameters (rows/64, columns/64, 10)."""
    return Seen(values[..., _MEAN], blake2b(np.ascontiguousarray(pixels).data, digest_size=16).hexdigest())


def flags_of(
    pixels: Grey,
    values: NDArray[np.float32],
    facts: ImageFacts,
    before: Seen | None = None,
    now: Seen | None = None,
) -> Flag:
    """Our flags of an image from its pixels, parameters (rows/64, columns/64, 10) and header.

    `before`: the last good image before it of the same wave, if there is one. `now`: its own `seen`, where
    the caller has that already.
    """
    now = now or seen(pixels, values)
    corner = marker_turn(pixels)
    turn = corner
    if turn is None and before is not None:
        turn = quarter_turn(now.means, before.means)
    turn = round(facts.wcs.roll / 90) % 4 if turn is None else turn
    inside = _inside(facts.wcs, now.means.shape)
    found = {
        Flag.ROTATED: turn != 0,
        Flag.DARK: _is_dark(now.means[inside], facts),
        Flag.DUPLICATE: before is not None and before.fingerprint == now.fingerprint,
        Flag.INCOMPLETE: _is_incomplete(values[inside], facts),
        Flag.MARKED: corner is not None,
    }
    flags = Flag(0)
    for flag, raised in found.items():
        flags |= flag if raised else Flag(0)
    return flags


def quarter_turn(means: NDArray[np.float32], upright: NDArray[np.float32]) -> int | None:
    """By how many quarter turns against the clock `means` is `upright` turned, 0 to 3; None if it is unlike.

    Both are square grids of cell means. The disk itself looks the same after every quarter turn, which is why
    only what distinguishes the turns is compared; missing cells count as being like all their turns.
    """
    if means.shape != upright.shape or means.shape[0] != means.shape[1]:
        return None
    ours, theirs = _distinctive(means), _distinctive(upright)
    power = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
    if power == 0:
        return None
    likeness = [float((ours * np.rot90(theirs, turn)).sum()) / power for turn in range(4)]
    best = int(np.argmax(likeness))
    rest = max(value for turn, value in enumerate(likeness) if turn != best)
    return best if likeness[best] >= LIKE and likeness[best] - rest >= CLEARLY else None


def marker_turn(pixels: Grey) -> int | None:
    """By how many quarter turns against the clock the corner's bright pixel has gone; None without it."""
    rows, columns = pixels.shape
    turns = (0, 1, 2, 3) if rows == columns else (0, 2)
    found = [turn for turn in turns if _has_marker(np.rot90(pixels, -turn))]
    return found[0] if len(found) == 1 else None


def _has_marker(pixels: Grey) -> bool:
    """Whether the pixel in the last row but one, first column, stands out from those around it."""
    around = np.concatenate([pixels[-3:, 1], pixels[[-3, -1], 0]])
    return int(pixels[-2, 0]) - int(around.max()) >= _MARKER_CONTRAST


def _distinctive(means: NDArray[np.float32]) -> NDArray[np.float64]:
    """A square grid without what is the same after every quarter turn; 0 where a turn has no value."""
    turns = np.stack([np.rot90(means.astype(np.float64), turn) for turn in range(4)])
    return np.nan_to_num(means - turns.mean(axis=0))


def _inside(wcs: Wcs, grid: tuple[int, ...]) -> NDArray[np.bool_]:
    """The cells whose centre is well inside the disk."""
    x, y = centre_of(*np.indices(grid))
    return np.hypot(x - wcs.centre[0], y - wcs.centre[1]) <= WELL_INSIDE * wcs.radius


def _is_dark(means: NDArray[np.float32], facts: ImageFacts) -> bool:
    known = means[np.isfinite(means)]
    closed = facts.image_type == "DARK" or bool(facts.quality >> _DARK_BIT & 1)
    return closed or bool(known.size and known.mean() <= DARK_LEVEL)


def _is_incomplete(values: NDArray[np.float32], facts: ImageFacts) -> bool:
    """By header, or by the cells (n, 10) that lie well inside the disk."""
    if facts.missing_share > MOST_MISSING or any(facts.quality >> bit & 1 for bit in _MISSING_BITS):
        return True
    # Not-a-number is not greater than 0 either.
    return bool(len(values) and np.mean(~(values[:, _DEVIATION] > 0)) > MOST_MISSING)
