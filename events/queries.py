"""Every read of events: criteria in, QuerySets out. Each predicate is rendered here, once.

Where NULL changes an answer: an event without the asked geometry satisfies no spatial predicate, not even
Disjoint; an event without a NOAA number or GOES class matches no filter on it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from django.contrib.gis.geos import GEOSGeometry
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, OrderBy, Q, QuerySet
from shapely import to_wkb

from events.domain.criteria import (
    INSTANT,
    EventCriteria,
    Page,
    SortKey,
    SpatialPredicate,
    TemporalPredicate,
    TimeWindow,
)
from events.domain.vocabulary import EVENT_TYPES
from events.models import Event

_NOTHING = Q(pk__in=[])
_EVERYTHING = Q()
_IS_INSTANT = Q(event_starttime=F("event_endtime"))


def matching(criteria: EventCriteria) -> QuerySet[Event]:
    """The events that satisfy all of `criteria`, in no order."""
    conditions = []
    if criteria.types is not None and set(criteria.types) != set(EVENT_TYPES):
        conditions.append(_one_of("event_type", criteria.types))
    if criteria.window is not None:
        conditions.append(temporal(criteria.temporal, criteria.window))
    if criteria.area is not None:
        lookup = f"{criteria.geometry}__{_SPATIAL_LOOKUPS[criteria.spatial]}"
        conditions.append(Q(**{lookup: GEOSGeometry(memoryview(to_wkb(criteria.area)), srid=0)}))
    if criteria.frm_name is not None:
        conditions.append(_one_of("frm_name", criteria.frm_name))
    if criteria.ar_noaanum is not None:
        conditions.append(Q(ar_noaanum=criteria.ar_noaanum))
    if criteria.min_goes_flux is not None:
        conditions.append(Q(goes_flux__gte=criteria.min_goes_flux))
    return Event.objects.filter(*conditions)


def page_of(criteria: EventCriteria, page: Page) -> QuerySet[Event]:
    """The asked part of the ordered answer. The order is total: ties are broken by kb_archivid."""
    order = _order(page)
    if _is_timeline(criteria, page):
        events = _timeline(criteria, order, page.offset + page.limit)
    else:
        events = matching(criteria)
    return events.order_by(*order)[page.offset : page.offset + page.limit]


def _one_of(column: str, values: tuple[str, ...]) -> Q:
    """A single value as `=`, which a GiST index can look up (`= ANY` it cannot)."""
    return Q(**{column: values[0]}) if len(values) == 1 else Q(**{f"{column}__in": list(values)})


def _order(page: Page) -> list[OrderBy]:
    def by(column: str) -> OrderBy:
        return F(column).desc(nulls_last=True) if page.descending else F(column).asc()

    return [by(column) for column in dict.fromkeys((page.sort.value, SortKey.ARCHIVID.value))]


# --- pages of a timeline


def _is_timeline(criteria: EventCriteria, page: Page) -> bool:
    window = criteria.window
    if window is None or criteria.area is not None or page.sort is not SortKey.START:
        return False
    overlaps = criteria.temporal is TemporalPredicate.OVERLAPS and window.start < window.end
    return overlaps or criteria.temporal is TemporalPredicate.INTERSECTS


def _timeline(criteria: EventCriteria, order: list[OrderBy], enough: int) -> QuerySet[Event]:
    """The first `enough` of the events that overlap a window, from two index scans that stop early.

    An overlap has no lower bound on the start, so ordering it by start means to fetch and sort all of it.
    The events that start inside the window do come ordered from a B-tree; those that began before it and
    still last at its start are few, and the GiST index finds them.
    """
    a, b = criteria.window.start, criteria.window.end  # type: ignore[union-attr]
    before_end = "lte" if criteria.temporal is TemporalPredicate.INTERSECTS else "lt"
    inside = matching(replace(criteria, window=None)).filter(
        **{"event_starttime__gte": a, f"event_starttime__{before_end}": b}
    )
    at_start = DateTimeTZRange(_second_before(a), a, "[]")  # an instant lasts a second, by ISD's rule
    lasting = matching(criteria).filter(event_starttime__lt=a, period__overlap=at_start)
    first = [part.order_by(*order)[:enough].values("pk") for part in (inside, lasting)]
    return Event.objects.filter(pk__in=first[0].union(first[1], all=True))


# --- temporal predicates


def temporal(predicate: TemporalPredicate, window: TimeWindow) -> Q:
    """`predicate` between an event and `window`, for both kinds of ends (see TemporalPredicate).

    The stored `period` is closed, [s, e]. Against an open window (a, b) the closed range overlaps, precedes
    and follows just as the half-open one does against [a, b); an instant, which ISD lets last one second,
    needs a clause of its own wherever the event's end is compared.
    """
    a, b = window.start, window.end
    if predicate is TemporalPredicate.INTERSECTS:
        return Q(period__overlap=DateTimeTZRange(a, b, "[]"))
    if predicate is TemporalPredicate.WITHIN:
        return Q(period__contained_by=DateTimeTZRange(a, b, "[]"))
    if a == b:  # PostgreSQL's empty range
        return _EVERYTHING if predicate in _TRUE_OF_EMPTY else _NOTHING
    return _HALF_OPEN[predicate](a, b)


_EARLIEST = datetime.min.replace(tzinfo=UTC) + INSTANT
_TRUE_OF_EMPTY = (TemporalPredicate.GREATER_THAN, TemporalPredicate.CONTAINS)


def _second_before(time: datetime) -> datetime:
    return max(time, _EARLIEST) - INSTANT


def _overlaps(a: datetime, b: datetime) -> Q:
    return Q(period__overlap=DateTimeTZRange(_second_before(a), b, "()")) & (
        Q(event_endtime__gt=a) | _IS_INSTANT
    )


def _precedes(a: datetime, b: datetime) -> Q:
    return Q(period__fully_lt=DateTimeTZRange(a, b, "()")) & (
        Q(event_endtime__gt=F("event_starttime")) | Q(event_starttime__lte=_second_before(a))
    )


def _contains(a: datetime, b: datetime) -> Q:
    holds = Q(period__contains=DateTimeTZRange(a, b, "[]"))
    if b - a <= INSTANT:
        holds |= _IS_INSTANT & Q(event_starttime__gte=_second_before(b), event_starttime__lte=a)
    return holds


def _contained_by(a: datetime, b: datetime) -> Q:
    return Q(period__contained_by=DateTimeTZRange(a, b, "[]")) & (
        Q(event_endtime__gt=F("event_starttime")) | Q(event_starttime__lte=_second_before(b))
    )


def _equals(a: datetime, b: datetime) -> Q:
    holds = Q(event_starttime=a, event_endtime=b)
    return holds | Q(event_starttime=a, event_endtime=a) if b - a == INSTANT else holds


def _less_than(a: datetime, b: datetime) -> Q:
    same_start = Q(event_starttime=a, event_endtime__lt=b)
    if b - a <= INSTANT:
        same_start &= ~_IS_INSTANT
    return Q(event_starttime__lt=a) | same_start


def _greater_than(a: datetime, b: datetime) -> Q:
    same_start = Q(event_starttime=a, event_endtime__gt=b)
    if b - a < INSTANT:
        same_start |= Q(event_starttime=a, event_endtime=a)
    return Q(event_starttime__gt=a) | same_start


_HALF_OPEN: dict[TemporalPredicate, Callable[[datetime, datetime], Q]] = {
    TemporalPredicate.EQUALS: _equals,
    TemporalPredicate.LESS_THAN: _less_than,
    TemporalPredicate.GREATER_THAN: _greater_than,
    TemporalPredicate.CONTAINS: _contains,
    TemporalPredicate.CONTAINED_BY: _contained_by,
    TemporalPredicate.OVERLAPS: _overlaps,
    TemporalPredicate.PRECEDES: _precedes,
    TemporalPredicate.PRECEDED_BY: lambda _, b: Q(event_starttime__gte=b),
}

# --- spatial predicates

_SPATIAL_LOOKUPS: dict[SpatialPredicate, str] = {
    SpatialPredicate.INTERSECTS: "intersects",
    SpatialPredicate.DISJOINT: "disjoint",
    SpatialPredicate.WITHIN: "within",
    SpatialPredicate.COVERED_BY: "coveredby",
    SpatialPredicate.COVERS: "covers",
    SpatialPredicate.OVERLAPS: "overlaps",
    SpatialPredicate.CONTAINS: "contains",
    SpatialPredicate.EQUALS: "equals",
    SpatialPredicate.TOUCHES: "touches",
}
