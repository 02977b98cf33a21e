"""Answers that may be kept: their tags, for how long, and their bytes in gzip.

Immutable is what shows one version of an image at an address that names the version (`version_of`). At any
other address an answer is asked again before use: an earlier image may come to its slot, the same one may be
measured anew, and our rendering may change.
"""

import re
from collections.abc import Callable, Generator, Iterable
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import PIL
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from isal import igzip, isal_zlib

from api.errors import PreconditionFailedError
from images.models import ImageHeader

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "public, no-cache"
#: What turns the words of a tag into bytes. Raise our number when ramps, legends, colours, encoding or the
#: text of cells change: clients then let go of what they hold.
RENDERING = (1, PIL.__version__)
#: Of ISA-L's levels; docs/benchmarks.md has what it costs.
_LEVEL = 1
_GZIP_FORMAT = 31  # zlib's number for the largest window with a gzip header
_CODING = re.compile(r"([^\s;,]+)\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?)\s*)?", re.IGNORECASE)
_KEPT = {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}


def tag_of(*words: Any) -> str:
    """The strong ETag of what these words determine, as it is rendered now."""
    return _tag(repr((RENDERING, words)).encode())


def _tag(content: bytes) -> str:
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


def identity_of(header: ImageHeader) -> tuple[Any, ...]:
    """What the contents of a frame follow from: the file, the settings, the software."""
    return header.pk, header.content_hash.hex, header.settings_id, header.software


def version_of(header: ImageHeader) -> str:
    """The word for this image, as it was measured and is rendered now, in addresses that never change."""
    return tag_of(identity_of(header)).strip('"')[:16]


def kept(
    request: HttpRequest, tag: str, make: Callable[[], HttpResponseBase], *, immutable: bool = False
) -> HttpResponseBase:
    """What `make` gives, or 304 where the client holds the answer of this tag already; with both headers.

    Raises PreconditionFailedError.
    """
    response = make() if not _holds(request, tag) else HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    if response.status_code in _KEPT:
        response["ETag"] = tag
        response["Cache-Control"] = IMMUTABLE if immutable else REVALIDATED
    return response


def revalidated(request: HttpRequest, response: HttpResponse) -> HttpResponseBase:
    """A finished answer that anything may change, under the tag of its bytes, or 304 where they are held.

    Raises PreconditionFailedError.
    """
    content_type = response["Content-Type"].encode()
    return kept(request, _tag(content_type + b"\n" + response.content), lambda: response)


def _holds(request: HttpRequest, tag: str) -> bool:
    """Whether the client has the answer of this tag (RFC 9110, 13.2.2). Raises PreconditionFailedError.

    Conditions on dates are not heard, since no answer says when it was last modified (13.1.3, 13.1.4).
    """
    expected = parse_etags(request.headers.get("If-Match", ""))
    if expected and not {"*", tag} & {*expected}:
        raise PreconditionFailedError
    held = parse_etags(request.headers.get("If-None-Match", ""))
    return bool({"*", tag} & {word.removeprefix("W/") for word in held})


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the client accepts gzip, by its Accept-Encoding (RFC 9110, 12.5.3); `*` is any not named."""
    said = request.headers.get("Accept-Encoding", "").lower().split(",")
    found = [match for part in said if (match := _CODING.fullmatch(part.strip()))]
    weights = {match[1]: float(match[2] or 1) for match in found}
    return weights.get("gzip", weights.get("*", 0)) > 0


def zipped(body: bytes) -> bytes:
    """`body` in gzip; the same bytes each time."""
    return igzip.compress(body, _LEVEL, mtime=0)


def zipped_parts(parts: Iterable[bytes]) -> Generator[bytes]:
    """The parts as one gzip stream, given out as it grows."""
    packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP_FORMAT)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()


def mark_gzip(response: HttpResponseBase, *, used: bool) -> None:
    """Say that the body depends on Accept-Encoding, and which encoding it has."""
    patch_vary_headers(response, ("Accept-Encoding",))
    if used:
        response["Content-Encoding"] = "gzip"
