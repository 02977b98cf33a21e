"""The books of a run over images: its lock, its words and its account."""

from contextlib import AbstractContextManager

from ingest import accounts
from ingest.accounts import window_of
from ingest.models import ImageRun
from ingest.queries import ACCOUNT

#: What a run is about.
ORDER = ("source", "waves", "window_start", "window_end", "paths")


def describe(run: ImageRun) -> str:
    """What a run reads, in words for people."""
    window = window_of(run)
    what = " ".join([run.source, ",".join(map(str, run.waves))]).rstrip()
    if run.paths:
        more = f" and {len(run.paths) - 1} more" if len(run.paths) > 1 else ""
        return f"{what} {run.paths[0]}{more}"
    return f"{what} {window.start:%FT%TZ} .. {window.end:%FT%TZ}" if window else what


def exclusive(run: ImageRun) -> AbstractContextManager[None]:
    """Hold what `run` is about, which need not be in the books, against all other processes.

    Raises accounts.WindowBusy on entering.
    """
    return accounts.held(["images", *(getattr(run, name) for name in ORDER)], describe(run))


def enter(run: ImageRun, outcome: str) -> None:
    """Add one image to the account."""
    setattr(run, outcome, getattr(run, outcome) + 1)
    run.received += 1
    run.save(update_fields=ACCOUNT)
