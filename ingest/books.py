"""The books of a run over events: its lock and its words, and what follows for the watermark."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from django.db import transaction

from events.domain.criteria import TimeWindow
from ingest import accounts
from ingest.accounts import window_of
from ingest.models import IngestRun, Watermark
from ingest.queries import ACCOUNT
from ingest.upsert import Counts

#: What a run is about; of an archive, its `origin` too, which is the path. Of others it is what was read.
ORDER = ("source", "event_types", "window_start", "window_end")
_COUNTERS = ("pages", "associations")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def on_grid(time: datetime, step: timedelta) -> datetime:
    """The last multiple of `step` since 1970 that is not after `time`."""
    return _EPOCH + (time - _EPOCH) // step * step


def cut(window: TimeWindow, step: timedelta) -> list[TimeWindow]:
    """The window in pieces that end on the grid of `step`, so that overlapping windows share pieces."""
    pieces, start = [], window.start
    while start < window.end:
        end = min(on_grid(start, step) + step, window.end)
        pieces.append(TimeWindow(start, end))
        start = end
    return pieces


def exclusive(run: IngestRun) -> AbstractContextManager[None]:
    """Hold the window of `run` (of an archive: its path too). Raises accounts.WindowBusy on entering."""
    path = [run.origin] if run.source == "archive" else []
    return accounts.held([run.source, run.window_start, run.window_end, *path], describe(run))


def describe(run: IngestRun) -> str:
    """What a run reads, in words for people."""
    window = window_of(run)
    where = f"{run.source} {run.origin}" if run.source == "archive" else run.source
    return f"{where} {window.start:%FT%TZ} .. {window.end:%FT%TZ}" if window else where


def begin(run: IngestRun) -> None:
    """A new attempt, with an empty account."""
    accounts.begin(run, *_COUNTERS)


def enter(run: IngestRun, counts: Counts, *, quarantined: int, pages: int, associations: int) -> None:
    """Add one batch to the account."""
    run.created += counts.created
    run.updated += counts.updated
    run.unchanged += counts.unchanged
    run.quarantined += quarantined
    run.received += counts.created + counts.updated + counts.unchanged + quarantined
    run.pages += pages
    run.associations += associations
    run.save(update_fields=[*ACCOUNT, *_COUNTERS, "origin"])


def succeed(run: IngestRun) -> None:
    """The window was read to its end; the source's watermark may follow."""
    with transaction.atomic():
        accounts.succeed(run)
        advance(run.source)


def advance(source: str) -> None:
    """Move the source's watermark over all that was read without a gap after it.

    Counted are whole reads (all types, no backfill), each at most until the moment it began: what was
    reported later than that, it cannot have seen.
    """
    mark = Watermark.objects.select_for_update().filter(source=source).first()
    if mark is None:
        return
    until = mark.polled_until
    reads = IngestRun.objects.filter(
        source=source, state=IngestRun.State.SUCCEEDED, event_types=[], backfill=None, window_end__gt=until
    )
    for read in reads.order_by("window_start"):
        window = window_of(read)
        if window is None or read.started_at is None or window.start > until:
            break
        until = max(until, min(window.end, read.started_at))
    if until > mark.polled_until:
        mark.polled_until = until
        mark.save()
