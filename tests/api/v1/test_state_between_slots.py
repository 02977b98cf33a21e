"""/api/v1/state between the slots of the cadence: carried from the nearest, and what has to be computed."""

from datetime import datetime, timedelta

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.domain.interpolation import Sighting, rotated_to, shapes_at
from events.models import TrackShape
from events.sightings import shape_settings
from tests.track_scenes import EPOCH, HOUR, blob, geos, moving

URL = "/api/v1/state"
STEP = timedelta(minutes=6)
MINUTE = timedelta(minutes=1)


def at(ask, time, **query):
    status, body = ask(URL, time=time.isoformat(), **query)
    assert status == 200, body
    return body


def by_track(body):
    return {item["track"]: item for item in body["events"] if item["track"]}


def item_of(scene, ask, name, time, **query):
    return by_track(at(ask, time, **query)).get(scene.tracks[name].pk)


def near(text, shape):
    """The same polygon but for the rounding of coordinates."""
    return shapely.from_wkt(text).normalize().equals_exact(shape.normalize(), 1.1e-3)


def carried(shape, holds, time):
    """By the interpolation's own rotation of one report, which is another way than that of many at once."""
    return rotated_to(Sighting(1, holds, holds, shape, None, is_box=False), time).hpc


def written(time):
    return time.isoformat().replace("+00:00", "Z")


# --- how near it comes


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.integers(0, 24 * 3600))
def test_it_is_nearly_what_the_reports_give(scene, ask, seconds):
    """Everything but the shapes themselves is the same; they differ by what a region changes in 3 minutes.

    The scene's outlines have no detail that blending drops: 1 arcsec holds each vertex and point between.
    """
    time = EPOCH + timedelta(seconds=seconds)
    quick, exact = at(ask, time), at(ask, time, exact="true")
    assert [item["kb_archivid"] for item in quick["events"]] == [
        item["kb_archivid"] for item in exact["events"]
    ]
    for one, two in zip(quick["events"], exact["events"], strict=True):
        same = ("track", "report_before", "report_after", "origin", "repaired")
        assert [one[key] for key in same] == [two[key] for key in same]
        assert (one["geometry"] is None) == (two["geometry"] is None)
        if one["geometry"] is None:
            continue
        shapes = [shapely.segmentize(shapely.from_wkt(item["geometry"]), 1) for item in (one, two)]
        assert shapely.hausdorff_distance(*shapes) < 1.0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slot=st.integers(1, 110), seconds=st.integers(1, 359))
def test_it_is_the_nearest_stored_shape_carried_by_rotation(scene, ask, slot, seconds):
    time = EPOCH + slot * STEP + timedelta(seconds=seconds)
    nearest = EPOCH + (slot + (seconds > 180)) * STEP
    body = at(ask, time, event_type="AR")
    assert body["shapes"] == {"exact": False, "stored_for": written(nearest)}
    found = by_track(body)
    for name in ("parent", "child"):
        track = scene.tracks[name]
        stored = {shape.time: shape for shape in scene.on_slots(name)}
        if track.pk not in found or nearest not in stored or nearest - STEP / 2 > track.event_endtime:
            continue
        shape = stored[nearest]
        assert near(found[track.pk]["geometry"], carried(shape.hpc, nearest, time))
        method = "rotation" if shape.method == "reported" else shape.method
        assert found[track.pk]["method"] == method


# --- around a report


@pytest.fixture
def late(scene):
    """Three reports, each stored on the slot 4 min 20 s later; when the last two of them hold."""
    first = (3600 + 100) / 3600
    scene.track("late", "AR", moving(-300, -200, 50, (first, first + 4, first + 8)))
    return EPOCH + (first + 4) * HOUR, EPOCH + (first + 8) * HOUR


def test_a_report_is_carried_from_when_it_holds(scene, ask, late):
    first, second = late
    outlines = [sighting.hpc for sighting in scene.sightings[scene.tracks["late"].pk][1:]]
    expected = [
        (first, outlines[0], first, ("reported", "reported")),
        (first + MINUTE, outlines[0], first, ("rotation", "interpolated")),
        (first + 3 * MINUTE, outlines[0], first, ("rotation", "interpolated")),
        (first + 5 * MINUTE, outlines[0], first, ("rotation", "interpolated")),  # after the slot
        (second - MINUTE / 3, None, None, ("blend", "interpolated")),
        (second, outlines[1], second, ("reported", "reported")),
        (second + MINUTE / 2, outlines[1], second, ("rotation", "extrapolated")),
        (second + 3 * MINUTE, outlines[1], second, ("rotation", "extrapolated")),
    ]
    for time, outline, holds, how in expected:
        item = item_of(scene, ask, "late", time)
        assert (item["method"], item["origin"]) == how
        if outline is not None:
            assert near(item["geometry"], outline if time == holds else carried(outline, holds, time))


def test_before_a_report_that_the_next_slot_has_it_is_carried_back(scene, ask):
    """4 min 20 s after a slot, 1 min before the report."""
    first = (3600 + 320) / 3600
    scene.track("close", "AR", moving(-300, -200, 50, (first, first + 4)))
    time = EPOCH + (first + 4) * HOUR - MINUTE
    outline = scene.sightings[scene.tracks["close"].pk][1].hpc
    item = item_of(scene, ask, "close", time)
    assert (item["method"], item["origin"]) == ("rotation", "interpolated")
    assert near(item["geometry"], carried(outline, time + MINUTE, time))


def test_a_shape_that_holds_at_the_end_is_carried_back_from_there(scene, ask):
    """`heir` is of a method whose reports show what was seen at their end, 4 h after their start."""
    time = EPOCH + 17 * HOUR + MINUTE
    item = item_of(scene, ask, "heir", time)
    assert (item["method"], item["origin"]) == ("rotation", "extrapolated")
    outline = scene.sightings[scene.tracks["heir"].pk][0].hpc
    assert near(item["geometry"], carried(outline, EPOCH + 20 * HOUR, time))


def test_before_its_first_observation_a_track_is_extrapolated_up_to_it(scene, ask):
    """Observed 5 min after a slot, on which it is carried back; the next slot has the report again."""
    scene.track("early", "AR", moving(-300, -200, 50, (1 + 5 / 60, 5 + 5 / 60)), frm_name="SPoCA")
    observed = EPOCH + 5 * HOUR + 5 * MINUTE
    origins = [item_of(scene, ask, "early", observed + n * MINUTE / 2)["origin"] for n in range(-2, 3)]
    assert origins == ["extrapolated", "extrapolated", "reported", "interpolated", "reported"]


def test_past_its_last_report_a_track_can_be_left_out(scene, ask, late):
    time = late[1] + MINUTE
    body = at(ask, time, extrapolate="false")
    assert scene.tracks["late"].pk not in by_track(body)
    assert scene.tracks["late"].pk in by_track(at(ask, late[0] + MINUTE, extrapolate="false"))


# --- what is computed


def is_exact(scene, ask, name, time):
    (shape,) = shapes_at(scene.sightings[scene.tracks[name].pk], [time], shape_settings())
    item = item_of(scene, ask, name, time)
    return (item["method"], item["origin"]) == (shape.method, shape.origin) and near(
        item["geometry"], shape.hpc
    )


def test_what_is_not_stored_is_computed_and_the_rest_is_not(scene, ask):
    time = EPOCH + 3 * HOUR + MINUTE
    assert is_exact(scene, ask, "hole", time)
    TrackShape.objects.filter(track=scene.tracks["parent"], time=EPOCH + 3 * HOUR).update(method="CP")
    TrackShape.objects.filter(track=scene.tracks["parent"], time=EPOCH + 3 * HOUR + STEP).update(method="CP")
    assert item_of(scene, ask, "parent", time)["method"] == "CP"
    assert item_of(scene, ask, "parent", time, exact="true")["method"] == "blend"


def test_where_a_track_begins_and_ends_between_slots_it_is_computed(scene, ask, late):
    track = scene.tracks["late"]
    for time in (track.event_starttime + MINUTE, track.event_endtime - MINUTE):
        assert is_exact(scene, ask, "late", time)


def test_several_reports_between_two_slots_are_computed(scene, ask):
    """Of three at 30 s, 2 min and 4 min past a slot only the last is stored."""
    starts = [2 + minutes / 60 for minutes in (0.5, 2, 4)]
    scene.track("busy", "AR", moving(-300, -200, 50, starts))
    for minutes in (0.5, 1, 2, 3, 4):
        assert is_exact(scene, ask, "busy", EPOCH + 2 * HOUR + minutes * MINUTE)


def test_between_slots_of_two_methods_it_is_computed(scene, ask):
    rows = TrackShape.objects.filter(track=scene.tracks["parent"], time=EPOCH + 2 * HOUR)
    assert rows.update(method="areal") == 1
    assert is_exact(scene, ask, "parent", EPOCH + 2 * HOUR + MINUTE)
    assert is_exact(scene, ask, "parent", EPOCH + 2 * HOUR - MINUTE)


#: Half of it is still in sight, and squeezed, when its centre passes the limb 40 h from here.
WIDE = blob(880, 20, 60)


def are_seen(scene, ask, name, times):
    """Whether it has a shape at each of the times, which is as when computed."""
    found = []
    for time in times:
        one, two = (item_of(scene, ask, name, time, exact=exact) for exact in ("false", "true"))
        assert (one["geometry"] is None) == (two["geometry"] is None)
        found.append(one["geometry"] is not None)
    return found


def test_a_track_passes_the_limb_when_its_reports_say(scene, ask):
    scene.track("setting", "AR", [(0, 60, WIDE, {})])
    last = scene.on_slots("setting")[-1].time
    seen = are_seen(scene, ask, "setting", [last + n * MINUTE / 2 for n in range(-1, 14)])
    assert (seen[0], seen[-1]) == (True, False)


def test_a_track_rises_over_the_limb_when_its_reports_say(scene, ask):
    """Observed at its end, and carried back from there."""
    scene.track(
        "rising", "AR", [(0, 60, shapely.affinity.scale(WIDE, -1, origin=(0, 0)), {})], frm_name="SPoCA"
    )
    first = scene.on_slots("rising")[0].time
    seen = are_seen(scene, ask, "rising", [first + n * MINUTE / 2 for n in range(-13, 2)])
    assert (seen[0], seen[-1]) == (False, True)


def test_a_track_that_ends_before_the_next_slot_can_have_passed_the_limb(scene, ask):
    scene.track("setting", "AR", [(0, 60, WIDE, {})])
    last = scene.on_slots("setting")[-1].time
    times = [last + n * MINUTE / 10 for n in range(60)]
    gone = next(t for t, seen in zip(times, are_seen(scene, ask, "setting", times), strict=True) if not seen)
    scene.track("ending", "AR", [(0, (gone - EPOCH) / HOUR, WIDE, {})])
    assert are_seen(scene, ask, "ending", [last, gone]) == [True, False]


def test_what_cannot_be_carried_whole_is_computed(scene, ask):
    """As a ring that crosses itself."""
    crossed = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 90)])
    TrackShape.objects.filter(track=scene.tracks["parent"]).update(hpc=geos(crossed))
    assert is_exact(scene, ask, "parent", EPOCH + 3 * HOUR + MINUTE)


def test_what_lies_beside_the_disk_is_held(scene, ask):
    scene.track("prominence", "FI", [(1, 3, blob(1100, 0, 40), {}), (4, 3, blob(1100, 10, 40), {})])
    for hours in (2.01, 5.01):
        assert is_exact(scene, ask, "prominence", EPOCH + hours * HOUR)
    assert item_of(scene, ask, "prominence", EPOCH + 5.01 * HOUR)["method"] == "held"


def test_in_the_originals_mode_nothing_is_carried_from_a_slot(scene, ask, settings):
    settings.ISD_SHAPE_MODE = "gsu"
    time = EPOCH + 3 * HOUR + MINUTE
    assert at(ask, time)["shapes"] == {"exact": True, "stored_for": None}
    assert is_exact(scene, ask, "parent", time)


# --- what the answer says of it


@pytest.mark.parametrize(
    ("time", "query", "shapes"),
    [
        (EPOCH + HOUR, {}, {"exact": True, "stored_for": "2014-08-30T01:00:00Z"}),
        (EPOCH + HOUR, {"exact": "true"}, {"exact": True, "stored_for": "2014-08-30T01:00:00Z"}),
        (EPOCH + HOUR + MINUTE, {}, {"exact": False, "stored_for": "2014-08-30T01:00:00Z"}),
        (EPOCH + HOUR - MINUTE, {}, {"exact": False, "stored_for": "2014-08-30T01:00:00Z"}),
        (EPOCH + HOUR + 3 * MINUTE, {}, {"exact": False, "stored_for": "2014-08-30T01:00:00Z"}),
        (EPOCH + HOUR + MINUTE, {"exact": "true"}, {"exact": True, "stored_for": None}),
        (datetime.fromisoformat("9999-12-31T23:59:59Z"), {}, {"exact": True, "stored_for": None}),
        (datetime.fromisoformat("0001-01-01T00:00:01Z"), {}, {"exact": True, "stored_for": None}),
    ],
)
@pytest.mark.django_db
def test_the_answer_says_for_when_its_shapes_were_stored(ask, time, query, shapes):
    assert at(ask, time, **query)["shapes"] == shapes


def test_it_takes_two_statements_where_all_is_stored(scene, client, django_assert_num_queries):
    time = EPOCH + 9 * HOUR + MINUTE
    TrackShape.objects.exclude(track=scene.tracks["parent"]).delete()
    with django_assert_num_queries(3):  # tracks, events, the reports around for what is not stored
        client.get(URL, {"time": time.isoformat(), "event_type": "AR"})
    scene.tracks["child"].delete()
    scene.tracks["leaving"].delete()
    scene.tracks["noaa"].delete()
    with django_assert_num_queries(2):
        answer = client.get(URL, {"time": time.isoformat(), "event_type": "AR"})
    assert answer.json()["returned"] >= 1
    with django_assert_num_queries(3):
        client.get(URL, {"time": time.isoformat(), "event_type": "AR", "exact": "true"})
