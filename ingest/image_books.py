"""The books of a run over images: its lock, its words and its account."""

from contextlib import AbstractContextManager

from ingest import accounts
from ingest.accounts import window_of
from ingest.models import ImageRun
from ingest.queries import ACCOUNT

#: What a run is about.
ORDER = ("source", "wave", "window_start", "window_end", "paths")
#: The first of the two numbers of a run's advisory lock; those of slots have a wavelength there.
_LOCK = 1


def describe(run: ImageRun) -> str:
    """What a run reads, in words for people."""
    window = window_of(run)
    wave = f" {run.wave}" if run.wave else ""
    if run.paths:
        more = f" and {len(run.paths) - 1} more" if len(run.paths) > 1 else ""
        return f"{run.source}{wave} {run.paths[0]}{more}"
    return f"{run.source}{wave} {window.start:%FT%TZ} .. {window.end:%FT%TZ}" if window else run.source


def exclusive(run: ImageRun) -> AbstractContextManager[None]:
    """Hold the run against all other processes. Raises accounts.WindowBusy on entering."""
    return accounts.held([_LOCK, run.pk], describe(run))


def enter(run: ImageRun, outcome: str) -> None:
    """Add one image to the account."""
    setattr(run, outcome, getattr(run, outcome) + 1)
    run.received += 1
    run.save(update_fields=ACCOUNT)
