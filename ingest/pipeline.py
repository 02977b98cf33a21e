"""One pass over one window of one source: read, parse, store, and keep the books.

The books are true at every instant: a batch and its share of the account are committed together, and
received = created + updated + unchanged + quarantined. A pass that was cut off, by whatever, is run again
from its start; what it had stored then counts as unchanged.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from django.db import transaction

from events.domain.criteria import TimeWindow
from ingest import accounts, books
from ingest.batches import Batch, batches
from ingest.edges import upsert_associations
from ingest.models import IngestRun
from ingest.quarantine import quarantine, upsert_or_refuse
from ingest.sources import get_source
from ingest.sources.base import Source

#: Allocations before Python looks for garbage in circles, and how seldom it looks at older objects. A batch
#: is some hundred thousand objects without a circle, and looking at them again and again cost much CPU.
_SELDOM = (100_000, 50, 1000)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _silent(_: IngestRun) -> None:
    pass


def ingest_window(
    source: Source,
    window: TimeWindow | None,
    event_types: tuple[str, ...],
    run: IngestRun | None = None,
    *,
    again: bool = False,
    tell: Callable[[IngestRun], None] = _silent,
) -> IngestRun:
    """Read `window` (None: all there is) from `source` and store it; the run with its account.

    Without `run` a new one is entered in the books. A given one that is over is returned as it is, so that
    a second delivery does no harm. `tell` is called after every batch. With `again` a pass that may succeed
    later goes back to pending, else to failed. Raises WindowBusy, SourceError and django.db.Error; the run
    shows why, too.
    """
    if run is None:
        start, end = (window.start, window.end) if window else (None, None)
        run = IngestRun(source=source.name, window_start=start, window_end=end, event_types=list(event_types))
    with books.exclusive(run):
        if not accounts.is_to_be_done(run, again=again):
            return run
        books.begin(run)
        try:
            with _seldom_collected(), closing(batches(source, window, event_types)) as stream:
                for batch in stream:
                    _store(run, batch)
                    tell(run)
            books.succeed(run)
        except BaseException as error:
            accounts.fail(run, error, again=again)
            raise
    return run


def work(run: IngestRun, *, again: bool = False, tell: Callable[[IngestRun], None] = _silent) -> IngestRun:
    """`ingest_window` for a run that is in the books, from the source that it names."""
    path = run.origin if run.source == "archive" else None
    try:
        source = get_source(run.source, path=path)
    except Exception as error:
        accounts.fail(run, error, again=False)
        raise
    return ingest_window(source, accounts.window_of(run), tuple(run.event_types), run, again=again, tell=tell)


def _store(run: IngestRun, batch: Batch) -> None:
    """One batch and its share of the account, in one transaction."""
    with transaction.atomic():
        counts, refused = upsert_or_refuse(batch.rows)
        upsert_associations(batch.edges)
        quarantined = quarantine(batch.rejected + refused, source=run.source, run=run)
        run.origin = run.origin or batch.origin
        books.enter(run, counts, quarantined=quarantined, pages=batch.pages, associations=len(batch.edges))
