"""The ingest as Celery tasks. PostgreSQL knows what is to be done; the broker only says when.

A message may come twice, late or never: a run is taken up under its advisory lock, one that is over is left
alone, and `resume` sends again what nobody works on. So a worker killed at any point loses and doubles
nothing, and a broker that is away delays the work without failing what ordered it.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial

import structlog
from celery import Task, shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events.domain.criteria import TimeWindow
from events.domain.vocabulary import EVENT_TYPES
from ingest import accounts, books, broker, orders, pipeline
from ingest.broker import BROKER_AWAY
from ingest.interpolate import interpolate_pending
from ingest.models import Backfill, IngestRun, Watermark
from ingest.queries import OPEN, open_runs
from ingest.sources import get_source
from ingest.sources.base import SourceError
from ingest.track import track_pending

log = structlog.get_logger()

#: In Redis 0 goes first: what is new does not wait behind years of what is old, and `resume` for nobody.
POLL_PRIORITY, BACKFILL_PRIORITY = 3, 6
#: Tracking follows when what is waiting has been ingested: then it does all of it at once.
TRACKING_PRIORITY = 9
#: Seconds after which tracking and interpolation make way for what is more urgent, and go on behind it.
SHIFT = 60.0
#: In one backfill: 68 years in windows of 6 hours.
MOST_WINDOWS = 100_000


@shared_task
def ingest_run(run_id: int) -> None:
    """Work on one run of the books. What becomes of it stands there; a sick source is no error here."""
    run = IngestRun.objects.filter(pk=run_id).first()
    if run is None or run.state not in OPEN or accounts.must_wait(run):
        log.info("nothing to do", run=run_id)
        return
    try:
        pipeline.work(run, again=True)
    except accounts.WindowBusy as busy:
        log.info("left alone", run=run_id, reason=str(busy))
    except SourceError:
        log.warning("ended early", run=run_id, state=run.state, attempts=run.attempts, error=run.error)
        _follow_up()
    else:
        log.info("done", run=run_id, state=run.state, **accounts.account(run))
        _follow_up()


@shared_task
def track_events() -> None:
    """Track what is ordered, and have shapes made of the tracks that this has changed."""
    changes = track_pending(is_enough=_shift())
    log.info("tracked", **asdict(changes))
    _follow_up()


@shared_task
def interpolate_tracks() -> None:
    """Make the shapes that are ordered. What other workers are making or tracking is left to them."""
    made = interpolate_pending(is_enough=_shift())
    log.info("interpolated", **asdict(made))
    if made.tracks:
        _follow_up()


@shared_task
def poll_sources() -> None:
    """Order what is new in every source of ISD_POLL_SOURCES."""
    for source in settings.ISD_POLL_SOURCES:
        order_poll(source, timezone.now())


@shared_task
def resume() -> None:
    """Send again the runs that nobody works on and no message tells of, and what waits to be tracked."""
    try:
        waiting = broker.messages_waiting()
    except BROKER_AWAY as error:
        log.warning("the broker is away", error=str(error))
        return
    _send(run for run in open_runs() if accounts.is_forgotten(run, waiting, books.exclusive(run)))
    if not waiting:
        _follow_up()


@worker_ready.connect
def _resume_at_start(**_: object) -> None:
    """What a killed worker left behind does not wait for beat."""
    resume.delay()


def start_backfill(source: str, start: datetime, end: datetime, types: Iterable[str] = ()) -> Backfill:
    """Order everything of `source` from `start` to `end`, cut into windows of ISD_WINDOW.

    The whole order is in the books when this returns, whether or not the broker can be reached. Raises
    ValueError with a reason for people where an argument makes no sense.
    """
    window = TimeWindow(start, end)
    types = sorted(set(types))
    unknown = [code for code in types if code not in EVENT_TYPES]
    if unknown:
        raise ValueError(f"no event type is named {', '.join(unknown)}")
    if start == end:
        raise ValueError("the window is empty")
    if (end - start) / settings.ISD_WINDOW > MOST_WINDOWS:
        raise ValueError(f"that is more than {MOST_WINDOWS} windows of {settings.ISD_WINDOW}")
    try:
        get_source(source)
    except SourceError as error:
        raise ValueError(str(error)) from None
    with transaction.atomic():
        backfill = Backfill.objects.create(
            source=source, event_types=types, window_start=start, window_end=end
        )
        _order(source, books.cut(window, settings.ISD_WINDOW), types, backfill)
    return backfill


def order_poll(source: str, now: datetime) -> list[IngestRun]:
    """Order what `source` may have that we have not: from ISD_POLL_OVERLAP before its watermark until `now`.

    The overlap is for late reports. A first poll takes the overlap alone; what is older is for a backfill.
    Its windows begin on the grid; one that still waits from an earlier poll is not ordered twice. Returns
    the new runs.
    """
    with transaction.atomic():
        # The lock on the watermark lets one poll of a source be ordered at a time.
        mark, is_first = Watermark.objects.select_for_update().get_or_create(
            source=source, defaults={"polled_until": now - settings.ISD_POLL_OVERLAP}
        )
        start = mark.polled_until - (timedelta(0) if is_first else settings.ISD_POLL_OVERLAP)
        waiting = set(
            IngestRun.objects.filter(
                source=source, state=IngestRun.State.PENDING, event_types=[], backfill=None
            ).values_list("window_start", "window_end")
        )
        start = books.on_grid(min(start, now), settings.ISD_WINDOW)
        windows = books.cut(TimeWindow(start, now), settings.ISD_WINDOW)
        return _order(source, [w for w in windows if (w.start, w.end) not in waiting], [], None)


def rerun(run: IngestRun) -> IngestRun:
    """Order this run once more and return what was ordered."""
    path = ("origin",) if run.source == "archive" else ()
    again = accounts.reopened(run, (*books.ORDER, *path))
    _send_on_commit([again])
    return again


def resume_backfill(backfill: Backfill) -> None:
    """Take up again what has failed of a backfill, and what has got lost."""
    for run in backfill.runs.filter(state=IngestRun.State.FAILED):
        rerun(run)
    resume()


def _order(
    source: str, windows: list[TimeWindow], types: list[str], backfill: Backfill | None
) -> list[IngestRun]:
    runs = IngestRun.objects.bulk_create(
        IngestRun(
            source=source, event_types=types, window_start=window.start, window_end=window.end,
            backfill=backfill,
        )
        for window in windows
    )  # fmt: skip
    _send_on_commit(runs)
    return runs


def _send_on_commit(runs: list[IngestRun]) -> None:
    """A worker must not look for a run before it is committed."""
    transaction.on_commit(lambda: _send(runs))


def _send(runs: Iterable[IngestRun]) -> None:
    """A message for each run."""
    priority = {True: POLL_PRIORITY, False: BACKFILL_PRIORITY}
    broker.send(ingest_run, (((run.pk,), priority[run.backfill_id is None]) for run in runs))


def _follow_up() -> None:
    """A message for what is to be done next with what is stored, if anything is."""
    task: Task | None = None
    if orders.is_tracking_due():
        task = track_events
    elif orders.tracks_without_shapes():
        task = interpolate_tracks
    if task is not None:
        transaction.on_commit(partial(broker.send, task, [((), TRACKING_PRIORITY)]))


def _shift() -> Callable[[], bool]:
    """Tells whether SHIFT seconds have passed since now."""
    end = time.monotonic() + SHIFT
    return lambda: time.monotonic() > end
