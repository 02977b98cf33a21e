"""What every source of images gives, whatever it reads from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from events.domain.criteria import TimeWindow


@dataclass(frozen=True, slots=True)
class Item:
    """One image to be fetched: its address or path, and its place where that is known beforehand."""

    origin: str
    wave: int | None = None
    slot: int | None = None


class ImageSource(Protocol):
    """One place images come from. A run (ingest.models.ImageRun) names a wavelength and window, or paths."""

    name: str

    def items(self, wave: int | None, window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """The images that a run is about, in order of time where that is known. Raises SourceError."""
        ...

    def fetch(self, item: Item) -> bytes:
        """The bytes of an image's file. Raises SourceError, permanent where only this one cannot be had."""
        ...
