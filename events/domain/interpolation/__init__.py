"""Shapes between the reports of a track.

HEK's modules report a region every few hours; `shapes_at` gives its shape at any instant between, as the
Earth sees it then, and says how it was made. Pure: plain values in and out.

The functions are imported when they are first asked for: they bring compiled code, 60 MB of memory, which a
process that answers with what is stored does without.
"""

from typing import TYPE_CHECKING, Any

from events.domain.interpolation.track import DEFAULT, GSU, Settings, Shape, Sighting

if TYPE_CHECKING:
    from events.domain.interpolation.timeline import aligned, grid, rotated_to, shapes_at

__all__ = ["DEFAULT", "GSU", "Settings", "Shape", "Sighting", "aligned", "grid", "rotated_to", "shapes_at"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from events.domain.interpolation import timeline  # noqa: PLC0415 - see the module's first lines

    return getattr(timeline, name)
