"""`manage.py interpolate_tracks`: the shapes of tracks between their reports, brought up to date.

    manage.py interpolate_tracks
    manage.py interpolate_tracks --again --start 2012-01-01 --end 2013-01-01 --types AR,CH

Without --again, of tracks that have changed; with it, of all, of which only shapes are made that are not as
they should be: after a change of ISD_SHAPE_CADENCE, for instance. Times are UTC; --start and --end choose
tracks that live between. It can be stopped at any time and run again, and several may run at once.
"""

from argparse import ArgumentParser
from typing import Any

from ingest import orders
from ingest.interpolate import interpolate_pending
from ingest.management.reporting import IngestCommand, made_line, plain_errors, types_of, window_of


class Command(IngestCommand):
    """Interpolates in this process, beside the workers if there are any."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name what of it, and whether all."""
        self.add_window(parser)
        self.add_types(parser)
        parser.add_argument("--again", action="store_true", help="also tracks that have not changed")

    @plain_errors
    def handle(self, *_: Any, start: str | None, end: str | None, types: str, again: bool, **__: Any) -> None:
        """Order if asked to, interpolate, end with what changed."""
        window, event_types = window_of(start, end), types_of(types)
        if again:
            self.stderr.write(f"{orders.order_shapes_again(window, event_types)} tracks are ordered")
        made = interpolate_pending(event_types, window, tell=lambda made: self.stderr.write(made_line(made)))
        self.stdout.write(made_line(made))
