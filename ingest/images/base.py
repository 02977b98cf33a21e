"""What every source of images gives, whatever it reads from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from events.domain.criteria import TimeWindow


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be fetched: its address or path, and its place where that is known beforehand.

    `alternatives`: addresses of others of the same place, to be tried in this order where this is no good.
    """

    origin: str
    wave: int | None = None
    slot: int | None = None
    alternatives: tuple[str, ...] = ()

    def candidates(self) -> Iterator[Self]:
        """The item itself, then the others, each without alternatives."""
        for origin in (self.origin, *self.alternatives):
            yield replace(self, origin=origin, alternatives=())


class ImageSource(Protocol):
    """One place images come from. A run (ingest.models.ImageRun) names wavelengths and a window, or paths."""

    name: str
    #: How often a file that ends too early is fetched before that is believed.
    attempts: int

    def items(self, waves: Sequence[int], window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """The images of `waves` (none: all) that a run is about, each wavelength in order of time.

        Raises SourceError.
        """
        ...

    def fetch(self, item: Item) -> bytes:
        """The bytes of an image's file. Raises SourceError, permanent where only this one cannot be had."""
        ...
