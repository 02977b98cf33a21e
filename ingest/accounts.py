"""What the books say of any run, whatever it reads: its states, its attempts and its account.

`ingest.books` and `ingest.image_books` add what is of their own: which lock, which words, what follows.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from typing import TypeVar

import django.db
from django.db import connection
from django.utils import timezone

from events.domain.criteria import TimeWindow
from images.store import StoreUnavailableError
from ingest.models import Account, ImageRun, IngestRun
from ingest.queries import ACCOUNT, OPEN
from ingest.sources.base import SourceError

#: How often a run is taken up before it stays failed: attempts whose worker was killed count as well, so
#: that a window which kills its worker does not do so for ever.
MAX_ATTEMPTS = 8
#: Seconds before the second attempt; doubled for each further one up to the last.
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
#: Seconds that a source may ask us to wait.
LONGEST_ASKED = 86_400.0

Run = IngestRun | ImageRun
_Kind = TypeVar("_Kind", IngestRun, ImageRun)


class WindowBusy(Exception):  # noqa: N818 - no error: somebody else is doing the work
    """Another process works on this window at this moment."""


def window_of(run: Run) -> TimeWindow | None:
    """The run's window; None where it reads all there is."""
    if run.window_start is None or run.window_end is None:
        return None
    return TimeWindow(run.window_start, run.window_end)


def account(run: Run) -> dict[str, int]:
    """The run's account by its five names."""
    return {name: getattr(run, name) for name in ACCOUNT}


def is_open(run: Account) -> bool:
    """Whether it is not over."""
    return run.state in OPEN


@contextmanager
def held(about: Sequence[object], what: str) -> Iterator[None]:
    """Hold what these words are `about` against all other processes, by an advisory lock.

    It is of this session: PostgreSQL drops it with the connection, so none outlives its process. Raises
    WindowBusy, naming `what`, if another session holds it.
    """
    words = "|".join(map(str, about))
    key = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if cursor.fetchone() != (True,):
            raise WindowBusy(f"another process is working on {what}")
    try:
        yield
    finally:
        # A lost connection took the lock along.
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def is_to_be_done(run: Run, *, again: bool) -> bool:
    """Whether a run, which is held now, is still to be worked on; brings it to what the books say.

    With `again` there is an end to the attempts.
    """
    if run.pk is not None:
        run.refresh_from_db()
        if not is_open(run):
            return False
    return not (again and _is_used_up(run))


def begin(run: Run, *also: str) -> None:
    """A new attempt, with an empty account, and 0 in the columns `also`: the books show the newest pass."""
    run.state = Account.State.RUNNING
    run.attempts += 1
    run.started_at, run.finished_at, run.not_before, run.error = timezone.now(), None, None, ""
    for name in (*ACCOUNT, *also):
        setattr(run, name, 0)
    run.save()


def succeed(run: Run) -> None:
    """All of it was read."""
    _end(run, Account.State.SUCCEEDED)


def fail(run: Run, error: BaseException, *, again: bool) -> None:
    """Note why the pass ended. With `again` it waits for its next attempt, if another one can help.

    Without a database this cannot be noted: then the run stays "running", which is found to be untrue later.
    """
    run.error = one_line(error)
    state = Account.State.FAILED
    if again and is_transient(error) and run.attempts < MAX_ATTEMPTS:
        state = Account.State.PENDING
        run.not_before = timezone.now() + timedelta(seconds=_wait(run.attempts, error))
    with suppress(django.db.Error):
        _end(run, state)


def reopened(run: _Kind, what: Iterable[str]) -> _Kind:
    """The run that is to be done instead of `run`; `what` names the columns that say what a run is about.

    One that succeeded stays in the books with its account, and a new one is made; any other is taken up again
    itself.
    """
    if run.state == Account.State.SUCCEEDED:
        return type(run).objects.create(**{name: getattr(run, name) for name in what})
    return taken_up_again(run)


def taken_up_again(run: _Kind) -> _Kind:
    """The run itself, open again with its attempts counted anew; one that is worked on is left alone."""
    kind = type(run)
    kind.objects.filter(pk=run.pk).exclude(state=Account.State.RUNNING).update(
        state=Account.State.PENDING, attempts=0, not_before=None, error="", queued_at=timezone.now()
    )
    run.refresh_from_db()
    return run


def must_wait(run: Run) -> bool:
    """Whether the time of its next attempt has not come."""
    return run.not_before is not None and run.not_before > timezone.now()


def is_forgotten(run: _Kind, waiting: int, lock: AbstractContextManager[None]) -> bool:
    """Whether to send this open run again; `waiting` is the number of messages in the broker.

    Three kinds: the time of a further attempt has come; its worker is gone (it is "running" while nobody
    holds its `lock`); or it is pending and no message waits that could be its own. The first two are changed
    so that they are found once.
    """
    if run.state == Account.State.PENDING and (must_wait(run) or (waiting and run.not_before is None)):
        return False
    try:
        with lock:
            found = type(run).objects.filter(pk=run.pk, state=run.state, not_before=run.not_before)
            return bool(found.update(state=Account.State.PENDING, not_before=None, queued_at=timezone.now()))
    except WindowBusy:
        return False


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
    # The database went away, or broke a deadlock; a disk or a store cannot be read or written at the moment;
    # the process was told to end.
    return isinstance(
        error,
        django.db.OperationalError | django.db.InterfaceError | OSError | StoreUnavailableError | SystemExit,
    )


def _is_used_up(run: Run) -> bool:
    """Whether no attempt is left; then the run is over.

    The last one left no word, so it was cut off: whatever did that is not to happen for ever.
    """
    if run.attempts < MAX_ATTEMPTS:
        return False
    run.error = f"given up: {run.attempts} attempts were cut off or failed"
    _end(run, Account.State.FAILED)
    return True


def _end(run: Run, state: Account.State) -> None:
    run.state, run.finished_at = state, timezone.now()
    run.save(update_fields=["state", "error", "not_before", "finished_at"])


def _wait(attempts: int, error: BaseException) -> float:
    """Seconds until the next attempt: what the source asks for, or doubling with jitter."""
    asked = getattr(error, "retry_after", None)
    if asked is not None:
        return min(float(asked), LONGEST_ASKED)
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, keeps no secret
