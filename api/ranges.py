"""Long answers: streams whose beginning is sure, and parts of them for who was cut off (RFC 9110, 14)."""

import re
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

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


def whole(request: HttpRequest, parts: Generator[Part, None, None], content_type: str) -> HttpResponseBase:
    """The parts in turn. When one fails on the way the connection breaks off, visibly."""
    if request.method == "HEAD":  # a server may well exhaust the body before it leaves it out
        return HttpResponse(content_type=content_type)
    return StreamingHttpResponse(Begun(parts), content_type=content_type)


def ranged(
    request: HttpRequest,
    parts: Callable[[], Generator[bytes, None, None]],
    *,
    length: int,
    tag: str,
    content_type: str,
) -> HttpResponseBase:
    """The bytes that `parts` makes, `length` of them, or the range of them that the client asks for.

    `parts` makes the same bytes each time: what comes before the range is made and thrown away. A range
    that is not one stretch of bytes is not heard (the client gets all); one beyond the end is 416.
    """
    asked = _asked(request, length, tag)
    if asked == (0, 0) and length:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{length}"
        return response
    begin, end = asked or (0, length)
    body = () if request.method == "HEAD" else Begun(_cut(parts(), begin, end))
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
    if match is None or match.groups() == ("", "") or (held is not None and held != tag):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        return (max(length - int(last), 0), length) if int(last) else (0, 0)
    begin, end = int(first), min(int(last) + 1, length) if last else length
    if last and int(last) < begin:
        return None
    return (begin, end) if begin < length else (0, 0)


def _cut(parts: Generator[bytes, None, None], begin: int, end: int) -> Generator[bytes, None, None]:
    """Of the bytes of `parts` those from `begin` up to `end`."""
    place = 0
    for part in parts:
        if place >= end:
            parts.close()
            return
        if piece := part[max(begin - place, 0) : end - place]:
            yield piece
        place += len(part)
