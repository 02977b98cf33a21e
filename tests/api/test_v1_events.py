"""/api/v1/events: filters, forms, pages; and single events."""

import csv
import io
import json
import random
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from urllib.parse import parse_qs, urlencode
from uuid import UUID

import pytest
import shapely
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.ranges import Begun
from api.render import stream_lines
from api.v1.rows import columns
from events.domain.criteria import EventCriteria, Page, SpatialPredicate
from events.models import Association, Event, EventVersion
from events.statements import page_statement

URL = "/api/v1/events"
EPOCH = datetime(2014, 8, 30, tzinfo=UTC)


def ids(body):
    return [event["kb_archivid"][-8:] for event in body["events"]]


# --- forms


def test_the_answer_says_what_it_is_complete_for(sample, ask):
    status, body = ask(
        URL, event_type="ar,ch", start="2014-08-30", end="2014-08-31", bbox="0,0,1000,1000", limit=1
    )
    assert status == 200
    assert (body["returned"], body["truncated"], body["frame"]) == (1, True, "hpc")
    assert body["predicate"] == {
        "time_relation": "intersects",
        "start": "2014-08-30T00:00:00Z",
        "end": "2014-08-31T00:00:00Z",
        "box_relation": "Intersects",
        "bbox": [0, 0, 1000, 1000],
        "geometry": "hpc_bbox",
        "event_type": ["AR", "CH"],
        "frm_name": None,
        "ar_noaanum": None,
        "min_goes_flux": None,
    }
    assert body["units"]["hpc_bbox"] == ["arcsec", "arcsec"]
    assert body["units"]["obs_meanwavel"] == "cm"
    assert body["events"] == [
        {
            "kb_archivid": "ivo://test/CH_00003",
            "event_type": "CH",
            "event_starttime": "2014-08-29T22:00:00Z",
            "event_endtime": "2014-08-30T02:00:00Z",
            "event_peaktime": None,
            "frm_name": "SPoCA",
            "frm_specificid": None,
            "obs_observatory": "SDO",
            "obs_instrument": "AIA",
            "obs_channelid": None,
            "obs_meanwavel": 1.71e-6,
            "ar_noaanum": None,
            "fl_goescls": None,
            "goes_flux": None,
            "hpc_coord": "POINT(-100 600)",
            "hpc_bbox": "POLYGON((-300 500,100 500,100 900,-300 900,-300 500))",
            "hpc_boundcc": "POLYGON((-300 500,100 500,-100 900,-300 500))",
        }
    ]


def test_an_open_end_of_the_window_is_null(sample, ask):
    predicate = ask(URL, start="2014-08-30")[1]["predicate"]
    assert (predicate["time_relation"], predicate["end"]) == ("intersects", None)
    assert ask(URL, end="2014-08-30")[1]["predicate"]["start"] is None


def test_geojson(sample, client):
    answer = client.get(URL, {"format": "geojson", "frame": "hgs", "geometry": "coord", "event_type": "AR"})
    assert answer["Content-Type"] == "application/geo+json"
    body = json.loads(answer.content)
    assert (body["type"], body["frame"], body["truncated"]) == ("FeatureCollection", "hgs", False)
    first, second = body["features"]
    assert first["type"] == "Feature"
    assert first["geometry"] == {"type": "Point", "coordinates": [31, 14]}
    assert second["geometry"] is None
    assert first["properties"]["event_starttime"] == "2014-08-30T00:00:00Z"
    assert first["properties"]["frm_specificid"] == "SPOCA_AR_0017"


@pytest.mark.parametrize("limit", [None, 100])
def test_csv_and_ndjson_hold_the_same_rows_as_json(sample, client, ask, limit):
    query = {} if limit is None else {"limit": limit}
    expected = ask(URL, **query)[1]["events"]
    lines = client.get(URL, {"format": "ndjson", **query}).getvalue().decode().splitlines()
    assert [json.loads(line) for line in lines] == expected
    answer = client.get(URL, {"format": "csv", **query})
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    table = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert table == [{k: "" if v is None else str(v) for k, v in event.items()} for event in expected]


def test_csv_of_nothing_is_the_row_of_names(db, client):
    for query in ({}, {"limit": 5}):
        (names,) = client.get(URL, {"format": "csv", **query}).getvalue().decode().splitlines()
        assert names.startswith("kb_archivid,event_type,event_starttime,")
        assert client.get(URL, {"format": "ndjson", **query}).getvalue() == b""


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("application/geo+json", "application/geo+json"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_accept_chooses_the_form_unless_format_does(sample, client, accept, content_type):
    answer = client.get(URL, headers={"accept": accept})
    assert answer.getvalue()
    assert answer["Content-Type"] == content_type
    assert (
        client.get(f"{URL}?format=json", headers={"accept": "text/csv"})["Content-Type"] == "application/json"
    )


def test_a_form_that_is_none_is_406(db, ask):
    status, body = ask(URL, headers={"accept": "image/png"})
    assert (status, body["error"]["code"]) == (406, "not_acceptable")


def test_streams_are_not_cut_and_not_held(db, make_event, client):
    Event.objects.bulk_create(make_event(n, "FL", EPOCH + timedelta(minutes=n)) for n in range(2500))
    answer = client.get(URL, {"format": "ndjson"})
    assert answer.streaming
    parts = list(answer)
    assert len(parts) == 3  # of a thousand at most
    seen = [json.loads(line)["kb_archivid"] for line in b"".join(parts).splitlines()]
    assert seen == sorted(seen)
    assert len(seen) == 2500


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_a_client_that_leaves_early_leaves_nothing_behind(db, make_event, taken):
    Event.objects.bulk_create(make_event(n, "FL", EPOCH) for n in range(1500))
    depth = len(connection.savepoint_ids)
    statement = page_statement(EventCriteria(), Page(None), columns("hpc"))
    parts = Begun(stream_lines(statement, columns("hpc")))
    assert len(connection.savepoint_ids) == depth + 1  # the stream's own
    assert len(list(islice(parts, taken))) == min(taken, 2)
    parts.close()
    assert len(connection.savepoint_ids) == depth


def test_head_of_a_stream_computes_nothing(db, client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.head(URL, {"format": "csv"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8; header=present")


# --- filters

MORNING = {"start": "2014-08-30", "end": "2014-08-30T04:00:00"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "CH_00003 AR_00001 AR_00002 FL_00004 FL_00005 CE_00006"),
        ({"event_type": ["ar", "FL"]}, "AR_00001 AR_00002 FL_00004 FL_00005"),
        ({"event_type": "tob"}, ""),
        ({"start": "2014-08-30T12:30:00"}, "FL_00004 FL_00005 CE_00006"),
        ({"end": "2014-08-30T00:00:00"}, "CH_00003 AR_00001"),
        ({**MORNING, "time_relation": "starts"}, "AR_00001"),
        ({**MORNING, "time_relation": "Within"}, "AR_00001"),
        ({**MORNING, "time_relation": "overlaps"}, "CH_00003 AR_00001"),
        ({"start": "2014-08-31", "end": "2014-08-31"}, "FL_00005"),
        ({"frm_name": "CACTus (Computer Aided CME Tracking)"}, "CE_00006"),
        ({"frm_name": ["SWPC", "SPoCA"]}, "CH_00003 AR_00001 AR_00002 FL_00004 FL_00005"),
        ({"frm_name": "spoca"}, ""),
        ({"ar_noaanum": 12149}, "AR_00001 AR_00002 FL_00004"),
        ({"min_goes": "C3.4"}, "FL_00004 FL_00005"),
        ({"min_goes": "C3.5"}, "FL_00004"),
        ({"min_goes": "X1"}, ""),
        ({"bbox": "590,80,599,85"}, "AR_00001 AR_00002"),
        ({"bbox": "590,80,599,85", "geometry": "boundcc"}, ""),
        ({"bbox": "499,149,501,151", "geometry": "coord"}, "AR_00001 FL_00004"),
        ({"bbox": "38,10,39,11", "frame": "hgs"}, "AR_00001 AR_00002"),
        ({"bbox": "450,100,700,200", "box_relation": "within"}, "FL_00004"),
        ({"bbox": "0,0,0,0"}, ""),
    ],
)  # fmt: skip
def test_filters(sample, ask, query, expected):
    status, body = ask(URL, **query)
    assert status == 200
    assert ids(body) == expected.split()
    assert not body["truncated"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"starttime": "2014-01-01"}, "starttime"),
        ({"events_event": "1"}, "events_event"),
        ({"event_type": "AR,QQ"}, "event_type"),
        ({"start": "x"}, "start"),
        ({"start": "2014-01-02", "end": "2014-01-01"}, "start"),
        ({"start": "2014-01-01\0"}, "start"),
        ({"time_relation": "starts"}, "time_relation"),
        ({"start": "2014-01-01", "time_relation": "during"}, "time_relation"),
        ({"box_relation": "Within"}, "box_relation"),
        ({"bbox": "1,1,0,0"}, "bbox"),
        ({"bbox": "0,0,NaN,1"}, "bbox"),
        ({"bbox": "0,0,1"}, "bbox"),
        ({"frame": "hrc"}, "frame"),
        ({"frame": ["hpc", "hgs"]}, "frame"),
        ({"geometry": "hpc_bbox"}, "geometry"),
        ({"frm_name": "a\0"}, "frm_name"),
        ({"ar_noaanum": "AR12149"}, "ar_noaanum"),
        ({"min_goes": "Z1"}, "min_goes"),
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "WyIyMDE0LTA4LTI5VDIyOjAwOjAwWiIsIngiXQ:forged"}, "cursor"),
        ({"format": "xml"}, "format"),
        ({"format": ["csv", "json"]}, "format"),
    ],
)
def test_bad_input_is_named(db, ask, query, parameter):
    status, body = ask(URL, **query)
    assert status == 400
    assert list(body) == ["error"]
    assert (body["error"]["code"], body["error"]["parameter"]) == ("bad_parameter", parameter)
    assert parameter in body["error"]["message"]


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/event-types", "/api/v1/events/1"])
def test_unknown_parameters_are_errors_everywhere(db, ask, path):
    status, body = ask(path, color="red")
    assert (status, body["error"]["parameter"]) == (400, "color")
    assert ask(path, format="csv")[0] == 400


# --- space in every frame, against shapely


@pytest.mark.parametrize("frame", ["hpc", "hgs", "hgc"])
@pytest.mark.parametrize("relation", SpatialPredicate)
def test_box_relation_is_shapely_in_every_frame(db, make_event, ask, frame, relation):
    rng = random.Random(frame)
    shapes = {}
    for n in range(200):
        x, y = rng.randrange(-6, 5) * 10, rng.randrange(-6, 5) * 10
        shapes[n] = shapely.box(x, y, x + rng.randrange(1, 4) * 10, y + rng.randrange(1, 4) * 10)
    Event.objects.bulk_create(
        make_event(n, "CH", EPOCH + timedelta(minutes=n), **{f"{frame}_bbox": shape.wkt})
        for n, shape in shapes.items()
    )
    area = shapely.box(-20, -20, 10, 20)
    holds = getattr(shapely, relation.name.lower())
    _, body = ask(URL, frame=frame, bbox="-20,-20,10,20", box_relation=relation, limit=1000)
    assert [int(i[-5:]) for i in ids(body)] == [n for n, shape in shapes.items() if holds(shape, area)]


# --- pages


@pytest.fixture
def tied(db, make_event):
    """250 events on twelve starts, fractions of a second among them, so that most tie."""
    rng = random.Random(12)
    starts = [EPOCH + timedelta(seconds=n // 3, microseconds=n % 3) for n in range(12)]
    return Event.objects.bulk_create(
        make_event(
            n, rng.choice(("AR", "CH")), s := rng.choice(starts), s + rng.randrange(9) * timedelta(seconds=1)
        )
        for n in range(250)
    )


def walk(ask, path):
    while path:
        status, body = ask_raw(ask, path.removeprefix("http://testserver"))
        assert status == 200
        assert body["truncated"] == (body["next"] is not None)
        yield body
        path = body["next"]


def ask_raw(ask, path):
    url, query = path.split("?", 1)
    return ask(url, **parse_qs(query))


WINDOW = {"start": "2014-08-29T23:59:59", "end": "2014-08-30T00:00:02"}


@pytest.mark.parametrize("limit", [1, 3, 49, 50, 250, 251])
@pytest.mark.parametrize("query", [{}, WINDOW, {**WINDOW, "time_relation": "starts"}, {"event_type": "AR"}])
def test_walking_the_pages_gives_the_whole_answer_once(tied, ask, limit, query):
    if limit == 1:
        query = query | {"event_type": "CH", "end": "2014-08-30T00:00:01"}
    whole = ask(URL, **query, limit=10_000)[1]
    assert not whole["truncated"]
    pages = list(walk(ask, f"{URL}?{urlencode(query | {'limit': limit})}"))
    assert [event for page in pages for event in page["events"]] == whole["events"]
    assert all(page["returned"] == limit for page in pages[:-1])
    assert len({event["kb_archivid"] for event in whole["events"]}) == len(whole["events"])
    order = sorted(whole["events"], key=lambda e: (read(e["event_starttime"]), e["kb_archivid"]))
    assert order == whole["events"]


def read(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("form", ["geojson", "csv", "ndjson"])
def test_every_form_pages_by_its_link(tied, client, ask, form):
    whole = [event["kb_archivid"] for event in ask(URL, limit=10_000)[1]["events"]]
    seen, url = [], f"{URL}?format={form}&limit=70"
    while url:
        answer = client.get(url)
        text = answer.getvalue().decode()
        if form == "geojson":
            seen += [feature["properties"]["kb_archivid"] for feature in json.loads(text)["features"]]
        elif form == "csv":
            seen += [row["kb_archivid"] for row in csv.DictReader(io.StringIO(text))]
        else:
            seen += [json.loads(line)["kb_archivid"] for line in text.splitlines()]
        link = answer.headers.get("Link", "")
        url = link.removeprefix("<http://testserver").removesuffix('>; rel="next"')
    assert seen == whole


def test_a_stream_goes_on_from_a_cursor(tied, client, ask):
    first = ask(URL, limit=100)[1]
    cursor = first["next"].split("cursor=")[1]
    rest = client.get(f"{URL}?format=ndjson&cursor={cursor}").getvalue().splitlines()
    assert len(rest) == 150
    assert json.loads(rest[0])["kb_archivid"] != first["events"][-1]["kb_archivid"]


def test_an_event_that_comes_or_goes_meanwhile_neither_repeats_nor_hides_another(tied, ask, make_event):
    first = ask(URL, limit=100)[1]
    whole = [event["kb_archivid"] for event in ask(URL, limit=1000)[1]["events"]]
    Event.objects.filter(kb_archivid__in=whole[50:100]).delete()
    make_event(999, "AR", EPOCH - timedelta(days=1)).save()
    second = ask_raw(ask, first["next"].removeprefix("http://testserver"))[1]
    assert [event["kb_archivid"] for event in second["events"]] == whole[100:200]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 4_000_000), min_size=1, max_size=4, unique=True))
def test_windows_of_starts_split_into_windows_of_starts(tied, ask, cuts):
    """Each event starts in exactly one of adjoining windows."""
    ends = [EPOCH + timedelta(microseconds=n) for n in sorted({0, *cuts, 4_000_001})]
    parts = []
    for a, b in pairwise(ends):
        query = {"start": a.isoformat(), "end": b.isoformat(), "time_relation": "starts", "limit": 1000}
        parts += ask(URL, **query)[1]["events"]
    assert parts == ask(URL, limit=1000)[1]["events"]


# --- single events


def test_a_whole_record(sample, ask):
    event = sample[0]
    EventVersion.objects.create(
        event=event, revision=1, content_hash=UUID(int=99), attributes={}, source="test"
    )
    for first, second in ((0, 1), (2, 0), (2, 3)):
        Association.objects.create(
            first_ivorn=sample[first].kb_archivid,
            second_ivorn=sample[second].kb_archivid,
            edge_type="is_followed_by",
            source="test",
        )
    status, body = ask(f"{URL}/ivo://test/AR_00001")
    assert status == 200
    assert ask(f"{URL}/{event.pk}")[1] == body
    assert ask(f"{URL}/ivo:/test/AR_00001")[1] == body  # a proxy folded the slashes
    assert ask(f"{URL}/ivo%3A%2F%2Ftest%2FAR_00001/")[1] == body
    assert (body["id"], body["versions"], body["concept"]) == (event.pk, 1, "Active Region")
    assert body["attributes"] == event.attributes
    assert body["attributes"]["frm_humanflag"] is False
    assert body["units"]["area_atdiskcenter"] == "km2"
    assert list(body["geometry"]) == ["hpc", "hgs", "hgc", "hrc"]
    assert body["geometry"]["hgs"] == {
        "units": ["deg", "deg"],
        "coord": "POINT(31 14)",
        "bbox": "POLYGON((25 10,38 10,38 19,25 19,25 10))",
        "boundcc": None,
    }
    assert [edge["first_ivorn"][-8:] + ">" + edge["second_ivorn"][-8:] for edge in body["associations"]] == [
        "AR_00001>AR_00002",
        "CH_00003>AR_00001",
    ]


def test_a_record_with_geojson_shapes(sample, ask):
    geometry = ask(f"{URL}/ivo://test/AR_00001", shapes="geojson")[1]["geometry"]
    assert geometry["hgs"]["coord"] == {"type": "Point", "coordinates": [31, 14]}
    assert geometry["hgc"]["coord"] is None


def test_units_of_coordinates_follow_the_record(db, make_event, ask):
    make_event(1, attributes={"event_c1error": 1, "event_c2error": 2, "event_coordunit": "deg, rsun"}).save()
    make_event(2, attributes={"event_c1error": 1, "event_c2error": 2, "event_coordunit": "degrees"}).save()
    units = [ask(f"{URL}/ivo://test/AR_0000{n}")[1]["units"] for n in (1, 2)]
    assert [(u["event_c1error"], u["event_c2error"]) for u in units] == [
        ("deg", "rsun"),
        ("degrees", "degrees"),
    ]


@pytest.mark.parametrize("key", ["999999", "9" * 30, "ivo://none", "a%00b", "☀", "1.5", "-1", "'; --"])
def test_an_event_that_is_not_there(db, ask, key):
    status, body = ask(f"{URL}/{key}")
    assert (status, body["error"]["code"]) == (404, "not_found")


def test_query_counts(sample, client, django_assert_num_queries):
    for path, count in [
        (f"{URL}?bbox=0,0,1000,1000", 1),
        (f"{URL}?start=2014-08-30&end=2014-08-31", 1),
        (f"{URL}?format=geojson", 1),
        (f"{URL}?format=csv&limit=5", 1),
        (f"{URL}/{sample[0].pk}", 3),
        ("/api/v1/event-types", 0),
    ]:
        with django_assert_num_queries(count):
            assert client.get(path).status_code == 200, path
