"""XML in HEK's two forms: recorded answers (cosec=1) and VOEvents, alone or many in one document.

A file is read as a stream; each record becomes a small tree, which is dropped when it is done. Characters
that XML forbids become U+FFFD. Neither form has a document type declaration, and whatever harm XML can do is
declared in one, so a document with it is refused (defusedxml).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from itertools import chain
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, ParseError, tostring

import orjson
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from ingest.sources.answers import decode
from ingest.sources.archive import voevent
from ingest.sources.archive.streams import LARGEST_PIECE, UnreadableError, batches
from ingest.sources.archive.tags import local_name
from ingest.sources.base import Parsed, Record, Rejected, SourceError

_ITEMS = frozenset({"result", "association", "VOEvent"})
_FRAME = frozenset({"html", "body", "VOEvents"})
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_REFERENCE = re.compile(r"ref_(\d+)_(name|type|url)")


def pages(chunks: Iterable[str], wanted: Callable[[Record], bool]) -> Iterator[bytes]:
    """Small answers that together hold the records that are `wanted`, all associations, and the faults.

    They are JSON, with the text of the XML as values: writing XML again takes longer than all the rest. Only
    what is rejected stays as it is. Raises UnreadableError, after everything complete, where the text ends in
    the middle.
    """
    for batch in batches(_pieces(chunks, wanted), lambda piece: len(piece[1])):
        texts = {
            kind: [text for k, text in batch if k == kind] for kind in ("result", "association", "rejected")
        }
        rejected = b"".join(texts.pop("rejected"))
        if any(texts.values()):
            lists = (b'"%s":[%s]' % (kind.encode(), b",".join(lines)) for kind, lines in texts.items())
            yield b"{%s}" % b",".join(lists)
        if rejected:
            yield b"<html><body>%s</body></html>" % rejected


def _pieces(chunks: Iterable[str], wanted: Callable[[Record], bool]) -> Iterator[tuple[str, bytes]]:
    """Kind and text of what stands in a document."""
    for element in _elements(chunks):
        parsed = _parsed(element)
        if parsed.rejected:
            yield "rejected", tostring(element, "unicode").encode()
        elif parsed.records and not wanted(parsed.records[0]):
            continue
        yield from (("result", orjson.dumps(record)) for record in parsed.records)
        yield from (("association", orjson.dumps(edge)) for edge in parsed.associations)


def parse(body: bytes, origin: str) -> Parsed:
    """The records of a document, values as text. Raises SourceError if it is no document of ours."""
    whole = Parsed()
    try:
        for element in _elements([decode(body)]):
            parsed = _parsed(element)
            whole.records.extend(parsed.records)
            whole.associations.extend(parsed.associations)
            whole.rejected.extend(parsed.rejected)
    except UnreadableError as error:
        raise SourceError(f"{origin}: {error}", permanent=True) from None
    return whole


def _parsed(element: Element) -> Parsed:
    """What one element gives."""
    if local_name(element) == "association":
        return Parsed(associations=[dict(element.attrib)])
    is_voevent = local_name(element) == "VOEvent"
    record = voevent.record(element) if is_voevent else _result(element)
    if isinstance(record, Rejected):
        return Parsed(rejected=[record])
    return Parsed(records=[record], associations=voevent.citations(element) if is_voevent else [])


def _result(element: Element) -> Record | Rejected:
    """The record of a result of a cosec=1 answer; ref_N_* become `refs`."""
    record: Record = {}
    references: dict[int, Record] = {}
    for param in element:
        name = param.get("name")
        if local_name(param) != "param" or not name:
            return Rejected(tostring(element, "unicode"), "a result holds something else than named params")
        text = (param.text or "").strip()
        reference = _REFERENCE.fullmatch(name)
        if reference:
            references.setdefault(int(reference[1]), {})[f"ref_{reference[2]}"] = text
        else:
            record[name] = text
    if references:
        empty = {"ref_name": "", "ref_type": "", "ref_url": ""}
        record["refs"] = [empty | references[number] for number in sorted(references)]
    return record


def _elements(chunks: Iterable[str]) -> Iterator[Element]:
    """The results, associations and VOEvents of a document, one at a time; each is emptied after its turn.

    Raises UnreadableError where the document breaks off, or if it is another document.
    """
    text = _TextFile(chunks)
    frame: list[Element] = []  # the open elements around the items
    inside = found = 0  # how deep in an item; how many there were
    foreign = ""
    try:
        for event, element in iterparse(cast(IO[Any], text), ("start", "end"), forbid_dtd=True):
            if inside:
                inside += 1 if event == "start" else -1
                if not inside:
                    found += 1
                    yield element
                    text.taken = 0
                    frame[-1].clear()
            elif event == "end":
                foreign = foreign or (element.text or "").strip()[:60]
                frame.pop()
            elif local_name(element) in _ITEMS:
                inside = 1
                frame = frame or [element]
            else:
                frame.append(element)
                if local_name(element) not in _FRAME:
                    foreign = foreign or f"<{local_name(element)}>"
    except DefusedXmlException as error:
        raise UnreadableError(f"the document has a DTD, no answer of HEK has one: {error}") from None
    except ParseError as error:
        raise UnreadableError(f"broken XML, or it ends in the middle: {error}") from None
    if not found and foreign:
        raise UnreadableError(f"neither an answer of HEK nor a VOEvent; it holds {foreign}")


class _TextFile:
    """Chunks of text as the file that iterparse reads, without characters that XML forbids."""

    def __init__(self, chunks: Iterable[str]) -> None:
        chunks = iter(chunks)
        # A declaration must stand at the very beginning; recorded answers begin with an empty line.
        self._chunks = chain([next(chunks, "").lstrip()], chunks)
        self.taken = 0
        self._chunk = StringIO()

    def read(self, size: int) -> str:
        """The next `size` characters or fewer; empty at the end."""
        text = self._chunk.read(size)
        if not text:
            self._chunk = StringIO(next(self._chunks, ""))
            text = self._chunk.read(size)
        self.taken += len(text)
        if self.taken > LARGEST_PIECE:
            raise UnreadableError(f"a single record exceeds {LARGEST_PIECE} characters")
        return _FORBIDDEN.sub("\ufffd", text)
