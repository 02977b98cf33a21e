"""/dmlabapi/query/HEK/minevent/: rows, forms, tolerance and errors, and what old programs read."""

import itertools
import json
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import pytest
import shapely

from api.dmlab.params import MAX_LIMIT
from events.models import Event

ROOT = "/dmlabapi/query/HEK/minevent/"
DAY = {"startTime": "2014-08-30T00:00:00", "endTime": "2014-08-31T00:00:00"}
BOX = {"xmin": 450, "xmax": 700, "ymin": 100, "ymax": 200}
KEYS = [
    *("eventtype", "kb_archivid", "starttime", "endtime"),
    *("hpc_coord", "hpc_bbox", "hpc_boundcc", "frm_name"),
]


@pytest.fixture
def rows(ask, sample):
    """The rows of a route in json that must succeed."""

    def get(path="temporal/json/", **query):
        status, body = ask(ROOT + path, **query)
        assert status == 200, body
        return body

    return get


def ids(found):
    return [row["kb_archivid"].removeprefix("ivo://test/") for row in found]


@pytest.mark.parametrize("path", ["temporal", "atemporal"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_bare_list_of_rows(rows, path, slash):
    (row,) = rows(f"{path}/json{slash}", **DAY, tableName="ar", limit=1)
    assert list(row) == KEYS
    assert row == {
        "eventtype": "AR", "kb_archivid": "ivo://test/AR_00001", "frm_name": "SPoCA",
        "starttime": "2014-08-30 00:00:00", "endtime": "2014-08-30 04:00:00",
        "hpc_coord": "POINT(500 150)",
        "hpc_bbox": "POLYGON((400 80,600 80,600 220,400 220,400 80))",
        "hpc_boundcc": "POLYGON((400 80,600 100,580 220,420 200,400 80))",
    }  # fmt: skip
    (bare,) = rows(f"{path}/json{slash}", startTime="2014-08-31", endTime="2014-08-31", eventType="fl")
    assert [bare[name] for name in KEYS[4:7]] == [None] * 3


def test_both_names_of_the_types_and_any_case(rows):
    everything = ["CH_00003", "AR_00001", "AR_00002", "FL_00004", "FL_00005"]
    assert ids(rows(**DAY)) == everything
    assert ids(rows(**DAY, tableName="")) == everything
    assert ids(rows(**DAY, eventType="AR, ch,")) == everything[:3]
    assert ids(rows(**DAY, eventType="fl", tableName="ch")) == ["CH_00003", "FL_00004", "FL_00005"]
    assert ids(rows(starttime=DAY["startTime"], ENDTIME=DAY["endTime"], TABLENAME="ch")) == ["CH_00003"]


def test_tables_that_are_not_there_are_empty(rows):
    assert rows(**DAY, tableName="qh") == []
    assert rows(**DAY, eventType="qh,nonsense,all") == []
    assert ids(rows(**DAY, eventType="qh,ch")) == ["CH_00003"]


def test_intersects_counts_both_ends_and_isd_s_predicates_do_not(rows):
    touching = {"startTime": "2014-08-30T02:00:00", "endTime": "2014-08-30T04:00:00"}
    assert ids(rows(**touching)) == ["CH_00003", "AR_00001", "AR_00002"]
    assert rows(**touching, predicate="Intersects") == rows(**touching)
    assert ids(rows(**touching, predicate="overlaps")) == ["AR_00001"]
    assert ids(rows(**touching, predicate="Precedes")) == ["CH_00003"]


@pytest.mark.parametrize(
    ("sortby", "column"),
    [
        ("startTime", "starttime"),
        ("endTime", "endtime"),
        ("event_starttime", "starttime"),
        (" ", "starttime"),
    ],
)
def test_order_is_ascending_and_pages_neither_lose_nor_repeat(rows, make_event, sortby, column):
    start = make_event(0).event_starttime
    Event.objects.bulk_create(
        make_event(100 + n, "EF", start, start + timedelta(hours=n % 3)) for n in range(20)
    )
    query = DAY | {"sortby": sortby}
    whole = rows(**query, limit=MAX_LIMIT)
    assert len(whole) == 25
    assert whole == sorted(whole, key=lambda row: (row[column], row["kb_archivid"]))
    pages = [rows(**query, limit=4, offset=offset) for offset in range(0, 28, 4)]
    assert list(itertools.chain(*pages)) == whole
    assert rows(**query, limit=0) == rows(**query, offset=25) == []


def test_a_box(rows):
    assert ids(rows("spatiotemporal/json/", **DAY, **BOX)) == ["AR_00001", "AR_00002", "FL_00004"]
    edge = BOX | {"xmin": 600, "xmax": 600}
    assert ids(rows("spatiotemporal/json", **DAY, **edge, eventType="ar")) == ["AR_00001", "AR_00002"]
    assert rows("spatiotemporal/json", **DAY, xmin=5000, xmax=5001, ymin=0, ymax=0) == []


def test_xml_has_the_same_rows(client, rows, make_event):
    make_event(50, start=make_event(0).event_starttime, frm_name="a <b> & \x1b\r\n").save()
    text = client.get(ROOT + "temporal/xml/", DAY)
    assert text["Content-Type"] == "application/xml; charset=utf-8"
    root = ElementTree.fromstring(text.content)
    found = [{field.tag: field.text for field in event} for event in root]
    expected = [
        {k: (v or None) and v.replace("\x1b", "\ufffd") for k, v in row.items()} for row in rows(**DAY)
    ]
    assert root.tag == "events"
    assert found == expected
    empty = client.get(ROOT + "temporal/xml", DAY | {"tableName": "qh"})
    assert list(ElementTree.fromstring(empty.content)) == []


BAD = {
    "startTime": [{"startTime": ""}, {"startTime": "soon"}, {"startTime": "2014-09-01"}, {"startTime": "\0"}],
    "endTime": [{"endTime": "2014-13-01"}, {"endTime": ["2014-08-31", "2014-09-01"]}],
    "predicate": [{"predicate": "near"}],
    "sortby": [{"sortby": "frm_name"}],
    "limit": [{"limit": "-1"}, {"limit": MAX_LIMIT + 1}, {"limit": "1e2"}],
    "offset": [{"offset": "-1"}, {"offset": 2**31}],
    "tableName": [{"tableName": "\0"}, {"tableName": "x" * 500}],
    "xmin": [{"xmin": ""}, {"xmin": "nan"}, {"xmin": 701}],
    "ymax": [{"ymax": "inf"}],
}


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name, bads in BAD.items() for bad in bads])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_bad_input_is_an_error_that_names_the_parameter(client, db, name, bad, form):
    answer = client.get(f"{ROOT}spatiotemporal/{form}/", {**DAY, **BOX, **bad})
    assert answer.status_code == 400
    if form == "json":
        assert list(answer.json()) == ["error"]
        message = answer.json()["error"]
    else:
        root = ElementTree.fromstring(answer.content)
        assert root.tag == "error"
        message = root.text
    assert message.startswith(name)


@pytest.mark.parametrize("path", ["temporal/csv/", "temporal/", "", "hek/x", "spatiotemporal/json/x"])
def test_other_addresses_are_not_found(client, path):
    answer = client.get(ROOT + path)
    assert (answer.status_code, answer.json()) == (404, {"error": "There is nothing at this address."})


def test_any_page_may_read_it(client, sample):
    answer = client.get(
        ROOT + "temporal/json", DAY, headers={"origin": "https://example.org", "accept": "a/b"}
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "https://example.org"
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert client.head(ROOT + "temporal/json", DAY).status_code == 200
    assert client.post(ROOT + "temporal/json", DAY).status_code == 405


# --- old programs


def test_sdo_cli_reads_it(live_server, sample):
    """How sdo-cli and the client that it is a copy of ask and read."""
    query = DAY | {"tableName": "ar", "predicate": "intersects", "sortby": "event_starttime", "limit": 100}
    url = f"{live_server.url}{ROOT}temporal/json/?{urlencode(query | {'offset': 0}, safe=':')}"
    events = json.loads(httpx.get(url, timeout=30).text)
    assert isinstance(events, list)
    read = []
    for event in events:
        start, end = (datetime.strptime(event[k], "%Y-%m-%d %H:%M:%S") for k in ("starttime", "endtime"))  # noqa: DTZ007
        box = shapely.from_wkt(event["hpc_bbox"])
        outline = shapely.from_wkt(event["hpc_boundcc"]) if event["hpc_boundcc"] else None
        centre = shapely.from_wkt(event["hpc_coord"])
        assert box.contains(centre)
        read.append((event["eventtype"].lower(), (end - start).seconds, box.bounds, outline is not None))
    assert read == [("ar", 14400, (400, 80, 600, 220), True), ("ar", 14400, (430, 80, 630, 220), False)]


@pytest.mark.parametrize(
    "address",
    [
        "atemporal/json/?{}&tableName=ar&predicate=intersects&sortby=startTime&limit=100&offset=0",
        "spatiotemporal/json/?{}&xmin=-310&xmax=20&ymin=-200&ymax=20&eventType=ar&sortby=startTime&limit=100",
    ],
)
def test_the_addresses_that_the_lab_s_pages_show(client, make_event, db, address):
    times = (datetime.fromisoformat(f"2012-01-25T{hour}:00:00+00:00") for hour in ("00", "04"))
    make_event(1, "AR", *times, hpc_bbox="POLYGON((0 0,9 0,9 9,0 9,0 0))", frm_name="SPoCA").save()
    address = address.format("startTime=2012-01-22T00:00:00&endTime=2012-02-22T00:00:00")
    (row,) = client.get(ROOT + address).json()
    assert (row["kb_archivid"], row["frm_name"]) == ("ivo://test/AR_00001", "SPoCA")
    document = client.get(ROOT + address.replace("/json/", "/xml/")).content
    assert ElementTree.fromstring(document).findtext("event/kb_archivid") == "ivo://test/AR_00001"
