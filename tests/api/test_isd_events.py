"""The event routes of the ISD dialect: rows, forms, relations, pages."""

import json
import random
import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import shapely
from django.db.models import Sum

from events.domain.criteria import ISD_TEMPORAL, SpatialPredicate
from events.domain.vocabulary import EVENT_TYPES, GEOMETRY_COLUMNS
from events.models import Event
from tests.intervals import half_open

TEMPORAL = "/api/query/temporal"
SPATIOTEMPORAL = "/api/query/spatiotemporal"
AUGUST = {"starttime": "2014-08-30T00:00:00", "endtime": "2014-09-02T00:00:00"}
EVERYWHERE = {"xmin": -1e5, "ymin": -1e5, "xmax": 1e5, "ymax": 1e5}
EPOCH = datetime(2014, 8, 30, tzinfo=UTC)


# --- forms


def test_plain_rows_are_type_and_id_with_the_type_first(sample, client):
    answer = client.get(TEMPORAL, AUGUST)
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith('{"Status":"OK","StatusCode":1,"Msg":"Successful","Result":[')
    rows = json.loads(text)["Result"]
    assert rows[0] == {"eventtype": "CH", "kb_archivid": "ivo://test/CH_00003"}
    assert [list(row) for row in rows] == [["eventtype", "kb_archivid"]] * 6


def test_web_rows(sample, isd_rows):
    rows = isd_rows(TEMPORAL, **AUGUST, web="True", tablenames="ar")
    assert rows[0] == {
        "bbox": "POLYGON((400 80,600 80,600 220,400 220,400 80))",
        "cc": "POLYGON((400 80,600 100,580 220,420 200,400 80))",
        "coordinate": "POINT(500 150)",
        "coordunit": "arcsec,arcsec",
        "endtime": "2014-08-30T04:00:00Z",
        "eventtype": "AR",
        "id": "ivo://test/AR_00001",
        "starttime": "2014-08-30T00:00:00Z",
    }
    assert rows[1]["cc"] is None
    assert all(list(row) == sorted(row) for row in rows)


@pytest.mark.parametrize(
    ("sortby", "first"),
    [
        ("event_starttime", "2014-08-29T22:00:00Z"),
        ("starttime", "2014-08-29T22:00:00Z"),
        ("event_endtime", "2014-08-30T02:00:00Z"),
        ("event_peaktime", "2014-08-30T12:12:00Z"),
        ("event_type", "AR"),
        ("kb_archivid", "ivo://test/AR_00001"),
    ],
)
def test_spatiotemporal_web_rows_have_the_value_that_orders_them(sample, isd_rows, sortby, first):
    rows = isd_rows(SPATIOTEMPORAL, **AUGUST, **EVERYWHERE, web="True", sortby=sortby)
    assert rows[0]["orderby"] == first
    assert all(list(row) == sorted(row) for row in rows)
    assert len(rows[0]) == 9
    plain = isd_rows(SPATIOTEMPORAL, **AUGUST, **EVERYWHERE, sortby=sortby)
    assert [row["kb_archivid"] for row in plain] == [row["id"] for row in rows]
    assert list(plain[0]) == ["eventtype", "kb_archivid"]


@pytest.mark.parametrize("flag", ["true", "TRUE", "1", "yes", "False", ""])
def test_flags_are_true_only_for_the_exact_word(sample, isd_rows, flag):
    rows = isd_rows(TEMPORAL, **AUGUST, web=flag, interpolated=flag)
    assert list(rows[0]) == ["eventtype", "kb_archivid"]


def test_times_keep_a_fraction_only_where_they_have_one(db, make_event, isd_rows):
    make_event(1, start=EPOCH, end=EPOCH + timedelta(seconds=1.25)).save()
    (row,) = isd_rows(TEMPORAL, **AUGUST, web="True")
    assert (row["starttime"], row["endtime"]) == ("2014-08-30T00:00:00Z", "2014-08-30T00:00:01.25Z")


@pytest.mark.parametrize(
    ("tablenames", "count"),
    [
        ("", 6),
        ("all", 6),
        ("ALL", 6),
        ("ar,all", 6),
        ("ar", 2),
        ("AR, ch ,ar", 3),
        ("tob,to", 0),
        ("fl,ce", 3),
    ],
)
def test_types(sample, isd_rows, tablenames, count):
    assert len(isd_rows(TEMPORAL, **AUGUST, tablenames=tablenames)) == count


def test_tob_is_the_topological_object(db, make_event, isd_rows):
    make_event(1, "TO", EPOCH).save()
    assert len(isd_rows(TEMPORAL, **AUGUST, tablenames="tob")) == 1


def test_search_by_id_answers_every_column_of_the_type(sample, isd_rows):
    (row,) = isd_rows("/api/query/searchById", id="ivo://test/AR_00001", eventtype="ar")
    assert list(row) == sorted(row)
    assert set(GEOMETRY_COLUMNS) | {"bound_chaincode", "frm_url", "ar_mtwilsoncls", "hgs_x"} <= set(row)
    assert not {"cme_angularwidth", "fl_goescls"} & set(row)
    assert row["hpc_boundcc"] == "POLYGON((400 80,600 100,580 220,420 200,400 80))"
    assert row["hgs_coord"] == "POINT(31 14)"
    assert row["event_starttime"] == "2014-08-30T00:00:00Z"
    assert row["frm_daterun"] == "2014-08-30T06:10:00Z"
    assert row["frm_humanflag"] == "false"
    assert row["area_atdiskcenter"] == 5200000000
    assert row["ar_mtwilsoncls"] is None
    assert row["kb_archivid"] == "ivo://test/AR_00001"
    assert row["event_type"] == "AR"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_search_by_id_knows_every_type(db, make_event, isd_rows, event_type):
    make_event(1, event_type, EPOCH).save()
    (row,) = isd_rows(
        "/api/query/searchById", id=f"ivo://test/{event_type}_00001", eventtype=event_type.lower()
    )
    assert len(row) > 100


def test_search_by_id_of_what_is_not_there_is_empty(sample, isd_rows):
    assert isd_rows("/api/query/searchById", id="ivo://test/AR_99999", eventtype="ar") == []
    assert isd_rows("/api/query/searchById", id="ivo://test/AR_00001", eventtype="ch") == []


def test_a_slash_at_the_end_changes_nothing(sample, client):
    for path in (TEMPORAL, "/analytics/api/query/sun/event/count"):
        assert client.get(path, AUGUST).content == client.get(f"{path}/", AUGUST).content


# --- relations, against brute force


def lattice(rng):
    return EPOCH + rng.randrange(6) * timedelta(minutes=1)


@pytest.fixture
def many(db, make_event):
    """300 events whose ends and edges often coincide; a tenth are instants, a tenth have no box."""
    rng = random.Random(42)
    events = {}
    for n in range(300):
        s, e = sorted((lattice(rng), lattice(rng)))
        x, y = rng.randrange(-4, 4) * 100, rng.randrange(-4, 4) * 100
        box = shapely.box(x, y, x + rng.randrange(1, 4) * 100, y + rng.randrange(1, 4) * 100)
        box = None if n % 10 == 0 else box
        outline = box and shapely.Polygon([box.exterior.coords[i] for i in (0, 1, 2)])
        event = make_event(
            n,
            ("AR", "CH", "FL")[n % 3],
            s,
            s if n % 10 == 1 else e,
            hpc_bbox=box and box.wkt,
            hpc_boundcc=outline and outline.wkt,
        )
        events[event.kb_archivid] = (event, box, outline)
    Event.objects.bulk_create(event for event, *_ in events.values())
    return events


def ids(rows):
    return {row["kb_archivid"] for row in rows}


WINDOWS = [(0, 0), (0, 60), (60, 180), (120, 300), (0, 1), (59, 61), (61, 119), (-100, 900)]


def iso(seconds):
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("predicate", ISD_TEMPORAL)
def test_temporal_predicate_is_brute_force(many, isd_rows, predicate):
    some = 0
    for a, b in WINDOWS:
        window = EPOCH + timedelta(seconds=a), EPOCH + timedelta(seconds=b)
        expected = {
            key
            for key, (event, *_) in many.items()
            if half_open(predicate, (event.event_starttime, event.event_endtime), window)
        }
        asked = {"starttime": iso(a), "endtime": iso(b), "limit": 1000, "predicate": predicate}
        assert ids(isd_rows(TEMPORAL, **asked)) == expected, (a, b)
        some += len(expected)
    assert some


BOXES = [
    (-400, -400, 400, 400),
    (0, 0, 100, 100),
    (-100, -200, 200, 100),
    (100, 100, 100, 100),
    (0, 0, 0, 300),
]


@pytest.mark.parametrize("geometry", ["bbox", "boundcc", None])
@pytest.mark.parametrize("predicate", SpatialPredicate)
def test_spatial_predicate_is_shapely(many, isd_rows, predicate, geometry):
    holds = getattr(shapely, predicate.name.lower())
    window = {"starttime": iso(-1), "endtime": iso(1e6), "limit": 1000}
    extension = {"geometry": geometry} if geometry else {}
    for corners in BOXES:
        x0, y0, x1, y1 = corners
        area = shapely.box(*corners)
        if area.area == 0:
            area = (
                shapely.Point(x0, y0) if x0 == x1 and y0 == y1 else shapely.LineString([(x0, y0), (x1, y1)])
            )
        expected = {
            key
            for key, (_, box, outline) in many.items()
            if (shape := outline if geometry == "boundcc" else box) is not None and holds(shape, area)
        }
        box = dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
        found = isd_rows(SPATIOTEMPORAL, **window, **box, **extension, spatialpredicate=predicate.upper())
        assert ids(found) == expected, corners


def test_both_relations_hold_together(many, isd_rows):
    for temporal in ISD_TEMPORAL:
        window = {"starttime": iso(60), "endtime": iso(240), "limit": 1000}
        inside = ids(isd_rows(TEMPORAL, **window, predicate=temporal))
        box = {"xmin": -100, "ymin": -200, "xmax": 200, "ymax": 100}
        both = isd_rows(
            SPATIOTEMPORAL, **window, **box, temporalpredicate=temporal, spatialpredicate="Within"
        )
        within = {
            k
            for k, (_, b, _) in many.items()
            if b is not None and b.within(shapely.box(-100, -200, 200, 100))
        }
        assert ids(both) == inside & within


# --- pages


@pytest.mark.parametrize(
    ("limit", "sortby"),
    [(1, "event_starttime"), *product((7, 100), ("starttime", "endtime", "event_type", "event_peaktime"))],
)
def test_pages_together_are_the_whole_answer(many, isd_rows, limit, sortby):
    window = {"starttime": iso(0), "endtime": iso(300), "sortby": sortby}
    whole = isd_rows(TEMPORAL, **window, limit=1000)
    walked = []
    while page := isd_rows(TEMPORAL, **window, limit=limit, offset=len(walked)):
        assert len(page) <= limit
        walked += page
    assert walked == whole


def test_limit_defaults_to_100_and_can_be_none_at_all(many, isd_rows):
    assert len(isd_rows(TEMPORAL, starttime=iso(0), endtime=iso(300))) == 100
    assert isd_rows(TEMPORAL, starttime=iso(0), endtime=iso(300), limit=0) == []
    assert isd_rows(TEMPORAL, starttime=iso(0), endtime=iso(300), offset=2**31 - 1) == []


# --- aggregates


def test_counts_are_by_month_of_the_start_in_order(db, make_event, isd_rows):
    starts = [datetime(2013, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)]
    starts += [datetime(2013, 2, 3, tzinfo=UTC)] * 3
    day = timedelta(days=1)
    Event.objects.bulk_create(
        make_event(n, ("AR", "CH")[n % 2], start, start + day) for n, start in enumerate(starts)
    )
    asked = {"starttime": "2013-01-01", "endtime": "2014-01-01T12:00:00"}
    assert isd_rows("/analytics/api/query/sun/event/count/", **asked, eventtypes="ar,ch") == [
        {"month": "Feb", "month_id": 2, "number_of_events": 3, "year": 2013},
        {"month": "Dec", "month_id": 12, "number_of_events": 1, "year": 2013},
        {"month": "Jan", "month_id": 1, "number_of_events": 1, "year": 2014},
    ]
    regions = isd_rows("/analytics/api/query/sun/event/count/", **asked, eventtypes="ar")
    assert [row["number_of_events"] for row in regions] == [2, 1]
    # an event that began before the window counts for the month in which it began
    late = isd_rows("/analytics/api/query/sun/event/count", starttime="2014-01-01", endtime="2014-01-02")
    assert [row["month"] for row in late] == ["Dec", "Jan"]
    assert list(late[0]) == ["month", "month_id", "number_of_events", "year"]


def test_areas_are_sums_of_outlines_and_null_where_there_is_none(many, make_event, isd_rows):
    make_event(1000, "AR", EPOCH + timedelta(days=60)).save()
    rows = isd_rows("/analytics/api/query/sun/event/area/", starttime="2014-01-01", endtime="2015-01-01")
    expected = sum(outline.area for _, _, outline in many.values() if outline)
    assert rows == [
        {"area_of_events": pytest.approx(expected), "month": "Aug", "month_id": 8, "year": 2014},
        {"area_of_events": None, "month": "Oct", "month_id": 10, "year": 2014},
    ]


def test_the_count_route_agrees_with_the_list_route(many, isd_rows):
    listed = isd_rows(TEMPORAL, starttime=iso(60), endtime=iso(120), limit=1000)
    counted = isd_rows("/analytics/api/query/sun/event/count", starttime=iso(60), endtime=iso(120))
    assert sum(row["number_of_events"] for row in counted) == len(listed)


# --- what is told to be missing


def test_what_is_in_no_track_fails_in_the_words_of_the_original(sample, ask):
    status, body = ask("/api/query/solev/trackid", id="ivo://test/AR_00001", eventtype="ar")
    assert status == 200
    assert body == {"Status": "FAIL", "StatusCode": 2, "Msg": "Failed to retreive track id", "Result": []}


@pytest.mark.parametrize("route", ["generateVideo", "previewVideo"])
def test_videos_are_said_not_to_be_available(db, ask, route):
    status, body = ask(f"/api/query/solev/{route}", eventid="1", email="a@b.c", institude="x")
    assert (status, body["Status"], body["StatusCode"]) == (501, "FAIL", 2)
    assert re.search("not available", body["Msg"])


def test_query_counts(sample, client, django_assert_num_queries):
    one = {"id": "ivo://test/AR_00001", "eventtype": "ar"}
    near = {"queryeventtype": "fl", "queryeventid": "ivo://test/FL_00004", "targeteventtype": "ar"}
    for path, query, count in [
        (TEMPORAL, AUGUST, 1),
        (TEMPORAL, AUGUST | {"web": "True"}, 1),
        (SPATIOTEMPORAL, AUGUST | EVERYWHERE | {"web": "True"}, 1),
        ("/api/query/searchById", one, 1),
        ("/api/query/closeByEvents", near | {"lookback": 12, "spatialbuffer": 5}, 2),
        ("/api/query/solev/trackid", one, 1),
        ("/analytics/api/query/sun/event/count/", AUGUST, 1),
        ("/analytics/api/query/sun/event/area/", AUGUST, 1),
    ]:
        with django_assert_num_queries(count):
            assert client.get(path, query).status_code == 200, path
    assert Event.objects.aggregate(n=Sum("revision"))["n"] == 6  # nothing was changed by asking


def test_search_by_id_gives_numbers_of_any_size(sample, client):
    """A flux of 1.47e21 Mx comes out of jsonb as an integer that no 64 bits hold."""
    Event.objects.filter(kb_archivid="ivo://test/AR_00001").update(attributes={"unsignedflux": 1.47e21})
    answer = client.get("/api/query/searchById", {"id": "ivo://test/AR_00001", "eventtype": "ar"})
    assert answer.json()["Result"][0]["unsignedflux"] == 1.47e21
    detail = client.get("/api/v1/events/ivo://test/AR_00001")
    assert detail.json()["attributes"]["unsignedflux"] == 1.47e21
