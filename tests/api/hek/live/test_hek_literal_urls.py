"""The addresses that programs send, as they send them: rows by brute force over what is stored."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pytest

pytestmark = pytest.mark.django_db  # so that the database is there; its events are committed
SPRING = datetime(2018, 3, 17, tzinfo=UTC)
WIDE = "event_coordsys=helioprojective&x1=-5000&x2=5000&y1=-5000&y2=5000"
PUBLISHED = "event_coordsys=helioprojective&x1=-1200&x2=1200&y1=-1200&y2=1200"
JANUARY = "event_starttime=2012-01-01T00:00:00&event_endtime=2012-01-31T23:59:59"


def ids(body: dict[str, Any]) -> list[str]:
    return [row["kb_archivid"] for row in body["result"]]


def answer(hek, query: str) -> dict[str, Any]:
    """The JSON of a query that must succeed, with what every answer has."""
    response = hek.get(query)
    assert response.status_code == 200, response.text[:500]
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    body = json.loads(response.content.decode("utf-8"), parse_constant=_no_constant)
    assert list(body)[:1] == ["result"]
    assert isinstance(body["overmax"], bool)
    return body


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def first_page(body: dict[str, Any], expected: list[str], limit: int) -> None:
    """The first `limit` of the expected rows in their order; overmax tells whether there are more."""
    assert expected, "nothing to find: the test would not tell anything"
    assert ids(body) == expected[:limit]
    assert body["overmax"] is (len(expected) > limit)


def of_type(hek, ids_: Iterable[str], *types: str) -> list[str]:
    kinds = {e.kb_archivid: e.event_type for e in hek.events}
    return [i for i in ids_ if kinds[i] in types]


def _near(event, box: float) -> bool:
    """Whether the position is in a box around the disk's centre."""
    return max(map(abs, event.hpc_coord.coords)) <= box


# --- sunpy 7.0.5


def test_sunpy(hek):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_type=FL&x1=-5000&y1=-5000&x2=5000&y2=5000"
        "&event_coordsys=helioprojective&event_starttime=2012-01-01T00%3A00%3A00"
        "&event_endtime=2012-02-01T00%3A00%3A00&param0=FL_GOESCls&value0=C2.0&param1=FRM_Name&value1=SWPC"
        "&op0=%3E%3D&op1=%3D&page=1",
    )
    wanted = hek.between("2012-01-01T00:00:00", "2012-02-01T00:00:00", "FL")
    swpc = set(hek.having(lambda e: e.frm_name == "SWPC" and (e.goes_flux or 0) >= 2e-6))
    first_page(body, [i for i in wanted if i in swpc], 100)


def test_sunpy_all_types_and_several(hek):
    window = "event_starttime=2023-03-29T00%3A00%3A00&event_endtime=2023-03-30T00%3A00%3A00&page=1"
    region = "x1=-5000&y1=-5000&x2=5000&y2=5000&event_coordsys=helioprojective"
    every = hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00")
    assert len(every) == 23
    start = "cosec=2&cmd=search&type=column&event_type="
    first_page(answer(hek, f"{start}%2A%2A&{region}&{window}"), every, 100)
    first_page(answer(hek, f"{start}FL%2CAR&{region}&{window}"), of_type(hek, every, "AR", "FL"), 100)
    first_page(answer(hek, f"{start}ar,ce&{region}&{window}"), of_type(hek, every, "AR", "CE"), 100)


# --- JHelioviewer


def test_jhelioviewer(hek):
    body = answer(
        hek,
        "cmd=search&type=column&event_type=FL&event_coordsys=helioprojective&x1=-3600&x2=3600&y1=-3600&y2=3600"
        "&cosec=2&param0=FRM_Name&op0=%3D&value0=SWPC&event_starttime=2012-01-01T00:00:00"
        "&event_endtime=2012-01-03T00:00:00&page=1",
    )
    swpc = set(hek.having(lambda e: e.frm_name == "SWPC"))
    wanted = [i for i in hek.between("2012-01-01T00:00:00", "2012-01-03T00:00:00", "FL") if i in swpc]
    first_page(body, wanted, 100)
    for row in body["result"]:
        assert row["kb_archivdate"]
        assert re.match(r"POLYGON\(\(.*\)\)$", row["hgs_bbox"])
        assert isinstance(row["hgs_x"], int | float)
        assert row["hgs_boundcc"] == "" or row["hgs_boundcc"].startswith("POLYGON((")


def test_jhelioviewer_probe(hek):
    body = answer(
        hek,
        "cmd=search&type=column&event_type=AR&event_coordsys=helioprojective&x1=-3600&x2=3600&y1=-3600&y2=3600"
        "&cosec=2&event_starttime=2018-03-17T00:00:00&event_endtime=2018-03-20T00:00:00&result_limit=500&page=1",
    )
    wanted = hek.between("2018-03-17T00:00:00", "2018-03-20T00:00:00", "AR")
    first_page(body, wanted, 500)
    edges = body["association"]
    assert edges
    assert all({edge["first_ivorn"], edge["second_ivorn"]} & set(wanted) for edge in edges)
    assert set(edges[0]) >= {"first_ivorn", "second_ivorn", "edge_type", "strength", "reported_by"}


def test_jhelioviewer_of_old(hek):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_type=**&event_starttime=2018-03-17T00:00:00"
        "&event_endtime=2018-03-18T00:00:00"
        f"&{PUBLISHED}&return=kb_archivid,event_type,hgs_x,hgs_y,refs&temporalmode=overlap&result_limit=5",
    )
    first_page(body, hek.between("2018-03-17T00:00:00", "2018-03-18T00:00:00"), 5)
    assert all(set(r) == {"kb_archivid", "event_type", "hgs_x", "hgs_y", "refs"} for r in body["result"])


@pytest.mark.parametrize("operator", ["op0==", "op0=%3D", "op0=%3D%3D"])
def test_every_spelling_of_equal(hek, operator):
    name = quote("CACTus (Computer Aided CME Tracking)")
    body = answer(
        hek,
        f"cosec=2&cmd=search&type=column&event_type=CE&{WIDE}&event_starttime=2023-03-29T00:00:00"
        f"&event_endtime=2023-03-30T00:00:00&param0=FRM_Name&{operator}&value0={name}&page=1",
    )
    first_page(body, hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00", "CE"), 100)


def test_jhelioviewer_detail_page(hek):
    page = hek.get(f"cmd=view-voevent&ivorn={_a_region(hek)}")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert _a_region(hek) in page.text


def _a_region(hek) -> str:
    return hek.between("2018-03-18T00:00:00", "2018-03-18T01:00:00", "AR")[0]


# --- Helioviewer


def test_helioviewer_day(hek):
    query = (
        "cosec=2&cmd=search&type=column&event_coordsys=helioprojective&x1=-30000&x2=30000&y1=-30000&y2=30000"
        "&requestfrom=Helioviewer&requestinghost=example.org&event_starttime=2014-06-01T00:00:00.000Z"
        "&event_endtime=2014-06-01T23:59:59.999Z&event_type=**&showtests=hide&result_limit=1000"
    )
    wanted = hek.between("2014-06-01T00:00:00", "2014-06-01T23:59:59.999")
    first_page(answer(hek, query), wanted, 1000)
    first_page(answer(hek, query + "&page=1"), wanted, 1000)


def test_helioviewer_methods(hek):
    returned = "frm_name,frm_url,frm_contact,frm_specificid,event_type,concept"
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_coordsys=helioprojective&x1=-30000&x2=30000&y1=-30000&y2=30000"
        "&event_starttime=2014-06-01T00:00:00.000Z&event_endtime=2014-06-01T23:59:59.999Z&event_type=**"
        f"&showtests=hide&result_limit=200&return={returned}",
    )
    wanted = set(hek.between("2014-06-01T00:00:00", "2014-06-01T23:59:59.999"))
    methods = {(e.event_type, e.frm_name) for e in hek.events if e.kb_archivid in wanted}
    assert {(r["event_type"], r["frm_name"]) for r in body["result"]} == methods
    assert all(set(r) == set(returned.split(",")) for r in body["result"])


def test_helioviewer_one_event(hek):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_coordsys=helioprojective&x1=-30000&x2=30000&y1=-30000&y2=30000"
        "&event_starttime=0001-01-01T00:00:00Z&event_endtime=9999-01-01T00:00:00Z&event_type=**"
        f"&result_limit=1&param0=kb_archivid&op0==&value0={_a_region(hek)}&return=kb_archivid,hpc_x,hpc_y,refs",
    )
    first_page(body, [_a_region(hek)], 1)
    assert set(body["result"][0]) == {"kb_archivid", "hpc_x", "hpc_y", "refs"}


def test_helioviewer_events_api_pages_until_nothing_follows(hek):
    found, page, more = [], 0, True
    while more:
        page += 1
        body = answer(
            hek,
            "cosec=2&cmd=search&type=column&event_coordsys=helioprojective&x1=-30000&x2=30000&y1=-30000&y2=30000"
            f"&event_starttime=2012-01-01T00:00:00Z&event_endtime=2012-12-31T23:59:59Z&event_type=FL"
            f"&showtests=hide&result_limit=1000&return=kb_archivid&page={page}",
        )
        found += ids(body)
        more = body["overmax"]
    wanted = hek.between("2012-01-01T00:00:00", "2012-12-31T23:59:59", "FL")
    assert len(wanted) > 1000
    assert (found, page) == (wanted, -(-len(wanted) // 1000))


# --- GSU


@pytest.mark.parametrize("page", [-1, 0, 1, 2, 40])
def test_gsu_puller_and_dmlablib(hek, page):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_type=ar&event_region=all&event_coordsys=helioprojective"
        f"&x1=-5000&x2=5000&y1=-5000&y2=5000&result_limit=200&page={page}"
        "&event_starttime=2012-01-01T00:00:00&event_endtime=2012-02-29T23:59:59",
    )
    wanted = hek.between("2012-01-01T00:00:00", "2012-02-29T23:59:59", "AR")
    assert 200 < len(wanted) < 400
    first = 200 * (max(page, 1) - 1)
    assert ids(body) == wanted[first : first + 200]
    assert body["overmax"] is (first + 200 < len(wanted))


def test_queryhek_java_reads_xml(hek):
    response = hek.get(
        "cosec=1&&cmd=search&type=column&event_type=ar&event_starttime=2018-03-18T00:00:00"
        f"&event_endtime=2018-03-19T00:00:00&{PUBLISHED}&param0=FRM_Name&op0==&value0=SPoCA&result_limit=200"
    )
    _xml_rows(response, hek.between("2018-03-18T00:00:00", "2018-03-19T00:00:00", "AR"))


def _xml_rows(response: httpx.Response, wanted: list[str]) -> None:
    assert response.status_code == 200, response.text[:500]
    assert "xml" in response.headers["Content-Type"]
    root = ElementTree.fromstring(response.content)
    assert root.tag == "html"
    rows = [{p.get("name"): (p.text or "").strip() for p in r} for r in root.iter("result")]
    assert wanted
    assert [row["kb_archivid"] for row in rows] == wanted
    assert all(len(row) >= 130 for row in rows)


def test_queryhek_python_posts_beside_the_query(hek):
    form = {
        "event_type": "ar", "event_starttime": "2018-03-18T00:00:00", "event_endtime": "2018-03-19T00:00:00",
        "event_coordsys": "helioprojective", "x1": "-1200", "x2": "1200", "y1": "-1200", "y2": "1200",
        "result_limit": "200", "sparam0": "FRM_Name", "op0": "=", "value0": "SPoCA",
    }  # fmt: skip
    response = httpx.post(f"{hek.address}/hek/her?cosec=2&&cmd=search&type=column", data=form)
    assert response.status_code == 200, response.text[:500]
    first_page(response.json(), hek.between("2018-03-18T00:00:00", "2018-03-19T00:00:00", "AR"), 200)


# --- SSW IDL, solarsoft's and others' scripts


def test_ssw_idl(hek):
    query = (
        f"cosec=1&cmd=search&type=column&event_type=fl&{WIDE}&event_starttime=2012-01-01T00:00:00"
        "&event_endtime=2012-01-02T00:00:00&result_limit=1000"
    )
    day = hek.between("2012-01-01T00:00:00", "2012-01-02T00:00:00", "FL")
    ssw = set(hek.having(lambda e: e.frm_name == "SSW Latest Events"))
    _xml_rows(
        hek.get(f"{query}&param0=FRM_NAME&op0==&value0=SSW+Latest+Events"), [i for i in day if i in ssw]
    )
    goes = set(hek.having(lambda e: e.attributes.get("obs_instrument") == "GOES"))
    _xml_rows(hek.get(f"{query}&sparam0=OBS_Instrument&op0==&value0=GOES"), [i for i in day if i in goes])


def test_ssw_idl_blanks_as_plus_and_parentheses(hek):
    response = hek.get(
        f"cosec=1&cmd=search&type=column&event_type=ce&{WIDE}&event_starttime=2023-03-29T00:00:00"
        "&event_endtime=2023-03-30T00:00:00&result_limit=1000&param0=obs_observatory&op0==&value0=LASCO"
        "&param1=FRM_NAME&op1==&value1=CACTus+(Computer+Aided+CME+Tracking)"
    )
    cmes = {e.kb_archivid for e in hek.events if e.attributes.get("obs_observatory") == "LASCO"}
    day = hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00", "CE")
    _xml_rows(response, [i for i in day if i in cmes])


def test_isolsearch(hek):
    body = answer(
        hek,
        "cosec=2&&cmd=search&type=column&event_type=ar&event_starttime=2018-03-17T00:00:00"
        f"&event_endtime=2018-03-26T00:00:00&{PUBLISHED}&result_limit=120&return=kb_archivid",
    )
    first_page(body, hek.between("2018-03-17T00:00:00", "2018-03-26T00:00:00", "AR"), 120)


def test_ufcorin(hek):
    types = ("AR", "CE", "CH", "CJ", "CW", "FE", "FA", "FL", "OS", "SG", "SP")
    body = answer(
        hek,
        f"cosec=2&&cmd=search&type=column&event_type={','.join(types).lower()}&event_region=all&{PUBLISHED}"
        "&result_limit=120&event_starttime=2012-05-01T00:00:00&event_endtime=2012-05-02T00:00:00"
        "&param0=ch.area_atdiskcenter&op0=%3E&value0=608735000",
    )
    day = set(hek.between("2012-05-01T00:00:00", "2012-05-02T00:00:00", *types))
    large = hek.having(
        lambda e: (
            e.kb_archivid in day
            and (e.event_type != "CH" or e.attributes.get("area_atdiskcenter", 0) > 608735000)
            and (e.event_type != "CE" or _near(e, 1200))
        )
    )
    assert {"CH", "FL"} <= {e.event_type for e in hek.events if e.kb_archivid in large}
    first_page(body, large, 120)


def test_script_with_strict_time(hek):
    body = answer(
        hek,
        f"cosec=2&&cmd=search&type=column&event_type=fl,ar,cr,bu,ee&{PUBLISHED}&temporalmode=strict"
        "&event_starttime=2018-03-17T00:00:00&event_endtime=2018-03-18T00:00:00",
    )
    wanted = hek.having(
        lambda e: e.event_starttime >= SPRING and e.event_endtime <= SPRING + timedelta(days=1)
    )
    loose = hek.between("2018-03-17T00:00:00", "2018-03-18T00:00:00")
    assert 0 < len(wanted) < len(loose)
    first_page(body, wanted, 100)


def test_script_with_a_blank_among_the_types_and_a_return_list(hek):
    returned = "event_type,Event_Coord1,Event_Coord2,Event_Coord3,Area_Raw,Area_AtDiskCenter,FL_GOESCls"
    body = answer(
        hek,
        f"cosec=2&cmd=search&type=column&event_type=SS, FL&{PUBLISHED}&event_starttime=2012-5-1T00:00:00"
        f"&event_endtime=2012-5-1T06:00:00&return={returned}".replace(" ", "%20"),
    )
    wanted = hek.between("2012-05-01T00:00:00", "2012-05-01T06:00:00", "SS", "FL")
    assert 0 < len(body["result"]) <= len(wanted)
    assert all(set(r) == set(returned.lower().split(",")) for r in body["result"])


def test_the_manuals_list_of_types_with_its_comma_at_the_end(hek):
    body = answer(
        hek,
        f"cosec=2&cmd=search&type=column&event_type=ar,ce,ch,cj,&{PUBLISHED}&result_limit=40"
        "&event_starttime=2012-05-01T00:00:00&event_endtime=2012-05-02T00:00:00"
        "&param0=ch.area_atdiskcenter&op0=>&value0=1e10",
    )
    day = set(hek.between("2012-05-01T00:00:00", "2012-05-02T00:00:00", "AR", "CE", "CH", "CJ"))
    wanted = hek.having(
        lambda e: (
            e.kb_archivid in day
            and (e.event_type != "CH" or e.attributes.get("area_atdiskcenter", 0) > 1e10)
            and (e.event_type != "CE" or _near(e, 1200))
        )
    )
    first_page(body, wanted, 40)


def test_the_manuals_first_example_finds_nothing_and_says_so(hek):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=column&event_type=ar,fl,ef&event_starttime=2003-10-01T00:00:00"
        f"&event_endtime=2003-11-01T00:00:00&{PUBLISHED}&param0=FRM_Name&op0==&value0=Karel%20Schrijver"
        "&param1=OBS_Observatory&op1==&value1=TRACE",
    )
    assert (body["result"], body["overmax"]) == ([], False)


def test_the_manuals_noaa_numbers(hek):
    body = answer(
        hek,
        f"cosec=2&cmd=search&type=column&event_type=ar&{JANUARY}&result_limit=1000"
        "&param0=AR_NOAANum&op0=%3E=&value0=11387&param1=AR_NOAANum&op1=%3C=&value1=11389",
    )
    month = set(hek.between("2012-01-01T00:00:00", "2012-01-31T23:59:59", "AR"))
    first_page(
        body, hek.having(lambda e: e.kb_archivid in month and e.ar_noaanum in range(11387, 11390)), 1000
    )


def test_the_manuals_contains(hek):
    body = answer(
        hek,
        "cosec=2&cmd=search&type=contains&event_type1=ar&event_type2=ch&event_starttime=2012-05-01T00:00:00"
        "&event_endtime=2012-05-01T12:00:00",
    )
    assert {r["event_type"] for r in body["result"]} <= {"AR", "CH"}
    within = [e for e in hek.events if e.event_type in ("AR", "CH") and _in_the_morning(e)]
    pairs = {
        (hole.kb_archivid, region.kb_archivid)
        for hole in within if hole.event_type == "CH" and hole.hgc_boundcc
        for region in within if region.event_type == "AR" and region.hgc_coord
        if abs(hole.event_starttime - region.event_starttime) <= timedelta(hours=8)
        and hole.hgc_boundcc.intersects(region.hgc_coord)
    }  # fmt: skip
    assert pairs
    edges = [e for e in body["association"] if e["edge_type"] == "contains"]
    assert {(e["first_ivorn"], e["second_ivorn"]) for e in edges} == pairs
    assert set(ids(body)) == {end for pair in pairs for end in pair}


def _in_the_morning(event) -> bool:
    start, noon = datetime(2012, 5, 1, tzinfo=UTC), datetime(2012, 5, 1, 12, tzinfo=UTC)
    return event.event_starttime >= start and event.event_endtime <= noon


def test_jsonp(hek):
    response = hek.get(
        f"cosec=2&cmd=search&type=column&event_type=ce&{WIDE}&event_starttime=2023-03-29T00:00:00"
        "&event_endtime=2023-03-30T00:00:00&callback=jQuery.seen_1"
    )
    assert response.status_code == 200
    assert "javascript" in response.headers["Content-Type"]
    body = re.fullmatch(r"jQuery\.seen_1\( ?(.*?) ?\);?\s*", response.text, re.DOTALL)
    assert body, response.text[:100]
    assert len(json.loads(body[1])["result"]) == 13


def test_cmes_are_found_in_the_box_of_5000_and_not_in_that_of_1200(hek):
    query = (
        "cosec=2&cmd=search&type=column&event_type=CE&event_starttime=2023-03-29T00:00:00"
        "&event_endtime=2023-03-30T00:00:00&"
    )
    assert len(ids(answer(hek, query + WIDE))) == 13
    assert len(ids(answer(hek, query))) == 13
    assert len(ids(answer(hek, query + PUBLISHED))) < 13


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("event_type=ar&event_starttime=2012-01-01T00:00:00", "event_endtime"),
        (f"event_type=qq&{JANUARY}", "event_type"),
        (f"event_type=ar&{JANUARY}&x1=east&x2=1&y1=0&y2=1", "x1"),
        (f"event_type=ar&{JANUARY}&param0=No_Such&op0==&value0=1", "param0"),
        (f"event_type=ar&{JANUARY}&param0=ch.area_raw&op0=>&value0=1", "param0"),
        (f"event_type=ar&{JANUARY}&param0=AR_NOAANum&op0=~&value0=1", "op0"),
        (f"event_type=ar&{JANUARY}&param0=AR_NOAANum&op0==&value0=many", "value0"),
        (f"event_type=ar&{JANUARY}&sort_by=beauty", "sort_by"),
        (f"event_type=ar&{JANUARY}&result_limit=all", "result_limit"),
        (f"event_type=ar&{JANUARY}&callback=alert(1)", "callback"),
        (f"event_type=ar&{JANUARY}&return=beauty", "return"),
    ],
)
def test_a_bad_input_is_named(hek, query, name):
    response = hek.get(f"cosec=2&cmd=search&type=column&{query}")
    assert response.status_code == 400
    body = response.json()
    assert name in body["error"]
    assert (body["result"], body["overmax"]) == ([], False)
