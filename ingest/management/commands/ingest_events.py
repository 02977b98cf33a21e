"""`manage.py ingest_events`: events from a source into the database, with an account of what became of them.

    manage.py ingest_events --source archive --path answers/
    manage.py ingest_events --source hek --start 2012-01-01 --end 2012-02-01 --types AR,CH
    manage.py ingest_events --source hek --start 2012-01-01 --end 2013-01-01 --celery

Times are UTC. It can be stopped at any time and run again: nothing is stored twice. At the end what is new is
tracked, unless --no-tracks is given; the shapes of tracks are made by the workers, or by interpolate_tracks.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from events.domain.criteria import TimeWindow
from ingest import accounts, books, pipeline
from ingest.management.reporting import (
    IngestCommand,
    account_line,
    end_of,
    follow,
    plain_errors,
    run_line,
    tell_piece,
    types_of,
    window_of,
)
from ingest.models import IngestRun
from ingest.sources import SOURCES, get_source
from ingest.tasks import start_backfill
from ingest.track import track_pending


class Command(IngestCommand):
    """Reads windows one after the other in this process, or orders them from the workers and follows."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the source, what of it, and how."""
        parser.add_argument("--source", required=True, choices=sorted(SOURCES))
        parser.add_argument("--path", type=Path, help="the file or folder that an archive reads")
        self.add_window(parser)
        self.add_types(parser)
        parser.add_argument("--celery", action="store_true", help="let the workers do it, and follow them")
        parser.add_argument("--no-tracks", action="store_true", help="leave tracking to the workers")

    @plain_errors
    def handle(
        self, *_: Any, source: str, path: Path | None, types: str, celery: bool, **options: Any
    ) -> None:
        """Check what was asked, do it, end with the account."""
        window = window_of(options["start"], options["end"])
        event_types = types_of(types)
        if source != "archive" and window is None:
            raise CommandError(f"the source {source} needs --start and --end")
        if celery:
            self._order(source, path, window, event_types)
            return
        reader = get_source(source, path=path)
        total: Counter[str] = Counter()
        for piece in _pieces(source, window):
            run = _new_run(source, path, piece, event_types)
            pipeline.ingest_window(reader, piece, event_types, run, tell=self._tell)
            total.update(accounts.account(run))
            if not run.pages:
                self._tell(run)
        if not options["no_tracks"]:
            track_pending(tell=lambda piece: self.stderr.write(tell_piece(piece)))
        self.stdout.write(account_line(total))

    def _order(
        self, source: str, path: Path | None, window: TimeWindow | None, event_types: tuple[str, ...]
    ) -> None:
        if path is not None or window is None:
            raise CommandError("--celery is for a source with windows: --start and --end, no --path")
        backfill = start_backfill(source, window.start, window.end, event_types)
        self.stderr.write(f"backfill {backfill.pk} is ordered; it goes on without this command")
        self.stdout.write(end_of(backfill, follow(backfill, self.stderr.write)))

    def _tell(self, run: IngestRun) -> None:
        self.stderr.write(run_line(run))


def _pieces(source: str, window: TimeWindow | None) -> Sequence[TimeWindow | None]:
    """An archive is read once, from end to end; others are asked for a short window at a time."""
    return [window] if window is None or source == "archive" else books.cut(window, settings.ISD_WINDOW)


def _new_run(
    source: str, path: Path | None, window: TimeWindow | None, event_types: tuple[str, ...]
) -> IngestRun:
    run = IngestRun(source=source, event_types=list(event_types), origin=str(path.resolve()) if path else "")
    if window:
        run.window_start, run.window_end = window.start, window.end
    return run
