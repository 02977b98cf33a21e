"""interpolated=True, solev/trackid and closeByEvents of true shapes, in the words of the original."""

from datetime import timedelta
from itertools import pairwise

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.domain.rotation import neighbourhood, rotated
from tests.track_scenes import EPOCH, HOUR

TEMPORAL, SPATIOTEMPORAL = "/api/query/temporal", "/api/query/spatiotemporal"
STEP = timedelta(minutes=6)
KEYS = ["endtime", "eventtype", "geom", "interpolated", "kbarchivid", "starttime", "trackid"]


def iso(time):
    return time.isoformat().replace("+00:00", "Z")


def stored(scene):
    """(track's id, type, shape, kb_archivid or None) of all that is stored, by time, then track."""
    names = {event.pk: event.kb_archivid for events in scene.events.values() for event in events}
    found = [
        (track.pk, track.event_type, shape, names.get(shape.report))
        for name, track in scene.tracks.items()
        if name != "hole"
        for shape in scene.on_slots(name)
    ]
    return sorted(found, key=lambda row: (row[2].time, row[0]))


def test_literal_urls_of_the_original(scene, client):
    """As its own pages would have asked its own tables, ari and so on."""
    path = (
        "/api/query/temporal?starttime=2014-08-30T4:0:0&endtime=2014-08-30T04:06:00&tablenames=ari,sgi"
        "&sortby=starttime&limit=100&offset=0&predicate=Overlaps&interpolated=True&web=False"
    )
    body = client.get(path).json()
    assert (body["Status"], body["StatusCode"], body["Msg"]) == ("OK", 1, "Successful")
    assert [list(row) for row in body["Result"]] == [KEYS] * 3
    first = body["Result"][0]
    shape = next(s for s in scene.on_slots("parent") if s.time == EPOCH + 4 * HOUR)
    assert first | {"geom": ""} == {
        "starttime": "2014-08-30T04:00:00Z",
        "endtime": "2014-08-30T04:06:00Z",
        "eventtype": "AR",
        "trackid": str(scene.tracks["parent"].pk),
        "interpolated": False,
        "kbarchivid": scene.events["parent"][1].kb_archivid,
        "geom": "",
    }
    assert shapely.from_wkt(first["geom"]).normalize().equals_exact(shape.hpc.normalize(), 1.1e-3)
    assert [row["eventtype"] for row in body["Result"]] == ["AR", "SG", "AR"]
    assert {row["kbarchivid"] for row in body["Result"] if row["interpolated"]} == {None}


def test_all_are_the_tracked_types(scene, isd_rows):
    query = {"starttime": "2014-08-30", "endtime": "2014-09-05", "interpolated": "True", "limit": 10_000}
    expected = [(str(track), iso(shape.time)) for track, _, shape, _ in stored(scene)]
    for tablenames in ({}, {"tablenames": "all"}, {"tablenames": "ar,ari,ss_interpolated,sg"}):
        rows = isd_rows(TEMPORAL, **query, **tablenames)
        assert [(row["trackid"], row["starttime"]) for row in rows] == expected
    assert isd_rows(TEMPORAL, **query, tablenames="fl") == []


def relation(s, a, b):
    """The eight predicates between [s, s + step) and [a, b), word by word from the specification."""
    e = s + STEP
    if a == b:
        return {"GreaterThan": True, "Contains": True}
    return {
        "Equals": s == a and e == b,
        "LessThan": s < a or (s == a and e < b),
        "GreaterThan": s > a or (s == a and e > b),
        "Contains": s <= a and e >= b,
        "ContainedBy": s >= a and e <= b,
        "Overlaps": s < b and e > a,
        "Precedes": e <= a,
        "PrecededBy": s >= b,
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    predicate=st.sampled_from(
        ["Equals", "LessThan", "GreaterThan", "Contains", "ContainedBy", "Overlaps", "Precedes", "PrecededBy"]
    ),
    start=st.integers(-10, 1450),
    length=st.sampled_from([0, 1, 5, 6, 7, 12, 90]),
)
def test_temporal_predicates_are_brute_force(scene, isd_rows, predicate, start, length):
    a = EPOCH + timedelta(minutes=start)
    b = a + timedelta(minutes=length)
    rows = isd_rows(
        TEMPORAL, starttime=iso(a), endtime=iso(b), predicate=predicate, interpolated="True", limit=10_000
    )
    expected = [row for row in stored(scene) if relation(row[2].time, a, b).get(predicate, False)]
    assert [(row["trackid"], row["starttime"]) for row in rows] == [
        (str(track), iso(shape.time)) for track, _, shape, _ in expected
    ]


@pytest.mark.parametrize("geometry", ["bbox", "boundcc"])
@pytest.mark.parametrize("predicate", ["Intersects", "Disjoint", "Within", "Overlaps", "Contains"])
def test_spatial_predicates_are_shapely(scene, isd_rows, predicate, geometry):
    """Of the shape's envelope, or of the shape."""
    area = shapely.box(-190, 120, -40, 160)
    box = dict(zip(("xmin", "ymin", "xmax", "ymax"), area.bounds, strict=True))
    window = {"starttime": "2014-08-30T02:00:00", "endtime": "2014-08-30T12:00:00"}
    rows = isd_rows(
        SPATIOTEMPORAL,
        **window,
        **box,
        spatialpredicate=predicate,
        geometry=geometry,
        interpolated="True",
        limit=10_000,
    )
    holds = getattr(shapely, predicate.lower())
    expected = [
        (str(track), iso(shape.time))
        for track, _, shape, _ in stored(scene)
        if EPOCH + 2 * HOUR - STEP < shape.time < EPOCH + 12 * HOUR
        and holds(shapely.box(*shape.hpc.bounds) if geometry == "bbox" else shape.hpc, area)
    ]
    assert [(row["trackid"], row["starttime"]) for row in rows] == expected


@pytest.mark.parametrize(
    ("sortby", "key"),
    [
        ("starttime", lambda row: row[2].time),
        ("event_endtime", lambda row: row[2].time),
        ("eventtype", lambda row: row[1]),
        ("trackid", lambda row: row[0]),
        ("kbarchivid", lambda row: (row[3] is None, row[3])),
    ],
)
def test_rows_are_sorted_by_their_own_columns_and_page(scene, isd_rows, sortby, key):
    query = {"starttime": "2014-08-30", "endtime": "2014-08-30T05:00:00", "interpolated": "True"}
    inside = [row for row in stored(scene) if row[2].time < EPOCH + 5 * HOUR]
    if sortby == "kbarchivid":
        query["endtime"] = "2014-08-30T00:06:00"
        inside = [row for row in inside if row[2].time < EPOCH + STEP]
    whole = isd_rows(TEMPORAL, **query, sortby=sortby, limit=1000)
    expected = sorted(inside, key=key)
    assert [(row["trackid"], row["starttime"]) for row in whole] == [
        (str(track), iso(shape.time)) for track, _, shape, _ in expected
    ]
    pages = [
        isd_rows(TEMPORAL, **query, sortby=sortby, limit=7, offset=n) for n in range(0, len(whole) + 7, 7)
    ]
    assert [row for page in pages for row in page] == whole
    assert isd_rows(TEMPORAL, **query, limit=0) == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"sortby": "event_peaktime"}, "trackid"),
        ({"tablenames": "arx"}, "ar_interpolated"),
        ({"tablenames": "qqi"}, "ar_interpolated"),
        ({"predicate": "during"}, "Overlaps"),
    ],
)
def test_errors_say_what_can_be_asked(db, ask, query, names):
    window = {"starttime": "2014-08-30", "endtime": "2014-08-31"}
    status, body = ask(TEMPORAL, **window, interpolated="True", **query)
    assert (status, body["Status"], body["Result"]) == (400, "FAIL", [])
    assert names in body["Msg"]


def test_tables_of_shapes_are_no_tables_of_reports(db, ask):
    assert ask(TEMPORAL, starttime="2014-08-30", endtime="2014-08-31", tablenames="ari")[0] == 400


def test_one_statement_answers(scene, client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get(f"{TEMPORAL}?starttime=2014-08-30&endtime=2014-08-31&interpolated=True")


# --- ids of tracks


def test_the_id_of_a_track_is_that_of_v1(scene, ask, isd_rows):
    for name, track in scene.tracks.items():
        for event in scene.events[name]:
            rows = isd_rows(
                "/api/query/solev/trackid", id=event.kb_archivid, eventtype=track.event_type.lower()
            )
            assert rows == [{"trackid": str(track.pk)}]
            assert ask(f"/api/v1/tracks/{rows[0]['trackid']}")[1]["track"] == track.pk


def test_what_has_no_track_fails_in_the_words_of_the_original(scene, ask):
    failure = {"Status": "FAIL", "StatusCode": 2, "Msg": "Failed to retreive track id", "Result": []}
    flare = scene.alone["flare"].kb_archivid
    hole = scene.events["hole"][0].kb_archivid
    for ident, event_type in ((flare, "fl"), (hole, "ar"), ("ivo://test/none", "ar")):
        assert ask("/api/query/solev/trackid", id=ident, eventtype=event_type) == (200, failure)


# --- closeByEvents


def rings():
    """An L and its box: what lies in the box and not in the L tells which was compared."""
    corner = shapely.Polygon([(0, 0), (20, 0), (20, 4), (4, 4), (4, 20), (0, 20)])
    return corner, shapely.box(*corner.bounds)


@pytest.mark.parametrize("lookback", [0, 24])
@pytest.mark.parametrize("geometry", [None, "boundcc", "bbox"])
def test_close_by_compares_true_shapes_carried_back(db, make_event, isd_rows, lookback, geometry):
    outline, box = rings()
    query = make_event(0, "AR", EPOCH, EPOCH + HOUR, hgs_bbox=box.wkt, hgs_boundcc=outline.wkt)
    query.save()
    then = EPOCH - lookback * HOUR
    places = [(1, 1), (15, 15), (30, 2), (6, 6), (4.5, 15)]
    spots = [shapely.Point(x, y).buffer(0.4) for x, y in places]
    spots = [rotated(spot, -lookback / 24) for spot in spots]
    for n, spot in enumerate(spots):
        corner = shapely.MultiPolygon([spot, shapely.Point(-80, -60 + n).buffer(0.1)])
        make_event(n, "SS", then, then, hgs_bbox=shapely.box(*spot.bounds).wkt, hgs_boundcc=corner.wkt).save()
    asked = {} if geometry is None else {"geometry": geometry}
    rows = isd_rows(
        "/api/query/closeByEvents",
        queryeventtype="ar",
        queryeventid=query.kb_archivid,
        targeteventtype="ss",
        lookback=lookback,
        spatialbuffer=1,
        **asked,
    )
    shape = box if geometry == "bbox" else outline
    area = neighbourhood(shape, -lookback / 24, 1)
    expected = [n for n, spot in enumerate(spots) if spot.intersects(area)]
    assert [int(row["kb_archivid"][-5:]) for row in rows] == expected
    assert expected == ([0, 1, 3, 4] if geometry == "bbox" else [0, 4])


def test_close_by_takes_the_box_of_what_has_no_outline(db, make_event, isd_rows):
    for n, box in enumerate([(0, 0, 10, 10), (8, 8, 12, 12), (30, 30, 31, 31)]):
        make_event(n, "AR", EPOCH, EPOCH + HOUR, hgs_bbox=shapely.box(*box).wkt).save()
    rows = isd_rows(
        "/api/query/closeByEvents",
        queryeventtype="ar",
        queryeventid="ivo://test/AR_00000",
        targeteventtype="ar",
        lookback=0,
        spatialbuffer=0,
    )
    assert [row["kb_archivid"][-5:] for row in rows] == ["00001"]


def test_scenes_have_ties_and_both_kinds_of_rows(scene):
    """What the tests above rely on."""
    rows = stored(scene)
    assert any(one[2].time == two[2].time for one, two in pairwise(rows))
    assert {row[3] is None for row in rows} == {True, False}
