"""Tracking: which reports are of the same thing on the Sun.

Pure: plain values in, plain values out; numpy, scipy and shapely, no Django, no database. `track` does all
reports at once, `track_window` a window of them with the same result.
"""

from ingest.tracking.reports import TRACKABLE, Edge, KnownEdge, Report, Skipped, Tracking, chains
from ingest.tracking.settings import HORIZON, Settings
from ingest.tracking.tracker import track, track_window

__all__ = [
    "HORIZON",
    "TRACKABLE",
    "Edge",
    "KnownEdge",
    "Report",
    "Settings",
    "Skipped",
    "Tracking",
    "chains",
    "track",
    "track_window",
]
