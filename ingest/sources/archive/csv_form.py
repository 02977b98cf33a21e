"""Tables with HEK's column names in their first row, in any case; comma-separated, quoted by RFC 4180.

Such tables often lack `event_type`. It is then told from the columns (`type_of`). A page is the first row
and some of the others, as they stand in the file.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from events.domain.vocabulary import ATTRIBUTES, attribute
from ingest.sources.answers import beginning, decode
from ingest.sources.archive.streams import UnreadableError, batches, lines_of
from ingest.sources.base import Parsed, Record, Rejected, SourceError


class Row(NamedTuple):
    """A row as it stands in the file, its fields, and what is wrong with it (empty: nothing)."""

    text: str
    fields: list[str]
    fault: str


class Header:
    """The first row: names as HEK writes them, and the type that the columns tell.

    Raises UnreadableError if it is no header of HEK columns.
    """

    def __init__(self, row: Row | None) -> None:
        if row is None or row.fault:
            raise UnreadableError(f"no table: {row.fault if row else 'there is no first row'}")
        self.text = row.text if row.text.endswith("\n") else row.text + "\n"
        self.names = [_canonical(name) for name in row.fields]
        self.type = type_of(self.names)
        if "event_starttime" not in self.names:
            raise UnreadableError(
                f"no HEK columns in the first row (event_starttime at least): {beginning(row.text.strip())}"
            )
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise UnreadableError(f"columns appear twice: {', '.join(sorted(twice))}")

    def record(self, row: Row) -> Record:
        """The record in a row."""
        record: Record = {name: field.strip() for name, field in zip(self.names, row.fields, strict=True)}
        if self.type and "event_type" not in record:
            record["event_type"] = self.type
        return record


def type_of(names: Iterable[str]) -> str | None:
    """The type of a table without event_type: that of columns which only one type has.

    Flare columns decide before others. Without any such column, a table with `ar_` columns is one of active
    regions: these are allowed for every type, but here they are what is told. None if nothing can be told.
    """
    known = [ATTRIBUTES[name] for name in names if name in ATTRIBUTES]
    own = {code for column in known if len(column.event_types) == 1 for code in column.event_types}
    if "FL" in own:
        return "FL"
    if not own and any(column.name.startswith("ar_") for column in known):
        return "AR"
    return own.pop() if len(own) == 1 else None


def pages(chunks: Iterable[str], wanted: Callable[[Record], bool]) -> Iterator[bytes]:
    """Small tables that together hold the rows that are `wanted` and the broken ones.

    Raises UnreadableError, after everything complete, where the text ends in the middle.
    """
    header, rows = _table(chunks)

    def asked(row: Row) -> bool:
        return bool(row.fault) or wanted(header.record(row))

    for batch in batches(filter(asked, rows), lambda row: len(row.text)):
        yield (header.text + "".join(row.text for row in batch)).encode("utf-8", "replace")


def parse(body: bytes, origin: str) -> Parsed:
    """The records of a table, values as text. Raises SourceError if it is none."""
    parsed = Parsed()
    try:
        header, rows = _table([decode(body)])
        for row in rows:
            if row.fault:
                parsed.rejected.append(Rejected(row.text.rstrip("\r\n"), row.fault))
            else:
                parsed.records.append(header.record(row))
    except UnreadableError as error:
        raise SourceError(f"{origin}: {error}", permanent=True) from None
    return parsed


def _canonical(name: str) -> str:
    known = attribute(name.strip())
    return known.name if known else name.strip().lower()


def _table(chunks: Iterable[str]) -> tuple[Header, Iterator[Row]]:
    tape = _Tape(lines_of(chunks))
    header = Header(next(_rows(tape, None), None))
    return header, _rows(tape, len(header.names))


def _rows(tape: "_Tape", width: int | None) -> Iterator[Row]:
    """The rows that are not empty; `width` is how many fields each must have.

    A stray quote joins the lines behind it into its row. Only its own line is then the broken one; the others
    are read again.
    """
    while tape.begin():
        fields: list[str] = []
        try:
            fields = next(csv.reader(tape, strict=True))
            if not fields:
                continue  # an empty line
            fault = "" if width in (None, len(fields)) else f"{len(fields)} fields instead of {width}"
        except csv.Error as error:
            fault = f"broken row: {error}"
        if fault:
            tape.keep_first()
        text = tape.text()
        if fault and not text.endswith("\n"):
            raise UnreadableError(f"the last row ends in the middle: {fault}")
        yield Row(text, fields, fault)


class _Tape:
    """Lines that can be read again, and that remembers those of the current row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self._row: list[str] = []

    def __iter__(self) -> "_Tape":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._row.append(line)
        return line

    def begin(self) -> bool:
        """Begin a row; False at the end of the lines."""
        self._row = []
        if not self._again:
            line = next(self._lines, None)
            if line is None:
                return False
            self._again.append(line)
        return True

    def keep_first(self) -> None:
        """End the row after its first line; the others come again."""
        self._again.extendleft(reversed(self._row[1:]))
        del self._row[1:]

    def text(self) -> str:
        """The lines of the row as they stand in the file."""
        return "".join(self._row)
