"""`manage.py track_events`: which reports are of one thing on the Sun, brought up to date.

    manage.py track_events
    manage.py track_events --again --start 2012-01-01 --end 2013-01-01 --types AR,CH

Without --again, what has changed since it was tracked last; with it, everything (where all is as it should
be, that changes nothing). Times are UTC; --start and --end are of the reports' starts, whole days. It can be
stopped at any time and run again, and several may run at once. Shapes are made by interpolate_tracks.
"""

from argparse import ArgumentParser
from datetime import UTC, date, timedelta
from typing import Any

from events.domain.criteria import TimeWindow
from ingest import orders
from ingest.management.reporting import (
    IngestCommand,
    changes_line,
    plain_errors,
    tell_piece,
    types_of,
    window_of,
)
from ingest.track import ALWAYS, track_pending


class Command(IngestCommand):
    """Tracks in this process, beside the workers if there are any."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name what of it, and whether all."""
        self.add_window(parser)
        self.add_types(parser)
        parser.add_argument("--again", action="store_true", help="also what has not changed")

    @plain_errors
    def handle(self, *_: Any, start: str | None, end: str | None, types: str, again: bool, **__: Any) -> None:
        """Order if asked to, track, end with what changed."""
        window, event_types = window_of(start, end), types_of(types)
        days = _days(window) if window else ALWAYS
        if again:
            number = orders.order_again(days, event_types)
            self.stderr.write(f"{number} days of reports are ordered")
        changes = track_pending(event_types, days, tell=lambda piece: self.stderr.write(tell_piece(piece)))
        self.stderr.write(f"{orders.tracks_without_shapes()} tracks wait for shapes")
        self.stdout.write(changes_line(changes))


def _days(window: TimeWindow) -> tuple[date, date]:
    """The first and the last day that are touched by a window whose end is excluded."""
    last = window.end.astimezone(UTC) - timedelta(microseconds=1)
    return window.start.astimezone(UTC).date(), last.date()
