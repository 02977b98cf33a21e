"""Places in an ordered list of events, given to clients as opaque signed text.

A cursor says after which event the next page begins, by the order's own columns and not by a count, so a
page neither repeats nor skips an event when others arrive meanwhile.
"""

from datetime import datetime

from django.core.signing import BadSignature, Signer

from api.params import Kind, read_time
from events.domain.criteria import Position

_SIGNER = Signer(salt="api.paging")


def cursor_after(event_starttime: datetime | str, kb_archivid: str) -> str:
    """The cursor of the place just after this event; times as datetime or ISO text, UTC, unabridged."""
    start = event_starttime if isinstance(event_starttime, str) else event_starttime.isoformat()
    return _SIGNER.sign_object([start, kb_archivid])


def _read_cursor(text: str) -> Position:
    try:
        start, kb_archivid = _SIGNER.unsign_object(text)
    except BadSignature as error:
        raise ValueError(text) from error
    return Position(read_time(start), kb_archivid)


CURSOR = Kind(_read_cursor, "the cursor that an earlier answer gave as its next page, unchanged")
