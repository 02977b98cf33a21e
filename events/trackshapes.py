"""The shapes of tracks at any instants: those that are stored, and the others made on the fly.

Both come of the same reports by the same rule (`events.domain.interpolation`), so it does not matter which of
them is asked, but for the time that it takes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import shapely
from django.contrib.gis.db.models import GeometryField
from django.db.models import (
    BinaryField,
    DateTimeField,
    ExpressionWrapper,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)

from events.domain import interpolation
from events.domain.criteria import EventCriteria, TemporalPredicate, TimeWindow
from events.domain.interpolation import Shape
from events.domain.tracks import ShapePage, ShapeSort
from events.domain.vocabulary import EVENT_TYPES, observed_at
from events.models import SRID, Event, Track, TrackShape
from events.queries import spatial
from events.sightings import shape_settings, sightings_of

#: Instants, of all tracks of a batch together, that are held at a time.
_AT_ONCE = 20_000
#: Up to so many instants are looked for one by one, more of them as a stretch of time.
_ONE_BY_ONE = 100


class Wkb(Func):
    """A geometry as bytes, which shapely reads many times faster than GeoDjango makes objects of it."""

    function = "ST_AsBinary"
    output_field = BinaryField()


def is_slot(time: datetime) -> bool:
    """Whether shapes of this instant are stored."""
    settings = shape_settings()
    return not (time - settings.epoch) % settings.step


def slots_of(track: Track, step: timedelta | None = None, window: TimeWindow | None = None) -> list[datetime]:
    """The instants of a track's life on a grid: the stored one, or one of another step from the same epoch.

    The first is the slot at or after its start, which a short track may not live to see; nor does one whose
    last shape was observed at its end the slot on which that is repeated. `window`: only those in it, both
    ends included.
    """
    settings = shape_settings()
    step = step or settings.step
    start, end = track.event_starttime, track.event_endtime
    repeated = interpolation.aligned(observed_at(track.frm_name, start, end), settings.step, settings.epoch)
    late = repeated > end and not (repeated - settings.epoch) % step
    if window is not None:
        start, end = max(start, window.start), min(end, window.end)
    slots = interpolation.grid(start, end, step, settings.epoch) if start <= end else []
    if late and slots[-1:] != [repeated]:
        slots.append(repeated)
    return [slot for slot in slots if window is None or window.start <= slot <= window.end]


def shapes_of(
    tracks: Iterable[Track], instants_of: Callable[[Track], Sequence[datetime]]
) -> Iterator[tuple[Track, list[Shape]]]:
    """Each track with its shapes at those of its instants at which it has one, in their order.

    Two statements a batch of tracks, however long.
    """
    batch: list[tuple[Track, Sequence[datetime]]] = []
    held = 0
    for track in tracks:
        instants = instants_of(track)
        if batch and held + len(instants) > _AT_ONCE:
            yield from _shapes_of_batch(batch)
            batch, held = [], 0
        batch.append((track, instants))
        held += len(instants)
    yield from _shapes_of_batch(batch)


def _shapes_of_batch(
    batch: Sequence[tuple[Track, Sequence[datetime]]],
) -> Iterator[tuple[Track, list[Shape]]]:
    settings = shape_settings()
    slots = sorted({instant for _, instants in batch for instant in instants if is_slot(instant)})
    stored = _stored([track.pk for track, _ in batch], slots)
    incomplete = [
        track.pk
        for track, instants in batch
        if any((track.pk, instant) not in stored for instant in instants)
    ]
    reports = sightings_of(incomplete) if incomplete else {}
    for track, instants in batch:
        missing = [instant for instant in instants if (track.pk, instant) not in stored]
        made = (
            interpolation.shapes_at(reports[track.pk], missing, settings)
            if missing and track.pk in reports
            else []
        )
        found = {shape.time: shape for shape in made}
        found |= {instant: stored[track.pk, instant] for instant in instants if (track.pk, instant) in stored}
        yield track, [found[instant] for instant in instants if instant in found]


def _stored(track_ids: Sequence[int], slots: Sequence[datetime]) -> dict[tuple[int, datetime], Shape]:
    if not slots:
        return {}
    few = len(slots) <= _ONE_BY_ONE
    when = {"time__in": slots} if few else {"time__range": (slots[0], slots[-1])}
    rows = list(
        TrackShape.objects.filter(track__in=track_ids, **when)
        .annotate(wkb=Wkb("hpc"))
        .values_list("track", "time", "method", "origin", "repaired", "report_id", "wkb")
    )
    polygons = shapely.from_wkb([bytes(row[-1]) for row in rows])
    return {
        (track, time): Shape(time, polygon, method, origin, repaired, report)
        for (track, time, method, origin, repaired, report, _), polygon in zip(rows, polygons, strict=True)
    }


# --- whose shapes they are


def archivids_of(reports: Collection[int]) -> dict[int, str]:
    """The kb_archivid of each of these reports; no statement for none."""
    if not reports:
        return {}
    return dict(Event.objects.filter(pk__in=reports).values_list("pk", "kb_archivid"))


#: Why a report of a track has no part in its shapes, where the tracker used it.
NO_AREA = "no_area"


def left_out(track: Track) -> list[tuple[str, str]]:
    """(kb_archivid, why) of the track's reports that its shapes are not made of, in order."""
    used = {sighting.id for sighting in sightings_of([track.pk]).get(track.pk, ())}
    places = track.reports.order_by("position").values_list("event", "event__kb_archivid", "skipped")
    return [(archivid, skipped or NO_AREA) for event, archivid, skipped in places if event not in used]


# --- stored shapes as the original database had them: rows that last a step


def stored_rows(criteria: EventCriteria, page: ShapePage) -> QuerySet[TrackShape]:
    """The asked part of the stored shapes that satisfy `criteria`, with `starttime`, `endtime`, `kbarchivid`.

    A row lasts from its instant to the next one of the cadence, [s, s + step), and relates to the window as
    ISD's predicates say (`events.domain.criteria`). `geometry` "hpc_bbox" compares the shape's envelope,
    "hpc_boundcc" itself. Of the criteria of events, types, window and area are asked.
    """
    step = shape_settings().step
    conditions = []
    if criteria.types is not None and set(criteria.types) != set(EVENT_TYPES):
        conditions.append(Q(event_type__in=criteria.types))
    if criteria.window is not None:
        conditions.append(_of_rows(criteria.temporal, criteria.window, step))
    rows = TrackShape.objects.filter(*conditions)
    if criteria.area is not None:
        shape = Func(F("hpc"), function="ST_Envelope") if criteria.geometry == "hpc_bbox" else F("hpc")
        rows = rows.annotate(compared=ExpressionWrapper(shape, GeometryField(srid=SRID)))
        rows = rows.filter(spatial(criteria.spatial, "compared", criteria.area))
    report = Event.objects.filter(pk=OuterRef("report_id")).values("kb_archivid")
    rows = rows.annotate(
        starttime=F("time"),
        endtime=ExpressionWrapper(F("time") + step, DateTimeField()),
        kbarchivid=Subquery(report),
    )
    order = dict.fromkeys((_COLUMNS[page.sort], "time", "track_id"))
    return rows.order_by(*order)[page.offset : page.offset + page.limit]


_COLUMNS = {
    ShapeSort.START: "time",
    ShapeSort.END: "time",  # all rows last equally long
    ShapeSort.TYPE: "event_type",
    ShapeSort.ARCHIVID: "kbarchivid",
    ShapeSort.TRACK: "track_id",
}


def _of_rows(predicate: TemporalPredicate, window: TimeWindow, step: timedelta) -> Q:
    """`predicate` between rows [s, s + step) and `window`, as conditions on s, which is what is indexed."""
    a, b = window.start, window.end
    if a == b:  # PostgreSQL's empty range: less than all others, and contained in all
        of_empty = predicate in (TemporalPredicate.GREATER_THAN, TemporalPredicate.CONTAINS)
        return Q() if of_empty else Q(track_id__isnull=True)
    before_a, before_b = _earlier(a, step), _earlier(b, step)
    rendered: dict[TemporalPredicate, Q] = {
        TemporalPredicate.EQUALS: Q(time=a) & Q(time=before_b),
        TemporalPredicate.LESS_THAN: Q(time__lt=a) | Q(time=a, time__lt=before_b),
        TemporalPredicate.GREATER_THAN: Q(time__gt=a) | (Q(time=a) & Q(time__gt=before_b)),
        TemporalPredicate.CONTAINS: Q(time__lte=a, time__gte=before_b),
        TemporalPredicate.CONTAINED_BY: Q(time__gte=a, time__lte=before_b),
        TemporalPredicate.OVERLAPS: Q(time__lt=b, time__gt=before_a),
        TemporalPredicate.PRECEDES: Q(time__lte=before_a),
        TemporalPredicate.PRECEDED_BY: Q(time__gte=b),
    }
    return rendered[predicate]


def _earlier(time: datetime, step: timedelta) -> datetime:
    first = datetime.min.replace(tzinfo=UTC)
    return max(time, first + step) - step
