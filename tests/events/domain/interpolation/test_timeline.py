"""Which reports an instant lies between, and what is given for it: odd tracks too, no exceptions."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon

from events.domain.almanac import earth_at
from events.domain.frames import convert
from events.domain.interpolation import (
    DEFAULT,
    GSU,
    Settings,
    Sighting,
    aligned,
    grid,
    rotated_to,
    shapes_at,
)

START = datetime(2014, 6, 1, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SQUARE = shapely.box(-100, 200, -60, 240)


def report(
    number: int,
    start: float,
    end: float,
    hpc: shapely.Geometry | None = SQUARE,
    hgs: shapely.Geometry | None = None,
    *,
    is_box: bool = False,
    observed: float | None = None,
) -> Sighting:
    seen = None if observed is None else START + observed * HOUR
    return Sighting(number, START + start * HOUR, START + end * HOUR, hpc, hgs, is_box, seen)


def triangle_to(x: float) -> Polygon:
    with np.errstate(invalid="ignore"):
        return Polygon([(0, 0), (x, 0), (1, 1)])


def at(track: list[Sighting], *hours: float, using: Settings = DEFAULT) -> list[tuple[str, str, int | None]]:
    shapes = shapes_at(track, [START + hour * HOUR for hour in hours], using)
    return [(shape.method, shape.origin, shape.report) for shape in shapes]


def moved(by: float) -> Polygon:
    return shapely.affinity.translate(SQUARE, by)


REPORTED = ("reported", "reported")
BLEND, ROTATION = ("blend", "interpolated", None), ("rotation", "extrapolated", None)


def test_a_track_lives_from_its_first_start_to_its_last_end_both_included():
    track = [report(1, 1, 5), report(2, 5, 9, moved(38))]
    assert at(track, 0.99, 1, 3, 5, 7, 9, 9.01) == [(*REPORTED, 1), BLEND, (*REPORTED, 2), ROTATION, ROTATION]


def test_no_reports_and_no_times_give_nothing():
    assert shapes_at([], [START]) == []
    assert shapes_at([report(1, 0, 4)], []) == []


def test_the_order_of_the_reports_does_not_matter_and_that_of_the_times_is_kept():
    track = [report(number, 4 * number, 4 * number + 4, moved(38 * number)) for number in range(4)]
    times = [START + timedelta(minutes=37 * k) for k in range(30)]
    mixed = random.Random(4).sample(times, len(times))
    plain = shapes_at(track, times)
    assert shapes_at(track[::-1], times) == plain
    assert shapes_at(track, mixed) == sorted(plain, key=lambda shape: mixed.index(shape.time))
    assert len(shapes_at(track, [times[3], times[3]])) == 2


def test_one_instant_is_what_the_grid_gives():
    track = [report(1, 0.05, 4), report(2, 4.13, 8, moved(38)), report(3, 8.2, 12, moved(70).buffer(9))]
    slots = grid(track[0].start, track[-1].end, DEFAULT.step, DEFAULT.epoch)
    together = shapes_at(track, slots)
    assert [shape.time for shape in together] == slots
    assert [shapes_at(track, [slot])[0] for slot in slots] == together


def test_shapes_depend_on_the_two_reports_beside_only():
    track = [report(number, 4 * number, 4 * number + 4, moved(38 * number)) for number in range(4)]
    assert shapes_at(track, [START + 6 * HOUR]) == shapes_at(track[1:3], [START + 6 * HOUR])


@pytest.mark.parametrize(
    "unusable",
    [
        None,
        Point(3, 4),
        Polygon(),
        MultiPolygon(),
        shapely.LineString([(0, 0), (1, 1)]),
        Polygon([(0, 0), (10, 10), (20, 20)]),
        triangle_to(np.inf),
        triangle_to(np.nan),
        shapely.GeometryCollection([SQUARE]),
    ],
)
def test_a_report_without_a_usable_shape_is_as_if_it_were_not_there(unusable: shapely.Geometry | None):
    whole = [report(1, 0, 4), report(3, 8, 12, moved(76))]
    holed = [report(0, -4, 0, unusable), whole[0], report(2, 4, 8, unusable), whole[1]]
    times = [START + hour * HOUR for hour in (-3, 0, 2, 4, 6, 8, 10)]
    assert shapes_at(holed, times) == shapes_at(whole, times)
    assert shapes_at([report(1, 0, 4, unusable)], times) == []
    assert rotated_to(report(1, 0, 4, unusable), START) is None


def test_a_shape_known_on_the_surface_only_is_used_as_it_is_seen_at_the_start():
    hgs = shapely.box(10, 5, 14, 9)
    shape = shapes_at([report(1, 0, 4, None, hgs)], [START])[0]
    x, y = shapely.get_coordinates(shape.hpc).T
    back = convert(x, y, "hpc", "hgs", earth_at([START]))
    assert np.column_stack((back.x, back.y)) == pytest.approx(shapely.get_coordinates(hgs))
    assert shapes_at([report(1, 0, 4, SQUARE, hgs)], [START])[0].hpc == SQUARE


def test_of_a_multipolygon_the_largest_part_counts_and_is_called_repaired():
    parts = MultiPolygon([SQUARE, shapely.box(0, 0, 10, 10)])
    (shape,) = shapes_at([report(1, 0, 4, parts)], [START])
    assert shape.repaired
    assert shape.hpc.equals(SQUARE)


def test_holes_are_filled_and_crossings_resolved():
    holed = SQUARE.difference(shapely.box(-90, 210, -80, 220))
    bow = Polygon([(0, 0), (40, 40), (40, 0), (0, 30)])
    for odd in (holed, bow):
        (shape,) = shapes_at([report(1, 0, 4, odd)], [START])
        assert shape.repaired
        assert shape.hpc.is_valid
        assert not shape.hpc.interiors
    assert not shapes_at([report(1, 0, 4)], [START])[0].repaired


def test_of_equal_starts_the_later_end_counts_then_the_larger_id():
    track = [report(1, 0, 6, moved(5)), report(2, 0, 4), report(3, 0, 6, moved(9)), report(4, 8, 9)]
    assert at(track, 0) == [(*REPORTED, 3)]
    assert at(track[:2], 0) == [(*REPORTED, 1)]


def test_reports_that_overlap_or_leave_a_hole_are_joined_from_start_to_start():
    overlapping = [report(1, 0, 10), report(2, 4, 6, moved(38))]
    assert at(overlapping, 2, 4, 8, 10, 10.1) == [BLEND, (*REPORTED, 2), ROTATION, ROTATION]
    disjoint = [report(1, 0, 1), report(2, 8, 9, moved(76))]
    assert at(disjoint, 0.5, 4, 8) == [BLEND, BLEND, (*REPORTED, 2)]


def test_a_report_of_no_length_is_given_at_its_start_and_on_its_slot():
    track = [report(1, 0.02, 0.02)]
    slot = aligned(track[0].start, DEFAULT.step, DEFAULT.epoch)
    assert grid(track[0].start, track[0].end, DEFAULT.step, DEFAULT.epoch) == [slot]
    found = shapes_at(track, [track[0].start, slot, slot + DEFAULT.step])
    assert [(shape.time, shape.report) for shape in found] == [(track[0].start, 1), (slot, 1)]


def test_of_two_reports_before_one_slot_the_later_is_given_there():
    track = [report(1, 0.01, 4), report(2, 0.05, 4, moved(1))]
    assert at(track, 0.01, 0.05, 0.1) == [(*REPORTED, 1), (*REPORTED, 2), (*REPORTED, 2)]


def test_in_the_original_mode_a_report_holds_at_its_slot():
    track = [report(1, 0.01, 4), report(2, 4.01, 8, moved(38))]
    assert at(track, 0.01, 1 / 6, 4.01, 4 + 1 / 6, using=GSU) == [
        (*REPORTED, 1),
        BLEND,
        (*REPORTED, 2),
    ]


def test_a_report_known_to_be_observed_later_holds_then_and_is_carried_back_to_its_start():
    track = [report(1, 0, 4, observed=4), report(2, 4, 8, moved(38), observed=8)]
    assert at(track, -1, 0, 2, 4, 6, 8, 8.5) == [ROTATION, ROTATION, (*REPORTED, 1), BLEND, (*REPORTED, 2)]
    back = shapes_at(track, [START])[0].hpc
    assert back.centroid.x < SQUARE.centroid.x - 30  # 9.5 arcsec an hour


def test_a_track_lives_from_the_start_of_what_holds_first_and_of_one_time_the_later_start_counts():
    """So that its first shapes depend on one report, however the intervals of the others lie."""
    track = [
        report(1, 0, 10, observed=10),
        report(2, 2, 4, moved(-60), observed=4),
        report(3, 1, 4, observed=4),
    ]
    assert at(track, 0.5, 1.5, 2, 4, 10) == [ROTATION, (*REPORTED, 2), (*REPORTED, 1)]
    assert at(track[1:], 0.5, 1.5, 2, 4) == [ROTATION, (*REPORTED, 2)]


def test_when_a_sighting_holds():
    assert report(1, 0, 4).holds == START
    assert report(1, 0, 4, observed=4).holds == START + 4 * HOUR
    assert at([report(1, 0, 4, observed=4)], 0, 4, using=GSU)[0] == (*REPORTED, 1)


@pytest.mark.parametrize(
    ("name", "shape", "is_box", "hours"),
    [
        ("MBR", SQUARE, True, 4),
        ("blend", SQUARE, False, 4),
        ("FI", shapely.box(-100, 200, 60, 220), False, 4),
        ("areal", SQUARE, False, 30),
        ("MBR", SQUARE, True, 30),
    ],
)
def test_the_geometry_chooses_the_method(name: str, shape: Polygon, is_box: bool, hours: float):
    track = [
        report(1, 0, hours, shape, is_box=is_box),
        report(2, hours, hours + 4, shapely.affinity.translate(shape, 9.5 * hours), is_box=is_box),
    ]
    assert at(track, hours / 3) == [(name, "interpolated", None)]
    forced = [method for method, *_ in at(track, hours / 3, using=Settings("areal"))]
    assert forced == ["areal"]


def test_a_box_and_an_outline_have_their_boxes_in_common():
    track = [report(1, 0, 4, is_box=True), report(2, 4, 8, moved(38).buffer(5))]
    assert at(track, 2) == [("MBR", "interpolated", None)]


def test_extrapolation_ends_when_the_centre_passes_the_limb():
    # The limb is 0.27 deg before 90 deg; at 13.45 deg a day the centre is there after 6.7 hours.
    hgs = shapely.box(85.95, -0.05, 86.05, 0.05)
    track = [report(1, 0, 20, None, hgs)]
    hours = [shape.time for shape in shapes_at(track, [START + hour * HOUR for hour in range(21)])]
    assert hours == [START + hour * HOUR for hour in range(len(hours))]
    assert len(hours) == 7
    assert rotated_to(report(1, 0, 4, None, shapely.box(-88, -2, -84, 2)), START - 12 * HOUR) is None


def test_what_lies_beside_the_disk_is_held():
    beside = shapely.box(1100, 0, 1200, 80)
    track = [report(1, 0, 4, beside), report(2, 4, 8, shapely.affinity.translate(beside, 30))]
    assert at(track, 2, 6) == [BLEND, ("held", "extrapolated", None)]
    middle, last = shapes_at(track, [START + 2 * HOUR, START + 6 * HOUR])
    assert middle.hpc.centroid.x == pytest.approx(1165, abs=1)
    assert last.hpc == track[1].hpc


def test_vertices_beside_the_disk_keep_their_height_over_the_limb():
    across = shapely.box(880, -20, 980, 20)
    here = rotated_to(report(1, 0, 4, across), START)
    assert here is not None
    assert shapely.get_coordinates(here.hpc.normalize()) == pytest.approx(
        shapely.get_coordinates(across.normalize()), abs=1e-4
    )
    later = rotated_to(report(1, 0, 4, across), START + HOUR)
    assert later is not None
    assert later.hpc.bounds[2] == pytest.approx(980, abs=1)
    assert later.hpc.bounds[0] > 881


def test_slots_are_never_before_the_start():
    epoch = datetime(2010, 5, 1, tzinfo=UTC)
    step = timedelta(minutes=6)
    assert aligned(epoch, step, epoch) == epoch
    assert aligned(epoch + timedelta(seconds=1), step, epoch) == epoch + step
    assert aligned(epoch - timedelta(seconds=1), step, epoch) == epoch
    assert grid(epoch, epoch + 2 * step, step, epoch) == [epoch, epoch + step, epoch + 2 * step]
    assert grid(epoch, epoch, step, epoch) == [epoch]


@pytest.mark.parametrize(
    "wrong", [{"method": "cp"}, {"mode": "right"}, {"step": timedelta(0)}, {"step": -HOUR}]
)
def test_settings_that_mean_nothing_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)
