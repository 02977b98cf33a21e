"""The image ingest as Celery tasks: one run of the books a task, by any number of workers at once.

As with events, PostgreSQL knows what is to be done and the broker only says when: a run is taken up under its
lock, one that is over is left alone, and `resume_images` sends again what nobody works on.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, WAVES, wave_of
from images.queries import filled_slots
from images.store import StoreUnavailableError
from ingest import accounts, broker, image_books
from ingest.books import cut, on_grid
from ingest.broker import BROKER_AWAY
from ingest.models import ImageRun, Watermark
from ingest.queries import OPEN, newest_image_runs
from ingest.sources.base import SourceError

log = structlog.get_logger()

#: In Redis 0 goes first: images go behind events, which take seconds.
PRIORITY = 9
#: One run of a source with windows: an hour of one wavelength, ten images.
BATCH = timedelta(hours=1)
#: Files in one run.
FILES = 10


@shared_task
def ingest_images(run_id: int) -> None:
    """Work on one run of the books. What becomes of it stands there; a sick source is no error here."""
    run = ImageRun.objects.filter(pk=run_id).first()
    if run is None or run.state not in OPEN or accounts.must_wait(run):
        log.info("nothing to do", image_run=run_id)
        return
    # Compiled code, which the web process, where work is only ordered, does without.
    from ingest import image_pipeline  # noqa: PLC0415

    try:
        image_pipeline.work(run, again=True)
    except accounts.WindowBusy as busy:
        log.info("left alone", image_run=run_id, reason=str(busy))
    except (SourceError, StoreUnavailableError, OSError):
        log.warning("ended early", image_run=run_id, state=run.state, error=run.error)
    else:
        log.info("done", image_run=run_id, state=run.state, **accounts.account(run))


@shared_task
def poll_images() -> None:
    """Order what is new in every source of ISD_POLL_IMAGES."""
    for source in settings.ISD_POLL_IMAGES:
        order_poll(source, timezone.now())


@shared_task
def resume_images() -> None:
    """Send again the runs over images that nobody works on and no message tells of."""
    try:
        waiting = broker.messages_waiting()
    except BROKER_AWAY as error:
        log.warning("the broker is away", error=str(error))
        return
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    send(
        run
        for run in ImageRun.objects.filter(due, state__in=OPEN).order_by("pk")
        if accounts.is_forgotten(run, waiting, image_books.exclusive(run))
    )


def order_windows(
    source: str, window: TimeWindow, waves: Iterable[int] = WAVES, batch: timedelta = BATCH
) -> list[ImageRun]:
    """Enter runs for `window` of these wavelengths in the books, all at once; `send` starts them."""
    return _order(
        ImageRun(source=source, wave=wave, window_start=piece.start, window_end=piece.end)
        for piece in cut(window, batch)
        for wave in waves
    )


def order_files(
    paths: Sequence[str], window: TimeWindow | None = None, wave: int | None = None
) -> list[ImageRun]:
    """Enter runs for files; of those only what is of `wave` and in `window`, where they are given."""
    start, end = (window.start, window.end) if window else (None, None)
    return _order(
        ImageRun(source="files", wave=wave, window_start=start, window_end=end, paths=paths[at : at + FILES])
        for at in range(0, len(paths), FILES)
    )


def order_poll(source: str, now: datetime) -> list[ImageRun]:
    """Order the hours that lack an image, from ISD_POLL_IMAGES_OVERLAP before the watermark until `now`.

    The overlap is for images that come late. A first poll takes the overlap alone; what is older is for
    `ingest_images`. The watermark passes what was read to its end: an hour that failed is ordered again until
    it is not. Returns the runs.
    """
    until, overlap = on_grid(now, BATCH), settings.ISD_POLL_IMAGES_OVERLAP
    with transaction.atomic():
        # The lock on the watermark lets one poll of a source be ordered at a time.
        mark, is_first = Watermark.objects.select_for_update().get_or_create(
            source=source, defaults={"polled_until": until - overlap}
        )
        start = on_grid(min(mark.polled_until - (timedelta(0) if is_first else overlap), until), BATCH)
        known = newest_image_runs(source, start)
        lacking = [
            (wave, hour, known.get((wave, hour.start, hour.end)))
            for wave, hour in _lacking(TimeWindow(start, until))
        ]
        unread = [hour.start for _, hour, run in lacking if not run or run.state != ImageRun.State.SUCCEEDED]
        mark.polled_until = max(mark.polled_until, min(unread, default=until))
        mark.save()
        runs = [
            accounts.reopened(run, image_books.ORDER)
            if run
            else ImageRun.objects.create(
                source=source, wave=wave, window_start=hour.start, window_end=hour.end
            )
            for wave, hour, run in lacking
            if run is None or not accounts.is_open(run)
        ]
        transaction.on_commit(partial(send, runs))
    return runs


def _lacking(window: TimeWindow) -> Iterator[tuple[int, TimeWindow]]:
    """Wavelengths of ISD_POLL_WAVES and hours of the window that have not an image in every slot."""
    waves, hours = [wave_of(wave) for wave in settings.ISD_POLL_WAVES], cut(window, BATCH)
    filled = filled_slots(window.start, len(hours), BATCH)
    for number, hour in enumerate(hours):
        yield from ((wave, hour) for wave in waves if filled[wave, number] < BATCH // CADENCE)


def rerun(run: ImageRun) -> ImageRun:
    """Order this run once more and return what was ordered."""
    again = accounts.reopened(run, image_books.ORDER)
    transaction.on_commit(partial(send, [again]))
    return again


def send(runs: Iterable[ImageRun]) -> None:
    """A message for each run."""
    broker.send(ingest_images, (((run.pk,), PRIORITY) for run in runs))


def _order(runs: Iterator[ImageRun]) -> list[ImageRun]:
    with transaction.atomic():
        return ImageRun.objects.bulk_create(runs, batch_size=1000)
