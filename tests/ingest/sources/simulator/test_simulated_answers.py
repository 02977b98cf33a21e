"""Catalogues and the server: windows, pages, forms of answers, and who can read them."""

import http.client
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.domain.criteria import TimeWindow
from ingest.sources import get_source
from ingest.sources.simulator.catalogue import RecordedCatalogue, SimulatedCatalogue
from ingest.sources.simulator.sun import Sun

START = datetime(2014, 1, 10, tzinfo=UTC)
MINUTES = st.integers(0, 4 * 24 * 60)
WINDOW = {"event_starttime": "2014-01-10T00:00:00", "event_endtime": "2014-01-11T12:00:00"}
SEARCH = {"cmd": "search", "type": "column", "event_type": "**", "cosec": "2", **WINDOW}


def ask(server, expected=200, **params):
    response = httpx.get(server.url, params={**SEARCH, **params})
    assert response.status_code == expected
    return response


@pytest.fixture(scope="module")
def whole(server):
    """The answer to SEARCH in one page."""
    answer = ask(server, result_limit=1000).json()
    assert answer["overmax"] is False
    assert len(answer["result"]) > 300
    return answer


def test_order_of_generation_does_not_matter(catalogue):
    """Other windows before, other days, another object: the same bytes."""
    other = SimulatedCatalogue(Sun(seed=7))
    late = START + timedelta(days=3)
    list(other.entries(late, late + timedelta(hours=1)))
    list(other.entries(START - timedelta(days=200), START - timedelta(days=200)))
    for hours in (30, 6, 24):
        window = (START + timedelta(hours=hours), START + timedelta(hours=hours + 6))
        ours, theirs = list(catalogue.entries(*window)), list(other.entries(*window))
        assert ours == theirs
        assert [catalogue.record(e) for e in ours] == [other.record(e) for e in theirs]
        assert [catalogue.associations(e) for e in ours] == [other.associations(e) for e in theirs]


@given(st.lists(MINUTES, min_size=3, max_size=3).map(sorted))
def test_splitting_a_window_splits_the_answer(catalogue, minutes):
    a, b, c = (START + timedelta(minutes=m) for m in minutes)
    one, other = set(catalogue.entries(a, b)), set(catalogue.entries(b, c))
    both = list(catalogue.entries(a, c))
    assert set(both) == one | other
    assert both == sorted(both)
    assert len(set(both)) == len(both)
    instant = b.strftime("%Y-%m-%dT%H:%M:%S")
    assert one & other == {e for e in both if e.start <= instant <= e.end}


def test_catalogue_says_when_it_is_asked_too_much(catalogue):
    for window in ((1800, 1801), (2300, 2301), (1950, 2010)):
        with pytest.raises(ValueError, match="1900 to 2200"):
            list(catalogue.entries(*(datetime(year, 1, 1, tzinfo=UTC) for year in window)))


def test_early_pages_of_a_long_window_come_at_once():
    """Only what is needed is generated: the first page of forty years needs a few days of them."""
    catalogue = SimulatedCatalogue(Sun(seed=7))
    entries = catalogue.entries(START, START + timedelta(days=14_000))
    assert next(entries).start < "2014-01-11"
    assert catalogue._index.cache_info().currsize == 1


@settings(max_examples=12)
@given(limit=st.integers(1, 1000), types=st.sampled_from(["**", "AR", "ar, fl,", "CE,CH", "FL,SS,**"]))
def test_pages_together_are_the_whole(server, whole, limit, types):
    limit = max(limit, 40)
    pages = []
    while not pages or pages[-1]["overmax"]:
        pages.append(ask(server, event_type=types, result_limit=limit, page=len(pages) + 1).json())
    assert all(len(page["result"]) == limit for page in pages[:-1])
    wanted = {code.strip().upper() for code in types.split(",")}
    expected = [r for r in whole["result"] if "**" in wanted or r["event_type"] in wanted]
    assert [r for page in pages for r in page["result"]] == expected
    names = {r["kb_archivid"] for r in expected}
    edges = {json.dumps(e) for page in pages for e in page["association"]}
    touching = [e for e in whole["association"] if {e["first_ivorn"], e["second_ivorn"]} & names]
    assert edges == {json.dumps(e) for e in touching}


def test_a_page_beyond_the_end_is_empty(server):
    assert ask(server, page=1000).json() == {"result": [], "association": [], "overmax": False}


def test_limits_of_a_page(server):
    assert len(ask(server).json()["result"]) == 100
    assert len(ask(server, page=0).json()["result"]) == 100
    assert ask(server, page=0).content == ask(server, page=1).content
    month = ask(server, event_endtime="2014-01-15T00:00:00", result_limit=1500).json()
    assert (len(month["result"]), month["overmax"]) == (1000, True)


def test_overlap_is_inclusive_and_ordered(whole):
    for record in whole["result"]:
        assert record["event_starttime"] <= WINDOW["event_endtime"]
        assert record["event_endtime"] >= WINDOW["event_starttime"]
    keys = [(r["event_starttime"], r["kb_archivid"], r["revision"]) for r in whole["result"]]
    assert keys == sorted(keys)
    first = whole["result"][0]
    assert first["event_starttime"] < WINDOW["event_starttime"]


def test_touching_ends_count(server, whole):
    record = next(r for r in whole["result"] if r["event_starttime"] < r["event_endtime"])
    for instant in (record["event_starttime"], record["event_endtime"]):
        got = ask(server, event_starttime=instant, event_endtime=instant, result_limit=1000).json()["result"]
        assert record in got


def test_xml_holds_what_json_holds(server, whole):
    response = ask(server, cosec="1", result_limit="1000")
    assert response.headers["content-type"].startswith("text/xml")
    assert b"<!-- overmax=false -->" in response.content
    root = ElementTree.fromstring(response.content.strip())
    results = root.findall("body/result")
    assert len(results) == len(whole["result"])
    for element, record in zip(results, whole["result"], strict=True):
        params = {p.get("name"): p.text or "" for p in element.findall("param")}
        for place, ref in enumerate(record["refs"], start=1):
            for key, value in ref.items():
                assert params.pop(f"ref_{place}_{key.removeprefix('ref_')}") == value
        assert set(params) == set(record) - {"refs"}
        for key, text in params.items():
            value = record[key]
            if isinstance(value, (int, float)):
                assert float(text) == value, key
            else:
                assert text == (value or ""), key
    edges = [dict(e.attrib) for e in root.findall("body/association")]
    assert edges == [{k: str(v) for k, v in e.items()} for e in whole["association"]]


def test_archive_reads_both_forms_alike(server, tmp_path):
    """The recorded answers of both forms, read by the source `archive`, are the same records."""
    few = {"event_endtime": "2014-01-10T03:00:00", "result_limit": 1000}
    parsed = []
    for cosec, name in (("2", "answer.json"), ("1", "answer.xml")):
        (tmp_path / name).write_bytes(ask(server, cosec=cosec, **few).content)
        source = get_source("archive", path=tmp_path / name)
        pages = [source.parse(page) for page in source.fetch(None, ())]
        assert not any(page.rejected for page in pages)
        parsed.append([record for page in pages for record in page.records])
    assert len(parsed[0]) == len(parsed[1]) > 20
    for one, other in zip(*parsed, strict=True):
        assert one["kb_archivid"] == other["kb_archivid"]


def test_post_form_and_query_string_are_merged(server):
    query = {key: SEARCH[key] for key in ("cosec", "cmd", "type")}
    form = {key: value for key, value in SEARCH.items() if key not in query}
    posted = httpx.post(f"{server.url}?{urlencode(query)}", data=form)
    assert posted.content == ask(server).content


SHORT = "cosec=2&&cmd=search&type=column&event_type=%2A%2A"
OTHERS = "requestfrom=Helioviewer&x1=-1200&x2=1200&y1=-1200&y2=1200&event_region=all"
QUERIES = (
    f"{SHORT}&event_starttime=2014-1-10T00:00:00&event_endtime=2014-01-11T12:00:00.000Z",
    "Event_StartTime=2014-01-10+00:00:00&EVENT_ENDTIME=2014-01-11T12:00&COSEC=2&cmd=SEARCH",
    f"cosec=2&event_starttime=2014-01-10&event_endtime=2014-01-11T12:00:00Z&event_type=&{OTHERS}",
)


@pytest.mark.parametrize("query", QUERIES)
def test_clients_write_in_many_ways(server, query):
    response = httpx.get(f"{server.url}?{query}")
    assert response.content == ask(server).content


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"event_starttime": ""}, "event_starttime"),
        ({"event_starttime": "yesterday"}, "event_starttime"),
        ({"event_endtime": "2014-02-30T00:00:00"}, "event_endtime"),
        ({"event_endtime": "2013-01-01T00:00:00"}, "after event_endtime"),
        ({"event_endtime": "2099-01-01T00:00:00"}, "14600 days"),
        ({"event_type": "AR,XY"}, "XY"),
        ({"page": "one"}, "page"),
        ({"result_limit": "1e3"}, "result_limit"),
        ({"cosec": "3"}, "cosec"),
        ({"cmd": "export-voevent"}, "cmd"),
        ({"type": "contains"}, "type"),
        ({"temporalmode": "strict"}, "temporalmode"),
        ({"param0": "FL_GOESCls", "op0": ">", "value0": "M"}, "param0"),
        ({"return": "required"}, "return"),
        ({"sort_by": "event_endtime"}, "sort_by"),
    ],
)
def test_what_is_not_understood_is_refused(server, params, named):
    answer = ask(server, 400, **params).json()
    assert named in answer["error"]
    assert (answer["result"], answer["overmax"]) == ([], False)


def test_other_addresses_and_too_long_forms(server):
    assert httpx.get(server.url.removesuffix("/her")).status_code == 404
    connection = http.client.HTTPConnection(*server.server_address[:2])
    for length in ("2000000", "-1", "many"):
        connection.request("POST", "/hek/her", headers={"Content-Length": length})
        assert connection.getresponse().status == 413
        connection.close()


def test_one_connection_serves_many_questions(server):
    with httpx.Client() as client:
        answers = {client.get(server.url, params=SEARCH).content for _ in range(20)}
    assert len(answers) == 1


@pytest.fixture
def simulator(server, settings):
    settings.ISD_SIMULATOR_URL = server.url
    return get_source("simulator")


def test_source_reads_the_server(simulator, whole):
    window = TimeWindow(START, START + timedelta(hours=36))
    pages = [simulator.parse(page) for page in simulator.fetch(window, ())]
    assert not any(page.rejected for page in pages)
    expected = {orjson.dumps(record) for record in whole["result"]}
    assert {orjson.dumps(record) for page in pages for record in page.records} == expected
    assert {json.dumps(e) for page in pages for e in page.associations} == {
        json.dumps(e) for e in whole["association"]
    }


def test_source_asks_for_types(simulator):
    window = TimeWindow(START, START + timedelta(hours=12))
    pages = [simulator.parse(page) for page in simulator.fetch(window, ("CE", "FL"))]
    assert {r["event_type"] for page in pages for r in page.records} == {"CE", "FL"}


def test_recorded_answers_are_served(real_data, hek_answer, serving):
    names = [path.name for path in (real_data / "hek").glob("*.json")]
    recorded = [r for name in names for r in hek_answer(name)["result"]]
    with serving(RecordedCatalogue(real_data / "hek")) as server:
        everything = {"event_starttime": "0001-01-01T00:00:00Z", "event_endtime": "9999-01-01T00:00:00Z"}
        answer = ask(server, result_limit=1000, **everything).json()
        march = ask(server, event_starttime="2018-03-17T00:00:00", event_endtime="2018-03-17T00:00:00").json()
    in_order = sorted(recorded, key=lambda r: (r["event_starttime"], r["kb_archivid"]))
    assert answer["result"] == in_order
    assert len(answer["association"]) == 79
    assert {r["event_starttime"] for r in march["result"]} == {"2018-03-16T23:31:46"}


def test_recorded_answers_with_the_same_record_serve_it_once(tmp_path, serving):
    record = {"event_type": "FL", "kb_archivid": "ivo://a", "event_starttime": "2014-01-10T01:00:00"}
    later = {**record, "revision": "2"}
    (tmp_path / "one.json").write_text(json.dumps({"result": [later, record], "overmax": False}))
    (tmp_path / "two.json").write_text(json.dumps({"result": [record], "association": None}))
    with serving(RecordedCatalogue(tmp_path)) as server:
        assert ask(server).json()["result"] == [record, later]


@pytest.mark.parametrize("content", ["{", "[]", '{"result": 3}', '{"result": [{}]}', None])
def test_folders_without_answers_are_refused(tmp_path: Path, content):
    if content is not None:
        (tmp_path / "answer.json").write_text(content)
    with pytest.raises(ValueError, match=str(tmp_path)):
        RecordedCatalogue(tmp_path)


@pytest.fixture
def hek_client():
    """sunpy's own client. It needs sunpy's extra for the network, which is among our development needs."""
    try:
        from sunpy.net import attrs  # noqa: PLC0415  not everywhere installed
        from sunpy.net.hek import HEKClient  # noqa: PLC0415
    except ImportError as error:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(f"sunpy.net cannot be imported: {error}")
        pytest.skip(f"sunpy.net cannot be imported: {error}")
    return HEKClient, attrs


def _instants(server, event_type):
    """The starts of the first events of a type in a fortnight."""
    answer = ask(server, event_type=event_type, event_endtime="2014-01-24T00:00:00", result_limit=3).json()
    return [r["event_starttime"] for r in answer["result"]]


def test_sunpy_reads_all_types_mixed(server, hek_client):
    client, attrs = hek_client
    instant = _instants(server, "CE")[-1]
    table = client(url=f"{server.url}?").search(attrs.Time(instant, instant))
    ours = ask(server, event_starttime=instant, event_endtime=instant).json()["result"]
    assert list(table["kb_archivid"]) == [r["kb_archivid"] for r in ours]
    assert {"AR", "CH", "CE"} <= set(table["event_type"])
    row = next(row for row in table if row["event_type"] == "AR" and row["frm_name"] == "SPoCA")
    record = next(r for r in ours if r["kb_archivid"] == row["kb_archivid"])
    assert row["event_coord"].Tx.to_value("arcsec") == record["event_coord1"]
    assert row["area_atdiskcenter"].to_value("km2") == record["area_atdiskcenter"]


@pytest.mark.parametrize("event_type", ["AR", "CE", "CH", "EF", "FE", "FI", "FL", "SG", "SS"])
def test_sunpy_reads_each_type(server, hek_client, event_type):
    client, attrs = hek_client
    instants = _instants(server, event_type)
    window = attrs.Time(instants[0], instants[-1])
    table = client(url=f"{server.url}?").search(window, attrs.hek.EventType(event_type))
    assert len(table) >= len(instants) > 0
    assert set(table["event_type"]) == {event_type}
