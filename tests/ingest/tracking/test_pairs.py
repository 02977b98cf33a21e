"""What is measured of pairs, against the same found one by one."""

from datetime import timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from events.domain.rotation import neighbourhood, rotated, synodic_rate
from ingest.tracking.candidates import POINT_REACH, REACH, pairs_of
from ingest.tracking.likelihood import (
    ANYWHERE,
    MISSED,
    MISSED_WEIGHT,
    P_OBSERVE,
    appearance,
    costs,
    gains,
    missing,
    p_enter,
    p_exit,
    p_skip,
    probability,
)
from ingest.tracking.settings import DAY, Settings
from ingest.tracking.surface import polygons, sightings
from tests.ingest.tracking.scenes import HURRIED, crowd, passage, report, square


def measured(reports, chosen=HURRIED):
    reports = sorted(reports, key=lambda r: (r.start, r.kb_archivid))
    seen = sightings(reports, chosen.frame)
    return seen, pairs_of(seen, chosen)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_all_pairs_that_overlap_are_found_and_measured(seed):
    reports = [r for r in crowd(seed, days=2, count=50)[0] if r.event_type == "AR"]
    seen, pairs = measured(reports)
    found = {(int(a), int(b)): k for k, (a, b) in enumerate(zip(pairs.first, pairs.second, strict=True))}
    slots = sorted({time // HURRIED.frame.total_seconds() for time in seen.time})
    look = [slots.index(time // HURRIED.frame.total_seconds()) for time in seen.time]
    for a, first in enumerate(seen.reports):
        for b, second in enumerate(seen.reports):
            skipped = look[b] - look[a] - 1
            near = 0 <= skipped <= HURRIED.skips and second.start - first.start <= HURRIED.gap
            if first.shape is None or second.shape is None or not near:
                assert near or (a, b) not in found
                continue
            there = rotated(first.shape, (second.start - first.start).total_seconds() / DAY)
            shared = there.intersection(second.shape).area
            assert (a, b) in found or shared == 0
            if (a, b) in found:
                k = found[a, b]
                assert pairs.skipped[k] == skipped
                assert pairs.overlap[k] == pytest.approx(shared / there.union(second.shape).area, abs=1e-6)
                assert pairs.of_first[k] == pytest.approx(shared / first.shape.area, abs=1e-6)
                assert pairs.of_second[k] == pytest.approx(shared / second.shape.area, abs=1e-6)


@pytest.mark.parametrize(("away", "found"), [(REACH - 0.1, True), (REACH + 0.1, False)])
def test_the_search_reaches_so_far_beyond_the_rotated_box(away, found):
    first = report(0, shape=square(0, 0, 4))
    east_edge = 2 + 13.4544 / 6
    second = report(1, 4, shape=square(east_edge + away + 2, 0, 4))
    assert measured([first, second], Settings())[1].first.size == found


@pytest.mark.parametrize(("away", "found"), [(POINT_REACH - 0.1, True), (POINT_REACH + 0.1, False)])
def test_the_search_reaches_farther_around_points(away, found):
    first = report(0, shape=None, point=(0.0, 0.0))
    second = report(1, 24, shape=None, point=(13.4544, away))
    _, pairs = measured([first, second], Settings())
    assert pairs.first.size == found
    assert pairs.distance == pytest.approx([away] * found)
    assert np.isnan(pairs.overlap).all()


def test_distance_is_measured_on_the_rotated_sphere_across_the_seam():
    first = report(0, shape=None, point=(175.0, 60.0))
    second = report(1, 24, shape=None, point=(175.0 + float(synodic_rate(60.0)) + 4 - 360, 60.0))
    _, pairs = measured([first, second], Settings())
    assert pairs.distance == pytest.approx([2.0])  # 4 deg of longitude at 60 deg


def test_the_overlap_across_the_seam_is_that_of_anywhere():
    _, here = measured(passage(0, [0, 4, 8], 0, 10), Settings())
    _, there = measured(passage(0, [0, 4, 8], 177, 10), Settings())
    assert there.overlap == pytest.approx(here.overlap)
    assert there.overlap == pytest.approx([1.0] * 3, abs=0.05)
    assert neighbourhood(square(177, 10), 4 / 24, 0).intersects(square(-179, 10))


def test_the_flow_uses_every_report():
    """The assumption behind the assignment: a track of one report is worth having anywhere."""
    seen, pairs = measured([report(0, shape=square(lon, 0)) for lon in (-100, -75, 0, 75, 100)])
    enter, leave, observe, _ = costs(seen, pairs, Settings())
    assert np.all(enter + leave + observe < 0)
    assert 0.5 < P_OBSERVE < 1


def test_tracks_enter_in_the_east_and_leave_in_the_west():
    places = [-100, -90, -75, -60, 0, 60, 75, 90, 100]
    seen, _ = measured([report(n, shape=square(lon, 0)) for n, lon in enumerate(places)])
    assert p_exit(seen) / ANYWHERE == pytest.approx([1, 1, 1, 1, 1, 1, 1.5, 2, 2])
    assert p_enter(seen) == pytest.approx(p_exit(seen)[::-1])


def test_a_gain_is_the_logarithm_of_the_odds():
    assert probability(np.array([-1e9, 0.0, np.log(3), 1e9])) == pytest.approx([0, 0.5, 0.75, 1])
    seen, pairs = measured([*passage(0, [0, 4, 8], 0, 10), report(9, 0, shape=square(5, 14))])
    enter, leave, _, associate = costs(seen, pairs, Settings())
    assert gains(seen, pairs, Settings()) == pytest.approx(
        leave[pairs.first] + enter[pairs.second] - associate
    )


def test_each_look_without_it_makes_a_link_less_probable():
    skips = p_skip(np.arange(6), np.full(6, 0.3))
    assert skips[0] == 1
    assert np.all(np.diff(skips) < 0)
    assert np.all(p_skip(np.arange(1, 6), np.full(5, 0.1)) < skips[1:])


def test_a_method_that_misses_much_is_known_by_what_it_sees_again():
    """Ten things in eight looks; of half of them every second look is lost."""
    looks = [4.0 * look for look in range(8)]
    half = [
        r
        for n in range(10)
        for r in passage(10 * n, looks[:: 1 + n % 2], -40 + 9 * n, (-1) ** n * (8 + n), side=4)
    ]
    seen, pairs = measured(half, Settings())
    share = missing(seen, pairs, appearance(seen, pairs), timedelta(days=9))
    again, later = 5 * 7 + 5 * 3, 5 * 3
    assert share == pytest.approx((later + MISSED * MISSED_WEIGHT) / (again + MISSED_WEIGHT))
    alone = missing(*measured([report(0)]), np.empty(0), timedelta(days=1))
    assert alone == pytest.approx([MISSED])


def test_outlines_are_made_usable_or_none():
    bowtie = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    circle = shapely.Point(300, 10).buffer(5, quad_segs=100)
    shapes = [
        None, shapely.Polygon(), shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]),
        square(float("nan"), 0), square(1e9, 0), square(0, 200), bowtie, circle,
    ]  # fmt: skip
    made = polygons(shapes)
    assert list(made[:7]) == [None] * 7
    assert made[7].is_valid
    assert made[7].area == pytest.approx(8)
    assert made[8].area == pytest.approx(circle.area)
    assert made[8].centroid.x == pytest.approx(-60)
