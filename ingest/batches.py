"""From a source to batches of rows; reading and converting go on while the database works on earlier ones."""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from events.domain.criteria import TimeWindow
from ingest.edges import Edge, edges_of
from ingest.rows import EventRow, rows_of
from ingest.sources.base import Parsed, Record, Rejected, Source, SourceError

#: Records in one batch: enough to make the statements' own cost small, few enough to hold several in memory.
BATCH = 500

T = TypeVar("T")


@dataclass(slots=True)
class Batch:
    """What some pages held, ready to be stored: received = rows + rejected."""

    origin: str
    pages: int
    rows: list[EventRow]
    edges: list[Edge]
    rejected: list[Rejected]


@dataclass(slots=True)
class _Read:
    """What some pages held, as it came."""

    origin: str = ""
    pages: int = 0
    parsed: Parsed = field(default_factory=Parsed)


def batches(
    source: Source, window: TimeWindow | None, event_types: tuple[str, ...]
) -> Generator[Batch, None, None]:
    """Everything the source has. Raises SourceError after the batch with what came before it.

    Two threads work ahead, one reads and parses, one converts; to close the generator ends them early.
    """
    return ahead(_convert(ahead(_read(source, window, event_types)), source.name))


def _convert(read: Generator[_Read, None, None], source: str) -> Generator[Batch, None, None]:
    with closing(read):
        for some in read:
            rows, rejected = rows_of(some.parsed.records, source)
            edges, no_edges = edges_of(some.parsed.associations, source)
            rejected = [*some.parsed.rejected, *rejected, *no_edges]
            yield Batch(some.origin, some.pages, rows, edges, rejected)


def _read(
    source: Source, window: TimeWindow | None, event_types: tuple[str, ...]
) -> Generator[_Read, None, None]:
    """Small pages put together, large ones cut."""
    some = _Read()
    try:
        for page in source.fetch(window, event_types):
            _add(some, source.parse(page), page.origin)
            if len(some.parsed.records) >= BATCH:
                yield from _cut(some)
                some = _Read()
    except SourceError:
        yield from _cut(some)
        raise
    yield from _cut(some)


def _add(some: _Read, page: Parsed, origin: str) -> None:
    some.origin = some.origin or origin
    some.pages += 1
    some.parsed.records.extend(page.records)
    some.parsed.associations.extend(page.associations)
    some.parsed.rejected.extend(page.rejected)


def _cut(some: _Read) -> Iterator[_Read]:
    """Pieces of at most twice BATCH records; the first has the pages and all that is no record."""
    if not some.pages:
        return
    records: list[Record] = some.parsed.records
    first = Parsed(records[: 2 * BATCH], some.parsed.associations, some.parsed.rejected)
    yield _Read(some.origin, some.pages, first)
    for start in range(2 * BATCH, len(records), 2 * BATCH):
        yield _Read(some.origin, 0, Parsed(records[start : start + 2 * BATCH]))


def ahead(items: Generator[T, None, None]) -> Generator[T, None, None]:
    """The same items, made in a thread of their own that is one item ahead.

    An error of `items` is raised here, in its place. Close this generator to end the thread early: it stops
    before the next item, and is not waited for, since it may be waiting for a far server.
    """
    slot: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(maxsize=1)
    ended = threading.Event()

    def produce() -> None:
        try:
            with closing(items):  # here, since this thread alone may touch it
                for item in items:
                    slot.put((item,))
                    if ended.is_set():
                        return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are used
            slot.put(error)
        else:
            slot.put(None)

    threading.Thread(target=produce, name="ingest-ahead", daemon=True).start()
    try:
        while (made := slot.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made[0]
    finally:
        ended.set()
        if not slot.empty():  # so that a thread that waits for room can see that it is over
            slot.get_nowait()
