"""What PostgreSQL does for the questions that clients ask most: its own choice, by its statistics."""

import pytest
from django.db import connection
from django.test import Client

YEARS = {"cmd": "search", "event_starttime": "2011-01-01", "event_endtime": "2014-12-31"}
AROUND_THE_SUN = {"x1": -5000, "x2": 5000, "y1": -5000, "y2": 5000}
FLARES = YEARS | AROUND_THE_SUN | {"event_type": "FL", "result_limit": 50}
FLARES |= {"param0": "FRM_Name", "op0": "=", "value0": "SWPC"}
FLARES |= {"param1": "FL_GOESCls", "op1": ">=", "value1": "C1.0"}
REGIONS = YEARS | AROUND_THE_SUN | {"event_type": "AR,CH", "result_limit": 50}
#: A report every four hours: of flares each second one, of three methods, from B1 to X1.
REPORTS = """
    INSERT INTO events_event
        (kb_archivid, event_type, event_starttime, event_endtime, frm_name, frm_specificid, obs_observatory,
         obs_instrument, obs_channelid, fl_goescls, goes_flux, hpc_coord, hpc_bbox, geometry_notes,
         attributes, revision, content_hash, source)
    SELECT 'ivo://test/' || n, code, start, start + interval '1 hour', frm, '', '', '', '', '', flux, place,
           ST_Expand(place, 20), '{}', '{}', 1, gen_random_uuid(), 'test'
    FROM generate_series(1, 8000) AS n,
         LATERAL (SELECT (ARRAY['AR', 'FL', 'CH', 'FL'])[1 + n % 4] AS code) c,
         LATERAL (SELECT timestamptz '2011-01-01Z' + n * interval '4 hours' AS start,
                         (ARRAY['SWPC', 'SSW', 'SPoCA'])[1 + n * 31 % 3] AS frm,
                         CASE code WHEN 'FL' THEN 10 ^ (-7 + n * 7 % 30 / 10.0) END AS flux,
                         ST_Point(n * 17 % 1800 - 900, n * 13 % 800 - 400) AS place) m"""


@pytest.fixture
def years(db):
    """Nearly four years of flares, regions and holes, analysed."""
    with connection.cursor() as cursor:
        cursor.execute(REPORTS)
        cursor.execute("ANALYZE events_event")


def plan_of(query, *, as_sent=True):
    """The plan of the page's statement, with or without the setting that is sent before it."""
    plans = []

    def explain(execute, sql, params, many, context):
        before, select, rest = sql.partition('SELECT "')
        if 'FROM "events_event"' in rest:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"{before if as_sent else ''} EXPLAIN {select}{rest}", params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        assert Client().get("/hek/her", query).status_code == 200
    (plan,) = plans
    return plan


@pytest.mark.parametrize("page", [1, 5])
def test_flares_of_a_method_and_class_come_in_order_from_an_index_of_their_own(years, page):
    plan = plan_of(FLARES | {"page": page})
    scan = plan[plan.index("event_flares") :]
    condition = scan[: scan.index("Filter")]
    assert all(name in condition for name in ("event_starttime", "frm_name", "goes_flux"))
    assert "Bitmap" not in plan


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_box_around_the_sun_is_no_place_to_begin(years, order):
    plan = plan_of(REGIONS | {"sort_order": order})
    assert "using event_start" in plan or "using event_type_start" in plan
    assert "Bitmap" not in plan
    if order == "desc":
        assert "Index Scan Backward" in plan


def test_no_worker_is_started_for_a_page(years):
    with connection.cursor() as cursor:
        for cost in ("parallel_setup_cost", "parallel_tuple_cost"):
            cursor.execute(f"SET LOCAL {cost} = 0")
        for size in ("min_parallel_table_scan_size", "min_parallel_index_scan_size"):
            cursor.execute(f"SET LOCAL {size} = 0")
    by_itself = REGIONS | {"sort_by": "event_endtime"}
    assert "Gather" in plan_of(by_itself, as_sent=False)
    assert "Gather" not in plan_of(by_itself)


@pytest.mark.django_db
def test_a_box_around_the_sun_holds_what_is_in_it_or_nowhere_known(make_event):
    places = {"point": {"hpc_coord": "POINT(10 10)"}, "nowhere": {}, "far": {"hpc_coord": "POINT(9000 0)"}}
    far_off = "POLYGON((8000 0,9000 0,9000 9,8000 0))"
    places |= {"outline": {"hpc_boundcc": far_off, "hpc_coord": "POINT(10 10)"}, "box": {"hpc_bbox": far_off}}
    for code in ("AR", "FL", "CE"):
        for number, (name, shapes) in enumerate(places.items(), start=100 * ord(code[0])):
            make_event(number, code, kb_archivid=f"{code} {name}", **shapes).save()
    query = {"event_starttime": "2014-08-30", "event_endtime": "2014-08-31", "return": "kb_archivid"}
    answer = Client().get("/hek/her", {"cmd": "search"} | AROUND_THE_SUN | query).json()
    # A flare and a CME are where their point is, whatever the outline says.
    inside = [
        "AR nowhere",
        "AR point",
        "CE nowhere",
        "CE outline",
        "CE point",
        "FL nowhere",
        "FL outline",
        "FL point",
    ]
    assert [record["kb_archivid"] for record in answer["result"]] == inside
