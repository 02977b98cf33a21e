"""Where the next page of a list is: its address, and places in a list as opaque signed text.

A cursor says after which of them the next page begins, by the order's own columns and not by a count, so a
page neither repeats nor skips one when others arrive meanwhile.
"""

from datetime import datetime
from typing import Any, TypeVar

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.params import Kind, read_time
from events.domain.criteria import Position
from events.domain.tracks import TrackPosition

Response = TypeVar("Response", bound=HttpResponseBase)
_SIGNER = Signer(salt="api.paging")
#: A cursor of images looks like one of tracks; the salt tells them apart.
_IMAGE_SIGNER = Signer(salt="api.paging.images")
_TAKES = "the cursor that an earlier answer gave as its next page, unchanged"


def next_address(request: HttpRequest, **changed: Any) -> str:
    """The address of the same question but for these parameters.

    Old dialects read names in any case, so every spelling of a changed one goes.
    """
    query = request.GET.copy()
    for spelled in [name for name in query if name.lower() in changed and name not in changed]:
        del query[spelled]
    for name, value in changed.items():
        query[name] = str(value)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def with_link(response: Response, address: str | None) -> Response:
    """The response with the header that says where the next page is, if there is one (RFC 8288)."""
    if address is not None:
        response["Link"] = f'<{address}>; rel="next"'
    return response


def cursor_after(event_starttime: datetime | str, tie: str | int) -> str:
    """The cursor of the place just after this event, or track, of which `tie` is the kb_archivid, or id.

    Times as datetime or ISO text, UTC, unabridged.
    """
    start = event_starttime if isinstance(event_starttime, str) else event_starttime.isoformat()
    return _SIGNER.sign_object([start, tie])


def cursor_after_image(observed: datetime, wave: int) -> str:
    """The cursor of the place just after an image in the list by observation and wavelength (angstrom)."""
    return _IMAGE_SIGNER.sign_object([observed.isoformat(), wave])


def _signed(text: str, tie: type[str] | type[int], signer: Signer = _SIGNER) -> tuple[datetime, Any]:
    """What was signed, of this list and of no other."""
    try:
        start, after = signer.unsign_object(text)
    except BadSignature as error:
        raise ValueError(text) from error
    if not isinstance(after, tie):
        raise ValueError(text)  # noqa: TRY004 - a parameter that cannot be read
    return read_time(start), after


CURSOR = Kind(lambda text: Position(*_signed(text, str)), _TAKES)
TRACK_CURSOR = Kind(lambda text: TrackPosition(*_signed(text, int)), _TAKES)
#: The observation and the wavelength.
IMAGE_CURSOR = Kind(lambda text: _signed(text, int, _IMAGE_SIGNER), _TAKES)
