"""`manage.py load_demo`: a month of the simulated Sun, pulled over HTTP by the workers like any other source.

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
from ingest.management.reporting import end_of, follow, plain_errors
from ingest.queries import open_backfills
from ingest.tasks import resume_backfill, start_backfill

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
        backfill = open_backfills().filter(source=SOURCE, window_start=START, window_end=END).first()
        if backfill is None and if_empty and Event.objects.exists():
            self.stderr.write("there are events already; no demo is needed")
            return
        _await_simulator(wait)
        if backfill is None:
            self.stderr.write(f"the demo: {START:%B %Y} on the simulated Sun, through the workers")
            backfill = start_backfill(SOURCE, START, END)
        else:
            self.stderr.write("the demo was not finished; taking it up again")
            resume_backfill(backfill)
        self.stdout.write(end_of(backfill, follow(backfill, self.stderr.write)))


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
