"""/api/v1/tracks: filters, forms, pages; single tracks and their graphs."""

import csv
import io
import json
import random
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Track
from tests.track_scenes import EPOCH, HOUR

URL = "/api/v1/tracks"


def ask_all(ask, **query):
    """Every page, the rows together."""
    rows, status, body = [], *ask(URL, **query)
    while True:
        assert status == 200, body
        assert (body["returned"], body["truncated"]) == (len(body["tracks"]), body["next"] is not None)
        rows += body["tracks"]
        if body["next"] is None:
            return rows
        status, body = ask(URL, **parse_qs(body["next"].split("?", 1)[1]))


# --- rows and forms


def test_the_answer_says_what_it_is_complete_for(scene, ask):
    query = {"event_type": "ar", "start": "2014-08-30", "end": "2014-08-30T01:00:00", "bbox": "-300,0,0,300"}
    status, body = ask(
        URL, **query, min_reports=2, min_duration=3600, ar_noaanum=12149, frm_name="Region Finder"
    )
    assert status == 200
    assert body["predicate"] == {
        "time_relation": "intersects",
        "start": "2014-08-30T00:00:00Z",
        "end": "2014-08-30T01:00:00Z",
        "box_relation": "Intersects",
        "bbox": [-300, 0, 0, 300],
        "event_type": ["AR"],
        "frm_name": ["Region Finder"],
        "ar_noaanum": 12149,
        "min_reports": 2,
        "min_duration": 3600,
    }
    assert (body["frame"], body["units"]) == ("hpc", {"hpc_bbox": ["arcsec", "arcsec"]})
    (row,) = body["tracks"]
    envelope = shapely.from_wkt(row.pop("hpc_bbox"))
    parent = scene.tracks["parent"]
    assert envelope.equals(shapely.from_wkt(parent.hpc_bbox.wkt))
    assert row == {
        "track": parent.pk,
        "event_type": "AR",
        "frm_name": "Region Finder",
        "event_starttime": "2014-08-30T00:00:00Z",
        "event_endtime": "2014-08-30T16:00:00Z",
        "report_count": 4,
        "ar_noaanums": [12149],
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "parent noaa leaving hole sigmoid spot child heir"),
        ({"event_type": "CH,SG"}, "hole sigmoid"),
        ({"event_type": "FL"}, ""),
        ({"end": "2014-08-30T02:00:00"}, "parent noaa leaving"),
        ({"start": "2014-08-30T16:00:00"}, "parent noaa leaving child heir"),
        ({"start": "2014-08-30T16:00:00", "time_relation": "overlaps"}, "noaa leaving heir"),
        ({"start": "2014-08-30T02:00:00", "end": "2014-08-30T09:00:00", "time_relation": "starts"},
         "hole sigmoid spot child"),
        ({"start": "2014-08-30T02:00:00", "end": "2014-08-30T11:00:00", "time_relation": "within"},
         "hole sigmoid spot"),
        ({"start": "2014-08-30T05:03:00", "end": "2014-08-30T05:03:00"}, "parent noaa leaving hole spot"),
        ({"bbox": "-450,-250,-350,-150"}, "spot"),
        ({"bbox": "-450,-250,-350,-150", "box_relation": "disjoint"},
         "parent leaving hole sigmoid child heir"),
        ({"ar_noaanum": 12150}, "noaa"),
        ({"ar_noaanum": 12151}, ""),
        ({"frm_name": ["EGSO_SFC", "Sigmoid Sniffer"]}, "sigmoid spot"),
        ({"min_reports": 3}, "parent"),
        ({"min_duration": 16 * 3600}, "parent noaa leaving"),
        ({"min_duration": 16 * 3600 + 1}, "noaa leaving"),
    ],
)  # fmt: skip
def test_filters(scene, ask, query, expected):
    names = {track.pk: name for name, track in scene.tracks.items()}
    assert [names[row["track"]] for row in ask_all(ask, **query)] == expected.split()


def test_every_form_holds_the_same_rows(scene, ask, client):
    rows = ask_all(ask)
    body = json.loads(client.get(URL, {"format": "geojson"}).content)
    for row, feature in zip(rows, body["features"], strict=True):
        properties = {key: value for key, value in row.items() if key != "hpc_bbox"}
        assert feature["properties"] == properties
        shape = feature["geometry"] and shapely.geometry.shape(feature["geometry"])
        if row["hpc_bbox"] is None:
            assert shape is None
        else:
            assert shape.equals_exact(shapely.from_wkt(row["hpc_bbox"]), 1e-9)
    for limit in ({}, {"limit": 100}):
        lines = client.get(URL, {"format": "ndjson", **limit}).getvalue().decode().splitlines()
        assert [json.loads(line) for line in lines] == rows
        text = client.get(URL, {"format": "csv", **limit}).getvalue().decode()
        table = list(csv.DictReader(io.StringIO(text)))
        assert [(int(r["track"]), r["hpc_bbox"], r["ar_noaanums"]) for r in table] == [
            (r["track"], r["hpc_bbox"] or "", " ".join(map(str, r["ar_noaanums"]))) for r in rows
        ]


def test_query_counts(scene, client, django_assert_num_queries):
    for path, queries in (("", 1), (f"/{scene.tracks['parent'].pk}", 3)):
        with django_assert_num_queries(queries):
            client.get(URL + path)


# --- windows and pages, of many tracks


@pytest.fixture
def many(db):
    """300 tracks on few starts, so that most tie; without reports, which a list does not look at."""
    rng = random.Random(4)
    made = []
    for n in range(300):
        start = EPOCH + rng.randrange(20) * HOUR / 4
        end = start + rng.choice((0, 0, 1, 5, 40)) * HOUR / 4
        x, y = rng.randrange(-8, 8) * 100, rng.randrange(-8, 8) * 100
        box = GEOSGeometry(shapely.box(x, y, x + 100, y + 100).wkt, srid=0) if rng.random() < 0.8 else None
        made.append(
            Track(id=n + 1, event_type=rng.choice(("AR", "CH")), event_starttime=start, event_endtime=end,
                  report_count=rng.randrange(1, 9), hpc_bbox=box)
        )  # fmt: skip
    rng.shuffle(made)
    return Track.objects.bulk_create(made)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.none() | st.integers(-2, 25),
    length=st.integers(0, 12),
    relation=st.sampled_from(["intersects", "within", "starts", "overlaps"]),
    limit=st.sampled_from([7, 50, 299, 10_000]),
    types=st.sampled_from(["AR", "AR,CH", None]),
    box=st.booleans(),
)
def test_pages_of_any_window_are_brute_force(many, ask, start, length, relation, limit, types, box):  # noqa: PLR0917
    query = {"limit": limit}
    if types:
        query["event_type"] = types
    if box:
        query["bbox"] = "-350,-350,250,250"
    if start is not None:
        a = EPOCH + start * HOUR / 4
        b = a + length * HOUR / 4
        query |= {"start": a.isoformat(), "end": b.isoformat(), "time_relation": relation}
    area = shapely.box(-350, -350, 250, 250)

    def holds(track):
        s, e = track.event_starttime, track.event_endtime
        lasts = e if s < e else s + timedelta(seconds=1)
        in_time = (
            start is None
            or {
                "intersects": lambda: s <= b and e >= a,
                "within": lambda: s >= a and e <= b,
                "starts": lambda: a <= s < b,
                "overlaps": lambda: a < b and s < b and lasts > a,
            }[relation]()
        )
        in_space = not box or (track.hpc_bbox and shapely.from_wkt(track.hpc_bbox.wkt).intersects(area))
        return in_time and in_space and track.event_type in (types or "AR,CH")

    expected = sorted((t for t in many if holds(t)), key=lambda t: (t.event_starttime, t.pk))
    assert [row["track"] for row in ask_all(ask, **query)] == [track.pk for track in expected]


def test_a_track_that_comes_or_goes_meanwhile_neither_repeats_nor_hides_another(many, ask):
    whole = [row["track"] for row in ask(URL, limit=1000)[1]["tracks"]]
    first = ask(URL, limit=100)[1]
    Track.objects.filter(pk__in=whole[50:100]).delete()
    Track.objects.create(
        id=999, event_type="AR", event_starttime=EPOCH - HOUR, event_endtime=EPOCH, report_count=1
    )
    second = ask(URL, **parse_qs(first["next"].split("?", 1)[1]))[1]
    assert [row["track"] for row in second["tracks"]] == whole[100:200]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"id": "1"}, "id"),
        ({"start": "2014-01-02", "end": "2014-01-01"}, "start"),
        ({"time_relation": "within"}, "time_relation"),
        ({"box_relation": "Within"}, "box_relation"),
        ({"bbox": "1,1,0,0"}, "bbox"),
        ({"frame": "hgs"}, "frame"),
        ({"min_reports": "0"}, "min_reports"),
        ({"min_duration": "-1"}, "min_duration"),
        ({"min_duration": "1e99"}, "min_duration"),
        ({"limit": "10001"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"format": "tsv"}, "format"),
    ],
)
def test_bad_input_is_named(db, ask, query, parameter):
    status, body = ask(URL, **query)
    assert (status, body["error"]["parameter"]) == (400, parameter)


def test_a_cursor_of_another_list_is_none_of_this(sample, scene, ask):
    events, tracks = ask("/api/v1/events", limit=1)[1], ask(URL, limit=1)[1]
    cursors = [parse_qs(body["next"].split("?", 1)[1])["cursor"] for body in (events, tracks)]
    assert ask(URL, cursor=cursors[0])[0] == ask("/api/v1/events", cursor=cursors[1])[0] == 400


# --- one track


def test_a_track_is_found_by_its_number_and_by_any_of_its_reports(scene, ask):
    track = scene.tracks["parent"]
    status, body = ask(f"{URL}/{track.pk}")
    assert (status, body["track"]) == (200, track.pk)
    for event in scene.events["parent"]:
        assert ask(f"{URL}/{event.pk}")[1] == body
        assert ask(f"{URL}/{event.kb_archivid}")[1] == body
        assert ask(f"{URL}/{event.kb_archivid.replace('://', ':/')}/")[1] == body


def test_a_track_lists_its_reports_and_the_edges_at_them(scene, ask):
    scene.tracks["child"].reports.filter(position=1).update(skipped="no_place")
    body = ask(f"{URL}/{scene.tracks['child'].pk}")[1]
    reports = scene.events["child"]
    assert [report["kb_archivid"] for report in body["reports"]] == [event.kb_archivid for event in reports]
    assert [report["skipped"] for report in body["reports"]] == [None, "no_place"]
    first = body["reports"][0]
    assert first["event_starttime"] == "2014-08-30T08:00:00Z"
    assert first["hpc_coord"] == pytest.approx([-60, 120])
    names = {name: [event.kb_archivid for event in events] for name, events in scene.events.items()}
    found = [(e["first"], e["second"], e["kind"], e["source"], e["probability"]) for e in body["edges"]]
    assert found == [
        (names["parent"][1], names["child"][0], "splits", "tracker", 0.7),
        (names["child"][0], names["child"][1], "follows", "specificid", 1.0),
        (names["child"][1], names["heir"][0], "merges", "tracker", 0.9),
    ]
    parent, child, heir = (scene.tracks[name].pk for name in ("parent", "child", "heir"))
    tracks = [(edge["first_track"], edge["second_track"]) for edge in body["edges"]]
    assert tracks == [(parent, child), (child, child), (child, heir)]


@pytest.mark.parametrize("tail", ["", "/shapes", "/graph"])
def test_what_is_in_no_track_is_told_to_be_so(scene, ask, tail):
    flare = scene.alone["flare"]
    for key in (flare.pk, flare.kb_archivid):
        status, body = ask(f"{URL}/{key}{tail}")
        assert (status, body["error"]["code"]) == (404, "not_found")
        assert "of type FL stands in no track" in body["error"]["message"]
    for key in ("999999", "ivo://test/none", "x\0y", "shapes/x", "9" * 30):
        status, body = ask(f"{URL}/{key}{tail}")
        assert (status, body["error"]["code"]) == (404, "not_found")
        assert body["error"]["message"].startswith("There is no ")


@pytest.mark.parametrize("tail", ["", "/shapes", "/graph"])
def test_unknown_parameters_are_errors(scene, ask, tail):
    status, body = ask(f"{URL}/{scene.tracks['parent'].pk}{tail}", color="red")
    assert (status, body["error"]["parameter"]) == (400, "color")


# --- the graph


@pytest.mark.parametrize(
    ("start", "depth", "expected", "truncated"),
    [
        ("parent", 0, {"parent": 0}, True),
        ("parent", 1, {"parent": 0, "child": 1}, True),
        ("parent", 2, {"parent": 0, "child": 1, "heir": 2}, False),
        ("parent", None, {"parent": 0, "child": 1, "heir": 2}, False),
        ("heir", 1, {"heir": 0, "child": 1}, True),
        ("child", 1, {"child": 0, "parent": 1, "heir": 1}, False),
        ("hole", 20, {"hole": 0}, False),
    ],
)
def test_a_graph_reaches_as_far_as_asked(scene, ask, start, depth, expected, truncated):  # noqa: PLR0917
    query = {} if depth is None else {"depth": depth}
    status, body = ask(f"{URL}/{scene.tracks[start].pk}/graph", **query)
    assert status == 200
    numbers = {scene.tracks[name].pk: distance for name, distance in expected.items()}
    assert {node["track"]: node["distance"] for node in body["nodes"]} == numbers
    assert body["truncated"] == truncated
    inside = {event.kb_archivid for name in expected for event in scene.events[name]}
    follows = sum(len(scene.events[name]) - 1 for name in expected)
    assert all({edge["first"], edge["second"]} <= inside for edge in body["edges"])
    assert sum(edge["kind"] == "follows" for edge in body["edges"]) == follows
    between = {edge["kind"] for edge in body["edges"]} - {"follows"}
    assert len(between) == sum(pair <= expected.keys() for pair in ({"parent", "child"}, {"child", "heir"}))


def test_a_graph_with_a_circle_ends_and_takes_a_statement_a_step(
    scene, ask, client, django_assert_num_queries
):
    scene.edge(scene.events["parent"][3], scene.events["heir"][1], "merges")
    with django_assert_num_queries(5):  # the track; two steps until nothing is new; edges; nodes
        client.get(f"{URL}/{scene.tracks['parent'].pk}/graph?depth=20")
    body = ask(f"{URL}/{scene.tracks['parent'].pk}/graph", depth=20)[1]
    assert len(body["nodes"]) == 3


def test_a_large_graph_is_cut_and_says_so(scene, ask, monkeypatch):
    monkeypatch.setattr("api.v1.tracks_params.MAX_NODES", 2)
    body = ask(f"{URL}/{scene.tracks['parent'].pk}/graph")[1]
    assert (len(body["nodes"]), body["truncated"]) == (2, True)
