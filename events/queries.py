"""Every read of events: criteria in, QuerySets out. Each predicate is rendered here, once.

Where NULL changes an answer: an event without the asked geometry satisfies no spatial predicate, not even
Disjoint; an event without a NOAA number or GOES class matches no filter on it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import (
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    Model,
    OrderBy,
    Q,
    QuerySet,
    Sum,
    TextField,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, TruncMonth
from shapely.geometry.base import BaseGeometry

from events.conditions import NOTHING, as_geos, filtered, value_of, within
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
from events.models import Association, Event, EventVersion

_M = TypeVar("_M", bound=Model)
#: What a timeline is ordered by.
_TIMELINE = (SortKey.START.value, SortKey.ARCHIVID.value)
_EVERYTHING = Q()
_IS_INSTANT = Q(event_starttime=F("event_endtime"))


def matching(criteria: EventCriteria) -> QuerySet[Event]:
    """The events that satisfy all of `criteria`, in no order."""
    conditions = []
    if criteria.types is not None and set(criteria.types) != set(EVENT_TYPES):
        conditions.append(Q(event_type__in=criteria.types))
    if criteria.window is not None:
        conditions.append(temporal(criteria.temporal, criteria.window))
    if criteria.area is not None:
        conditions.append(spatial(criteria.spatial, criteria.geometry, criteria.area))
    if criteria.frm_name is not None:
        conditions.append(Q(frm_name__in=criteria.frm_name))
    if criteria.ar_noaanum is not None:
        conditions.append(Q(ar_noaanum=criteria.ar_noaanum))
    if criteria.min_goes_flux is not None:
        conditions.append(Q(goes_flux__gte=criteria.min_goes_flux))
    if criteria.region is not None:
        conditions.append(within(criteria.region, criteria.types))
    conditions.extend(filtered(condition, criteria.types) for condition in criteria.filters)
    return Event.objects.filter(*conditions)


def page_of(criteria: EventCriteria, page: Page) -> QuerySet[Event]:
    """The asked part of the ordered answer. The order is total: ties are broken by kb_archivid."""
    if not _is_timeline(criteria, page):
        return ordered(matching(criteria), page)
    return _timeline(criteria, _order(page), page)


def ordered(events: QuerySet[Event], page: Page) -> QuerySet[Event]:
    """The asked part of these events in its order."""
    return events.filter(_after(page)).order_by(*_order(page))[page.offset : _end(page)]


def _end(page: Page) -> int | None:
    return None if page.limit is None else page.offset + page.limit


def _order(page: Page) -> list[OrderBy]:
    def by(value: Any, *, may_lack: bool) -> OrderBy:
        # Where nothing lacks, not said where it comes: a B-tree read backwards has the order without that.
        last = True if page.descending and may_lack else None
        return OrderBy(value, descending=page.descending, nulls_last=last)

    tie = SortKey.ARCHIVID.value
    if page.attribute is not None:
        return [by(value_of(page.attribute), may_lack=True), by(F(tie), may_lack=False)]
    columns = dict.fromkeys((page.sort.value, tie))
    return [by(F(column), may_lack=column == SortKey.PEAK) for column in columns]


def _after(page: Page) -> Q:
    """What the order puts after `page.after`; the first condition is one that a B-tree can start from."""
    if page.after is None:
        return _EVERYTHING
    start = page.after.event_starttime
    return Q(event_starttime__gte=start) & (
        Q(event_starttime__gt=start) | Q(kb_archivid__gt=page.after.kb_archivid)
    )


# --- pages of a timeline


def _is_timeline(criteria: EventCriteria, page: Page) -> bool:
    window = criteria.window
    if window is None or not page.is_timeline or not page.limit:
        return False
    if criteria.area is not None or (criteria.region is not None and not criteria.region.whole):
        return False  # few are there: the GiST index finds them by place
    return is_overlap(criteria.temporal, window)


def _timeline(criteria: EventCriteria, order: list[OrderBy], page: Page) -> QuerySet[Event]:
    """The page, cut out of keys, so that nothing else is read of the events before it."""
    anywhen = matching(replace(criteria, window=None))
    first = [
        part.filter(_after(page)).order_by(*order)[: _end(page)].values("pk", *_TIMELINE)
        for part in _scans(anywhen, criteria.temporal, criteria.window)  # type: ignore[arg-type]
    ]
    keys = first[0].union(first[1], all=True).order_by(*order)[page.offset : _end(page)]
    sql, values = keys.query.sql_with_params()
    return Event.objects.filter(pk__in=RawSQL(f"SELECT pk FROM ({sql}) AS page", values)).order_by(*order)  # noqa: S608, S611 - rendered by Django


def is_overlap(predicate: TemporalPredicate, window: TimeWindow) -> bool:
    """Whether what satisfies it begins in the window, or lasts when it begins."""
    overlaps = predicate is TemporalPredicate.OVERLAPS and window.start < window.end
    return overlaps or predicate is TemporalPredicate.INTERSECTS


def timeline(
    rows: QuerySet[_M],
    predicate: TemporalPredicate,
    window: TimeWindow,
    first_of: Callable[[QuerySet[_M]], QuerySet[_M]],
) -> QuerySet[_M]:
    """Enough of the `rows` that overlap a window to cut a page out, from two index scans that stop early.

    An overlap has no lower bound on the start, so ordering it by start means to fetch and sort all of it.
    The rows that start inside the window do come ordered from a B-tree; those that began before it and
    still last at its start are few, and the GiST index finds them. `rows` are of a model with a period and
    its ends, as events and tracks have them; `first_of` orders and cuts each of the two scans.
    """
    first = [first_of(part).values("pk") for part in _scans(rows, predicate, window)]
    every = rows.model._default_manager  # noqa: SLF001 - a documented name
    return every.filter(pk__in=first[0].union(first[1], all=True))


def _scans(
    rows: QuerySet[_M], predicate: TemporalPredicate, window: TimeWindow
) -> tuple[QuerySet[_M], QuerySet[_M]]:
    """The rows that overlap a window: those that start inside, those that last at its start."""
    a, b = window.start, window.end
    before_end = "lte" if predicate is TemporalPredicate.INTERSECTS else "lt"
    inside = rows.filter(**{"event_starttime__gte": a, f"event_starttime__{before_end}": b})
    at_start = DateTimeTZRange(second_before(a), a, "[]")  # an instant lasts a second, by ISD's rule
    lasting = rows.filter(temporal(predicate, window), event_starttime__lt=a, period__overlap=at_start)
    return inside, lasting


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
    if predicate is TemporalPredicate.STARTS:
        return Q(event_starttime__gte=a, event_starttime__lt=b)
    if a == b:  # PostgreSQL's empty range
        return _EVERYTHING if predicate in _TRUE_OF_EMPTY else NOTHING
    return _HALF_OPEN[predicate](a, b)


_EARLIEST = datetime.min.replace(tzinfo=UTC) + INSTANT
_TRUE_OF_EMPTY = (TemporalPredicate.GREATER_THAN, TemporalPredicate.CONTAINS)


def second_before(time: datetime) -> datetime:
    """Where an instant may lie that still lasts at `time`; never before the calendar begins."""
    return max(time, _EARLIEST) - INSTANT


def _overlaps(a: datetime, b: datetime) -> Q:
    return Q(period__overlap=DateTimeTZRange(second_before(a), b, "()")) & (
        Q(event_endtime__gt=a) | _IS_INSTANT
    )


def _precedes(a: datetime, b: datetime) -> Q:
    return Q(period__fully_lt=DateTimeTZRange(a, b, "()")) & (
        Q(event_endtime__gt=F("event_starttime")) | Q(event_starttime__lte=second_before(a))
    )


def _contains(a: datetime, b: datetime) -> Q:
    holds = Q(period__contains=DateTimeTZRange(a, b, "[]"))
    if b - a <= INSTANT:
        holds |= _IS_INSTANT & Q(event_starttime__gte=second_before(b), event_starttime__lte=a)
    return holds


def _contained_by(a: datetime, b: datetime) -> Q:
    return Q(period__contained_by=DateTimeTZRange(a, b, "[]")) & (
        Q(event_endtime__gt=F("event_starttime")) | Q(event_starttime__lte=second_before(b))
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


def spatial(predicate: SpatialPredicate, column: str, area: BaseGeometry) -> Q:
    """`predicate` between a geometry column and `area`, in the units of its frame."""
    return Q(**{f"{column}__{_SPATIAL_LOOKUPS[predicate]}": as_geos(area)})


# --- single events, counts


def event_of(kb_archivid: str) -> QuerySet[Event]:
    """The event of this id: one row or none."""
    return Event.objects.filter(kb_archivid=kb_archivid)


def events_named(kb_archivids: Iterable[str]) -> dict[str, Event]:
    """These events by their ids; without the attributes, which are long."""
    return Event.objects.defer("attributes").in_bulk([*kb_archivids], field_name="kb_archivid")


def event_with_number(pk: int) -> QuerySet[Event]:
    """The event of this number of ours: one row or none."""
    return Event.objects.filter(pk=pk)


def versions_of(event: Event) -> QuerySet[EventVersion]:
    """Its earlier and other versions, the newest first."""
    return EventVersion.objects.filter(event=event).order_by("-revision", "-superseded_at", "-pk")


def associations_of(kb_archivid: str) -> QuerySet[Association]:
    """The edges at either end of which this event stands, in a stable order."""
    either = Q(first_ivorn=kb_archivid) | Q(second_ivorn=kb_archivid)
    return Association.objects.filter(either).order_by("first_ivorn", "second_ivorn", "edge_type")


#: The ids come as one JSON text: a thousand values each take PostgreSQL longer to read than to look up.
_TOUCHING = """
    WITH page AS MATERIALIZED (SELECT ARRAY(SELECT json_array_elements_text(%s)) AS ids)
    SELECT {} FROM events_association
    WHERE first_ivorn = ANY((SELECT ids FROM page)::text[])
       OR second_ivorn = ANY((SELECT ids FROM page)::text[])
    ORDER BY first_ivorn, second_ivorn, edge_type"""


def associations_touching(archivids: Iterable[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    """These columns of the edges at either end of which any of these events stands, in a stable order."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHING.format(", ".join(columns)), (json.dumps([*archivids]),))
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def neighbours_of(event: Event) -> tuple[Event | None, Event | None]:
    """The reports just before and after it, by start, that its method gave the same frm_specificid.

    Without such an id there are none: an empty one means no track.
    """
    if not event.frm_specificid:
        return None, None
    track = Event.objects.filter(
        frm_specificid=event.frm_specificid, frm_name=event.frm_name, event_type=event.event_type
    ).only("kb_archivid", "event_starttime")
    start, ident = event.event_starttime, event.kb_archivid
    before = Q(event_starttime__lt=start) | Q(event_starttime=start, kb_archivid__lt=ident)
    after = Q(event_starttime__gt=start) | Q(event_starttime=start, kb_archivid__gt=ident)
    return (
        track.filter(before).order_by("-event_starttime", "-kb_archivid").first(),
        track.filter(after).order_by("event_starttime", "kb_archivid").first(),
    )


#: ST_Area in the square of the frame's unit; Django's own Area wants a spatial reference.
_AREA = Func(F("hpc_boundcc"), function="ST_Area", output_field=FloatField())


def per_month(criteria: EventCriteria, measure: Literal["count", "area"]) -> list[tuple[datetime, Any]]:
    """(first instant of a month UTC, measure) of the months in which matching events start, in order.

    `count`: the number of reports. `area`: the sum over reports of the area inside hpc_boundcc, in arcsec2
    on the plane of the sky; None where no report of the month has an outline.
    """
    total = Count("*") if measure == "count" else Sum(_AREA)
    months = matching(criteria).values(month=TruncMonth("event_starttime", tzinfo=UTC))
    return list(months.annotate(total=total).order_by("month").values_list("month", "total"))


#: Below this many events they are counted; above, PostgreSQL's statistics are asked.
COUNTED_BELOW = 200_000


def counts_by_type() -> tuple[dict[str, int], bool]:
    """(events by type, whether these are estimates). Types without events are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = 'events_event'::regclass")
        (rows,) = cursor.fetchone()
        if rows < COUNTED_BELOW:
            counted = Event.objects.values_list("event_type").annotate(n=Count("pk")).order_by("event_type")
            return dict(counted), False
        cursor.execute(
            """SELECT value, round(%s * frequency)::bigint
               FROM pg_stats, unnest(most_common_vals::text::text[], most_common_freqs) AS t(value, frequency)
               WHERE schemaname = current_schema() AND tablename = 'events_event' AND attname = 'event_type'
               ORDER BY value""",
            (rows,),
        )
        return dict(cursor.fetchall()), True


def spans_by_type() -> dict[str, tuple[datetime, datetime]]:
    """Type -> (first, last) start of its events; two index look-ups a type, however many events there are."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT code, first, last FROM unnest(%s) AS code, LATERAL (
                   SELECT min(event_starttime) AS first, max(event_starttime) AS last
                   FROM events_event WHERE event_type = code
               ) AS span""",
            (list(EVENT_TYPES),),
        )
        # A condition on `first` in the query would become one on the aggregate, and cost it the index.
        return {code: (first, last) for code, first, last in cursor.fetchall() if first}


# --- events inside others

#: Events whose starts are further apart are not compared.
_APART = "8 hours"
#: Each side is read once. Starts no further apart than that lie in the same bin or in adjoining ones, which a
#: hash finds; of all pairs there would be too many to look at.
_PAIRS = f"""
    WITH inside AS MATERIALIZED (%s), around AS MATERIALIZED (%s), pairs AS MATERIALIZED (
        SELECT inside.id AS inside_id, inside.kb_archivid AS inside,
               around.id AS around_id, around.kb_archivid AS around
        FROM inside CROSS JOIN generate_series(-1, 1) AS step JOIN around
          ON date_bin('{_APART}', around.event_starttime, 'epoch')
             = date_bin('{_APART}', inside.event_starttime, 'epoch') + step * interval '{_APART}'
        WHERE inside.id <> around.id
          AND around.event_starttime BETWEEN inside.event_starttime - interval '{_APART}'
                                         AND inside.event_starttime + interval '{_APART}'
          AND ST_Covers(around.shape, inside.shape))"""  # noqa: S608 - constants


def _pairs(inside: EventCriteria, around: EventCriteria) -> tuple[str, tuple[Any, ...]]:
    """SQL up to a table `pairs`, and its parameters."""
    # Not as geometries, which Django would turn into bytes.
    shapes = (
        (inside, ExpressionWrapper(F("hgc_coord"), output_field=TextField())),
        (around, Coalesce("hgc_boundcc", "hgc_bbox", output_field=TextField())),
    )
    statements = [
        matching(criteria)
        .annotate(shape=shape)
        .values("id", "kb_archivid", "event_starttime", "shape")
        .query.sql_with_params()
        for criteria, shape in shapes
    ]
    sql = _PAIRS % tuple(sql for sql, _ in statements)
    return sql, tuple(value for _, values in statements for value in values)


def contained_and_containing(inside: EventCriteria, around: EventCriteria) -> QuerySet[Event]:
    """HEK's type=contains: events of `inside` whose centre lies in one of `around`, and these, in no order.

    Compared on the surface (Carrington): the centre with the outline, else the box. An event without them
    neither contains nor is contained.
    """
    sql, values = _pairs(inside, around)
    either = f"{sql} SELECT inside_id FROM pairs UNION SELECT around_id FROM pairs"  # noqa: S608 - rendered by Django
    return Event.objects.filter(pk__in=RawSQL(either, values))  # noqa: S611 - as above


def containments(
    inside: EventCriteria, around: EventCriteria, archivids: Iterable[str]
) -> list[tuple[str, str]]:
    """(containing, contained) of the pairs of which one is among `archivids`, in order."""
    sql, values = _pairs(inside, around)
    page = "SELECT json_array_elements_text(%s)"
    ids = json.dumps([*archivids])
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{sql} SELECT around, inside FROM pairs
                WHERE inside IN ({page}) OR around IN ({page}) ORDER BY 1, 2""",  # noqa: S608 - as above
            (*values, ids, ids),
        )
        return cursor.fetchall()
