"""/api/v1/labels against polygons clipped cell by cell, against the state, and beside the parameters."""

import io
import json
from datetime import datetime, timedelta

import numpy as np
import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.domain.interpolation import shapes_at
from events.sightings import shape_settings
from images.domain.slots import start_of
from tests.label_scenes import (
    BOX,
    CARRIED,
    HALF_HOUR,
    IMAGE,
    MINUTE,
    ROOT,
    SIDE,
    SLOTS,
    T,
    as_json,
    as_npz,
    clipped,
    dense,
)
from tests.track_scenes import DRIFT, EPOCH, HOUR

# --- shares


def test_shares_are_those_of_polygons_clipped_cell_by_cell(client, sky, add):
    region = add(1)
    found = as_json(client)
    assert [frame["slot"] for frame in found["frames"]] == SLOTS
    assert (found["returned"], found["truncated"], found["next"], found["wave"]) == (5, False, None, 171)
    first, *_, last, after = found["frames"]
    np.testing.assert_allclose(dense(first["values"]["AR"]), clipped(shapely.box(*BOX)), atol=1e-5)
    moved = shapely.box(BOX[0] + CARRIED, BOX[1], BOX[2] + CARRIED, BOX[3])
    np.testing.assert_allclose(dense(last["values"]["AR"]), clipped(moved), atol=0.01)
    assert (first["time"], first["observed"]) == ("2012-02-13T20:00:00Z", "2012-02-13T20:00:00Z")
    event = {"kb_archivid": region.kb_archivid, "event_type": "AR", "track": None}
    assert first["events"] == [event | {"origin": "reported"}]
    assert last["events"] == [event | {"origin": "extrapolated"}]
    # At 20:30:01 it is over.
    assert (after["values"], after["events"]) == ({"AR": [], "CH": [], "FI": []}, [])


def test_it_is_the_time_of_observation_that_counts(client, sky, add):
    """The image in the slot of 20:12 was taken at 20:12:12.35; that in the slot of 20:06 at 20:06:01."""
    add(1, start=T + timedelta(minutes=12, seconds=1), end=T + timedelta(minutes=12, seconds=13))
    add(2, "CH", start=T + timedelta(minutes=6, seconds=2), end=T + timedelta(minutes=12, seconds=12))
    frames = as_json(client)["frames"]
    assert [frame["slot"] for frame in frames if frame["events"]] == [156922]
    assert {event["event_type"] for event in frames[2]["events"]} == {"AR"}


def test_what_lies_under_two_events_counts_once(client, sky, add):
    other = (10.0, -5.0, 90.0, 50.0)
    add(1)
    add(2, box=other)
    add(3, "CH", box=other)
    values = as_json(client)["frames"][0]["values"]
    union = clipped(shapely.box(*BOX), shapely.box(*other))
    np.testing.assert_allclose(dense(values["AR"]), union, atol=1e-5)
    np.testing.assert_allclose(dense(values["CH"]), clipped(shapely.box(*other)), atol=1e-5)
    twice = clipped(shapely.box(*BOX)) + clipped(shapely.box(*other))
    assert np.abs(dense(values["AR"]) - twice).max() > 0.1


def test_the_outline_goes_before_the_box(client, sky, add):
    add(1, box=(0, 0, 100, 60), hpc_boundcc="POLYGON((0 0,100 0,100 60,0 0))")
    triangle = shapely.Polygon([(0, 0), (100, 0), (100, 60)])
    cells = as_json(client)["frames"][0]["values"]["AR"]
    np.testing.assert_allclose(dense(cells), clipped(triangle), atol=1e-5)


def test_points_and_lines_count_as_events_and_cover_nothing(client, sky, add):
    add(1, box=None, hpc_coord="POINT(100 100)")
    add(2, "FI", box=None, hpc_boundcc="LINESTRING(0 0,100 0)")
    add(3, "CH", box=None)
    frame = as_json(client)["frames"][0]
    assert [event["event_type"] for event in frame["events"]] == ["AR", "FI"]
    assert frame["values"] == {"AR": [], "CH": [], "FI": []}
    assert frame["left_out"] == {"extrapolated": 0, "max_gap": 0, "no_shape": 1}


@pytest.mark.parametrize(
    ("columns", "side", "centre"),
    [
        ({"cdelt1": 0.5, "cdelt2": 0.5}, 32.0, (0, 0)),
        ({"crval1": 20.0, "crval2": -12.0}, SIDE, (20, -12)),
        ({"crpix1": 2058.5}, SIDE, (-6, 0)),
    ],
)
def test_each_image_has_its_own_coordinate_system(client, empty_sky, add, columns, side, centre):  # noqa: PLR0917 - a table
    empty_sky.row(T, **columns)
    add(1)
    cells = as_json(client)["frames"][0]["values"]["AR"]
    np.testing.assert_allclose(dense(cells), clipped(shapely.box(*BOX), side=side, centre=centre), atol=1e-5)


def test_an_image_that_is_turned_has_turned_labels(client, empty_sky, add):
    """CROTA2 of 90 deg: solar west lies where north would be."""
    empty_sky.row(T, crota2=90.0)
    add(1)
    turned = clipped(shapely.affinity.rotate(shapely.box(*BOX), -90, origin=(0, 0)))
    np.testing.assert_allclose(dense(as_json(client)["frames"][0]["values"]["AR"]), turned, atol=1e-5)


# --- tracks


FINDER = {"event_type": "AR", "frm_name": "Region Finder"}


def around(time, minutes=6):
    return {"start": time.isoformat(), "end": (time + minutes * MINUTE).isoformat()}


@pytest.mark.parametrize("seconds", [0, 100, 3600, 5 * 3600 + 12, 6 * 3600, 9 * 3600 + 200, 13 * 3600])
def test_a_moving_track_is_where_it_is_then(scene, client, empty_sky, seconds):
    time = EPOCH + timedelta(seconds=seconds)
    image = empty_sky.row(time)
    alive = [
        scene.sightings[scene.tracks[name].pk]
        for name in ("parent", "child", "leaving")
        if scene.tracks[name].event_starttime <= time <= scene.tracks[name].event_endtime
    ]
    shapes = [s.hpc for one in alive for s in shapes_at(one, [time], shape_settings())]
    (frame,) = as_json(client, **FINDER, **around(start_of(image.slot)))["frames"]
    found = dense(frame["values"]["AR"])
    # Off the cadence shapes are carried for three minutes at most.
    np.testing.assert_allclose(found, clipped(*shapes), atol=1e-4 if seconds % 360 == 0 else 0.01)
    assert len(frame["events"]) == len(shapes) >= 1


def test_the_labels_of_a_track_move_with_the_sun(scene, client, empty_sky):
    """9.3 arcsec an hour to the west, where the columns end."""
    middle = []
    for hours in range(1, 4):
        empty_sky.row(EPOCH + hours * HOUR)
    window = {"start": EPOCH.isoformat(), "end": (EPOCH + 4 * HOUR).isoformat(), "columns": "16:40"}
    for frame in as_json(client, **FINDER, **window)["frames"]:
        assert {event["origin"] for event in frame["events"]} == {"interpolated", "extrapolated"}
        cells = np.array(frame["values"]["AR"])
        middle.append(np.average(cells[:, 1], weights=cells[:, 2]) * SIDE)
    assert np.diff(middle) == pytest.approx([DRIFT] * 2, abs=0.3)


def test_what_is_behind_the_limb_is_not_there(scene, client, empty_sky):
    empty_sky.row(EPOCH)
    empty_sky.row(EPOCH + 19 * HOUR)
    gone = scene.events["leaving"][0].kb_archivid
    (before,), (after,) = (
        as_json(client, **FINDER, **around(EPOCH + hours * HOUR))["frames"] for hours in (0, 19)
    )
    west = 32 + int(940 / SIDE)
    assert dense(before["values"]["AR"])[:, west:].any()
    assert gone in {event["kb_archivid"] for event in before["events"]}
    assert not dense(after["values"]["AR"])[:, west:].any()
    assert gone not in {event["kb_archivid"] for event in after["events"]}
    assert after["left_out"]["no_shape"] == 1


@pytest.mark.parametrize(
    "query",
    [
        {}, {"event_type": "AR,CH,FI,CE,FL,SG,SS"}, {"frm_name": "SPoCA"}, {"extrapolate": "false"},
        {"event_type": "CH", "max_gap": "14760"}, {"event_type": "CH,AR", "max_gap": "20000"},
        {"event_type": "FI"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("hours", [3, 10.1, 14])
def test_the_events_are_those_of_the_state_at_that_time(scene, client, ask, empty_sky, query, hours):  # noqa: PLR0917 - a table
    time = EPOCH + hours * HOUR
    image = empty_sky.row(time)
    (frame,) = as_json(client, **query, **around(start_of(image.slot)))["frames"]
    asked = {"event_type": "AR,CH,FI"} | query
    state = ask("/api/v1/state", time=time.isoformat(), **asked)[1]
    names = ("kb_archivid", "event_type", "track", "origin")
    placed = [{name: row[name] for name in names} for row in state["events"] if row["geometry"]]
    assert frame["events"] == placed
    assert frame["left_out"] == state["left_out"] | {"no_shape": state["returned"] - len(placed)}
    areas = {row["event_type"] for row in state["events"] if row["area"]}
    assert {kind for kind, cells in frame["values"].items() if cells} == areas
    assert list(frame["values"]) == asked["event_type"].split(",")


# --- forms


def test_both_forms_hold_the_same(client, sky, add):
    add(1)
    add(2, "CH", box=(-300, 200, 10, 333))
    query = {"event_type": "ch,AR"}
    listed, cube = as_json(client, **query), as_npz(client, **query)
    assert cube["labels"].dtype == np.float32
    assert cube["labels"].shape == (5, 2, 64, 64)
    assert cube["event_type"].tolist() == listed["predicate"]["event_type"] == ["CH", "AR"]
    for place, frame in enumerate(listed["frames"]):
        for kind, plane in zip(("CH", "AR"), cube["labels"][place], strict=True):
            np.testing.assert_array_equal(plane, dense(frame["values"][kind]).astype(np.float32))
        for name in ("time", "observed"):
            assert np.datetime64(frame[name].removesuffix("Z")) == cube[name][place]
        assert frame["quality"] == cube["quality"][place] == 1073741824
    assert cube["wave"] == listed["wave"]
    about = json.loads(str(cube["provenance"]))
    assert about == {name: listed[name] for name in about}
    assert about["predicate"]["extrapolate"] is True


def test_laid_beside_the_parameters(client, sky, add):
    """The mean under a region, of both cubes, is what /api/v1/events/{id}/parameters tells."""
    region = add(1)
    window = {"rows": "30:34", "columns": "31:35", "step": 2, "format": "npz"}
    numbers = client.get("/api/v1/parameters", HALF_HOUR | window).getvalue()
    numbers = np.load(io.BytesIO(numbers), allow_pickle=False)
    labels = as_npz(client, event_type="AR", **window)
    for name in ("time", "row", "column"):
        np.testing.assert_array_equal(numbers[name], labels[name])
    for name in ("observed", "quality"):
        np.testing.assert_array_equal(numbers[name][:, 0], labels[name])
    assert labels["labels"].shape == (3, 1, 4, 4)
    series = client.get(f"/api/v1/events/{region.pk}/parameters", {"wave": 171, "step": 1}).json()["series"]
    means = {entry["time"]: entry["values"]["mean"]["mean"] for entry in series}
    for place, observed in enumerate(labels["observed"]):
        parts, values = labels["labels"][place, 0], numbers["parameters"][place, 0, :, :, 1]
        told = means[f"{observed.astype(datetime).isoformat()}Z"]
        assert (values * parts).sum() / parts.sum() == pytest.approx(told, rel=1e-4)


@pytest.mark.parametrize(("rows", "columns"), [("31:33", "31"), ("0", "0:64"), ("32:64", "32:64")])
def test_a_window_of_cells(client, sky, add, rows, columns):
    add(1)
    whole = as_npz(client)["labels"]
    listed, cube = as_json(client, rows=rows, columns=columns), as_npz(client, rows=rows, columns=columns)
    (top, bottom), (left, right) = listed["rows"], listed["columns"]
    part = whole[:, :, top:bottom, left:right]
    np.testing.assert_array_equal(cube["labels"], part)
    assert (cube["row"].tolist(), cube["column"].tolist()) == ([*range(top, bottom)], [*range(left, right)])
    grid = dense(listed["frames"][0]["values"]["AR"])
    np.testing.assert_array_equal(grid[top:bottom, left:right].astype(np.float32), part[0, 0])
    assert np.count_nonzero(grid) == np.count_nonzero(part[0, 0])
    assert len(listed["frames"][0]["events"]) == 1


@pytest.mark.parametrize("form", ["json", "npz"])
@pytest.mark.parametrize(("limit", "step"), [(1, 1), (2, 1), (5, 1), (1, 2), (2, 2)])
def test_pages_join_up(client, sky, add, form, limit, step):  # noqa: PLR0917 - a table
    add(1)
    whole = as_npz(client, step=step)["labels"]
    address = f"{ROOT}?wave=171&start=2012-02-13T20:00&end=2012-02-13T21:00&limit={limit}&step={step}"
    address += f"&format={form}"
    planes, pages = [], 0
    while address:
        answer = client.get(address)
        body = answer.getvalue()
        assert answer.status_code == 200
        assert int(answer["X-Frame-Count"]) <= limit
        pages += 1
        address = answer.get("Link", "").removeprefix("<").removesuffix('>; rel="next"') or None
        if form == "json":
            told = json.loads(body)
            assert (told["next"], told["truncated"]) == (address, address is not None)
            planes += [[dense(frame["values"][k]) for k in ("AR", "CH", "FI")] for frame in told["frames"]]
        else:
            planes += [*np.load(io.BytesIO(body), allow_pickle=False)["labels"]]
    np.testing.assert_array_equal(np.array(planes, dtype=np.float32), whole)
    assert pages == -(-len(whole) // limit)


def test_no_image_at_all_is_an_empty_answer(client, sky, add):
    add(1)
    query = {"start": "2013-01-01", "end": "2014-01-01"}
    assert as_json(client, **query)["frames"] == []
    cube = as_npz(client, **query)
    assert (cube["labels"].shape, cube["time"].size) == ((0, 3, 64, 64), 0)
    assert as_json(client, wave=193)["frames"] == []


# --- one image


def test_of_one_image_it_is_the_same(client, sky, add):
    add(1)
    add(2, "CH", box=(-300, 200, 10, 333))
    query = {"event_type": "CH,AR", "rows": "20:40"}
    many = as_json(client, **query)
    one = client.get(IMAGE, query).json()
    about = {name: one.pop(name) for name in ("rows", "columns", "predicate", "interpolation", "rotation")}
    assert one == many["frames"][1]
    assert about == {name: many[name] for name in about}


@pytest.mark.parametrize(
    ("key", "slot"),
    [("2012-02-13T20:07", 156921), ("2012-02-13T20:18:30", 156924),
     ("2012-02-13T20:18:30?match=previous", 156922)],
)  # fmt: skip
def test_the_time_of_an_address_is_matched(client, sky, key, slot):
    path, _, query = key.partition("?")
    answer = client.get(f"/api/v1/images/171/{path}/labels?{query}")
    assert answer.json()["slot"] == slot
    assert answer["X-Slot-Time"] == start_of(slot).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_kept_answer_is_asked_for_again_and_changes_with_the_events(client, sky, add):
    add(1)
    first = client.get(IMAGE)
    assert first["Cache-Control"] == "public, no-cache"
    again = client.get(IMAGE, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    add(2, box=(0, 0, 300, 300))
    later = client.get(IMAGE, headers={"if-none-match": first["ETag"]})
    assert later.status_code == 200
    assert later.json()["values"]["AR"] != first.json()["values"]["AR"]


@pytest.mark.parametrize("form", ["json", "npz"])
def test_nothing_is_promised_of_what_may_change(client, sky, add, form):
    add(1)
    answer = client.get(ROOT, HALF_HOUR | {"format": form}, headers={"range": "bytes=10-"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "public, no-cache")
    assert not {"ETag", "Accept-Ranges", "Content-Range"} & {*answer.headers}
    answer.getvalue()


def test_head_tells_the_length_and_makes_no_labels(client, sky, add, django_assert_num_queries):
    add(1)
    query = HALF_HOUR | {"format": "npz"}
    with django_assert_num_queries(2):
        head = client.head(ROOT, query)
        assert head.getvalue() == b""
    assert int(head["Content-Length"]) == len(client.get(ROOT, query).getvalue())


# --- statements


def count(client, **query):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(ROOT, HALF_HOUR | query).getvalue()
    return len(captured)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_statements_are_two_and_two_an_image_whatever_there_is(client, sky, add, form):
    add(1)
    assert count(client, format=form) == 2 + 2 * 5
    for number in range(2, 30):
        add(number, ("AR", "CH", "FI")[number % 3], box=(number, 0, number + 50, 20))
    assert count(client, format=form) == 2 + 2 * 5
    assert count(client, format=form, limit=2) == 2 + 2 * 2


def test_statements_are_three_an_image_where_shapes_are_made(scene, client, empty_sky):
    for minutes in range(0, 60, 6):
        empty_sky.row(EPOCH + 9 * HOUR + timedelta(minutes=minutes, seconds=1))
    window = {"start": (EPOCH + 9 * HOUR).isoformat(), "end": (EPOCH + 10 * HOUR).isoformat()}
    scene.tracks["parent"].shapes.all().delete()
    assert 2 + 2 * 10 < count(client, **window) <= 2 + 3 * 10
