"""The books of a run over images: who may work on it, its states and its account."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from random import uniform

import django.db
from django.db import connection, transaction
from django.utils import timezone

from events.domain.criteria import TimeWindow
from ingest import books
from ingest.models import ImageRun, IngestRun
from ingest.queries import ACCOUNT, OPEN
from ingest.sources.base import SourceError

#: The first of the two numbers of a run's advisory lock; those of slots have a wavelength there.
_LOCK = 1


def window_of(run: ImageRun) -> TimeWindow | None:
    """The run's window; None where it has none."""
    if run.window_start is None or run.window_end is None:
        return None
    return TimeWindow(run.window_start, run.window_end)


def account(run: ImageRun) -> dict[str, int]:
    """The run's account by its five names."""
    return {name: getattr(run, name) for name in ACCOUNT}


def describe(run: ImageRun) -> str:
    """What a run reads, in words for people."""
    window = window_of(run)
    wave = f" {run.wave}" if run.wave else ""
    if run.paths:
        more = f" and {len(run.paths) - 1} more" if len(run.paths) > 1 else ""
        return f"{run.source}{wave} {run.paths[0]}{more}"
    return f"{run.source}{wave} {window.start:%FT%TZ} .. {window.end:%FT%TZ}" if window else run.source


def is_open(run: ImageRun) -> bool:
    """Whether it is not over."""
    return run.state in OPEN


@contextmanager
def exclusive(run: ImageRun) -> Iterator[None]:
    """Hold the run against all other processes. Raises ingest.books.WindowBusy if another one holds it.

    An advisory lock of this session: PostgreSQL drops it with the connection, so none outlives its process.
    """
    keys = [_LOCK, run.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", keys)
        if cursor.fetchone() != (True,):
            raise books.WindowBusy(f"another process is working on {describe(run)}")
    try:
        yield
    finally:
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)


def begin(run: ImageRun) -> None:
    """A new attempt, with an empty account: the books show the newest pass."""
    run.state = ImageRun.State.RUNNING
    run.attempts += 1
    run.started_at, run.finished_at, run.not_before, run.error = timezone.now(), None, None, ""
    for name in ACCOUNT:
        setattr(run, name, 0)
    run.save()


def enter(run: ImageRun, outcome: str) -> None:
    """Add one image to the account."""
    setattr(run, outcome, getattr(run, outcome) + 1)
    run.received += 1
    run.save(update_fields=ACCOUNT)


def succeed(run: ImageRun) -> None:
    """All of it was read."""
    _end(run, ImageRun.State.SUCCEEDED)


def fail(run: ImageRun, error: BaseException, *, again: bool) -> None:
    """Note why the pass ended. With `again` it waits for its next attempt, if another one can help.

    Without a database this cannot be noted: then the run stays "running", which is found to be untrue later.
    """
    run.error = books.one_line(error)
    state = ImageRun.State.FAILED
    if again and _is_transient(error) and run.attempts < books.MAX_ATTEMPTS:
        state = ImageRun.State.PENDING
        run.not_before = timezone.now() + timedelta(seconds=_wait(run.attempts, error))
    with suppress(django.db.Error):
        _end(run, state)


def give_up(run: ImageRun) -> None:
    """The last attempt left no word, so it was cut off: whatever did that is not to happen for ever."""
    run.error = f"given up: {run.attempts} attempts were cut off or failed"
    _end(run, ImageRun.State.FAILED)


def _end(run: ImageRun, state: IngestRun.State) -> None:
    run.state, run.finished_at = state, timezone.now()
    with transaction.atomic():
        run.save(update_fields=["state", "error", "not_before", "finished_at"])


def _is_transient(error: BaseException) -> bool:
    """Besides what is transient for events: a store or a disk that cannot be written at the moment."""
    return books.is_transient(error) or (isinstance(error, OSError) and not isinstance(error, SourceError))


def _wait(attempts: int, error: BaseException) -> float:
    """Seconds until the next attempt: what the source asks for, or doubling with jitter."""
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return min(float(asked), books.LONGEST_ASKED)
    wait = min(books.FIRST_WAIT * 2 ** (attempts - 1), books.LONGEST_WAIT)
    return wait * uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret
