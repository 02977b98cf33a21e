"""`manage.py ingest_images`: AIA images measured and stored, with an account of what became of them.

    manage.py ingest_images --source files --path folder/
    manage.py ingest_images --source helioviewer --start 2012-01-01 --end 2012-01-02 --waves 171,193
    manage.py ingest_images --source helioviewer --start 2012-01-01 --end 2012-02-01 --celery

Times are UTC. It can be stopped at any time and run again: what is stored is not fetched or measured twice.
With --celery the workers must see the files, under the same path.
"""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from events.domain.criteria import TimeWindow
from images.domain.slots import WAVES, start_of
from images.store import StoreUnavailableError
from ingest import accounts, image_books, image_pipeline, image_tasks
from ingest.images.files import files_in
from ingest.images.registry import IMAGE_SOURCES
from ingest.management.image_reporting import end_of_images, follow_images
from ingest.management.reporting import IngestCommand, account_line, plain_errors, waves_of, window_of
from ingest.models import ImageRun


class Command(IngestCommand):
    """Works on one run after the other in this process, or orders them from the workers and follows."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name the source, what of it, and how."""
        parser.add_argument("--source", required=True, choices=sorted(IMAGE_SOURCES))
        parser.add_argument("--path", type=Path, help="the file or folder that the source files reads")
        self.add_window(parser)
        self.add_waves(parser)
        parser.add_argument("--celery", action="store_true", help="let the workers do it, and follow them")

    @plain_errors
    def handle(
        self, *_: Any, source: str, path: Path | None, waves: str, celery: bool, **options: Any
    ) -> None:
        """Check what was asked, do it, end with the account."""
        window = _window(options["start"], options["end"])
        runs = _runs(source, path, window, waves_of(waves))
        if celery:
            image_tasks.send(image_tasks.order(runs))
            self.stderr.write(f"{len(runs)} runs are ordered; they go on without this command")
            self.stdout.write(end_of_images(runs, follow_images(runs, self.stderr.write)))
            return
        total: Counter[str] = Counter()
        try:
            for number, run in enumerate(runs, 1):
                image_pipeline.work(run)
                total.update(accounts.account(run))
                where = f"{number} of {len(runs)}, {image_books.describe(run)}"
                self.stderr.write(f"{where}: {account_line(accounts.account(run))}")
        except (OSError, StoreUnavailableError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(account_line(total))


def _runs(
    source: str, path: Path | None, window: TimeWindow | None, waves: tuple[int, ...]
) -> list[ImageRun]:
    """The runs, not in the books yet: each is entered when its turn comes, or all are ordered at once.

    Raises CommandError where arguments do not go together, ValueError where they are too many, SourceError.
    """
    if source == "files":
        if path is None:
            raise CommandError("the source files needs --path")
        return image_tasks.runs_of_files(files_in(path), window, waves)
    if path is not None:
        raise CommandError(f"the source {source} reads no --path")
    if window is None:
        raise CommandError(f"the source {source} needs --start and --end")
    return image_tasks.runs_over(source, window, waves or WAVES)


def _window(start: str | None, end: str | None) -> TimeWindow | None:
    window = window_of(start, end)
    if window is not None and window.start < start_of(0):
        raise CommandError(f"--start {start}: there are no images before {start_of(0):%F}")
    return window
