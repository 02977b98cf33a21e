"""What can be asked about events: frozen values that every dialect's parameters become.

The words of the two old services differ in what they mean at the ends of an interval. Each predicate here
says exactly what it compares, and `events.queries` renders each once.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shapely import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from events.domain.conditions import AttributeFilter, Region

#: ISD stored instants as one second long, so that they are not empty under half-open bounds. We store
#: the true times; the half-open predicates let an instant last this long (docs/api/isd.md).
INSTANT = timedelta(seconds=1)


class TemporalPredicate(StrEnum):
    """A relation between an event [s, e] and a window [a, b].

    The first eight are ISD's, half-open: the event is [s, e), an instant [s, s + 1 s), the window [a, b).
    An empty window (a = b) obeys PostgreSQL's order of ranges: everything is greater than it and contains
    it, nothing else holds.
    """

    EQUALS = "Equals"  # s = a and e = b
    LESS_THAN = "LessThan"  # s < a, or s = a and e < b
    GREATER_THAN = "GreaterThan"  # s > a, or s = a and e > b
    CONTAINS = "Contains"  # s <= a and e >= b
    CONTAINED_BY = "ContainedBy"  # s >= a and e <= b
    OVERLAPS = "Overlaps"  # s < b and e > a
    PRECEDES = "Precedes"  # e <= a
    PRECEDED_BY = "PrecededBy"  # s >= b
    #: HEK's overlap, inclusive at both ends: s <= b and e >= a, instants and empty windows included.
    INTERSECTS = "intersects"
    #: HEK's temporalmode=strict: s >= a and e <= b.
    WITHIN = "within"
    #: a <= s < b: each event starts in exactly one of adjoining windows.
    STARTS = "starts"


ISD_TEMPORAL = tuple(TemporalPredicate)[:8]


class SpatialPredicate(StrEnum):
    """OGC relation "event <predicate> search area"; names are ISD's."""

    INTERSECTS = "Intersects"
    DISJOINT = "Disjoint"
    WITHIN = "Within"
    COVERED_BY = "CoveredBy"
    COVERS = "Covers"
    OVERLAPS = "Overlaps"
    CONTAINS = "Contains"
    EQUALS = "Equals"
    TOUCHES = "Touches"


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A window of time, UTC; start <= end."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs times with a zone")
        if self.start > self.end:
            raise ValueError(f"the start {self.start:%FT%T} is after the end {self.end:%FT%T}")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the units of its frame (hpc: arcsec; hgs, hgc: deg)."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def shape(self) -> Polygon | LineString | Point:
        """The box as a valid geometry: without area it is a segment, or a point."""
        corners = (self.xmin, self.ymin), (self.xmax, self.ymax)
        if corners[0] == corners[1]:
            return Point(corners[0])
        if self.xmin == self.xmax or self.ymin == self.ymax:
            return LineString(corners)
        return box(self.xmin, self.ymin, self.xmax, self.ymax)

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.xmin, self.ymin, self.xmax, self.ymax))):
            raise ValueError("a box needs finite corners")
        if self.xmin > self.xmax or self.ymin > self.ymax:
            raise ValueError("a box needs xmin <= xmax and ymin <= ymax")


@dataclass(frozen=True, slots=True)
class EventCriteria:
    """A question about events; what is None is not asked.

    `geometry` is the column that `spatial` compares with `area`, in the units of its frame; an event without
    that geometry never matches. `types` are upper-case HEK codes. `ar_noaanum` has five digits;
    `min_goes_flux` is W/m2.
    """

    types: tuple[str, ...] | None = None
    window: TimeWindow | None = None
    temporal: TemporalPredicate = TemporalPredicate.INTERSECTS
    area: BaseGeometry | None = None
    spatial: SpatialPredicate = SpatialPredicate.INTERSECTS
    geometry: str = "hpc_bbox"
    frm_name: tuple[str, ...] | None = None
    ar_noaanum: int | None = None
    min_goes_flux: float | None = None
    #: Conditions on attributes, all of which must hold.
    filters: tuple[AttributeFilter, ...] = ()
    #: Where HEK's clients search, instead of an `area`.
    region: Region | None = None

    def __post_init__(self) -> None:
        if self.area is not None and self.region is not None:
            raise ValueError("a question has an area or a region, not both")


class SortKey(StrEnum):
    """Columns by which events can be ordered; ties are always broken by kb_archivid."""

    START = "event_starttime"
    END = "event_endtime"
    PEAK = "event_peaktime"
    TYPE = "event_type"
    ARCHIVID = "kb_archivid"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order by start: just after this event, which need not exist (any more)."""

    event_starttime: datetime
    kb_archivid: str


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of an ordered answer: `limit` rows (None: all) after `offset`.

    `after` (ascending by start only) leaves out what comes before it and counts `offset` from there.
    """

    limit: int | None
    offset: int = 0
    sort: SortKey = SortKey.START
    descending: bool = False
    after: Position | None = None
    #: The name of any attribute, by which to sort instead; what lacks it comes last.
    attribute: str | None = None

    @property
    def is_timeline(self) -> bool:
        """Whether the order is the one by start."""
        return self.sort is SortKey.START and self.attribute is None

    def __post_init__(self) -> None:
        if self.after is not None and (not self.is_timeline or self.descending):
            raise ValueError("a position belongs to the ascending order by start")
