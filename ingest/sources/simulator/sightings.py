"""What a method tells of one thing at one time, before it is written down as a HEK record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from events.domain.frames import Floats

AUTHORITY = "ivo://helio-informatics.org/"


@dataclass(frozen=True, slots=True)
class Method:
    """A feature recognition method (frm).

    `number` seeds its randomness; `constants` stand in all its records.
    `stem` is what stands in kb_archivid, often an older name. `pixel` (arcsec) is the grid on which it draws
    outlines. `revises` is the attribute that a second revision corrects. `reporter` signs associations.
    """

    number: int
    event_type: str
    stem: str
    constants: Mapping[str, Any]
    revises: str
    pixel: float = 0.6
    tells_clipping: bool = False
    degenerate_boxes: bool = False


class Edge(NamedTuple):
    """An association of two reports."""

    first: str
    second: str
    verb: Literal["is_followed_by", "splits_into"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One report. Times are seconds since 1970-01-01 UTC.

    `submitted` is the frame of `coord` and `box` (xmin, ymin, xmax, ymax): "hgs" in degrees, "hrc" as
    (radius, position angle). Reports in "hpc" give `coord`, `outline` and `skeleton` as points of the surface
    (Carrington, deg; shape (n, 2)), which are seen at `observed`; their box is that of the outline.
    """

    method: Method
    archivid: str
    start: int
    end: int
    run: int
    archived: int
    submitted: Literal["hpc", "hgs", "hrc"]
    coord: tuple[float, float]
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    observed: int = 0
    outline: Floats | None = None
    skeleton: Floats | None = None
    errors: tuple[float, float] = (1.0, 1.0)
    no_position: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()


def moment(seconds: int) -> datetime:
    """A time as a datetime with a zone."""
    return datetime.fromtimestamp(seconds, UTC)


def iso(seconds: int) -> str:
    """A time in HEK's form, UTC."""
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%S")


def archivid(method: Method, run: int, suffix: str) -> str:
    """HEK's rule: type, method, time of the run, and what the method adds."""
    return f"{AUTHORITY}{method.event_type}_{method.stem}_{moment(run):%Y%m%d_%H%M%S}{suffix}"
