"""Shapes between the reports of a track.

HEK's modules report a region every few hours; `shapes_at` gives its shape at any instant between, as the
Earth sees it then, and says how it was made. Pure: plain values in and out.
"""

from events.domain.interpolation.timeline import aligned, grid, rotated_to, shapes_at
from events.domain.interpolation.track import DEFAULT, GSU, Settings, Shape, Sighting

__all__ = ["DEFAULT", "GSU", "Settings", "Shape", "Sighting", "aligned", "grid", "rotated_to", "shapes_at"]
