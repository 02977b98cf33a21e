"""/api/v1/state against every track evaluated in Python, and its forms."""

import csv
import io
import json
import math
from datetime import timedelta

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.domain.almanac import earth_at
from events.domain.frames import convert
from events.domain.interpolation import shapes_at
from events.models import TrackShape
from events.sightings import shape_settings
from tests.track_scenes import EPOCH, HOUR

URL = "/api/v1/state"


def at(ask, time, **query):
    status, body = ask(URL, time=time.isoformat(), **query)
    assert status == 200, body
    assert body["returned"] == len(body["events"])
    return body


def by_track(body):
    return {item["track"]: item for item in body["events"] if item["track"]}


def alone(body):
    return {item["kb_archivid"]: item for item in body["events"] if item["track"] is None}


def near(text, shape):
    """The same polygon but for the rounding of coordinates."""
    return shapely.from_wkt(text).normalize().equals_exact(shape.normalize(), 1.1e-3)


def synodic(latitude):
    return 14.44 - 3.0 * math.sin(math.radians(latitude)) ** 2 - 0.9856


# --- what is alive, and its shape


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.integers(-600, 49 * 3600) | st.integers(0, 240).map(lambda n: n * 360))
def test_it_is_every_track_evaluated_in_python(scene, ask, seconds):
    time = EPOCH + timedelta(seconds=seconds)
    body = at(ask, time, exact="true")
    found = by_track(body)
    alive = {t.pk: t for t in scene.tracks.values() if t.event_starttime <= time <= t.event_endtime}
    assert found.keys() == alive.keys()
    assert body["on_cadence"] == (seconds % 360 == 0)
    for name, track in scene.tracks.items():
        if track.pk not in alive:
            continue
        item = found[track.pk]
        before = max(e.event_starttime for e in scene.events[name] if e.event_starttime <= time)
        after = [e.event_starttime for e in scene.events[name] if e.event_starttime > time]
        latest = next(e for e in scene.events[name] if e.event_starttime == before)
        assert item["kb_archivid"] == latest.kb_archivid
        assert item["report_before"] == before.isoformat().replace("+00:00", "Z")
        assert item["report_after"] == (min(after).isoformat().replace("+00:00", "Z") if after else None)
        shapes = shapes_at(scene.sightings[track.pk], [time], shape_settings())
        if not shapes:
            assert item["geometry"] is None or item["geometry"].startswith("POINT")
            continue
        (shape,) = shapes
        assert (item["method"], item["origin"], item["repaired"]) == (
            shape.method,
            shape.origin,
            shape.repaired,
        )
        assert near(item["geometry"], shape.hpc)
        assert item["area"] == pytest.approx(shape.area, abs=1e-3)
        assert item["position"] == pytest.approx(shape.hpc.centroid.coords[0], abs=2e-3)
    expected = {e.kb_archivid for e in scene.alone.values() if e.event_starttime <= time <= e.event_endtime}
    assert alone(body).keys() == expected
    order = [(item["event_type"], item["kb_archivid"]) for item in body["events"]]
    assert order == sorted(order)


@pytest.mark.parametrize("frame", ["hpc", "hgs", "hgc"])
def test_stored_and_computed_shapes_are_the_same_answer(scene, ask, frame):
    times = [EPOCH + timedelta(minutes=minutes) for minutes in (0, 6, 240, 366, 486, 486 + 360, 1194)]
    stored = [at(ask, time, frame=frame) for time in times]
    assert TrackShape.objects.all().delete()[0] > 400
    for time, body in zip(times, stored, strict=True):
        for item, one in zip(at(ask, time, frame=frame)["events"], body["events"], strict=True):
            assert item == one
    assert {item["origin"] for body in stored for item in body["events"]} >= {
        "reported",
        "interpolated",
        "extrapolated",
    }


def test_what_is_stored_is_read_and_not_computed_again(scene, ask):
    time = EPOCH + 6 * HOUR
    row = TrackShape.objects.filter(track=scene.tracks["parent"], time=time)
    assert row.update(method="areal") == 1
    assert by_track(at(ask, time))[scene.tracks["parent"].pk]["method"] == "areal"


# --- what is in no track


def test_a_flare_is_as_reported_at_its_start_and_then_carried_along(scene, ask):
    flare = scene.alone["flare"]
    first = alone(at(ask, flare.event_starttime))[flare.kb_archivid]
    assert (first["method"], first["origin"]) == ("reported", "reported")
    assert near(first["geometry"], shapely.from_wkt(flare.hpc_bbox.wkt))
    time = flare.event_starttime + HOUR / 2
    later = alone(at(ask, time))[flare.kb_archivid]
    assert (later["method"], later["origin"]) == ("rotation", "extrapolated")
    then, now = (earth_at([t]) for t in (flare.event_starttime, time))
    lon, lat, _ = convert([100.0], [100.0], "hpc", "hgs", then)
    x, y, _ = convert(lon + synodic(lat[0]) / 48, lat, "hgs", "hpc", now)
    assert later["position"] == pytest.approx([x[0], y[0]], abs=0.05)
    assert x[0] - 100 > 4  # arcsec, in half an hour


def test_what_spoca_reports_is_carried_back_from_the_end_of_its_interval(scene, ask):
    waiting = scene.alone["waiting"]
    last = alone(at(ask, waiting.event_endtime))[waiting.kb_archivid]
    assert (last["method"], last["origin"]) == ("reported", "reported")
    assert near(last["geometry"], shapely.from_wkt(waiting.hpc_boundcc.wkt))
    first = alone(at(ask, waiting.event_starttime))[waiting.kb_archivid]
    assert (first["method"], first["origin"]) == ("rotation", "extrapolated")
    then, now = (earth_at([t]) for t in (waiting.event_endtime, waiting.event_starttime))
    lon, lat, _ = convert([-500.0], [300.0], "hpc", "hgs", then)
    x, y, _ = convert(lon - synodic(lat[0]) * 4 / 24, lat, "hgs", "hpc", now)
    assert first["position"] == pytest.approx([x[0], y[0]], abs=0.3)
    assert x[0] < -525  # arcsec; 4 hours before


def test_a_mass_ejection_is_held_as_reported(scene, ask):
    cme = scene.alone["cme"]
    item = alone(at(ask, cme.event_starttime + HOUR))[cme.kb_archivid]
    assert (item["method"], item["origin"]) == ("held", "reported")
    assert near(item["geometry"], shapely.from_wkt(cme.hpc_bbox.wkt))


def test_a_point_is_carried_from_its_latest_report(scene, ask):
    track = scene.tracks["noaa"].pk
    first = by_track(at(ask, EPOCH))[track]
    assert (first["position"], first["area"], first["method"]) == ([-700, -300], None, "reported")
    later = by_track(at(ask, EPOCH + 12 * HOUR))[track]
    lon, lat, _ = convert([-700.0], [-300.0], "hpc", "hgs", earth_at([EPOCH]))
    moved = convert(lon + synodic(lat[0]) / 2, lat, "hgs", "hpc", earth_at([EPOCH + 12 * HOUR]))
    assert later["position"] == pytest.approx([moved.x[0], moved.y[0]], abs=2e-3)
    assert (later["method"], later["origin"]) == ("rotation", "extrapolated")
    assert by_track(at(ask, EPOCH + 24 * HOUR))[track]["position"] == [-500, -300]


def test_what_went_over_the_limb_is_alive_and_has_no_shape(scene, ask):
    item = by_track(at(ask, EPOCH + 19 * HOUR))[scene.tracks["leaving"].pk]
    none = dict.fromkeys(("method", "origin", "area", "position", "geometry"))
    assert item.items() >= none.items()
    assert by_track(at(ask, EPOCH))[scene.tracks["leaving"].pk]["method"] == "reported"


# --- conditions


def test_types_and_methods(scene, ask):
    time = EPOCH + 10 * HOUR
    assert {i["event_type"] for i in at(ask, time, event_type="ch,fl")["events"]} == {"CH", "FL"}
    assert {i["frm_name"] for i in at(ask, time, frm_name="CACTus")["events"]} == {"CACTus"}
    assert at(ask, time, event_type="BU")["events"] == []


def test_extrapolated_tracks_can_be_left_out_and_are_counted(scene, ask):
    time = EPOCH + 14 * HOUR
    every, kept = at(ask, time), at(ask, time, extrapolate="false")
    gone = {i["track"] for i in every["events"]} - {i["track"] for i in kept["events"]}
    over = {scene.tracks[name].pk for name in ("parent", "child", "leaving", "noaa")}
    assert gone == over - {t for t, i in by_track(every).items() if i["origin"] != "extrapolated"}
    assert gone >= {scene.tracks[name].pk for name in ("parent", "child")}
    assert kept["left_out"] == {"extrapolated": len(gone), "max_gap": 0}
    assert every["left_out"] == {"extrapolated": 0, "max_gap": 0}
    assert {i["kb_archivid"] for i in kept["events"] if not i["track"]} == {scene.alone["cme"].kb_archivid}


@pytest.mark.parametrize(("gap", "is_there"), [(4.1, False), (4.2, True), (5, True)])
def test_gaps_longer_than_allowed_are_left_out_and_counted(scene, ask, gap, is_there):
    """The hole's reports are 4.2 h apart."""
    body = at(ask, EPOCH + 3 * HOUR, event_type="CH", max_gap=gap * 3600)
    assert (len(body["events"]), body["left_out"]["max_gap"]) == ((1, 0) if is_there else (0, 1))
    start = scene.tracks["hole"].event_starttime
    assert len(at(ask, start, event_type="CH", max_gap=0)["events"]) == 1  # a report itself has no gap


# --- forms


@pytest.mark.parametrize("frame", ["hgs", "hgc"])
def test_frames_are_the_same_shapes_on_the_surface(scene, ask, frame):
    time = EPOCH + timedelta(hours=10, minutes=7)
    plain, other = at(ask, time), at(ask, time, frame=frame)
    assert (other["frame"], other["units"]) == (frame, ["deg", "deg"])
    compared = 0
    for one, two in zip(plain["events"], other["events"], strict=True):
        assert one["kb_archivid"] == two["kb_archivid"]
        if one["event_type"] == "CE" or one["geometry"] is None:
            continue
        seen, points = (shapely.get_coordinates(shapely.from_wkt(i["geometry"])) for i in (one, two))
        earth = earth_at([time])
        x, y, _ = convert(*points.T, frame, "hpc", earth)
        on_disk = ~convert(*seen.T, "hpc", "hgs", earth).limb
        assert np.column_stack((x, y))[on_disk] == pytest.approx(seen[on_disk], abs=0.05)
        compared += on_disk.any()
    assert compared >= 5


def test_every_form_holds_the_same(scene, ask, client):
    query = {"time": (EPOCH + 10.1 * HOUR).isoformat()}
    body = ask(URL, **query)[1]
    geojson = client.get(URL, {**query, "format": "geojson"})
    assert geojson["Content-Type"] == "application/geo+json"
    whole = json.loads(geojson.content)
    features = whole.pop("features")
    assert whole == {"type": "FeatureCollection"} | {k: v for k, v in body.items() if k != "events"}
    for item, feature in zip(body["events"], features, strict=True):
        shape = feature["geometry"] and shapely.geometry.shape(feature["geometry"])
        assert (shape and shapely.to_wkt(shape)) == (
            item["geometry"] and shapely.to_wkt(shapely.from_wkt(item["geometry"]))
        )
        assert feature["properties"] == {k: v for k, v in item.items() if k != "geometry"}
    lines = client.get(URL, {**query, "format": "ndjson"}).content.decode().splitlines()
    assert [json.loads(line) for line in lines] == body["events"]
    answer = client.get(URL, {**query, "format": "csv"})
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert len(table) == len(body["events"]) > 5
    for row, item in zip(table, body["events"], strict=True):
        assert list(row) == list(item)
        assert row["geometry"] == (item["geometry"] or "")
        assert row["repaired"] in ("true", "false")
        assert row["track"] == str(item["track"] or "")


def test_a_kept_answer_is_asked_for_again_and_not_sent_again(scene, client):
    query = {"time": EPOCH.isoformat()}
    first = client.get(URL, query)
    assert first["Cache-Control"] == "public, no-cache"
    again = client.get(URL, query, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Access-Control-Allow-Origin"] == "*"
    scene.tracks["parent"].delete()
    assert client.get(URL, query, headers={"if-none-match": first["ETag"]}).status_code == 200


def test_an_instant_at_which_nothing_is(scene, ask, client):
    for form in ("json", "geojson"):
        body = ask(URL, time="1999-01-01", format=form)[1]
        assert body["returned"] == 0
    assert client.get(URL, {"time": "1999-01-01", "format": "ndjson"}).content == b""
    assert client.get(URL, {"time": "1999-01-01", "format": "csv"}).content.startswith(
        b"kb_archivid,event_type"
    )
    assert ask(URL, time="0001-01-01")[0] == ask(URL, time="9999-12-31T23:59:59")[0] == 200


def test_query_counts(scene, client, django_assert_num_queries):
    with django_assert_num_queries(2):  # tracks, events
        client.get(URL, {"time": (EPOCH + 13 * HOUR).isoformat(), "event_type": "SG,FL"})
    with django_assert_num_queries(3):  # and the reports around, for all that is not stored
        client.get(URL, {"time": (EPOCH + timedelta(hours=9, seconds=1)).isoformat()})


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "time"),
        ({"time": "noon"}, "time"),
        ({"time": ["2014-01-01", "2014-01-02"]}, "time"),
        ({"time": "2014-01-01", "start": "2014-01-01"}, "start"),
        ({"time": "2014-01-01", "event_type": "QQ"}, "event_type"),
        ({"time": "2014-01-01", "frame": "hrc"}, "frame"),
        ({"time": "2014-01-01", "extrapolate": "no"}, "extrapolate"),
        ({"time": "2014-01-01", "max_gap": "-1"}, "max_gap"),
        ({"time": "2014-01-01", "format": "tsv"}, "format"),
    ],
)
def test_bad_input_is_named(db, ask, query, parameter):
    status, body = ask(URL, **query)
    assert (status, body["error"]["parameter"]) == (400, parameter)
