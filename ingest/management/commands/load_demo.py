"""`manage.py load_demo`: a month of the simulated Sun, pulled over HTTP by the workers like any other source.

When it ends its events are tracked, the tracks have shapes, and a few images of that Sun are measured.

It needs the simulator (`manage.py serve_simulator`) and a worker, both of which `make run` starts. Stopped
in the middle, the workers go on; run again, it takes up what is left.
"""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events.models import Event
from ingest import orders
from ingest.image_demo import load_demo_images
from ingest.interpolate import interpolate_pending
from ingest.management.image_reporting import end_of_images, follow_images
from ingest.management.reporting import LOOK, end_of, follow, made_line, plain_errors, tell_piece
from ingest.models import Backfill
from ingest.queries import open_backfills
from ingest.tasks import resume_backfill, start_backfill
from ingest.track import track_pending

SOURCE = "simulator"
#: A month near the maximum of cycle 24; the examples in our documentation ask for it.
START, END = datetime(2014, 1, 1, tzinfo=UTC), datetime(2014, 2, 1, tzinfo=UTC)


class Command(BaseCommand):
    """Orders the demo, or takes up an unfinished one, and follows it to its end."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say when to do nothing, and how long to wait."""
        parser.add_argument(
            "--if-empty", action="store_true", help="only where there are no events, or half a demo"
        )
        parser.add_argument(
            "--wait",
            type=float,
            default=60.0,
            metavar="SECONDS",
            help="how long the simulator may take to answer",
        )

    @plain_errors
    def handle(self, *_: Any, if_empty: bool, wait: float, **__: Any) -> None:
        """Decide, order, follow, end with the account."""
        demo = {"source": SOURCE, "window_start": START, "window_end": END}
        unfinished = open_backfills().filter(**demo).first()
        if unfinished or not if_empty or not Event.objects.exists():
            _await_simulator(wait)
            self.stdout.write(self._pull(unfinished))
        elif not Backfill.objects.filter(**demo).exists():
            self.stderr.write("there are events already; no demo is needed")
            return
        self._track()
        self._measure()

    def _pull(self, unfinished: Backfill | None) -> str:
        """Have the workers pull the events; the account."""
        if unfinished is None:
            self.stderr.write(f"the demo: {START:%B %Y} on the simulated Sun, through the workers")
            backfill = start_backfill(SOURCE, START, END)
        else:
            self.stderr.write("the demo was not finished; taking it up again")
            backfill = unfinished
            resume_backfill(backfill)
        return end_of(backfill, follow(backfill, self.stderr.write))

    def _track(self) -> None:
        """Track what was pulled and make its shapes, beside the workers, who are at it too; wait for them."""
        while orders.is_tracking_due() or orders.tracks_without_shapes():
            track_pending(tell=lambda piece: self.stderr.write(tell_piece(piece)))
            interpolate_pending(tell=lambda made: self.stderr.write(made_line(made)))
            time.sleep(LOOK)

    def _measure(self) -> None:
        """Have the workers measure the images that are not there yet."""
        runs = load_demo_images(self.stderr.write)
        if runs:
            self.stdout.write(end_of_images(runs, follow_images(runs, self.stderr.write)))


def _await_simulator(seconds: float) -> None:
    """Return once the simulator answers anything at all. Raises CommandError when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.head(settings.ISD_SIMULATOR_URL, timeout=2)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"no simulator answers at {settings.ISD_SIMULATOR_URL} ({error});"
                    " start it with manage.py serve_simulator"
                ) from None
            time.sleep(0.2)
        else:
            return
