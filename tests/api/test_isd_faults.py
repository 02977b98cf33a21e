"""The faults of the original that its specification lists, in that order: none of them is here."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from events.domain.vocabulary import EVENT_TYPES
from events.models import Event

TEMPORAL, SPATIOTEMPORAL = "/api/query/temporal", "/api/query/spatiotemporal"
COUNT, AREA = "/analytics/api/query/sun/event/count/", "/analytics/api/query/sun/event/area/"
TIMES = {"starttime": "2014-08-30T00:00:00", "endtime": "2014-09-02T00:00:00"}
BOX = {"xmin": 0, "ymin": 0, "xmax": 1000, "ymax": 1000}
NEAR = {"queryeventtype": "fl", "queryeventid": "ivo://test/FL_00004", "targeteventtype": "ar"}
NOON = datetime(2014, 8, 30, 12, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("sample")


def ids(rows):
    return [row["kb_archivid"][-8:] for row in rows]


def test_01_the_predicate_is_honoured(isd_rows):
    before = {"starttime": "2014-08-30T12:00:00", "endtime": "2014-08-31T00:00:00"}
    assert ids(isd_rows(TEMPORAL, **before, predicate="Precedes")) == ["CH_00003", "AR_00001", "AR_00002"]
    assert ids(isd_rows(TEMPORAL, **before)) == ids(isd_rows(TEMPORAL, **before, predicate="Overlaps"))


def test_02_sortby_is_honoured_from_a_fixed_list_and_optional(isd_rows, ask):
    by_type = ids(isd_rows(TEMPORAL, **TIMES, sortby="event_type"))
    assert by_type == ["AR_00001", "AR_00002", "CE_00006", "CH_00003", "FL_00004", "FL_00005"]
    assert isd_rows(SPATIOTEMPORAL, **TIMES, **BOX)
    assert ask(SPATIOTEMPORAL, **TIMES, **BOX, sortby="frm_name")[0] == 400


def test_03_times_with_any_seconds_are_validated(isd_rows, ask):
    late = {"starttime": "2014-08-30T12:29:59", "endtime": "2014-08-30T12:29:59.5", "tablenames": "fl"}
    assert ids(isd_rows(TEMPORAL, **late)) == ["FL_00004"]
    assert ask(TEMPORAL, starttime="2014-08-30T12:00:17", endtime="2014-08-30T12:00:16")[0] == 400


def test_04_no_input_becomes_sql(client):
    seen = []

    def record(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    evil = "ivo://x' OR '1'='1"
    with connection.execute_wrapper(record):
        client.get("/api/query/searchById", {"id": evil, "eventtype": "ar"})
        client.get(
            "/api/query/closeByEvents", NEAR | {"queryeventid": evil, "lookback": 1, "spatialbuffer": 1}
        )
    assert len(seen) == 2
    assert not any("'1'='1" in sql for sql in seen)
    assert Event.objects.count() == 6


@pytest.mark.parametrize("path", [TEMPORAL, SPATIOTEMPORAL, "/api/query/closeByEvents", COUNT, AREA])
def test_05_06_errors_are_told_in_a_whole_envelope(ask, path):
    status, body = ask(path)
    assert status == 400
    assert body["Result"] == []
    assert (body["Status"], body["StatusCode"]) == ("FAIL", 2)


@pytest.mark.parametrize("name", ["xmin", "ymax", "lookback", "spatialbuffer"])
def test_07_missing_numbers_are_errors_and_limit_has_a_default(ask, isd_rows, name):
    path, query = (SPATIOTEMPORAL, TIMES | BOX) if name in BOX else (
        "/api/query/closeByEvents",
        NEAR | {"lookback": 1, "spatialbuffer": 1},
    )  # fmt: skip
    for bad in ("", "x"):
        status, body = ask(path, **(query | {name: bad}))
        assert status == 400
        assert name in body["Msg"]
    assert len(isd_rows(TEMPORAL, **TIMES)) == 6


@pytest.mark.parametrize(
    ("name", "listed"), [("temporalpredicate", "PrecededBy"), ("spatialpredicate", "Touches")]
)
def test_08_an_unknown_predicate_is_an_error_that_lists_the_names(ask, name, listed):
    status, body = ask(SPATIOTEMPORAL, **TIMES, **BOX, **{name: "Near"})
    assert status == 400
    assert listed in body["Msg"]


def test_09_the_index_serves_the_query(client, make_event):
    Event.objects.bulk_create(
        make_event(n, "CH", NOON + timedelta(hours=n), hpc_bbox=f"POLYGON(({n} 0,{n + 1} 0,{n + 1} 1,{n} 0))")
        for n in range(1000, 4000)
    )
    plans = []

    def explain(execute, sql, params, many, context):
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans.append(" ".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    week = {"starttime": "2014-10-20", "endtime": "2014-10-27", "tablenames": "ch", "limit": 1000}
    with connection.execute_wrapper(explain):
        client.get(SPATIOTEMPORAL, week | {"xmin": 1200, "xmax": 1210, "ymin": 0, "ymax": 1})
    assert "event_type_period_bbox" in plans[0]


def test_10_the_box_is_the_default_and_the_outline_can_be_asked_in_planar_arcsec(isd_rows):
    corner = {"xmin": 590, "ymin": 80, "xmax": 599, "ymax": 85}  # inside the box, outside the outline
    both = {**TIMES, **corner, "tablenames": "ar"}
    assert ids(isd_rows(SPATIOTEMPORAL, **both)) == ["AR_00001", "AR_00002"]
    assert ids(isd_rows(SPATIOTEMPORAL, **both, geometry="boundcc")) == []
    far = {"xmin": 2000, "ymin": 1000, "xmax": 2300, "ymax": 1400}  # no degrees: beyond +-180
    assert ids(isd_rows(SPATIOTEMPORAL, **TIMES, **far)) == ["CE_00006"]


def test_11_12_13_the_place_is_carried_back_at_the_synodic_rate(isd_rows, make_event):
    """The tests of closeByEvents pin the numbers; here: back, not forth."""
    day = timedelta(days=1)
    for n, (name, longitude) in enumerate({"west": 31 + 13, "east": 31 - 13}.items(), start=100):
        box = f"POLYGON(({longitude} 14,{longitude + 1} 14,{longitude + 1} 15,{longitude} 14))"
        make_event(n, "SS", NOON - day, NOON, kb_archivid=f"ivo://test/SS_{name:_>5}", hgs_bbox=box).save()
    near = NEAR | {"targeteventtype": "ss", "lookback": 24, "spatialbuffer": 3}
    assert ids(isd_rows("/api/query/closeByEvents", **near)) == ["SS__east"]


def test_14_target_and_query_type_may_be_the_same_and_the_event_is_left_out(isd_rows):
    same = {"queryeventtype": "ar", "queryeventid": "ivo://test/AR_00002", "targeteventtype": "ar"}
    near = isd_rows("/api/query/closeByEvents", **same, lookback=2, spatialbuffer=1)
    assert ids(near) == ["AR_00001"]


def test_15_limit_has_a_maximum_and_ties_an_order(ask, isd_rows, make_event):
    assert ask(TEMPORAL, **TIMES, limit=10**6)[0] == 400
    Event.objects.bulk_create(make_event(n, "ER", NOON) for n in (30, 10, 20))
    tied = [isd_rows(TEMPORAL, **TIMES, tablenames="er", limit=1, offset=n)[0] for n in range(3)]
    assert ids(tied) == ["ER_00010", "ER_00020", "ER_00030"]


def test_16_instants_keep_their_times_and_still_overlap_what_starts_with_them(isd_rows):
    instant = {"starttime": "2014-08-31T00:00:00", "endtime": "2014-08-31T00:01:00", "web": "True"}
    (row,) = isd_rows(TEMPORAL, **instant)
    assert row["starttime"] == row["endtime"] == "2014-08-31T00:00:00Z"


def test_17_interpolated_rows_of_all_types_are_those_of_the_tracked_ones(isd_rows):
    """What they hold is in tests/api/isd."""
    for types in ("", "all", "ar", "ari"):
        assert isd_rows(TEMPORAL, **TIMES, interpolated="True", tablenames=types) == []


def test_18_all_types_are_one_vocabulary(isd_rows, make_event):
    Event.objects.bulk_create(make_event(50, code, NOON) for code in EVENT_TYPES)
    everything = isd_rows(TEMPORAL, **TIMES, tablenames="all", limit=1000)
    assert {row["eventtype"] for row in everything} == set(EVENT_TYPES)
    (month,) = isd_rows(COUNT, **TIMES)
    assert month["number_of_events"] == len(everything)


def test_19_no_area_is_null_and_not_zero(isd_rows):
    (month,) = isd_rows(AREA, **TIMES, eventtypes="fl")
    assert month["area_of_events"] is None
    assert isd_rows(AREA, **TIMES, eventtypes="er") == []


def test_20_a_revised_event_is_answered_as_revised(isd_rows):
    Event.objects.filter(kb_archivid="ivo://test/AR_00001").update(hpc_boundcc=None)
    rows = isd_rows(TEMPORAL, **TIMES, web="True", tablenames="ar")
    assert [row["cc"] for row in rows] == [None, None]


@pytest.mark.parametrize("route", ["generateVideo", "previewVideo"])
def test_21_videos_do_not_pretend_to_succeed(client, route):
    body = json.loads(client.get(f"/api/query/solev/{route}").content)
    assert body["Status"] == "FAIL"
    assert not body.get("Link")
