"""/api/v1/tracks/{key}/shapes and /api/v1/tracks/shapes, read by independent readers."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.domain.interpolation import grid, shapes_at
from events.models import TrackReport, TrackShape
from events.sightings import shape_settings
from tests.track_scenes import EPOCH, HOUR

URL = "/api/v1/tracks"


def url(scene, name):
    return f"{URL}/{scene.tracks[name].pk}/shapes"


def same(text, shape):
    return shapely.from_wkt(text).normalize().equals_exact(shape.normalize(), 1.1e-3)


def iso(time):
    return time.isoformat().replace("+00:00", "Z")


# --- instants


@pytest.mark.parametrize("name", ["parent", "hole", "sigmoid", "spot", "leaving"])
@pytest.mark.parametrize("stored", [True, False])
def test_by_default_they_are_those_of_the_stored_cadence(scene, ask, name, stored):
    """Whether they are stored or not."""
    if not stored:
        TrackShape.objects.filter(track=scene.tracks[name]).delete()
    status, body = ask(url(scene, name))
    assert status == 200
    assert (body["step"], body["cadence"], body["track"]) == (360, 360, scene.tracks[name].pk)
    expected = scene.on_slots(name)
    assert [row["time"] for row in body["shapes"]] == [iso(shape.time) for shape in expected]
    names = {event.pk: event.kb_archivid for event in scene.events[name]}
    for row, shape in zip(body["shapes"], expected, strict=True):
        assert (row["method"], row["origin"], row["repaired"]) == (shape.method, shape.origin, shape.repaired)
        assert row["report"] == names.get(shape.report)
        assert row["area"] == pytest.approx(shape.area, abs=1e-3)
        assert same(row["geometry"], shape.hpc)
    assert body["returned"] == len(expected) == sum(body["by_origin"].values())
    share = sum(s.area for s in expected if s.origin == "extrapolated") / sum(s.area for s in expected)
    assert body["extrapolated_share"] == pytest.approx(share, abs=1e-6)


def test_a_hole_in_what_is_stored_is_filled(scene, ask):
    whole = ask(url(scene, "parent"))[1]
    between = (EPOCH + 2 * HOUR, EPOCH + 9 * HOUR)
    assert TrackShape.objects.filter(track=scene.tracks["parent"], time__range=between).delete()[0] == 71
    assert ask(url(scene, "parent"))[1] == whole


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.sampled_from([60, 359.5, 360, 600, 3600, 7200, 86400 * 400]))
def test_another_step_counts_from_the_same_epoch(scene, ask, step):
    body = ask(url(scene, "child"), step=step)[1]
    track, how = scene.tracks["child"], shape_settings()
    slots = grid(track.event_starttime, track.event_endtime, timedelta(seconds=step), how.epoch)
    expected = shapes_at(scene.sightings[track.pk], slots, how)
    assert (body["step"], [row["time"] for row in body["shapes"]]) == (step, [iso(s.time) for s in expected])
    assert all(same(row["geometry"], s.hpc) for row, s in zip(body["shapes"], expected, strict=True))


def test_instants_can_be_named(scene, ask):
    times = [EPOCH + seconds * timedelta(seconds=1) for seconds in (360, 1, -5, 3 * 3600 + 7, 10**6)]
    body = ask(url(scene, "parent"), times=[iso(time) for time in times])[1]
    expected = shapes_at(scene.sightings[scene.tracks["parent"].pk], sorted(times), shape_settings())
    assert body["step"] is None
    assert [row["time"] for row in body["shapes"]] == [iso(shape.time) for shape in expected]
    assert len(expected) == 3


def test_the_tail_can_be_left_off(scene, ask):
    every, kept = ask(url(scene, "parent"))[1], ask(url(scene, "parent"), extrapolate="false")[1]
    assert kept["shapes"] == [row for row in every["shapes"] if row["origin"] != "extrapolated"]
    assert every["by_origin"]["extrapolated"] == 40
    assert (kept["extrapolated_share"], kept["by_origin"].get("extrapolated")) == (0, None)


def test_reports_that_have_no_part_in_them_are_told(scene, ask):
    events = scene.events["noaa"]
    TrackReport.objects.filter(event=events[1]).update(skipped="no_place")
    body = ask(url(scene, "noaa"))[1]
    assert (body["shapes"], body["returned"], body["extrapolated_share"]) == ([], 0, None)
    assert body["left_out"] == [
        {"kb_archivid": events[0].kb_archivid, "why": "no_area"},
        {"kb_archivid": events[1].kb_archivid, "why": "no_place"},
    ]
    assert ask(url(scene, "parent"))[1]["left_out"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"step": "0"}, "step"),
        ({"step": "1", "times": "2014-08-30"}, "times"),
        ({"times": "noon"}, "times"),
        ({"frame": "hrc"}, "frame"),
        ({"extrapolate": "maybe"}, "extrapolate"),
        ({"format": "ndjson"}, "format"),
        ({"step": "1"}, "step"),  # more instants than an answer has
    ],
)
def test_bad_input_is_named(scene, ask, query, parameter):
    status, body = ask(url(scene, "leaving"), **query)
    assert (status, body["error"]["parameter"]) == (400, parameter)


# --- forms


@pytest.mark.parametrize("frame", ["hpc", "hgc"])
def test_every_form_holds_the_same(scene, ask, client, frame):
    query = {"frame": frame}
    body = ask(url(scene, "parent"), **query)[1]
    rows = body["shapes"]
    features = json.loads(client.get(url(scene, "parent"), {**query, "format": "geojson"}).getvalue())
    assert {k: v for k, v in features.items() if k not in ("type", "features")} == {
        k: v for k, v in body.items() if k != "shapes"
    }
    for feature, row in zip(features["features"], rows, strict=True):
        assert feature["properties"] == {k: v for k, v in row.items() if k != "geometry"}
        assert shapely.geometry.shape(feature["geometry"]).equals(shapely.from_wkt(row["geometry"]))
    text = client.get(url(scene, "parent"), {**query, "format": "csv"}).getvalue().decode()
    for line, row in zip(csv.DictReader(io.StringIO(text)), rows, strict=True):
        assert line.pop("track") == str(scene.tracks["parent"].pk)
        assert line.pop("event_type") == "AR"
        assert line == {k: str(v).lower() if k == "repaired" else str(v or "") for k, v in row.items()}
    lines = client.get(url(scene, "parent"), {**query, "format": "tsv"}).getvalue().decode().splitlines()
    for line, row in zip(lines, rows, strict=True):
        track, millis, wkt = line.split("\t")
        assert (int(track), wkt) == (scene.tracks["parent"].pk, row["geometry"])
        assert iso(datetime.fromtimestamp(int(millis) / 1000, UTC)) == row["time"]


#: What OGC 19-045r3 asks of a moving feature in "prism" form, as far as polygons are concerned.
TIMES = {
    "type": "array",
    "items": {"type": "string", "format": "date-time"},
    "minItems": 2,
    "uniqueItems": True,
}
NAMED = {
    "type": "object",
    "required": ["type", "properties"],
    "properties": {"type": {"const": "Name"}, "properties": {"required": ["name"]}},
}
POSITION = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}
VALUES = {
    "required": ["type", "values"],
    "properties": {
        "type": {"enum": ["Measure", "Text"]},
        "interpolation": {"enum": ["Discrete", "Step", "Linear", "Regression"]},
    },
}
MOVING_FEATURE = {
    "type": "object",
    "required": ["type", "temporalGeometry"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": ["string", "number"]},
        "crs": NAMED,
        "trs": NAMED,
        "time": {"type": "array", "minItems": 2, "maxItems": 2},
        "temporalGeometry": {
            "required": ["type", "datetimes", "coordinates"],
            "properties": {
                "type": {"const": "MovingPolygon"},
                "datetimes": TIMES,
                "coordinates": {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "array", "minItems": 4, "items": POSITION}},
                },
                "interpolation": {"enum": ["Discrete", "Step", "Linear", "Quadratic", "Cubic"]},
            },
        },
        "temporalProperties": {
            "type": "array",
            "items": {
                "required": ["datetimes"],
                "properties": {"datetimes": TIMES},
                "additionalProperties": VALUES,
            },
        },
    },
}


def test_mfjson_is_a_moving_feature_of_the_standard(scene, ask, client):
    answer = client.get(url(scene, "parent"), {"format": "mfjson"})
    assert answer["Content-Type"] == "application/mf+json"
    body = json.loads(answer.getvalue())
    jsonschema.Draft202012Validator(MOVING_FEATURE).validate(body)
    rows = ask(url(scene, "parent"))[1]["shapes"]
    moving, (properties,) = body["temporalGeometry"], body["temporalProperties"]
    assert moving["datetimes"] == properties["datetimes"] == [row["time"] for row in rows]
    assert body["time"] == [rows[0]["time"], rows[-1]["time"]]
    for rings, row in zip(moving["coordinates"], rows, strict=True):
        assert shapely.Polygon(*rings).equals(shapely.from_wkt(row["geometry"]))
    for name in ("area", "method", "origin", "repaired", "report"):
        assert properties[name]["values"] == [row[name] for row in rows]


def test_mfjson_of_no_shape_at_all_is_whole(scene, client):
    body = json.loads(client.get(url(scene, "noaa"), {"format": "mfjson"}).getvalue())
    assert (body["temporalGeometry"]["coordinates"], body["time"]) == ([], None)


def test_long_answers_come_in_parts(scene, client, django_assert_num_queries):
    answer = client.get(url(scene, "parent"), {"step": 30, "format": "tsv"})
    parts = list(answer)
    assert answer.streaming
    assert len([part for part in parts if part]) == 4  # of 1921 shapes
    with django_assert_num_queries(1):  # the track; a HEAD computes no shape
        head = client.head(url(scene, "parent"), {"format": "tsv"})
    assert (head.status_code, head["Content-Type"]) == (200, "text/tab-separated-values")


def test_query_counts_do_not_grow_with_the_number_of_instants(scene, client, django_assert_num_queries):
    for step in (3600, 360):
        with django_assert_num_queries(5):  # track; sightings and reports; stored shapes; names of reports
            client.get(url(scene, "parent"), {"step": step}).getvalue()


# --- many tracks


def lines(client, **query):
    answer = client.get(f"{URL}/shapes", query)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/tab-separated-values")
    rows = [line.split("\t") for line in answer.getvalue().decode().splitlines()]
    return [(int(track), EPOCH.fromtimestamp(int(millis) / 1000, UTC), wkt) for track, millis, wkt in rows]


def test_all_shapes_of_all_tracks_are_one_export(scene, client):
    """Row by row in the order of the tracks, stored or not."""
    found = lines(client)
    order = sorted(scene.tracks, key=lambda name: (scene.tracks[name].event_starttime, scene.tracks[name].pk))
    expected = [(scene.tracks[name].pk, shape) for name in order for shape in scene.on_slots(name)]
    assert [(track, time) for track, time, _ in found] == [(track, shape.time) for track, shape in expected]
    assert all(same(wkt, shape.hpc) for (_, _, wkt), (_, shape) in zip(found, expected, strict=True))


def test_a_window_cuts_what_reaches_over_its_ends(scene, client):
    whole = lines(client, event_type="AR")
    start, end = EPOCH + 6 * HOUR, EPOCH + 9 * HOUR
    inside = lines(client, event_type="AR", start=iso(start), end=iso(end))
    assert inside == [row for row in whole if start <= row[1] <= end]
    assert len(inside) > 60


def test_tracks_that_start_in_a_window_are_exported_whole(scene, client):
    whole = lines(client)
    cut = EPOCH + 4 * HOUR
    first = lines(client, start="2014-01-01", end=iso(cut), time_relation="starts")
    second = lines(client, start=iso(cut), end="2015-01-01", time_relation="starts")
    assert sorted(first + second) == sorted(whole)
    assert {row[0] for row in first}.isdisjoint({row[0] for row in second})


def test_forms_and_conditions_of_the_export(scene, client):
    query = {"event_type": "AR", "min_reports": 2, "step": 1800, "frame": "hgs", "extrapolate": "false"}
    rows = lines(client, **query)
    as_csv = client.get(f"{URL}/shapes", {**query, "format": "csv"}).getvalue().decode()
    as_ndjson = client.get(f"{URL}/shapes", {**query, "format": "ndjson"}).getvalue().decode()
    table = list(csv.DictReader(io.StringIO(as_csv)))
    objects = [json.loads(line) for line in as_ndjson.splitlines()]
    assert [(int(r["track"]), r["geometry"]) for r in table] == [(t, w) for t, _, w in rows]
    assert [(o["track"], o["time"], o["geometry"]) for o in objects] == [(t, iso(m), w) for t, m, w in rows]
    assert {o["origin"] for o in objects} == {"reported", "interpolated"}
    assert all(abs(x) <= 90 for o in objects for x in shapely.from_wkt(o["geometry"]).bounds)
    assert client.get(f"{URL}/shapes", {"event_type": "FL"}).getvalue() == b""


def test_the_export_takes_a_fixed_number_of_queries(scene, client, django_assert_num_queries):
    with django_assert_num_queries(6):  # a savepoint's two ends; tracks, stored shapes, sightings, names
        client.get(f"{URL}/shapes", {"event_type": "AR,CH,SG"}).getvalue()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"times": "2014-08-30"}, "times"),
        ({"limit": "3"}, "limit"),
        ({"step": "59"}, "step"),
        ({"time_relation": "within"}, "time_relation"),
        ({"format": "mfjson"}, "format"),
    ],
)
def test_bad_input_of_the_export_is_named(db, ask, query, parameter):
    status, body = ask(f"{URL}/shapes", **query)
    assert (status, body["error"]["parameter"]) == (400, parameter)
