"""Which records of an archive are asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from events.domain.criteria import TimeWindow
from ingest.sources.base import Record


@dataclass(frozen=True, slots=True)
class Selection:
    """Records that touch a window, both ends included, and are of some types; None and empty ask for all.

    A record whose times or type are missing or unreadable is kept: whoever stores it says what is wrong with
    it, and it is not lost.
    """

    window: TimeWindow | None = None
    event_types: tuple[str, ...] = ()

    def __call__(self, record: Record) -> bool:
        """Whether a record is asked for."""
        return self._has_type(record) and self._touches(record)

    def _has_type(self, record: Record) -> bool:
        code = record.get("event_type")
        if not self.event_types or not isinstance(code, str) or not code.strip():
            return True
        return code.strip().upper() in self.event_types

    def _touches(self, record: Record) -> bool:
        if self.window is None:
            return True
        start, end = (instant(record.get(column)) for column in ("event_starttime", "event_endtime"))
        if start is None or end is None:
            return True
        # An end before the start is a fault for others to report; both are looked at in order.
        return min(start, end) <= self.window.end and max(start, end) >= self.window.start


def instant(value: Any) -> datetime | None:
    """A time in one of ISO 8601's forms, UTC if it names no zone; None if it is none."""
    try:
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (AttributeError, ValueError, OverflowError):
        return None
