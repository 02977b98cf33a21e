"""The statement of a page, learned from an example, is what Django would have compiled for the question."""

from datetime import UTC, datetime, timedelta

import pytest
import shapely
from django.contrib.gis.db.backends.postgis.adapter import PostGISAdapter
from django.contrib.gis.db.models.functions import AsWKT
from hypothesis import given
from hypothesis import strategies as st

from events.domain.conditions import AttributeFilter, Region, Relation
from events.domain.criteria import (
    EventCriteria,
    Page,
    Position,
    SortKey,
    SpatialPredicate,
    TemporalPredicate,
    TimeWindow,
)
from events.queries import page_of
from events.statements import _learned, page_statement

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
times = st.datetimes(timezones=st.just(UTC)) | st.sampled_from([FIRST, LAST, FIRST + timedelta(seconds=1)])
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@st.composite
def windows(draw):
    start = draw(times)
    lengths = [0, 1e-6, 0.5, 0.999999, 1, 1.000001, 60, 2_592_000]
    length = timedelta(seconds=draw(st.sampled_from(lengths)))
    return TimeWindow(start, start + length if LAST - start >= length else LAST)


@st.composite
def pages(draw):
    offset, limit = draw(st.integers(0, 2**31)), draw(st.integers(1, 2**31) | st.none())
    if draw(st.booleans()):
        return Page(limit, offset, after=Position(draw(times), draw(texts)))
    return Page(limit, offset, draw(st.sampled_from(SortKey)), descending=draw(st.booleans()))


areas = st.builds(lambda x, y, r: shapely.Point(x, y).buffer(r), *[st.floats(-1e3, 1e3)] * 2, st.floats(1, 9))
regions = st.builds(Region, st.sampled_from(["hpc", "hgs", "hgc"]), areas, st.booleans())
places = st.fixed_dictionaries({"area": areas}) | st.fixed_dictionaries({"region": regions}) | st.just({})
filters = st.sampled_from(
    [
        AttributeFilter("frm_name", Relation.EQUAL, "SPoCA"),
        AttributeFilter("area_atdiskcenter", Relation.GREATER, 1e9, event_type="CH"),
        AttributeFilter("event_peaktime", Relation.LESS, datetime(2014, 1, 1, tzinfo=UTC)),
    ]
)
criteria = st.builds(
    lambda place, **asked: EventCriteria(**place, **asked),
    place=places,
    types=st.none() | st.lists(st.sampled_from(["AR", "CH", "FL"]), min_size=1, unique=True).map(tuple),
    window=st.none() | windows(),
    temporal=st.sampled_from(TemporalPredicate),
    spatial=st.sampled_from(SpatialPredicate),
    geometry=st.sampled_from(["hpc_bbox", "hgs_boundcc"]),
    frm_name=st.none() | st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple),
    ar_noaanum=st.none() | st.integers(0, 99_999),
    min_goes_flux=st.none() | st.floats(1e-8, 1),
    filters=st.lists(filters, max_size=2, unique=True).map(tuple),
)


def dress(events):
    return events.values("kb_archivid", bbox=AsWKT("hpc_bbox"))


def comparable(parameters):
    return [p.ewkb if isinstance(p, PostGISAdapter) else p for p in parameters]


@given(criteria, pages())
def test_is_what_django_compiles(question, page):
    sql, parameters = page_statement(question, page, dress)
    expected_sql, expected = dress(page_of(question, page)).query.sql_with_params()
    assert sql == expected_sql
    assert comparable(parameters) == comparable(expected)


def test_is_compiled_once_for_a_shape():
    _learned.cache_clear()
    for day in range(1, 29):
        start = datetime(2014, 1, day, tzinfo=UTC)
        question = EventCriteria(
            ("AR",), TimeWindow(start, start + timedelta(days=30)), area=shapely.Point(day, 1)
        )
        page_statement(question, Page(100), dress)
    assert _learned.cache_info().misses == 1


def test_a_question_has_one_place():
    somewhere = shapely.Point(0, 0)
    with pytest.raises(ValueError, match="not both"):
        EventCriteria(area=somewhere, region=Region("hpc", somewhere, whole=False))


@pytest.mark.django_db
def test_runs(django_assert_num_queries):
    from django.db import connection  # noqa: PLC0415

    window = TimeWindow(FIRST, LAST)
    statement = page_statement(EventCriteria(window=window, area=shapely.Point(0, 0)), Page(10), dress)
    nothing = page_statement(EventCriteria(window=window), Page(0, 5), dress)
    with django_assert_num_queries(2), connection.cursor() as cursor:
        for sql, parameters in (statement, nothing):
            cursor.execute(sql, parameters)
            assert cursor.fetchall() == []
