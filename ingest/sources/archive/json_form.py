"""Recorded answers as JSON (cosec=2), bare lists of records, and records one a line (JSON lines).

A file is read as a stream: `json` finds the end of each record in a window of text, and slices of the file's
own text become pages. What is broken is passed on in a page of its own, as a JSON text sequence (RFC 7464:
each text behind a record separator), where a broken text does not spoil the next.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Literal, NamedTuple

import structlog

from events.domain.vocabulary import attribute
from ingest.sources.answers import (
    ASSOCIATION_KEYS,
    RESULT_KEYS,
    beginning,
    decode,
    is_answer,
    load_json,
    load_json_text,
    parse_answer,
    reject_value,
)
from ingest.sources.archive.streams import LARGEST_PIECE, UnreadableError, batches, lines_of
from ingest.sources.base import Parsed, Record, Rejected, SourceError

log = structlog.get_logger(__name__)

SEPARATOR = "\x1e"
#: What JSON counts as blank; Python's strip would take separators away too.
BLANKS = " \t\r\n"
_DECODER = json.JSONDecoder(strict=False)
_BLANK = re.compile(f"[{BLANKS}]*")
_FIRST_KEY = re.compile(r'\{[ \t\r\n]*"([^"\\]*)"')
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


class Item(NamedTuple):
    """A piece of an answer: its text, and what it decodes to (None if broken)."""

    kind: Literal["result", "association", "broken"]
    text: str
    value: Any


def pages(chunks: Iterable[str], wanted: Callable[[Record], bool]) -> Iterator[bytes]:
    """Small answers that together hold the records of a text that are `wanted`, its edges and its faults.

    Raises UnreadableError, after everything complete, where the text ends in the middle.
    """

    def asked(item: Item) -> bool:
        return item.kind != "result" or not isinstance(item.value, dict) or wanted(item.value)

    for batch in batches(filter(asked, items(chunks)), lambda item: len(item.text)):
        whole = {kind: [i.text for i in batch if i.kind == kind] for kind in ("result", "association")}
        if any(whole.values()):
            lists = (f'"{kind}":[{",".join(texts)}]' for kind, texts in whole.items())
            yield f"{{{','.join(lists)}}}".encode("utf-8", "replace")
        broken = [item.text.replace(SEPARATOR, "\ufffd") for item in batch if item.kind == "broken"]
        if broken:
            yield "".join(f"{SEPARATOR}{text}\n" for text in broken).encode("utf-8", "replace")


def parse(body: bytes, origin: str) -> Parsed:
    """The records of an answer, a list of records, or JSON lines. Raises SourceError if it is none."""
    if body.startswith(SEPARATOR.encode()):
        texts = (text.strip() for text in decode(body).split(SEPARATOR)[1:])
        return Parsed(rejected=[Rejected(text, _fault(text)) for text in texts])
    try:
        value = load_json(body)
    except ValueError:
        return _parse_pieces(decode(body), origin)
    if isinstance(value, list):
        value = {"result": value}
    if is_answer(value):
        return parse_answer(value, origin)
    return _parse_pieces(decode(body), origin)


def _parse_pieces(text: str, origin: str) -> Parsed:
    parsed = Parsed()
    try:
        for item in items([text]):
            if item.kind == "broken":
                parsed.rejected.append(Rejected(item.text, _fault(item.text)))
            elif not isinstance(item.value, dict):
                parsed.rejected.append(reject_value(item.value))
            else:
                (parsed.records if item.kind == "result" else parsed.associations).append(item.value)
    except UnreadableError as error:
        raise SourceError(f"{origin}: {error}", permanent=True) from None
    return parsed


def _fault(text: str) -> str:
    try:
        load_json_text(text)
    except ValueError as error:
        return f"broken JSON: {error}"
    return "broken JSON"


def items(chunks: Iterable[str]) -> Iterator[Item]:
    """The records and associations of a text in order. Raises UnreadableError where it cannot go on."""
    stream = iter(chunks)
    head = next(stream, "").lstrip(BLANKS)
    stream = chain([head], stream)
    return _of_lines(stream) if _is_lines(head) else _of_document(stream)


# --- JSON lines


def _is_lines(head: str) -> bool:
    """Whether a text is a sequence of lines with a record each: its first line is one, by itself."""
    line, end, rest = head.partition("\n")
    if not end or not rest.strip() or not line.startswith("{"):
        return False
    try:
        return isinstance(load_json_text(line), dict)
    except ValueError:
        return False


def _of_lines(chunks: Iterator[str]) -> Iterator[Item]:
    for line in lines_of(chunks):
        text = line.strip(BLANKS)
        if not text:
            continue
        try:
            value = load_json(text.encode("utf-8", "surrogatepass"))
        except ValueError as error:
            if not line.endswith("\n"):
                raise UnreadableError(f"the last line ends in the middle: {error}") from None
            yield Item("broken", text, None)
            continue
        if is_answer(value):
            yield from _of_document(iter([text]))
        else:
            yield Item("result", text, value)


# --- documents: an answer, a list of records, one record, or several of them in a row


def _of_document(chunks: Iterator[str]) -> Iterator[Item]:
    scanner = _Scanner(chunks)
    while char := scanner.peek():
        if char == "[":
            yield from _elements(scanner, "result")
        elif char == "{":
            yield from _object(scanner)
        else:
            raise scanner.fault("neither an object nor a list")


def _elements(scanner: "_Scanner", kind: Literal["result", "association"]) -> Iterator[Item]:
    scanner.skip("[")
    if scanner.peek() == "]":
        scanner.skip("]")
        return
    while True:
        yield scanner.item(kind)
        if scanner.peek() != ",":
            scanner.skip("]")
            return
        scanner.skip(",")


def _object(scanner: "_Scanner") -> Iterator[Item]:
    """An answer, whose lists are read as streams, or a record."""
    if attribute(scanner.first_key()) is not None:
        yield scanner.item("result")
        return
    others: dict[str, Any] = {}
    lists = 0
    for key in _keys(scanner):
        if key in (*RESULT_KEYS, *ASSOCIATION_KEYS) and scanner.peek() == "[":
            lists += key in RESULT_KEYS
            yield from _elements(scanner, "result" if key in RESULT_KEYS else "association")
        else:
            others[key] = scanner.value()[0]
    if others.get("error"):
        raise UnreadableError(f"the answer reports {beginning(others['error'])}")
    if lists == 0:
        if not any(attribute(key) for key in others):
            raise UnreadableError(f"an object that is neither answer nor record: {beginning(others)}")
        yield Item("result", json.dumps(others), others)
    if str(others.get("overmax")).lower() == "true":
        log.warning("a recorded answer says that more followed (overmax); is the rest there too?")


def _keys(scanner: "_Scanner") -> Iterator[str]:
    """The keys of an object; whoever asks reads each value before the next key."""
    scanner.skip("{")
    while scanner.peek() != "}":
        key, _ = scanner.value()
        if not isinstance(key, str):
            raise scanner.fault("a key is no string")
        scanner.skip(":")
        yield key
        if scanner.peek() == ",":
            scanner.skip(",")
    scanner.skip("}")


class _Scanner:
    """A place in a text that comes in chunks. Holds no more of it than the value at that place."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks = chunks
        self._text = ""
        self._at = 0
        self._gone = 0

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, char: str) -> None:
        """Go past a character that must stand here."""
        if self.peek() != char:
            raise self.fault(f"{char!r} expected")
        self._at += 1

    def first_key(self) -> str:
        """The first key of the object that begins here; empty if it is not to be seen."""
        self.peek()
        match = _FIRST_KEY.match(self._text, self._at)
        return match[1] if match else ""

    def value(self) -> tuple[Any, str]:
        """Go past a JSON value: what it decodes to, and its text."""
        value, end = self._decoded()
        text = self._text[self._at : end]
        self._at = end
        return value, text

    def item(self, kind: Literal["result", "association"]) -> Item:
        """Go past an element of a list. A broken one is passed by its brackets, if these can be told."""
        try:
            value, text = self.value()
        except UnreadableError:
            end = self._closing_bracket()
            if end is None:
                raise
            text = self._text[self._at : end]
            self._at = end
            return Item("broken", text, None)
        return Item(kind, text, value)

    def fault(self, reason: str) -> UnreadableError:
        """An error that says where we are."""
        seen = self._text[self._at : self._at + 60]
        where = f"at character {self._gone + self._at}"
        if not seen:
            return UnreadableError(f"the JSON ends in the middle, {where}: {reason}")
        return UnreadableError(f"the JSON is broken or ends in the middle, {where} ({seen!r}): {reason}")

    def _decoded(self) -> tuple[Any, int]:
        self.peek()
        while True:
            reason = ""
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                reason = str(error)
            # A number at the end of the window may go on in the next chunk.
            if not reason and end < len(self._text):
                return value, end
            if len(self._text) - self._at > LARGEST_PIECE or not self._more():
                break
        if reason:
            raise self.fault(reason)
        return value, end

    def _closing_bracket(self) -> int | None:
        """Where the object or list that begins here ends, if its strings and brackets are in order."""
        depth = 0
        if self.peek() not in ("{", "["):
            return None
        for match in _STRING_OR_BRACKET.finditer(self._text, self._at):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(match[0], 0)
            if depth == 0:
                return match.end()
        return None

    def _more(self) -> bool:
        chunk = next(self._chunks, "")
        self._text = self._text[self._at :] + chunk
        self._gone += self._at
        self._at = 0
        return bool(chunk)
