"""What can be asked about tracks, and about the Sun at one instant: frozen values, as of events.

A track has a type, a method, a period and a box like an event; `events.domain.criteria` says what the
relations of time and space mean.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shapely.geometry.base import BaseGeometry

from events.domain.criteria import SpatialPredicate, TemporalPredicate, TimeWindow


@dataclass(frozen=True, slots=True)
class TrackCriteria:
    """A question about tracks; what is None is not asked.

    `window` is compared with the track's life, from the start of its first report to the latest end of any;
    `area` (hpc, arcsec) with the envelope of its reports' shapes: a track without any never matches.
    `ar_noaanum`, in five digits, is that of any of its reports.
    """

    types: tuple[str, ...] | None = None
    window: TimeWindow | None = None
    temporal: TemporalPredicate = TemporalPredicate.INTERSECTS
    area: BaseGeometry | None = None
    spatial: SpatialPredicate = SpatialPredicate.INTERSECTS
    frm_name: tuple[str, ...] | None = None
    ar_noaanum: int | None = None
    min_reports: int | None = None
    min_duration: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TrackPosition:
    """A place in the order by start, ties by id: just after this track, which need not exist (any more)."""

    event_starttime: datetime
    id: int


@dataclass(frozen=True, slots=True)
class TrackPage:
    """The first `limit` tracks (None: all) after a position (None: from the beginning)."""

    limit: int | None
    after: TrackPosition | None = None


@dataclass(frozen=True, slots=True)
class StateCriteria:
    """A question about the Sun at one instant; what is None is not asked.

    A shape that was carried beyond its track's last report, or back before its first, is left out unless
    `extrapolate`; so is one whose nearest reports before and after are further apart than `max_gap`, or which
    was carried further. `exact`: between the instants for which shapes are stored each is made of its
    reports, not carried from one.
    """

    time: datetime
    types: tuple[str, ...] | None = None
    frm_name: tuple[str, ...] | None = None
    extrapolate: bool = True
    max_gap: timedelta | None = None
    exact: bool = False


class ShapeSort(StrEnum):
    """Columns of the ISD dialect's rows of shapes by which they can be ordered; ties by start, then track."""

    START = "starttime"
    END = "endtime"
    TYPE = "eventtype"
    ARCHIVID = "kbarchivid"
    TRACK = "trackid"


@dataclass(frozen=True, slots=True)
class ShapePage:
    """Which part of the ordered stored shapes: `limit` rows after `offset`."""

    limit: int
    offset: int = 0
    sort: ShapeSort = ShapeSort.START
