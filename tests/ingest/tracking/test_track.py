"""What is linked and what is not, through gaps, splits and merges; and that nothing raises."""

from dataclasses import replace

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.tracking import Edge, KnownEdge, Settings, Skipped, Tracking, track
from tests.ingest.tracking.scenes import HOUR, WILD, WILD_KNOWN, follows, passage, report, square

LOOKS = [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]


def test_no_report_is_no_track():
    assert track([]) == Tracking([], [], [])


def test_a_lone_report_is_a_track_of_one():
    assert track([report(7)]) == Tracking([], [(7,)], [])


def test_things_are_followed_across_the_disk():
    reports = passage(0, LOOKS, -40, 12) + passage(10, LOOKS, -25, 12) + passage(20, LOOKS, 10, -30)
    tracking = track(reports)
    assert tracking.tracks == [(0, 1, 2, 3, 4, 5), (10, 11, 12, 13, 14, 15), (20, 21, 22, 23, 24, 25)]
    assert {edge.source for edge in tracking.edges} == {"tracker"}


def test_without_the_rotation_the_neighbour_would_be_nearer():
    """After a day each region stands where the one to its west stood."""
    reports = passage(0, [0, 24], -20, 10, side=5) + passage(10, [0, 24], -7, 10, side=5)
    assert follows(track(reports).edges) == {(0, 1), (10, 11)}


@pytest.mark.parametrize(("missed", "linked"), [([12.0], True), ([8.0, 12.0], True)])
def test_a_look_in_which_a_thing_was_missed_is_bridged(missed, linked):
    seen = [hour for hour in LOOKS if hour not in missed]
    other = passage(20, LOOKS, 40, -20)
    tracking = track(passage(0, seen, -30, 12) + other)
    assert (tuple(range(len(seen))) in tracking.tracks) is linked


def test_a_thing_that_was_not_there_in_many_looks_is_another():
    other = passage(20, [4.0 * look for look in range(12)], 40, -20)
    assert (0, 1) not in follows(track(passage(0, [0.0, 44.0], -30, 12) + other).edges)


def test_a_link_is_never_longer_than_the_gap():
    reports = passage(0, [0.0, 48.0, 96.5], -30, 12)
    assert follows(track(reports).edges) == {(0, 1)}


def test_types_and_methods_stay_apart():
    changes = [{}, {"event_type": "CH"}, {"method": "HMI"}]
    reports = [report(n, 4.0 * n, shape=square(2.2 * n, 10), **change) for n, change in enumerate(changes)]
    known = [KnownEdge(0, 1, "is_followed_by", 1.0)]
    assert track(reports, known).edges == []


def test_what_does_not_move_with_the_sun_is_skipped():
    tracking = track([report(0, event_type="FL"), report(1, 4.0, event_type="CE"), report(2)])
    assert tracking.skipped == [Skipped(0, "not_trackable"), Skipped(1, "not_trackable")]
    assert tracking.tracks == [(2,)]


def test_without_a_place_only_facts_link():
    nowhere = {"shape": None, "point": None}
    reports = [report(n, 4.0 * n, specific_id="x" if n < 2 else "", **nowhere) for n in range(3)]
    tracking = track(reports)
    assert tracking.edges == [Edge(0, 1, "follows", "specificid", 1.0)]
    assert tracking.tracks == [(0, 1), (2,)]
    assert tracking.skipped == [Skipped(n, "no_place") for n in range(3)]


def test_an_id_counts_once():
    tracking = track([report(1), report(1, 4.0)])
    assert tracking.tracks == [(1,)]
    assert tracking.skipped == [Skipped(1, "repeated")]


def test_points_are_enough():
    days = passage(0, [0, 24, 48, 72], -40, 15) + passage(10, [0, 24, 48, 72], -20, 15)
    points = [replace(r, shape=None, point=r.shape.centroid.coords[0]) for r in days]
    assert track(points).tracks == [(0, 1, 2, 3), (10, 11, 12, 13)]


def test_a_point_and_an_outline_are_compared():
    first, second = passage(0, [0, 4], -40, 15)
    second = replace(second, shape=None, point=second.shape.centroid.coords[0])
    assert follows(track([first, second]).edges) == {(0, 1)}


@pytest.mark.parametrize("turns", [-360, 0, 360])
def test_the_far_meridian_is_no_border(turns):
    """From 178 deg on across the seam; written as beyond 180, or from -180 on, or torn in two."""
    first, second = report(0, 0, shape=square(178, 10)), report(1, 4, shape=square(180.2 + turns, 10))
    assert follows(track([first, second]).edges) == {(0, 1)}


def test_an_outline_torn_at_the_far_meridian_is_mended():
    torn = shapely.Polygon([(177.2, 7), (-176.8, 7), (-176.8, 13), (177.2, 13)])
    assert follows(track([report(0, 0, shape=square(178, 10)), report(1, 4, shape=torn)]).edges) == {(0, 1)}


def test_looks_break_a_tie():
    """Two candidates of equal overlap: the one as bright follows."""
    first = report(0, intensity=300.0)
    shifted = square(2.25, 10)
    dim, bright = (report(n, 4.0, shape=shifted, intensity=level) for n, level in ((1, 110.0), (2, 320.0)))
    assert follows(track([first, dim, bright]).edges) == {(0, 2)}
    assert follows(track([first, replace(dim, intensity=310.0), replace(bright, intensity=90.0)]).edges) == {
        (0, 1)
    }


def test_different_noaa_numbers_are_never_linked():
    reports = passage(0, [0, 24], -40, 15)
    one, other = (replace(r, noaa=12_000 + n) for n, r in enumerate(reports))
    assert track([one, other]).edges == []
    assert len(track([one, replace(other, noaa=None)]).edges) == 1


def test_a_split_is_an_edge_beside_the_one_that_goes_on():
    whole = passage(0, [0, 4], 0, 10, side=8)
    larger = report(2, 8, shape=shapely.box(0.4, 6, 6.2, 14))
    part = report(3, 8, shape=shapely.box(6.4, 6, 8.6, 14))
    tracking = track([*whole, larger, part])
    assert tracking.tracks == [(0, 1, 2), (3,)]
    (split,) = (edge for edge in tracking.edges if edge.kind == "splits")
    assert (split.first, split.second, split.source) == (1, 3, "tracker")
    assert 0.7 < split.probability <= 1


def test_a_merge_is_an_edge_into_the_one_that_takes_it_up():
    larger, part = (
        report(0, 0, shape=shapely.box(-4, 6, 2, 14)),
        report(1, 0, shape=shapely.box(2.2, 6, 4, 14)),
    )
    whole = report(2, 4, shape=shapely.box(-1.8, 6, 6.2, 14))
    tracking = track([larger, part, whole])
    assert tracking.tracks == [(0, 2), (1,)]
    (merge,) = (edge for edge in tracking.edges if edge.kind == "merges")
    assert (merge.first, merge.second) == (1, 2)


def test_the_number_of_looks_between_can_be_set():
    reports = passage(0, [0, 8], -30, 12) + passage(20, LOOKS, 40, -20)
    assert (0, 1) in follows(track(reports).edges)
    assert (0, 1) not in follows(track(reports, settings=Settings(skips=0)).edges)


@settings(max_examples=150)
@given(st.lists(WILD, max_size=12), st.lists(WILD_KNOWN, max_size=8))
def test_nothing_wild_raises(reports, known):
    tracking = track(reports, known)
    trackable = {r.id for r in reports if r.event_type in ("AR", "CH")}
    assert sorted(n for own in tracking.tracks for n in own) == sorted(trackable)
    assert len({edge.first for edge in tracking.edges if edge.kind == "follows"}) == sum(
        edge.kind == "follows" for edge in tracking.edges
    )
    assert all(0 <= edge.probability <= 1 for edge in tracking.edges)


def test_equal_and_overlapping_times_and_no_duration_are_no_trouble():
    still = [replace(r, end=r.start) for r in passage(0, LOOKS, -30, 12)]
    long = [replace(r, end=r.start + 30 * HOUR) for r in passage(10, LOOKS, 20, 12)]
    twice = [replace(long[0], id=30, kb_archivid="ivo://test/twice")]
    tracks = track(still + long + twice).tracks
    assert (0, 1, 2, 3, 4, 5) in tracks
    assert sorted(map(len, tracks)) == [1, 6, 6]
