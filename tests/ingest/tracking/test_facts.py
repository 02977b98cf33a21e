"""Associations, track ids and NOAA numbers: which are believed, and in what order."""

import pytest

from ingest.tracking import Edge, KnownEdge, track
from tests.ingest.tracking.scenes import follows, passage, report, square

LOOKS = [0.0, 4.0, 8.0]


def far_apart(count: int, hours: float = 4.0, **changes):
    """Reports that no tracker would link."""
    return [report(n, hours * n, shape=square(20 * (-1) ** n, 15 * n), **changes) for n in range(count)]


def followed(first: int, second: int, strength: float | None = 1.0) -> KnownEdge:
    return KnownEdge(first, second, "is_followed_by", strength)


@pytest.mark.parametrize("known", [followed(0, 1), followed(1, 0), followed(0, 1, None)])
def test_an_association_is_a_link_whichever_way_it_is_told(known):
    assert track(far_apart(2), [known, known]).edges == [Edge(0, 1, "follows", "association", 1.0)]


def test_associations_count_before_ids_and_these_before_the_tracker():
    one = passage(0, LOOKS, -20, 10, specific_id="one")
    other = passage(10, LOOKS, 20, 10, specific_id="other")
    edges = track(one + other, [followed(0, 11)]).edges
    assert {(e.first, e.second): e.source for e in edges if e.kind == "follows"} == {
        (0, 11): "association",
        (1, 2): "specificid",
        (11, 12): "specificid",
    }
    # What the tracker would have linked is still there to see.
    assert {(e.first, e.second, e.kind) for e in edges if e.source == "tracker"} == {
        (0, 1, "splits"),
        (10, 11, "merges"),
    }


def test_of_two_successors_the_stronger_follows_and_the_other_is_a_split():
    reports = [report(0), report(1, 4, shape=square(20, 40)), report(2, 4, shape=square(40, -30))]
    edges = track(reports, [followed(0, 1, 0.4), followed(0, 2, 0.9)]).edges
    assert edges == [
        Edge(0, 1, "splits", "association", 1.0),
        Edge(0, 2, "follows", "association", 1.0),
    ]


def test_of_two_predecessors_the_stronger_is_followed_and_the_other_merges():
    reports = [report(0), report(1, shape=square(20, 40)), report(2, 4, shape=square(40, -30))]
    edges = track(reports, [followed(0, 2, 0.9), followed(1, 2, 0.4)]).edges
    assert edges == [
        Edge(0, 2, "follows", "association", 1.0),
        Edge(1, 2, "merges", "association", 1.0),
    ]


def test_of_equally_strong_successors_the_nearer_in_time_follows():
    edges = track(far_apart(3), [followed(0, 2), followed(0, 1)]).edges
    assert follows(edges) == {(0, 1)}


@pytest.mark.parametrize(
    ("links", "known", "kind"),
    [
        ([(0, 1)], (0, 2), "splits"),  # 0 goes on as 1
        ([(1, 2)], (0, 2), "merges"),  # 2 comes from 1
        ([], (0, 2), "splits"),  # nothing else is known
    ],
)
def test_splits_into_covers_merges(links, known, kind):
    reports = [report(0), report(1, 2, shape=square(40, -20)), report(2, 4, shape=square(-40, 50))]
    told = [followed(*pair) for pair in links] + [KnownEdge(*known, "splits_into", 1.0)]
    (edge,) = (e for e in track(reports, told).edges if e.kind != "follows")
    assert edge == Edge(*known, kind, "association", 1.0)


def test_what_splits_is_not_linked_by_the_tracker_though_it_overlaps():
    reports = passage(0, [0, 4], -20, 10)
    assert [e.kind for e in track(reports, [KnownEdge(0, 1, "splits_into", 1.0)]).edges] == ["splits"]


@pytest.mark.parametrize(
    "known",
    [
        followed(0, 99),
        followed(98, 99),
        followed(0, 0),
        KnownEdge(0, 1, "causes", 1.0),
        followed(0, 7),  # a week later
    ],
)
def test_other_associations_tell_nothing_of_tracks(known):
    reports = [*far_apart(2), report(7, 7 * 24)]
    assert track(reports, [known]).edges == []


def test_an_id_links_up_to_its_gap():
    assert len(track(far_apart(3, 24, specific_id="x")).edges) == 2
    assert track(far_apart(3, 24.5, specific_id="x")).edges == []


def test_an_id_that_two_reports_bear_at_once_tells_nothing_there():
    reports = [
        *far_apart(4, specific_id="x"),
        report(9, 4, shape=square(60, -40), specific_id="x"),
    ]
    assert follows(track(reports).edges) == {(2, 3)}


def test_a_noaa_number_links_the_days_of_a_region():
    reports = far_apart(3, 24, noaa=12_345)
    assert {(e.first, e.second, e.source) for e in track(reports).edges} == {
        (0, 1, "noaanum"),
        (1, 2, "noaanum"),
    }
    assert len(track([reports[0], report(5, 72, shape=square(50, 50), noaa=12_345)]).edges) == 1
    assert track([reports[0], report(5, 73, shape=square(50, 50), noaa=12_345)]).edges == []


@pytest.mark.parametrize("changes", [{"noaa": 0}, {"noaa": None}, {"noaa": 12_345, "event_type": "SS"}])
def test_what_is_no_region_with_a_number_is_not_linked_by_it(changes):
    assert track(far_apart(2, 24, **changes)).edges == []
