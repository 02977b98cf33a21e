"""Each method against what its definition says for shapes whose answer is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from shapely import Polygon

from events.domain.interpolation import Settings, Sighting, rotated_to, shapes_at

START = datetime(2014, 6, 1, tzinfo=UTC)
GAP = timedelta(hours=4)
NO_SLOTS = timedelta(microseconds=1)


def between(first: Polygon, second: Polygon, fraction: float, method: str, mode: str = "gsu"):
    track = [
        Sighting(1, START, START + GAP, first, None, is_box=False),
        Sighting(2, START + GAP, START + GAP, second, None, is_box=False),
    ]
    (shape,) = shapes_at(track, [START + GAP * fraction], Settings(method, mode, step=NO_SLOTS))
    assert shape.method == method
    return shape.hpc


def iou(one: Polygon, other: Polygon) -> float:
    return one.intersection(other).area / one.union(other).area


def test_sides_of_boxes_move_linearly():
    box = between(shapely.box(0, 0, 10, 20), shapely.box(20, 10, 50, 50), 0.25, "MBR")
    assert box.bounds == pytest.approx((5, 2.5, 20, 27.5))
    assert box.equals(shapely.box(*box.bounds))


@pytest.mark.parametrize("method", ["CP", "FI", "blend"])
def test_a_shape_that_only_moves_keeps_its_form(method: str):
    form = Polygon([(0, 0), (60, -5), (90, 10), (70, 25), (30, 20), (10, 30)])
    there = shapely.affinity.translate(form, 40, 20)
    middle = shapely.affinity.translate(form, 20, 10)
    assert iou(between(form, there, 0.5, method), middle) > (0.9 if method == "blend" else 0.999)


def test_areal_has_the_area_between_and_its_centroid_on_the_line():
    first, second = shapely.box(0, 0, 40, 30), shapely.box(100, 50, 130, 110)
    for fraction in (0.2, 0.5, 0.7):
        shape = between(first, second, fraction, "areal")
        assert shape.area == pytest.approx((1 - fraction) * 1200 + fraction * 1800, rel=1e-3)
        assert shape.centroid.coords[0] == pytest.approx((20 + 95 * fraction, 15 + 65 * fraction), abs=1e-6)


def test_areal_begins_with_the_nearer_report():
    flat, high = shapely.box(0, 0, 100, 20), shapely.box(0, 0, 20, 100)
    west, _, east, _ = between(flat, high, 0.4, "areal").bounds
    assert east - west > 90
    _, south, _, north = between(flat, high, 0.6, "areal").bounds
    assert north - south > 90


def test_areal_stops_before_shrinking_tears_a_shape():
    # Two squares joined by a neck: a little more and one is left, with less than the area wanted.
    dumb_bell = shapely.union_all(
        [shapely.box(0, 0, 40, 40), shapely.box(60, 0, 100, 40), shapely.box(40, 19.9, 60, 20.1)]
    )
    small = shapely.box(45, 15, 55, 25)
    shape = between(dumb_bell, small, 0.25, "areal")
    wanted = 0.75 * dumb_bell.area + 0.25 * small.area
    assert wanted < shape.area < dumb_bell.area
    assert shape.bounds[2] - shape.bounds[0] == pytest.approx(100, abs=0.5)


def test_filaments_that_lie_along_the_equator_do_not_twist():
    # Each end is the upper one once; paired by height they would turn about the middle.
    first = shapely.affinity.rotate(shapely.box(-100, -6, 100, 6), 3)
    second = shapely.affinity.rotate(shapely.box(-100, -6, 100, 6), -3)
    middle = between(first, second, 0.5, "FI", mode="correct")
    assert middle.bounds[2] - middle.bounds[0] > 195
    assert middle.area == pytest.approx(first.area, rel=0.05)


@pytest.mark.parametrize("turn", [12, 24, 36])
def test_cp_takes_the_short_way_round_where_a_symmetry_leaves_the_choice(turn: float):
    square = shapely.box(-30, -30, 30, 30)
    middle = between(square, shapely.affinity.rotate(square, turn), 0.5, "CP")
    # Vertices go on chords: half-way they have cos(turn / 2) of the radius.
    assert middle.area == pytest.approx(np.cos(np.radians(turn / 2)) ** 2 * square.area, rel=0.02)


def test_both_reports_are_carried_to_the_instant_in_the_correct_mode():
    # A region that does not change: what is seen between is what rotation alone would give.
    report = Sighting(1, START, START, shapely.box(500, 200, 560, 250), None, is_box=False)
    later = rotated_to(report, START + 12 * GAP / 4)
    middle = rotated_to(report, START + 6 * GAP / 4)
    assert later is not None
    assert middle is not None
    track = [report, Sighting(2, START + 3 * GAP, START + 3 * GAP, later.hpc, None, is_box=False)]
    overlaps = {}
    for mode in ("correct", "gsu"):
        using = Settings("blend", mode, step=NO_SLOTS)
        (shape,) = shapes_at(track, [START + 1.5 * GAP], using)
        overlaps[mode] = iou(shape.hpc, middle.hpc)
    assert overlaps["correct"] > 0.99
    assert overlaps["correct"] > overlaps["gsu"]
