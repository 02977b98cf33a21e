"""The image ingest as Celery tasks: one run of the books a task, by any number of workers at once.

As with events, PostgreSQL knows what is to be done and the broker only says when: a run is taken up under its
lock, one that is over is left alone, and `resume_images` sends again what nobody works on. The runs have a
queue of their own: years of images hold up no event, nor what is to be tracked.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, product

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
from ingest.models import ImageRun, ImageWatermark, QuarantinedRecord
from ingest.queries import OPEN, newest_image_runs
from ingest.sources.base import SourceError

log = structlog.get_logger()

#: Where `isd.settings` sends the runs, and nothing else; what polls and resumes goes with the events.
QUEUE = "images"
#: In Redis 0 goes first, in all queues of a worker: images go behind events, which take seconds, and take
#: turns with their tracking. What is new does not wait behind years of what is old: it takes turns with
#: backfills of events.
NEW_PRIORITY, PRIORITY = 6, 9
#: One run of a source with windows: an hour of one wavelength, ten images.
BATCH = timedelta(hours=1)
#: Files in one run.
FILES = 10
#: In one order: more than a year of all nine wavelengths by the hour.
MOST_RUNS = 100_000
#: How old an hour with a gap is, counted from its end, whenever it is asked for again: what comes late comes
#: soon, if at all. One that could not be read is asked for as often, and then once a day until it is read.
AGES = tuple(timedelta(hours=hours) for hours in (0, 1, 2, 4, 8, 24, 48))
_DAY = timedelta(days=1)


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
        waiting = broker.messages_waiting(QUEUE)
    except BROKER_AWAY as error:
        log.warning("the broker is away", error=str(error))
        return
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    send(
        run
        for run in ImageRun.objects.filter(due, state__in=OPEN).order_by("pk")
        if accounts.is_forgotten(run, waiting, image_books.exclusive(run))
    )


def runs_over(
    source: str, window: TimeWindow, waves: Sequence[int] = WAVES, batch: timedelta = BATCH
) -> list[ImageRun]:
    """Runs for `window` of these wavelengths, not in the books yet; those of one day and wavelength together.

    Raises ValueError, with a reason for people, where they are more than MOST_RUNS.
    """
    count = len(waves) * -((window.start - window.end) // batch)
    if count > MOST_RUNS:
        raise ValueError(
            f"that is {count:,} runs of {batch}, and at most {MOST_RUNS:,} are ordered at once:"
            " take a shorter window or fewer wavelengths"
        )
    return [
        ImageRun(source=source, waves=[wave], window_start=piece.start, window_end=piece.end)
        for _, pieces in groupby(cut(window, batch), lambda piece: piece.start.date())
        for wave, piece in product(waves, list(pieces))
    ]


def runs_of_files(
    paths: Sequence[str], window: TimeWindow | None = None, waves: Sequence[int] = ()
) -> list[ImageRun]:
    """Runs for files, not in the books yet; of those only what is of `waves` and in `window`, where given."""
    start, end = (window.start, window.end) if window else (None, None)
    return [
        ImageRun(
            source="files",
            waves=list(waves),
            window_start=start,
            window_end=end,
            paths=list(paths[at : at + FILES]),
        )
        for at in range(0, len(paths), FILES)
    ]


def order(runs: Sequence[ImageRun]) -> list[ImageRun]:
    """Enter runs in the books, all at once; `send` starts them."""
    with transaction.atomic():
        return ImageRun.objects.bulk_create(runs, batch_size=1000)


def order_poll(source: str, now: datetime) -> list[ImageRun]:
    """Order the hours that lack an image, from ISD_POLL_IMAGES_OVERLAP before the watermark until `now`.

    The overlap is for images that come late: at AGES an hour is asked for once more. A first poll takes the
    overlap alone; what is older is for `ingest_images`. The watermark passes what was read to its end. An
    hour has one row in the books, whose account is that of its newest pass. Returns the runs.
    """
    until, overlap = on_grid(now, BATCH), settings.ISD_POLL_IMAGES_OVERLAP
    with transaction.atomic():
        # The lock on the watermark lets one poll of a source be ordered at a time.
        mark, is_first = ImageWatermark.objects.select_for_update().get_or_create(
            source=source, defaults={"polled_until": until - overlap}
        )
        start = on_grid(min(mark.polled_until - (timedelta(0) if is_first else overlap), until), BATCH)
        known = newest_image_runs(source, start)
        lacking = [
            (wave, hour, known.get(((wave,), hour.start, hour.end)))
            for wave, hour in _lacking(TimeWindow(start, until))
        ]
        unread = [hour.start for _, hour, run in lacking if not run or run.state != ImageRun.State.SUCCEEDED]
        mark.polled_until = max(mark.polled_until, min(unread, default=until))
        mark.save()
        runs = [
            accounts.taken_up_again(run)
            if run
            else ImageRun.objects.create(
                source=source, waves=[wave], window_start=hour.start, window_end=hour.end
            )
            for wave, hour, run in lacking
            if run is None or _is_due(run, until - hour.end)
        ]
        transaction.on_commit(partial(send, runs))
    return runs


def _is_due(run: ImageRun, age: timedelta) -> bool:
    """Whether an hour that `run` was over, which ended `age` ago, is to be asked for once more.

    It is if one of AGES has come since the run was begun; so a poll that was left out is made up for.
    """
    if accounts.is_open(run) or run.window_end is None:
        return False
    is_read = run.state == ImageRun.State.SUCCEEDED
    come = [one for one in AGES if one <= age] + (
        [] if is_read else [AGES[-1] + (age - AGES[-1]) // _DAY * _DAY]
    )
    return run.started_at is None or run.started_at < run.window_end + max(come)


def _lacking(window: TimeWindow) -> Iterator[tuple[int, TimeWindow]]:
    """Wavelengths of ISD_POLL_WAVES and hours of the window that have not an image in every slot.

    Those of one day and wavelength together: they share a listing.
    """
    waves, hours = [wave_of(wave) for wave in settings.ISD_POLL_WAVES], cut(window, BATCH)
    filled = filled_slots(window.start, len(hours), BATCH)
    for _, day in groupby(enumerate(hours), lambda one: one[1].start.date()):
        for wave, (number, hour) in product(waves, list(day)):
            if filled[wave, number] < BATCH // CADENCE:
                yield wave, hour


def rerun(run: ImageRun) -> ImageRun:
    """Order this run once more and return what was ordered."""
    again = accounts.reopened(run, image_books.ORDER)
    transaction.on_commit(partial(send, [again]))
    return again


def retry(records: Iterable[QuarantinedRecord]) -> int:
    """Order the runs once more that these images were refused in, one for each; how many runs.

    What comes of it the runs tell: an image that is stored is no longer open in the quarantine. Records that
    are resolved, or of no run over images, are passed over.
    """
    wanted = {record.image_run_id for record in records if record.image_run_id and not record.resolved_at}
    runs = ImageRun.objects.filter(pk__in=wanted).order_by("pk")
    return len([rerun(run) for run in runs])


def send(runs: Iterable[ImageRun]) -> None:
    """A message for each run."""
    new = timezone.now() - settings.ISD_POLL_IMAGES_OVERLAP
    broker.send(
        ingest_images,
        (((run.pk,), NEW_PRIORITY if run.window_end and run.window_end > new else PRIORITY) for run in runs),
    )
