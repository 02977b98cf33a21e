"""Places in an ordered list of events or tracks, given to clients as opaque signed text.

A cursor says after which of them the next page begins, by the order's own columns and not by a count, so a
page neither repeats nor skips one when others arrive meanwhile.
"""

from datetime import datetime
from typing import Any

from django.core.signing import BadSignature, Signer

from api.params import Kind, read_time
from events.domain.criteria import Position
from events.domain.tracks import TrackPosition

_SIGNER = Signer(salt="api.paging")
_TAKES = "the cursor that an earlier answer gave as its next page, unchanged"


def cursor_after(event_starttime: datetime | str, tie: str | int) -> str:
    """The cursor of the place just after this event, or track, of which `tie` is the kb_archivid, or id.

    Times as datetime or ISO text, UTC, unabridged.
    """
    start = event_starttime if isinstance(event_starttime, str) else event_starttime.isoformat()
    return _SIGNER.sign_object([start, tie])


def _signed(text: str, tie: type[str] | type[int]) -> tuple[datetime, Any]:
    """What was signed, of this list and of no other."""
    try:
        start, after = _SIGNER.unsign_object(text)
    except BadSignature as error:
        raise ValueError(text) from error
    if not isinstance(after, tie):
        raise ValueError(text)  # noqa: TRY004 - a parameter that cannot be read
    return read_time(start), after


CURSOR = Kind(lambda text: Position(*_signed(text, str)), _TAKES)
TRACK_CURSOR = Kind(lambda text: TrackPosition(*_signed(text, int)), _TAKES)
