"""Finding reports by time: of the simulated Sun, or of recorded answers.

Both give `Entry`s in HEK's default order, event_starttime and then kb_archivid, and the record behind an
entry as finished JSON. Times are compared as text; HEK's form sorts like the time itself.
"""

import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from ingest.sources.base import Record
from ingest.sources.simulator.bulletins import Newsroom, goes_class
from ingest.sources.simulator.patrols import PATROLS, Watch
from ingest.sources.simulator.records import number, records_of
from ingest.sources.simulator.sightings import Edge, Sighting
from ingest.sources.simulator.sun import Sun

#: No report lasts longer than a day.
_LONGEST = timedelta(days=1)
#: The simulated Sun is there in these years, and refuses longer windows: an answer would have no end.
FIRST_YEAR, LAST_YEAR, LONGEST_WINDOW = 1900, 2200, timedelta(days=40 * 365)
#: Records of so many days are kept as JSON (about 2 MB a day), their times and names of many more.
_DAYS_KEPT, _INDEXES_KEPT = 32, 800
#: One report in a hundred is there twice, one in fifty again in a second revision.
_REPEATED, _REVISED = 0.01, 0.03


class Entry(NamedTuple):
    """Where a record stands in the order, and how to find it. `start` and `end` in HEK's form."""

    start: str
    archivid: str
    revision: int
    end: str
    event_type: str
    day: int
    position: int


class Catalogue(Protocol):
    """What the server serves."""

    def entries(self, start: datetime, end: datetime) -> Iterator[Entry]:
        """Every record that touches a window, both ends included, in order. Raises ValueError."""
        ...

    def record(self, entry: Entry) -> bytes:
        """The record of an entry, JSON."""
        ...

    def associations(self, entry: Entry) -> tuple[Record, ...]:
        """The associations that touch a record, whichever end it is."""
        ...


def hek_time(time: datetime) -> str:
    """A time with a zone in HEK's form, UTC."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


class SimulatedCatalogue:
    """The reports of one simulated Sun; days are generated when asked for. Threads may share it."""

    def __init__(self, sun: Sun) -> None:
        self._watches = [Watch(sun, patrol) for patrol in PATROLS]
        self._newsroom = Newsroom(sun)
        self._generation = threading.Lock()
        self._days = lru_cache(maxsize=_DAYS_KEPT)(self._generate)
        self._index = lru_cache(maxsize=_INDEXES_KEPT)(self._index_of)

    def entries(self, start: datetime, end: datetime) -> Iterator[Entry]:
        """See Catalogue. Lazy: days behind the last entry taken are not generated."""
        if end - start > LONGEST_WINDOW or start.year < FIRST_YEAR or end.year > LAST_YEAR:
            raise ValueError(
                f"the simulated Sun is there from {FIRST_YEAR} to {LAST_YEAR},"
                f" and answers windows of at most {LONGEST_WINDOW.days} days"
            )
        first, last = hek_time(start), hek_time(end)
        begin = start.astimezone(UTC).toordinal() - _LONGEST.days
        for day in range(begin, end.astimezone(UTC).toordinal() + 1):
            with self._generation:
                index = self._index(day)
            yield from (entry for entry in index if entry.start <= last and entry.end >= first)

    def record(self, entry: Entry) -> bytes:
        """See Catalogue."""
        return self._day(entry.day)[entry.position][1]

    def associations(self, entry: Entry) -> tuple[Record, ...]:
        """See Catalogue."""
        return self._day(entry.day)[entry.position][2]

    def _day(self, day: int) -> list[tuple[Entry, bytes, tuple[Record, ...]]]:
        with self._generation:
            return self._days(day)

    def _index_of(self, day: int) -> tuple[Entry, ...]:
        return tuple(entry for entry, _, _ in self._days(day))

    def _generate(self, day: int) -> list[tuple[Entry, bytes, tuple[Record, ...]]]:
        sightings = [s for watch in self._watches for s in watch.sightings(day)]
        sightings += self._newsroom.sightings(day)
        rows: list[tuple[Record, tuple[Record, ...]]] = []
        for sighting, record in zip(sightings, records_of(sightings), strict=True):
            edges = tuple(_association(edge, sighting) for edge in sighting.edges)
            rows += ((version, edges) for version in _versions(record, sighting.method.revises))
        rows.sort(key=lambda row: _order(row[0]))
        return [
            (_entry(record, day, position), orjson.dumps(record), edges)
            for position, (record, edges) in enumerate(rows)
        ]


class RecordedCatalogue:
    """The records of recorded answers (cosec=2) in a folder, all files together; equal records only once.

    Raises ValueError for a folder without answers, and for a file that is none.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.rglob("*.json"))
        if not paths:
            raise ValueError(f"no *.json file in {folder}")
        records: dict[bytes, Record] = {}
        edges: dict[bytes, Record] = {}
        for path in paths:
            answer = _recorded(path)
            records |= {orjson.dumps(r, option=orjson.OPT_SORT_KEYS): r for r in answer["result"]}
            edges |= {orjson.dumps(e): e for e in answer.get("association") or []}
        self._records = sorted(records.values(), key=_order)
        self._entries = [_entry(record, 0, position) for position, record in enumerate(self._records)]
        self._edges: dict[str, list[Record]] = {}
        for edge in edges.values():
            for end in ("first_ivorn", "second_ivorn"):
                self._edges.setdefault(edge[end], []).append(edge)

    def entries(self, start: datetime, end: datetime) -> Iterator[Entry]:
        """See Catalogue."""
        first, last = hek_time(start), hek_time(end)
        return (entry for entry in self._entries if entry.start <= last and entry.end >= first)

    def record(self, entry: Entry) -> bytes:
        """See Catalogue."""
        return orjson.dumps(self._records[entry.position])

    def associations(self, entry: Entry) -> tuple[Record, ...]:
        """See Catalogue."""
        return tuple(self._edges.get(entry.archivid, ()))


def _recorded(path: Path) -> dict[str, Any]:
    try:
        answer = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    records = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(records, list):
        raise ValueError(f"{path} is no recorded answer: it has no list 'result'")  # noqa: TRY004  a file's fault
    if not all(isinstance(record, dict) and record.get("event_starttime") for record in records):
        raise ValueError(f"{path} holds a record without event_starttime")
    return answer


def _order(record: Record) -> tuple[str, str, int]:
    return (record["event_starttime"], record.get("kb_archivid", ""), int(record.get("revision") or 1))


def _entry(record: Record, day: int, position: int) -> Entry:
    end = record.get("event_endtime") or record["event_starttime"]
    return Entry(*_order(record), end, record.get("event_type", ""), day, position)


def _association(edge: Edge, sighting: Sighting) -> Record:
    """As HEK tells it; its internal numbers are a checksum of the name here."""
    event_type = sighting.method.event_type
    return {
        "first_id": zlib.crc32(edge.first.encode()),
        "second_id": zlib.crc32(edge.second.encode()),
        "first_ivorn": edge.first,
        "second_ivorn": edge.second,
        "first_event_type": event_type,
        "second_event_type": event_type,
        "reported_by": sighting.method.constants["kb_archivist"],
        "edge_type": edge.verb,
        "strength": 1.0,
    }


def _versions(record: Record, revises: str) -> Iterator[Record]:
    """The record, sometimes twice, sometimes with a later revision; its name decides."""
    lot = zlib.crc32(record["kb_archivid"].encode()) / 2**32
    yield record
    if lot < _REPEATED:
        yield record
    elif lot < _REVISED:
        archived = datetime.fromisoformat(record["kb_archivdate"]) + timedelta(days=1 + lot * 300)
        value = record[revises]
        better = _stronger(value) if isinstance(value, str) else number(round(value * 1.05, 3))
        later = {"revision": "2", "kb_archivdate": archived.isoformat(timespec="seconds"), revises: better}
        yield record | later


def _stronger(fl_goescls: str) -> str:
    decade = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}[fl_goescls[0]]
    return goes_class(1.1 * float(fl_goescls[1:]) * decade)
