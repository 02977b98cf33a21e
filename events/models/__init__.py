"""The tables of solar events.

Columns bear HEK's names; units and frames stand in `events.domain.vocabulary`.
"""

from events.models.events import SRID, Association, Event, EventVersion
from events.models.tracks import Track, TrackEdge, TrackReport, TrackShape

__all__ = [
    "SRID",
    "Association",
    "Event",
    "EventVersion",
    "Track",
    "TrackEdge",
    "TrackReport",
    "TrackShape",
]
