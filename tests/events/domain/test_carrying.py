"""Shapes carried to an instant and into other frames, against the interpolation's own rotation and by law."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from events.domain.almanac import earth_at
from events.domain.carrying import carried_to, in_frame
from events.domain.frames import convert
from events.domain.interpolation import Sighting, rotated_to
from events.domain.rotation import synodic_rate

T = datetime(2014, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
blobs = st.builds(
    lambda x, y, r: shapely.Point(x, y).buffer(r, quad_segs=2),
    st.floats(-900, 900),
    st.floats(-900, 900),
    st.floats(5, 120),
)


@given(st.lists(st.tuples(blobs, st.floats(-30, 30)), min_size=1, max_size=8), st.integers(0, 364))
def test_many_at_once_are_each_as_the_interpolation_carries_it(drawn, day):
    time = T + timedelta(days=day)
    starts = [time - hours * HOUR for _, hours in drawn]
    carried = carried_to([shape for shape, _ in drawn], starts, time)
    for (shape, _), start, moved, hidden, held in zip(drawn, starts, *carried, strict=True):
        one = rotated_to(Sighting(1, start, start, shape, None, is_box=False), time)
        if held:
            assert moved.equals(shape)
            assert one.method == "held"
        elif hidden:
            assert one is None
        elif one is not None and not one.repaired:
            assert moved.symmetric_difference(one.hpc).area < 1e-3 + 1e-6 * moved.area


def test_a_point_on_the_equator_drifts_by_hand():
    lon = np.array([-20.0])
    x, y, _ = convert(lon, [5.0], "hgs", "hpc", earth_at([T]))
    later = T + 12 * HOUR
    (point,), (hidden,), (held,) = carried_to([shapely.Point(x[0], y[0])], [T], later)
    expected = convert(lon + synodic_rate(5.0) / 2, [5.0], "hgs", "hpc", earth_at([later]))
    assert (point.x, point.y) == pytest.approx((expected.x[0], expected.y[0]), abs=1e-6)
    assert not hidden
    assert not held


def test_what_passes_the_limb_is_hidden_and_what_is_beside_the_disk_is_held():
    shapes = [
        shapely.Point(930, 0).buffer(5),
        shapely.Point(1300, 0).buffer(5),
        shapely.Point(0, 0).buffer(5),
    ]
    carried = carried_to(shapes, [T] * 3, T + 24 * HOUR)
    assert carried.hidden.tolist() == [True, False, False]
    assert carried.held.tolist() == [False, True, False]
    assert carried.shapes[1].equals(shapes[1])


@given(blobs, st.sampled_from(["Point", "LineString", "MultiPolygon"]))
def test_over_no_time_every_kind_of_shape_stays(shape, kind):
    """Beside the disk within a hundredth of an arcsecond: there the height is that of two angles."""
    given_shape = {
        "Point": shape.centroid,
        "LineString": shapely.LineString(shape.exterior.coords[:3]),
        "MultiPolygon": shapely.MultiPolygon([shape, shapely.affinity.translate(shape, 500, 0)]),
    }[kind]
    (moved,), _, _ = carried_to([given_shape], [T], T)
    assert np.hypot(*(shapely.get_coordinates(moved) - shapely.get_coordinates(given_shape)).T).max() < 0.01


def test_nothing_is_carried_to_nothing():
    assert carried_to([], [], T).shapes.size == in_frame([], [], "hgc").size == 0


# --- frames


@given(blobs, st.integers(0, 364), st.sampled_from(["hgs", "hgc"]))
def test_another_frame_is_the_same_place_on_the_surface(shape, day, frame):
    time = T + timedelta(days=day)
    (seen,) = in_frame([shape], [time], frame)
    earth = earth_at([time])
    points = shapely.get_coordinates(shape)
    limb = convert(*points.T, "hpc", "hgs", earth).limb
    x, y, _ = convert(*shapely.get_coordinates(seen).T, frame, "hpc", earth)
    assert np.hypot(x - points[:, 0], y - points[:, 1])[~limb].max(initial=0) < 0.05


@given(st.integers(0, 26))
def test_carrington_shapes_are_never_torn(day):
    """In the course of a turn one place crosses 180 deg; its shape stays as wide as on Stonyhurst's grid."""
    time = T + timedelta(days=day)
    shape = shapely.Point(100, 200).buffer(80)
    (hgs,), (hgc,) = (in_frame([shape], [time], frame) for frame in ("hgs", "hgc"))
    assert hgc.area == pytest.approx(hgs.area, rel=1e-4)
    assert -180 <= hgc.centroid.x <= 180
    shift = np.diff([hgs.centroid.x, hgc.centroid.x])[0] - float(np.asarray(earth_at([time]).l0)[0])
    assert shift / 360 == pytest.approx(round(shift / 360), abs=1e-6)


def test_missing_shapes_stay_missing_and_coordinates_are_rounded():
    shapes = in_frame([None, shapely.Point(1.23456789, -9.87654321)], [T, T], "hpc")
    assert shapes[0] is None
    assert shapes[1].coords[0] == (1.235, -9.877)
