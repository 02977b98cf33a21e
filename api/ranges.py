"""Long answers: streams whose beginning is sure, and parts of them for who was cut off (RFC 9110, 14)."""

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

#: Bytes that a range may cost without being sent: so many (half a second of reading frames), or so many times
#: its own, so that who has up to 99 % of an answer still gets the rest.
MAX_UNSENT, MAX_UNSENT_TIMES = 100_000_000, 100
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
Part = TypeVar("Part", str, bytes)


class Begun(Generic[Part]):
    """The same parts, the first one already made: what fails at once still gets its own status.

    `close`, which the server calls when the client has gone, ends what stands behind the parts even where
    none was taken; a generator would not hear of it.
    """

    def __init__(self, parts: Generator[Part, None, None]) -> None:
        self._parts: Generator[Part, None, None] = parts
        self._first: Part | None = next(parts, None)
        self.close = parts.close

    def __iter__(self) -> Iterator[Part]:
        if self._first is not None:
            yield self._first
        yield from self._parts


class Sink:
    """A file that only takes, and gives away what it took."""

    closed = False

    def __init__(self) -> None:
        self._taken: list[bytes] = []

    def write(self, data: Any) -> int:
        """Take these bytes."""
        self._taken.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def given(self) -> bytes:
        """What was written since the last time."""
        data, self._taken = b"".join(self._taken), []
        return data


def whole(request: HttpRequest, parts: Generator[Part, None, None], content_type: str) -> HttpResponseBase:
    """The parts in turn. When one fails on the way the connection breaks off, visibly."""
    # For HEAD nothing is made, so no length is known; a server may well exhaust a body before it drops it.
    body: Iterable[Part] = () if request.method == "HEAD" else Begun(parts)
    return StreamingHttpResponse(body, content_type=content_type)


def ranged(
    request: HttpRequest,
    parts: Callable[[int, int], Generator[bytes, None, None]],
    *,
    length: int,
    tag: str,
    content_type: str,
    unsent: Callable[[int, int], int],
) -> HttpResponseBase:
    """All `length` bytes, or the range of them that the client asks for; a GET, since HEAD has no ranges.

    `parts` makes the bytes from one place up to another, the same each time; `unsent` says how many it has to
    make besides. A range that is not one stretch of bytes, or takes much for little, is not heard (the client
    gets all); one beyond the end is 416.
    """
    asked = _asked(request, length, tag)
    if asked == (0, 0) and length:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{length}"
        return response
    if asked and _is_dear(asked[1] - asked[0], unsent(*asked)):
        asked = None
    begin, end = asked or (0, length)
    body = () if request.method == "HEAD" else Begun(parts(begin, end))
    response = StreamingHttpResponse(body, content_type=content_type, status=206 if asked else 200)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(end - begin)
    if asked:
        response["Content-Range"] = f"bytes {begin}-{end - 1}/{length}"
    return response


def _asked(request: HttpRequest, length: int, tag: str) -> tuple[int, int] | None:
    """The range as [begin, end), empty where it lies beyond the end; None where all is wanted."""
    match = _RANGE.fullmatch(request.META.get("HTTP_RANGE", "").replace(" ", ""))
    held = request.META.get("HTTP_IF_RANGE")
    if request.method != "GET" or match is None or match.groups() == ("", ""):
        return None
    if held is not None and held != tag:
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        return (max(length - int(last), 0), length) if int(last) else (0, 0)
    begin, end = int(first), min(int(last) + 1, length) if last else length
    if last and int(last) < begin:
        return None
    return (begin, end) if begin < length else (0, 0)


def _is_dear(sent: int, unsent: int) -> bool:
    return unsent > MAX_UNSENT and unsent > MAX_UNSENT_TIMES * sent


def cut(parts: Generator[bytes | int, None, None], begin: int, end: int) -> Generator[bytes, None, None]:
    """Of the bytes of `parts` those from `begin` up to `end`; a number stands for so many left out."""
    place = 0
    for part in parts:
        if place >= end:
            parts.close()
            return
        if isinstance(part, int):
            place += part
            continue
        if piece := part[max(begin - place, 0) : end - place]:
            yield piece
        place += len(part)
