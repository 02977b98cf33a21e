"""What is asked of the images: which one answers a time, and which ones a list holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from images.domain.slots import WAVES

#: How far from the asked time an image may be, unless the question says otherwise.
TOLERANCE = timedelta(minutes=10)


class Match(StrEnum):
    """Which image of one wavelength answers a time t.

    next      the slot that contains t, else the next filled one that starts at most the tolerance after t;
              this is the old service's rule, and the image may have been observed before t, within its slot
    previous  the last image observed at or before t, at most the tolerance before it
    nearest   the image observed nearest to t, at most the tolerance away; of two, the earlier
    """

    NEXT = "next"
    NEAREST = "nearest"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class ImageCriteria:
    """Images observed in [start, end), of these wavelengths, without these bits and flags.

    `unwanted_quality`: an image with any of these bits of QUALITY set is left out; so is one with any of
    `unwanted_flags` (ours, `images.domain.quality`). `wanted_flags`: it must have one of them, if there are
    any. `after`: only what stands behind this (observed, wave) in the list. Raises ValueError for a window
    that ends before it starts.
    """

    start: datetime
    end: datetime
    waves: tuple[int, ...] = WAVES
    unwanted_quality: int = 0
    unwanted_flags: frozenset[str] = frozenset()
    wanted_flags: frozenset[str] = frozenset()
    after: tuple[datetime, int] | None = None

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("the window ends before it starts")
