"""The image ingest as Celery tasks: one run of the books a task, by any number of workers at once.

As with events, PostgreSQL knows what is to be done and the broker only says when: a run is taken up under its
lock, one that is over is left alone, and `resume_images` sends again what nobody works on.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import structlog
from celery import current_app, shared_task
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from events.domain.criteria import TimeWindow
from images.domain.slots import WAVES
from images.store import StoreUnavailableError
from ingest import image_books
from ingest.books import WindowBusy, cut
from ingest.models import ImageRun
from ingest.queries import OPEN
from ingest.sources.base import SourceError
from ingest.tasks import messages_waiting

log = structlog.get_logger()

#: In Redis 0 goes first: images go behind events, which take seconds.
PRIORITY = 9
#: One run of a source with windows: an hour of one wavelength, ten images.
BATCH = timedelta(hours=1)
#: Files in one run.
FILES = 10
_BROKER_AWAY = (OperationalError, RedisError, OSError)


@shared_task
def ingest_images(run_id: int) -> None:
    """Work on one run of the books. What becomes of it stands there; a sick source is no error here."""
    run = ImageRun.objects.filter(pk=run_id).first()
    if run is None or run.state not in OPEN or (run.not_before and run.not_before > timezone.now()):
        log.info("nothing to do", image_run=run_id)
        return
    # Compiled code, which the web process, where work is only ordered, does without.
    from ingest import image_pipeline  # noqa: PLC0415

    try:
        image_pipeline.work(run, again=True)
    except WindowBusy as busy:
        log.info("left alone", image_run=run_id, reason=str(busy))
    except (SourceError, StoreUnavailableError, OSError):
        log.warning("ended early", image_run=run_id, state=run.state, error=run.error)
    else:
        log.info("done", image_run=run_id, state=run.state, **image_books.account(run))


@shared_task
def resume_images() -> None:
    """Send again the runs over images that nobody works on and no message tells of."""
    try:
        waiting = messages_waiting()
    except _BROKER_AWAY as error:
        log.warning("the broker is away", error=str(error))
        return
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    send(
        run
        for run in ImageRun.objects.filter(due, state__in=OPEN).order_by("pk")
        if _is_forgotten(run, waiting)
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


def send(runs: Iterable[ImageRun]) -> None:
    """A message for each run. Without a broker they stay in the books, where `resume_images` finds them."""
    try:
        with current_app.producer_or_acquire() as producer:
            for run in runs:
                ingest_images.apply_async((run.pk,), priority=PRIORITY, producer=producer, retry=False)
    except _BROKER_AWAY as error:
        log.warning("the broker is away; the runs wait in the books", error=str(error))


def _order(runs: Iterator[ImageRun]) -> list[ImageRun]:
    with transaction.atomic():
        return ImageRun.objects.bulk_create(runs, batch_size=1000)


def _is_forgotten(run: ImageRun, waiting: int) -> bool:
    """Whether to send an open run again; `waiting` is the number of messages in the broker.

    Three kinds: the time of a further attempt has come; its worker is gone (it is "running" while nobody
    holds its lock); or it is pending and no message waits that could be its own.
    """
    if run.state == ImageRun.State.PENDING and waiting and run.not_before is None:
        return False
    try:
        with image_books.exclusive(run):
            found = ImageRun.objects.filter(pk=run.pk, state=run.state, not_before=run.not_before)
            return bool(found.update(state=ImageRun.State.PENDING, not_before=None, queued_at=timezone.now()))
    except WindowBusy:
        return False
