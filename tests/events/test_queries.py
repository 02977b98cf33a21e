"""Every predicate against brute force over the same events: 500 events x 20 windows or boxes each."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection

from events.domain.criteria import (
    ISD_TEMPORAL,
    Box,
    EventCriteria,
    Page,
    SortKey,
    SpatialPredicate,
    TemporalPredicate,
    TimeWindow,
)
from events.models import Event
from events.queries import matching, page_of
from tests.intervals import half_open

pytestmark = pytest.mark.django_db
EPOCH = datetime(2014, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TYPES = ("AR", "CH", "FL")


def event(n, start, end, bbox=None, **columns):
    return Event(
        kb_archivid=f"ivo://test/{n:05}",
        event_type=TYPES[n % 3],
        event_starttime=start,
        event_endtime=end,
        hpc_bbox=bbox and GEOSGeometry(bbox.wkt, srid=0),
        attributes={},
        content_hash=UUID(int=n),
        source="test",
        **columns,
    )


# --- time: a coarse lattice, so that ends touch, coincide and miss by a second, and instants are common


def moment(rng):
    return EPOCH + rng.randrange(8) * timedelta(minutes=1) + rng.choice((-1, 0, 0, 0, 1)) * SECOND


@pytest.fixture
def intervals():
    rng = random.Random(20140101)
    spans = [sorted((moment(rng), moment(rng))) for _ in range(420)]
    spans += [[t, t] for t in (moment(rng) for _ in range(80))]
    Event.objects.bulk_create(event(n, *span) for n, span in enumerate(spans))
    return {f"ivo://test/{n:05}": tuple(span) for n, span in enumerate(spans)}


def windows():
    rng = random.Random(3)
    drawn = [sorted((moment(rng), moment(rng))) for _ in range(14)]
    edges = [(0, 0), (0, 1), (0, 0.5), (60, 61), (59, 61), (0, 60)]
    drawn += [[EPOCH + a * SECOND, EPOCH + b * SECOND] for a, b in edges]
    return [TimeWindow(*window) for window in drawn]


def closed(predicate, event_range, window):
    (s, e), (a, b) = event_range, window
    return {"intersects": s <= b and a <= e, "within": a <= s and e <= b, "starts": a <= s < b}[predicate]


@pytest.mark.parametrize("predicate", TemporalPredicate)
def test_temporal_predicate_is_brute_force(intervals, predicate):
    holds = half_open if predicate in ISD_TEMPORAL else closed
    some = 0
    for window in windows():
        expected = {
            ivorn for ivorn, span in intervals.items() if holds(predicate, span, (window.start, window.end))
        }
        found = matching(EventCriteria(window=window, temporal=predicate))
        assert set(found.values_list("kb_archivid", flat=True)) == expected, window
        some += len(expected)
    assert some


OPERATORS = dict(zip(ISD_TEMPORAL, ("=", "<", ">", "@>", "<@", "&&", "<<", ">>"), strict=True))


@pytest.mark.parametrize("predicate", ISD_TEMPORAL)
def test_temporal_predicate_is_what_isd_ran(intervals, predicate):
    """The original's own SQL: half-open ranges, instants lengthened by a second."""
    sql = f"""
        SELECT kb_archivid FROM events_event
        WHERE tstzrange(event_starttime, event_endtime + (CASE WHEN event_starttime = event_endtime
                        THEN '1 second' ELSE '0 seconds' END)::interval)
              {OPERATORS[predicate].replace("%", "%%")} tstzrange(%s, %s)"""
    for window in windows():
        with connection.cursor() as cursor:
            cursor.execute(sql, (window.start, window.end))
            expected = {ivorn for (ivorn,) in cursor.fetchall()}
        found = matching(EventCriteria(window=window, temporal=predicate))
        assert set(found.values_list("kb_archivid", flat=True)) == expected, window


@pytest.mark.parametrize("predicate", TemporalPredicate)
@pytest.mark.parametrize("year", [1, 9999])
def test_temporal_predicate_at_the_ends_of_the_calendar(intervals, predicate, year):
    moment_ = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime.max.replace(tzinfo=UTC)
    everything = TimeWindow(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    for window in (TimeWindow(moment_, moment_), everything):
        list(matching(EventCriteria(window=window, temporal=predicate)))


# --- the order of pages


@pytest.mark.parametrize("temporal", [TemporalPredicate.OVERLAPS, TemporalPredicate.INTERSECTS])
@pytest.mark.parametrize("sort", SortKey)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_are_the_sorted_answer_cut_up(intervals, temporal, sort, descending):
    for window, types in product(windows()[::4], (None, ("AR",), ("AR", "CH"))):
        criteria = EventCriteria(types=types, window=window, temporal=temporal)
        whole = sorted(matching(criteria), key=lambda e: e.kb_archivid, reverse=descending)
        if sort is not SortKey.PEAK:  # no event here has one: all tie
            whole.sort(key=lambda e: getattr(e, sort), reverse=descending)
        walked, offset = [], 0
        while page := list(page_of(criteria, Page(70, offset, sort, descending=descending))):
            walked += page
            offset += 70
        assert [e.kb_archivid for e in walked] == [e.kb_archivid for e in whole]


def test_a_page_of_a_timeline_reads_no_more_than_it_needs(intervals):
    """Two index scans that stop at the limit, whatever the window holds."""
    window = TimeWindow(EPOCH, EPOCH + timedelta(days=1))
    criteria = EventCriteria(types=("AR",), window=window, temporal=TemporalPredicate.OVERLAPS)
    sql = str(page_of(criteria, Page(10)).query)
    assert sql.count("LIMIT 10") == 3
    assert sql.count("UNION ALL") == 1


# --- space: boxes and outlines on a lattice, so that they touch, share edges, nest and coincide


def shape(rng):
    kind = rng.random()
    x0, y0 = rng.randrange(-5, 5) * 100, rng.randrange(-5, 5) * 100
    x1, y1 = x0 + rng.randrange(1, 5) * 100, y0 + rng.randrange(1, 5) * 100
    if kind < 0.05:
        return None
    if kind < 0.75:
        return shapely.box(x0, y0, x1, y1)
    return shapely.Polygon([(x0, y0), (x1, y0), ((x0 + x1) / 2, y1)])


SEARCHES = [
    *((-300, -200, 200, 300), (0, 0, 100, 100), (-500, -500, 500, 500), (0, 0, 400, 400), (100, 0, 300, 200)),
    *((0, 0, 0, 0), (0, 0, 0, 300), (-400, 100, 200, 100), (900, 900, 901, 901), (-1e6, -1e6, 1e6, 1e6)),
    *((-500, -500, -400, -400), (-100, -100, 300, 100), (50, 50, 150, 150), (-0.5, -0.5, 0.5, 0.5)),
    *((200, 200, 300, 300), (-200, 100, 100, 200), (0, -100, 200, 0), (100, 100, 200, 300)),
    *((-500, 0, 0, 500), (0.1, 0.1, 99.9, 99.9)),
]


@pytest.fixture
def shapes():
    rng = random.Random(7)
    drawn = [shape(rng) for _ in range(500)]
    Event.objects.bulk_create(event(n, EPOCH, EPOCH, box) for n, box in enumerate(drawn))
    return {f"ivo://test/{n:05}": box for n, box in enumerate(drawn)}


SHAPELY = {predicate: getattr(shapely, predicate.name.lower()) for predicate in SpatialPredicate}


@pytest.mark.parametrize("predicate", SpatialPredicate)
def test_spatial_predicate_is_shapely(shapes, predicate):
    assert len(SEARCHES) == 20
    some = 0
    for corners in SEARCHES:
        area = Box(*corners).shape
        expected = {i for i, box in shapes.items() if box is not None and SHAPELY[predicate](box, area)}
        found = matching(EventCriteria(area=area, spatial=predicate))
        assert set(found.values_list("kb_archivid", flat=True)) == expected, corners
        some += len(expected)
    assert some


def test_area_without_a_predicate_of_time_and_with_all_others(shapes):
    Event.objects.filter(event_type="AR").update(ar_noaanum=12000, frm_name="NOAA")
    Event.objects.filter(event_type="FL").update(goes_flux=2e-4)
    area = Box(-300, -200, 200, 300).shape
    found = matching(EventCriteria(types=("AR",), area=area, frm_name=("NOAA", "SPoCA"), ar_noaanum=12000))
    expected = [i for n, (i, box) in enumerate(shapes.items()) if n % 3 == 0 and box and box.intersects(area)]
    assert sorted(e.kb_archivid for e in found) == expected
    assert matching(EventCriteria(min_goes_flux=2e-4)).count() == len([n for n in range(500) if n % 3 == 2])
    assert not matching(EventCriteria(types=("AR",), min_goes_flux=0)).exists()


@pytest.mark.parametrize(
    "corners", [(0, 0, float("nan"), 1), (0, 0, float("inf"), 1), (1, 0, 0, 1), (0, 1, 0, 0)]
)
def test_a_box_is_finite_and_ordered(corners):
    with pytest.raises(ValueError, match="a box needs"):
        Box(*corners)


def test_a_window_has_a_zone_and_an_order():
    with pytest.raises(ValueError, match="zone"):
        TimeWindow(datetime(2014, 1, 1), EPOCH)  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="after the end"):
        TimeWindow(EPOCH + SECOND, EPOCH)
