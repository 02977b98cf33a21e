"""The books of a run: who may work on it, its states and account, and what follows for the watermark."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import django.db
from django.db import connection, transaction
from django.utils import timezone

from events.domain.criteria import TimeWindow
from ingest.models import IngestRun, Watermark
from ingest.queries import ACCOUNT
from ingest.sources.base import SourceError
from ingest.upsert import Counts

#: How often a run is taken up before it stays failed: attempts whose worker was killed count as well, so
#: that a window which kills its worker does not do so for ever.
MAX_ATTEMPTS = 8
#: Seconds before the second attempt; doubled for each further one up to the last.
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
#: Seconds that a source may ask us to wait.
LONGEST_ASKED = 86_400.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WindowBusy(Exception):  # noqa: N818 - no error: somebody else is doing the work
    """Another process works on this window at this moment."""


def window_of(run: IngestRun) -> TimeWindow | None:
    """The run's window; None where it reads all there is."""
    if run.window_start is None or run.window_end is None:
        return None
    return TimeWindow(run.window_start, run.window_end)


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


def account(run: IngestRun) -> dict[str, int]:
    """The run's account by its five names."""
    return {name: getattr(run, name) for name in ACCOUNT}


@contextmanager
def exclusive(run: IngestRun) -> Iterator[None]:
    """Hold the window of `run` (of an archive: its path too) against all other processes.

    An advisory lock of this session: PostgreSQL drops it with the connection, so none outlives its process.
    Raises WindowBusy if another session holds it.
    """
    what = [run.source, str(run.window_start), str(run.window_end)]
    if run.source == "archive":
        what.append(run.origin)
    key = int.from_bytes(hashlib.blake2b("|".join(what).encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if cursor.fetchone() != (True,):
            raise WindowBusy(f"another process is working on {describe(run)}")
    try:
        yield
    finally:
        # A lost connection took the lock along.
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def describe(run: IngestRun) -> str:
    """What a run reads, in words for people."""
    window = window_of(run)
    where = f"{run.source} {run.origin}" if run.source == "archive" else run.source
    return f"{where} {window.start:%FT%TZ} .. {window.end:%FT%TZ}" if window else where


def begin(run: IngestRun) -> None:
    """A new attempt, with an empty account: the books show the newest pass."""
    run.state = IngestRun.State.RUNNING
    run.attempts += 1
    run.started_at, run.finished_at, run.not_before = timezone.now(), None, None
    run.error = ""
    for name in (*ACCOUNT, "pages", "associations"):
        setattr(run, name, 0)
    run.save()


def enter(run: IngestRun, counts: Counts, *, quarantined: int, pages: int, associations: int) -> None:
    """Add one batch to the account."""
    run.created += counts.created
    run.updated += counts.updated
    run.unchanged += counts.unchanged
    run.quarantined += quarantined
    run.received += counts.created + counts.updated + counts.unchanged + quarantined
    run.pages += pages
    run.associations += associations
    run.save(update_fields=[*ACCOUNT, "pages", "associations", "origin"])


def succeed(run: IngestRun) -> None:
    """The window was read to its end; the source's watermark may follow."""
    with transaction.atomic():
        _end(run, IngestRun.State.SUCCEEDED)
        advance(run.source)


def fail(run: IngestRun, error: BaseException, *, again: bool) -> None:
    """Note why the pass ended. With `again` it waits for its next attempt, if another one can help.

    Without a database this cannot be noted: then the run stays "running", which is found to be untrue later.
    """
    run.error = one_line(error)
    state = IngestRun.State.FAILED
    if again and is_transient(error) and run.attempts < MAX_ATTEMPTS:
        state = IngestRun.State.PENDING
        run.not_before = timezone.now() + timedelta(seconds=_wait(run.attempts, error))
    with suppress(django.db.Error):
        _end(run, state)


def give_up(run: IngestRun) -> None:
    """The last attempt left no word, so it was cut off: whatever did that is not to happen for ever."""
    run.error = f"given up: {run.attempts} attempts were cut off or failed"
    _end(run, IngestRun.State.FAILED)


def _end(run: IngestRun, state: IngestRun.State) -> None:
    run.state, run.finished_at = state, timezone.now()
    run.save(update_fields=["state", "error", "not_before", "finished_at"])


def one_line(error: BaseException) -> str:
    """An error as a line for people."""
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "stopped before its end"
    text = " ".join(str(error).split())[:500]
    return text if isinstance(error, SourceError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def is_transient(error: BaseException) -> bool:
    """Whether the same attempt may succeed later."""
    if isinstance(error, SourceError):
        return not error.permanent
    # The database went away, or broke a deadlock; the process was told to end.
    return isinstance(error, django.db.OperationalError | django.db.InterfaceError | SystemExit)


def _wait(attempts: int, error: BaseException) -> float:
    """Seconds until the next attempt: what the source asks for, or doubling with jitter."""
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return min(float(asked), LONGEST_ASKED)
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret


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
