"""What every source of events gives, whatever it reads from.

A source is asked for a window and yields pages, raw; a page is parsed into flat records with HEK's keys.
The two steps are apart so that each is tested alone, and a page that cannot be parsed loses only itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from events.domain.criteria import TimeWindow

#: A flat record under HEK's column names; values as in a cosec=2 answer, or text in formats without types.
Record = dict[str, Any]


class SourceError(Exception):
    """A source could not be read.

    `permanent`: asking again would not help (a 404, a file that is not there). `retry_after`: seconds
    that the source asked us to wait.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class RawPage:
    """One answer as it came, and where it came from (an address or a path, for messages)."""

    body: bytes
    origin: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of a page that is no record at all."""

    payload: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a page held."""

    records: list[Record] = field(default_factory=list)
    associations: list[Record] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Source(Protocol):
    """One place events come from."""

    name: str

    def fetch(self, window: TimeWindow | None, event_types: tuple[str, ...]) -> Iterator[RawPage]:
        """Pages with every event that touches `window` (None: all there is), of these types (empty: all).

        Raises SourceError. May repeat records; never leaves one out silently.
        """
        ...

    def parse(self, page: RawPage) -> Parsed:
        """The records of a page. Raises SourceError only where nothing of it can be read."""
        ...
