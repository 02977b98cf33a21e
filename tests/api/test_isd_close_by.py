"""closeByEvents against its definition, computed here by hand and by shapely."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from events.models import Event

EPOCH = datetime(2014, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROUTE = "/api/query/closeByEvents"


def rate(latitude):
    """Degrees of Stonyhurst longitude a day: 14.44 - 3 sin^2(latitude) - 0.9856, from the specification."""
    return 14.44 - 3.0 * math.sin(math.radians(latitude)) ** 2 - 0.9856


def carried(box, hours):
    x0, y0, x1, y1 = box
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    return shapely.Polygon([(x + hours / 24 * rate(y), y) for x, y in corners])


@pytest.fixture
def near(isd_rows, make_event, db):
    """Asks for what is near one event (type FL, two hours from EPOCH) among the given ones (type AR)."""

    def ask(query_box, targets, lookback, buffer, duration=2 * HOUR):
        make_event(0, "FL", EPOCH, EPOCH + duration, hgs_bbox=shapely.box(*query_box).wkt).save()
        Event.objects.bulk_create(
            make_event(n, "AR", start, end, hgs_bbox=shapely.box(*box).wkt)
            for n, (start, end, box) in enumerate(targets)
        )
        rows = isd_rows(
            ROUTE,
            queryeventtype="fl",
            queryeventid="ivo://test/FL_00000",
            targeteventtype="ar",
            lookback=lookback,
            spatialbuffer=buffer,
        )
        assert all(list(row) == ["event_type", "kb_archivid"] for row in rows)
        return [int(row["kb_archivid"][-5:]) for row in rows]

    return ask


@pytest.mark.parametrize(("lookback", "buffer"), [(0, 0), (6, 2.5), (24, 5), (72, 0.1), (120, 10)])
def test_it_is_the_definition(near, lookback, buffer):
    rng = random.Random(lookback)
    targets = []
    for _ in range(1000):
        start = EPOCH - lookback * HOUR + rng.randrange(-6, 7) * HOUR
        x, y = rng.uniform(-90, 80), rng.uniform(-40, 30)
        targets.append(
            (start, start + rng.randrange(4) * HOUR, (x, y, x + rng.uniform(1, 20), y + rng.uniform(1, 15)))
        )
    query = (10, 5, 25, 18)
    search = carried(query, -lookback).buffer(buffer)
    a, b = EPOCH - lookback * HOUR, EPOCH + 2 * HOUR - lookback * HOUR

    def overlaps(start, end):
        end = end if start < end else start + timedelta(seconds=1)
        return start < b and end > a

    expected = [
        n
        for n, (start, end, box) in enumerate(targets)
        if overlaps(start, end) and shapely.box(*box).intersects(search)
    ]
    assert sorted(near(query, targets, lookback, buffer)) == expected
    assert expected


def test_rows_come_by_start_then_id(near):
    box = (10, 5, 20, 10)
    targets = [(EPOCH + HOUR, EPOCH + 2 * HOUR, box), (EPOCH, EPOCH + HOUR, box), (EPOCH, EPOCH + HOUR, box)]
    assert near(box, targets, 0, 0) == [1, 2, 0]


def test_the_window_is_that_of_the_event_moved_back_its_end_excluded(near):
    box = (10, 5, 20, 10)
    back = EPOCH - 3 * HOUR
    targets = [
        (back - HOUR, back, box),  # ends where the window starts
        (back - HOUR, back + timedelta(seconds=1), box),
        (back + 2 * HOUR, back + 3 * HOUR, box),  # starts where it ends
        (back + 2 * HOUR - timedelta(seconds=1), back + 3 * HOUR, box),
        (back, back, box),  # an instant at its start
    ]
    assert near(box, targets, 3, 2) == [1, 4, 3]


def test_an_instant_looks_around_itself_for_a_second(near):
    box = (10, 5, 20, 10)
    assert near(box, [(EPOCH - HOUR, EPOCH + HOUR, box)], 0, 0, duration=timedelta()) == [0]


def test_what_lay_behind_the_limb_a_rotation_ago_is_found_at_its_old_longitude(near):
    box = (0, -1, 10, 1)
    hours = round(360 / rate(0) * 24)
    then = EPOCH - hours * HOUR
    assert near(
        box, [(then, then + HOUR, (2, -1, 8, 1)), (then, then + HOUR, (60, -1, 70, 1))], hours, 1
    ) == [0]


def test_a_lookback_beyond_the_calendar_is_told(ask, make_event, db):
    first = datetime(1, 1, 1, 1, tzinfo=UTC)
    make_event(0, "FL", first, first, hgs_bbox=shapely.box(0, 0, 1, 1).wkt).save()
    query = {"queryeventtype": "fl", "queryeventid": "ivo://test/FL_00000", "targeteventtype": "ar"}
    status, body = ask(ROUTE, **query, lookback=2, spatialbuffer=1)
    assert (status, body["Msg"]) == (400, "lookback reaches beyond the year 1")


@given(st.floats(-60, 60))
def test_the_closed_form_is_even_in_latitude(latitude):
    assert rate(latitude) == rate(-latitude)
