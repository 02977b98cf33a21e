"""The event or track that an address names, by our number or a kb_archivid; else a 404 that says why."""

import re
from typing import Any

from django.db.models import QuerySet

from api.errors import NotFoundError
from events.models import Event, Track
from events.queries import event_of, event_with_number
from events.tracks import track_of_archivid, track_of_number

_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SHOWN = 200


def find_event(key: str, **columns: Any) -> Event:
    """The event, with these columns computed beside its own. Raises NotFoundError."""
    event = _events(key).annotate(**columns).first()
    if event is None:
        raise NotFoundError(f"There is no event {key[:_SHOWN]!r}.")
    return event


def find_track(key: str) -> Track:
    """The track of this number, or in which the report of this number or kb_archivid stands.

    Raises NotFoundError, which says whether there is such a report at least.
    """
    name = _name(key)
    by_number = isinstance(name, int)
    found = track_of_number(name) if isinstance(name, int) else track_of_archivid(name)
    track = None if "\0" in key else found.first()
    if track is not None:
        return track
    event_type = _events(key).values_list("event_type", flat=True).first()
    if event_type is None:
        raise NotFoundError(f"There is no {'track or event' if by_number else 'event'} {key[:_SHOWN]!r}.")
    raise NotFoundError(
        f"The event {key[:_SHOWN]!r} of type {event_type} stands in no track: its type is not tracked, or it "
        "was not tracked yet."
    )


def _events(key: str) -> QuerySet[Event]:
    name = _name(key)
    if "\0" in key:  # which PostgreSQL cannot take
        return Event.objects.none()
    return event_with_number(name) if isinstance(name, int) else event_of(name)


def _name(key: str) -> int | str:
    """A number of ours, or a kb_archivid."""
    # Servers on the way may have folded the two slashes of ivo:// into one.
    text = re.sub(r"^ivo:/(?!/)", "ivo://", key.rstrip("/"))
    return int(text) if _NUMBER.fullmatch(text) else text
