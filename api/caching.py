"""Answers that may be kept: their tags, for how long, and their bytes in gzip.

Immutable is what shows one image: a slot keeps the image that it was given. What the images still to come
could change, a list or the image that answers a time whose own slot is empty, is asked again before use.
"""

import re
from collections.abc import Callable, Generator, Iterable
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from isal import igzip, isal_zlib

from images.models import ImageHeader

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "public, no-cache"
#: Of ISA-L's levels; docs/benchmarks.md has what it costs.
_LEVEL = 1
_GZIP_FORMAT = 31  # zlib's number for the largest window with a gzip header
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=([0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)


def tag_of(*words: Any) -> str:
    """The strong ETag of what these words determine."""
    return f'"{blake2b(repr(words).encode(), digest_size=16).hexdigest()}"'


def identity_of(header: ImageHeader) -> tuple[Any, ...]:
    """What the contents of a frame follow from: the file, the settings, the software."""
    return header.pk, header.content_hash.hex, header.settings_id, header.software


def kept(
    request: HttpRequest, tag: str, make: Callable[[], HttpResponseBase], *, immutable: bool
) -> HttpResponseBase:
    """What `make` gives, or 304 where the client holds the answer of this tag already; with both headers."""
    held = get_conditional_response(request, etag=tag)
    response: HttpResponseBase = make() if held is None else held
    response["ETag"] = tag
    response["Cache-Control"] = IMMUTABLE if immutable else REVALIDATED
    return response


def takes_gzip(request: HttpRequest) -> bool:
    """Whether the client accepts gzip, by its Accept-Encoding (RFC 9110, 12.5.3)."""
    found = _GZIP.search(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    return found is not None and not re.fullmatch(r"0(\.0*)?", found[1] or "1")


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
