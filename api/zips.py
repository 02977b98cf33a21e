"""Zip files that are made as they are sent, uncompressed, whole or in part.

Python's zipfile can stream one, but only from its first byte on: it has to write everything before the range
that a client asks for. Here the length of every entry is known beforehand, and what nobody needs is not made.
"""

import struct
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from api.ranges import cut

#: Bytes of a zip file: the headers of an entry before it, behind it and in the list at the end (each with the
#: name in the first and the last), and the end itself (PKWARE APPNOTE 6.3.10, 4.3.7, 4.3.9, 4.3.12, 4.3.16).
_BEFORE, _BEHIND, _LISTED, _END = 30, 16, 46, 22
_HEAD, _TAIL = struct.Struct("<4s5H3I2H"), struct.Struct("<4s3I")
_LINE, _CLOSE = struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
#: Version 2.0, sums behind the entry, not compressed, 1980-01-01 (zip files know no time before).
_KIND = (20, 1 << 3, 0, 0, 1 << 5 | 1)
_MADE_BY, _RIGHTS = 3 << 8 | 20, 0o600 << 16


@dataclass(frozen=True, slots=True)
class Late:
    """A part of a file that is made when somebody wants it: its length in bytes, and what makes it."""

    length: int
    make: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file within a zip file: its name (ASCII), its length in bytes, and what gives its parts."""

    name: str
    length: int
    parts: Callable[[], Iterable[bytes | Late]]

    @classmethod
    def of(cls, name: str, content: bytes) -> "Entry":
        """A short one, made already."""
        return cls(name, len(content), lambda: (content,))


def zip_length(entries: Iterable[tuple[str, int]]) -> int:
    """Bytes of the zip file of entries of these names and lengths."""
    return _END + sum(_BEFORE + _BEHIND + _LISTED + 2 * len(name) + length for name, length in entries)


def zip_parts(
    entries: Sequence[Entry], begin: int = 0, end: int | None = None
) -> Generator[bytes, None, None]:
    """The zip file of these entries, uncompressed; the same bytes each time, from `begin` up to `end`.

    Late parts beyond these bytes are made for a check sum among them only (see `zip_unsent`).
    """
    last = zip_length((entry.name, entry.length) for entry in entries) if end is None else end
    return cut(_pieces(entries, begin, last), begin, last)


def zip_unsent(entries: Sequence[Entry], begin: int, end: int) -> int:
    """Bytes before `begin`, about, that `zip_parts` has to make.

    The check sum of an entry is told behind it, and once more in the list at the end. So a stretch that ends
    before the list needs no entry but those that end in it, and one that reaches the list needs all.
    """
    if _list_at(entries) < end:
        return begin
    place = 0
    for entry in entries:
        inside = place + _BEFORE + len(entry.name)
        behind = inside + entry.length
        place = behind + _BEHIND
        if begin < place:
            return max(begin - inside, 0) if behind < end else 0
    return 0


def _list_at(entries: Iterable[Entry]) -> int:
    return sum(_BEFORE + len(entry.name) + entry.length + _BEHIND for entry in entries)


def _pieces(entries: Sequence[Entry], begin: int, end: int) -> Generator[bytes | int, None, None]:
    """The file in turn; a number stands for so many bytes that nobody needs."""
    place, listed, all_told = 0, list[bytes](), _list_at(entries) < end
    for entry in entries:
        name, start, crc = entry.name.encode("ascii"), place, 0
        yield _HEAD.pack(b"PK\x03\x04", *_KIND, 0, 0, 0, len(name), 0) + name
        place += _BEFORE + len(name)
        behind = place + entry.length
        told = all_told or (begin < behind + _BEHIND and behind < end)
        for part in entry.parts():
            length = part.length if isinstance(part, Late) else len(part)
            if told or (begin < place + length and place < end):
                made = part.make() if isinstance(part, Late) else part
                crc = zlib.crc32(made, crc)
                yield made
            else:
                yield length
            place += length
        yield _TAIL.pack(b"PK\x07\x08", crc, entry.length, entry.length)
        place += _BEHIND
        sizes = crc, entry.length, entry.length, len(name)
        listed.append(_LINE.pack(b"PK\x01\x02", _MADE_BY, *_KIND, *sizes, 0, 0, 0, 0, _RIGHTS, start) + name)
    lines, count = b"".join(listed), len(entries)
    yield lines
    yield _CLOSE.pack(b"PK\x05\x06", 0, 0, count, count, len(lines), place, 0)
