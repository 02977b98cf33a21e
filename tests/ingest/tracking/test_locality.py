"""Window by window, in any order of reports, and again: always the same edges as all at once."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.tracking import HORIZON, Report, Settings, chains, track, track_window
from tests.ingest.tracking.scenes import HOUR, HURRIED, START, crowd, report

SEED = st.integers(0, 10**6)


def by_windows(reports, known, chosen, cuts):
    """The edges of all windows between the cuts; each window sees no more than its horizon."""
    edges = []
    for start, end in pairwise(cuts):
        near = [r for r in reports if start - chosen.horizon <= r.start <= end + chosen.horizon]
        edges += track_window(near, start, end, known, chosen)[0]
    return edges


@settings(max_examples=40)
@given(SEED, st.lists(st.integers(1, 24 * 6 - 1), max_size=8, unique=True))
def test_windows_give_the_edges_of_all_at_once(seed, hours):
    reports, known = crowd(seed)
    cuts = [START + hour * HOUR for hour in (0, *sorted(hours), 24 * 6 + 1)]
    whole = track(reports, known, HURRIED)
    edges = by_windows(reports, known, HURRIED, cuts)
    assert set(edges) == set(whole.edges)
    assert len(edges) == len(whole.edges)


def test_windows_that_see_nothing_else_give_others():
    """So the horizon is needed, and the test above can fail."""
    reports, known = crowd(1)
    blind, whole = set(), set(track(reports, known, HURRIED).edges)
    for start, end in pairwise(START + timedelta(days=day) for day in range(8)):
        near = [r for r in reports if start <= r.start < end]
        blind |= set(track_window(near, start, end, known, HURRIED)[0])
    assert blind != whole


def test_days_give_the_edges_of_all_at_once_with_the_default_settings():
    reports, known = crowd(3, days=60, count=700)
    cuts = [START + timedelta(days=day) for day in range(61)]
    whole = track(reports, known)
    assert timedelta(days=15) > HORIZON  # so that the windows are much smaller than the whole
    assert set(by_windows(reports, known, Settings(), cuts)) == set(whole.edges)


@settings(max_examples=20)
@given(SEED, st.randoms(use_true_random=False))
def test_neither_a_second_run_nor_the_order_of_reports_matters(seed, shuffler: random.Random):
    reports, known = crowd(seed, days=3, count=60)
    once = track(reports, known, HURRIED)
    assert track(reports, known, HURRIED) == once
    shuffler.shuffle(reports)
    shuffler.shuffle(known)
    assert track(reports, known, HURRIED) == once


@settings(max_examples=30)
@given(SEED, st.integers(0, 119))
def test_a_late_report_changes_only_what_is_near(seed, late):
    reports, known = crowd(seed)
    starts = {r.id: r.start for r in reports}
    before = set(track([r for r in reports if r.id != late], known, HURRIED).edges)
    for edge in before ^ set(track(reports, known, HURRIED).edges):
        assert abs(starts[edge.first] - starts[late]) <= HURRIED.horizon


@settings(max_examples=20)
@given(SEED)
def test_every_report_is_in_one_track_and_tracks_are_the_chains(seed):
    reports, known = crowd(seed, days=3, count=60)
    tracking = track(reports, known, HURRIED)
    ids = [r.id for r in sorted(reports, key=lambda r: (r.start, r.kb_archivid, r.id))]
    assert sorted(number for own in tracking.tracks for number in own) == sorted(ids)
    assert tracking.tracks == chains(ids, tracking.edges)
    place = {number: n for n, number in enumerate(ids)}
    assert all(place[a] < place[b] for own in tracking.tracks for a, b in pairwise(own))
    kinds: dict[int, Report] = {r.id: r for r in reports}
    for edge in tracking.edges:
        assert kinds[edge.first].event_type == kinds[edge.second].event_type
        assert edge.probability == 1.0 if edge.source != "tracker" else 0 < edge.probability <= 1


@pytest.mark.parametrize("hours", [0, 1])
def test_a_window_has_its_start_and_not_its_end(hours):
    reports = [report(0, hours), report(1, hours + 4)]
    edges, _ = track_window(reports, START, START + HOUR)
    assert [(edge.first, edge.second) for edge in edges] == ([(0, 1)] if hours == 0 else [])
