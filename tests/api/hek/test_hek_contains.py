"""`type=contains` against its definition, pair by pair. Starts are whole hours apart; eight still count."""

import json
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.test import Client

from events.models import Event

FIRST = datetime(2014, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
APART = 8 * HOUR


def make(number, rng):
    code = rng.choice(["FL", "AR", "AR"])
    start = FIRST + rng.randrange(72) * HOUR
    x, y = rng.randrange(-60, 60), rng.randrange(-30, 30)
    box = shapely.box(x - 15, y - 10, x + 15, y + 10)
    outline = shapely.Polygon([(x - 15, y - 10), (x + 15, y - 10), (x, y + 10)])
    shapes = {
        "hgc_coord": rng.choice([shapely.Point(x, y), shapely.Point(x, y), None]),
        "hgc_bbox": rng.choice([box, box, None]),
        "hgc_boundcc": rng.choice([outline, None]),
    }
    return Event(
        kb_archivid=f"ivo://test/{number:03}", event_type=code, event_starttime=start,
        event_endtime=start + rng.choice([0, 2]) * HOUR, attributes={}, content_hash=UUID(int=number),
        source="test", **{name: shape and GEOSGeometry(shape.wkt, srid=0) for name, shape in shapes.items()},
    )  # fmt: skip


@pytest.fixture
def events(db):
    rng = random.Random(8)
    return Event.objects.bulk_create(make(n, rng) for n in range(200))


def as_shapely(shape):
    return shape and shapely.from_wkt(shape.wkt)


def pairs(events, inner, outer, first, last):
    """(containing, contained) by the definition."""
    among = [e for e in events if first <= e.event_starttime and e.event_endtime <= last]
    return sorted(
        (around.kb_archivid, inside.kb_archivid)
        for inside in among
        for around in among
        if (inside.event_type, around.event_type) == (inner, outer)
        and inside is not around
        and abs(inside.event_starttime - around.event_starttime) <= APART
        and (centre := as_shapely(inside.hgc_coord))
        and (area := as_shapely(around.hgc_boundcc or around.hgc_bbox))
        and area.covers(centre)
    )


def ask(inner, outer, first, last, **query):
    query |= {"event_type1": inner, "event_type2": outer, "type": "contains", "cmd": "search"}
    query |= {"event_starttime": f"{first:%FT%T}", "event_endtime": f"{last:%FT%T}"}
    return json.loads(Client().get("/hek/her", query).getvalue())


def told(body):
    return [(edge["first_ivorn"], edge["second_ivorn"]) for edge in body["association"]]


@pytest.mark.parametrize(("inner", "outer"), [("FL", "AR"), ("AR", "AR"), ("AR", "FL")])
@pytest.mark.parametrize("hours", [(0, 80), (5, 40)])
def test_pairs_are_those_of_the_definition(events, inner, outer, hours):
    first, last = (FIRST + hour * HOUR for hour in hours)
    wanted = pairs(events, inner, outer, first, last)
    body = ask(inner, outer, first, last, result_limit=1000)
    assert wanted
    assert told(body) == wanted
    assert {record["kb_archivid"] for record in body["result"]} == {end for pair in wanted for end in pair}


def test_some_pairs_start_just_eight_hours_apart(events):
    start = {event.kb_archivid: event.event_starttime for event in events}
    found = pairs(events, "FL", "AR", FIRST, FIRST + 80 * HOUR)
    assert {start[a] - start[b] for a, b in found} >= {APART, -APART}


def test_a_page_tells_the_pairs_of_its_rows(events):
    first, last = FIRST, FIRST + 80 * HOUR
    wanted = pairs(events, "FL", "AR", first, last)
    number, more, rows = 0, True, []
    while more:
        number += 1
        body = ask("FL", "AR", first, last, result_limit=10, page=number)
        page = [record["kb_archivid"] for record in body["result"]]
        assert told(body) == [pair for pair in wanted if set(pair) & set(page)]
        rows, more = rows + page, body["overmax"]
    assert sorted(rows) == sorted({end for pair in wanted for end in pair})
    assert number > 3
