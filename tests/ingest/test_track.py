"""Tracking in the database: what comes out depends on the reports alone, however and whenever they came."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from events.models import Event, Track, TrackEdge, TrackReport
from ingest import chains, track
from ingest.edges import edges_of, upsert_associations
from ingest.interpolate import interpolate_pending
from ingest.models import EdgeOrder, ShapeOrder, TrackingOrder
from ingest.orders import Group, order_again
from ingest.pipeline import ingest_window
from ingest.sources import get_source
from ingest.tracking import HORIZON
from ingest.tracking import chains as chains_of
from ingest.tracking import track as track_all_at_once
from tests.ingest.solar_reports import (
    DAY,
    START,
    H,
    a_month,
    carried,
    follows,
    graph,
    names,
    report,
    store,
    tracks,
    trajectories,
)

AR = Group("AR", "Square Finder")


def written() -> list:
    """Every row of the tracker as it stands, with its number and time of writing."""
    return [list(model.objects.order_by("pk").values()) for model in (Track, TrackReport, TrackEdge)]


# --- what is tracked


@pytest.mark.django_db
def test_the_real_tracks_of_spoca_are_recovered(real_data):
    ingest_window(get_source("archive", path=real_data / "hek" / "ar_spoca_201803.json"), None, ())
    track.track_pending()
    named = Event.objects.values_list("frm_specificid", "in_track__track").distinct()
    assert (len(named), Track.objects.count()) == (19, 19)
    assert set(TrackEdge.objects.values_list("source", "kind", "probability")) == {
        ("association", "follows", 1.0)
    }
    assert TrackEdge.objects.count() == 79
    for life in Track.objects.all():
        reports = list(Event.objects.filter(in_track__track=life).order_by("in_track__position"))
        assert reports == sorted(reports, key=lambda e: (e.event_starttime, e.kb_archivid))
        assert (life.pk, life.report_count) == (reports[0].pk, len(reports))
        assert life.event_starttime == reports[0].event_starttime
        assert life.event_endtime == max(e.event_endtime for e in reports)
        box = reports[0].hpc_boundcc.envelope
        for e in reports:
            box = box.union(e.hpc_boundcc).envelope
        assert life.hpc_bbox.extent == box.extent


@pytest.mark.django_db
def test_without_its_associations_and_names_our_tracker_finds_the_same(hek_answer):
    records = hek_answer("ar_spoca_201803.json")["result"]
    store([{**record, "frm_specificid": ""} for record in records])
    track.track_pending()
    assert set(TrackEdge.objects.values_list("source", flat=True)) == {"tracker"}
    name = {record["kb_archivid"]: record["frm_specificid"] for record in records}
    pairs = TrackEdge.objects.filter(kind="follows").values_list("first__kb_archivid", "second__kb_archivid")
    right = sum(name[first] == name[second] for first, second in pairs)
    assert right / len(pairs) >= 0.97
    assert right / 79 >= 0.97


@pytest.mark.django_db
def test_a_track_says_what_its_reports_say():
    store([
        *carried("A", [0, 4], ar_noaanum=1967), *carried("A", [8], ar_noaanum=11968),
        *carried("P", [0], latitude=-40.0, hgs_boundcc=""),
        *carried("N", [0], latitude=60.0, hgs_boundcc="", hgs_coord=""),
    ])  # fmt: skip
    track.track_pending()
    assert tracks() == [["A_0", "A_4"], ["A_8"], ["N_0"], ["P_0"]]
    a, point, nowhere = (
        Event.objects.get(kb_archivid=f"ivo://test/{n}").in_track for n in ("A_0", "P_0", "N_0")
    )
    assert (a.track.ar_noaanums, a.track.frm_name, a.track.event_type) == ([11967], "Square Finder", "AR")
    assert (a.track.event_starttime, a.track.event_endtime) == (START, START + 8 * H)
    assert (a.skipped, point.skipped, nowhere.skipped) == ("", "", "no_place")
    assert point.track.hpc_bbox.area == pytest.approx(4), "the square that the ingest draws around a point"
    assert nowhere.track.hpc_bbox is None


@pytest.mark.django_db
def test_what_does_not_move_with_the_sun_is_in_no_track():
    store([*carried("F", [0, 4], event_type="FL"), *carried("A", [0, 4])])
    assert set(TrackingOrder.objects.values_list("event_type", "frm_name", "day")) == {
        ("AR", "Square Finder", date(2014, 1, 1))
    }
    track.track_pending()
    assert tracks() == [["A_0", "A_4"]]


@pytest.mark.django_db
def test_one_region_by_two_methods_is_two_tracks():
    store([*carried("A", [0, 4, 8]), *carried("B", [0, 4, 8], frm_name="Other Finder")])
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_8"], ["B_0", "B_4", "B_8"]]


@pytest.mark.django_db
def test_splits_are_edges_between_tracks():
    store(
        [*carried("A", [0, 4, 8]), *carried("B", [8, 12], latitude=30.0)],
        [follows("A_4", "B_8", "splits_into"), follows("A_0", "A_4"), follows("A_4", "A_8")],
    )
    track.track_pending()
    assert ("A_4", "B_8", "splits", "association", 1.0) in graph()
    assert tracks() == [["A_0", "A_4", "A_8"], ["B_8", "B_12"]]


# --- laws


def shuffled(rng, items, parts):
    items = list(items)
    rng.shuffle(items)
    size = -(-len(items) // parts)
    return [items[n : n + size] for n in range(0, len(items), size)]


@pytest.mark.django_db
@settings(max_examples=4)
@given(st.integers(0, 1000), st.randoms(use_true_random=False), st.sampled_from([3, 10, 40]))
def test_neither_order_nor_pieces_matter_and_once_is_enough(seed, rng, days):
    """In batches in any order, in pieces of so many days, against all at once by the core alone."""
    records, edges = a_month(seed)
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(track, "DAYS", timedelta(days=days))
        parts = shuffled(rng, records, 4)
        for part, known in zip(parts, shuffled(rng, edges, len(parts)) + [[]] * 4, strict=False):
            store(part, known)
            track.track_pending()
        before = written()
        order_again(track.ALWAYS, [])
        again = track.track_pending()
        assert again == chains.Changes(tracks=again.tracks), "running twice changes nothing"
        assert written() == before
        assert (graph(), tracks()) == at_once()
        transaction.set_rollback(True)


def at_once():
    """Edges and tracks as the core makes them of all reports there are, in one go."""
    name_of = names()
    reports, edges = [], set()
    for group in {Group(*row) for row in Event.objects.values_list("event_type", "frm_name")}:
        mine = chains.read_reports(group, START - 99 * DAY, START + 99 * DAY)
        known = chains.read_known(mine)
        reports += mine
        edges |= set(track_all_at_once(mine, known).edges)
    in_time = sorted(reports, key=lambda r: (r.start, r.kb_archivid))
    found = {(name_of[e.first], name_of[e.second], e.kind, e.source, e.probability) for e in edges}
    return found, sorted(
        [name_of[pk] for pk in one] for one in chains_of([r.id for r in in_time], list(edges))
    )


@pytest.mark.django_db
def test_a_late_report_closes_the_gap_and_touches_nothing_else():
    thing, other = carried("A", range(0, 40, 4)), carried("B", range(0, 40, 4), latitude=-20.0)
    far = carried("C", [0, 4], longitude=-600.0, latitude=-20.0, frm_name="Other Finder")
    store([*thing[:3], *thing[4:], *other, *far])
    track.track_pending()
    before = {row["event_id"]: row for row in TrackReport.objects.values()}
    ShapeOrder.objects.all().delete()
    store([thing[3]])
    changes = track.track_pending()
    assert tracks()[0] == [f"A_{hour}" for hour in range(0, 40, 4)]
    assert changes.edges_removed == 1
    assert changes.edges_added == 2
    after = {row["event_id"]: row for row in TrackReport.objects.values()}
    touched = {names()[pk] for pk in after if after[pk] != before.get(pk)}
    assert touched == {f"A_{hour}" for hour in range(12, 40, 4)}


@pytest.mark.django_db
def test_a_place_says_when_the_shape_holds_and_follows_a_revision():
    thing, other = carried("A", [0, 4, 8], frm_name="SPoCA"), carried("B", [0, 4], latitude=-20.0)
    store([*thing, *other])
    track.track_pending()

    def holds():
        rows = TrackReport.objects.order_by("event__frm_name", "position").values_list("observed", flat=True)
        return [(observed - START) / H for observed in rows]

    assert holds() == [4, 8, 12, 0, 4]
    store([{**thing[1], "event_endtime": "2014-01-01T07:30:00", "revision": "2"}])
    assert track.track_pending().places == 1
    assert holds() == [4, 7.5, 12, 0, 4]


@pytest.mark.django_db
def test_an_earlier_first_report_gives_the_track_its_number():
    thing = carried("A", [0, 4, 8])
    store(thing[1:])
    track.track_pending()
    old = Track.objects.get().pk
    store(thing[:1])
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_8"]]
    assert Track.objects.get().pk != old
    assert Event.objects.get(pk=old).in_track.track == Track.objects.get(), "the old number still leads there"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "away", [timedelta(days=2), HORIZON + 2 * DAY, 9 * HORIZON], ids=["near", "far", "very far"]
)
@pytest.mark.parametrize("days", [1, 400])
def test_a_report_that_is_revised_to_another_time_leaves_no_trace(away, days, monkeypatch):
    monkeypatch.setattr(track, "DAYS", timedelta(days=days))
    thing = carried("A", [0, 4, 8, 12])
    store(thing, [follows("A_4", "A_8"), follows("A_8", "A_12")])
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_8", "A_12"]]
    moved = START + 8 * H + away
    store([{**report("A_8", moved), "revision": "2"}])
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_12"], ["A_8"]]
    alone = Event.objects.get(kb_archivid="ivo://test/A_8").in_track
    assert (alone.event_starttime, alone.track.event_starttime) == (moved, moved)
    assert graph() == at_once()[0] or away > 90 * DAY
    store([{**thing[2], "revision": "3"}])
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_8", "A_12"]]


@pytest.mark.django_db
@pytest.mark.parametrize("values", [{"event_type": "FL"}, {"event_type": "CH"}, {"frm_name": "Other Finder"}])
def test_a_report_that_is_revised_to_another_kind_of_thing_leaves_its_track(values):
    thing = carried("A", [0, 4, 8])
    store(thing)
    track.track_pending()
    store([{**thing[1], **values, "revision": "2"}])
    track.track_pending()
    assert tracks() == [["A_0", "A_8"], *([] if values.get("event_type") == "FL" else [["A_4"]])]


@pytest.mark.django_db
def test_a_report_with_another_content_has_its_shapes_ordered_and_others_do_not():
    store([*carried("A", [0, 4]), *carried("B", [30 * 24], longitude=-410.0)])
    track.track_pending()
    ShapeOrder.objects.all().delete()
    store([{**carried("A", [4])[0], "revision": "2", "event_description": "larger"}])
    assert track.track_pending().places == 0
    order = ShapeOrder.objects.get()
    assert names()[order.track_id] == "A_0"
    assert (order.first_time, order.last_time) == (START, START + 8 * H)


# --- orders


@pytest.mark.django_db
def test_what_is_ingested_again_orders_nothing_and_an_edge_orders_both_its_ends():
    records = [
        *carried("A", [0]),
        *carried("B", [0], frm_name="Other Finder"),
        *carried("F", [0], event_type="FL"),
    ]
    store(records)
    track.track_pending()
    store(records)
    assert not TrackingOrder.objects.exists()
    edges, _ = edges_of(
        [follows("A_0", "B_0"), follows("F_0", "A_0", "causes"), follows("A_0", "nobody")], "test"
    )
    for _ in range(2):
        upsert_associations(edges)
    assert EdgeOrder.objects.count() == 2
    track.orders.resolve_edges()
    assert set(TrackingOrder.objects.values_list("frm_name", flat=True)) == {"Square Finder", "Other Finder"}
    assert not EdgeOrder.objects.exists()


@pytest.mark.django_db
def test_the_edge_that_comes_long_after_its_reports_is_followed():
    store([*carried("A", [0]), *carried("B", [4], latitude=-30.0)])
    track.track_pending()
    assert tracks() == [["A_0"], ["B_4"]]
    store([], [follows("A_0", "B_4")])
    track.track_pending()
    assert tracks() == [["A_0", "B_4"]]


@pytest.mark.django_db
def test_types_and_days_choose_what_of_the_orders_is_done():
    store([*carried("A", [0, 24, 48]), *carried("H", [24], event_type="CH")])
    track.track_pending(["CH"])
    assert tracks() == [["H_24"]]
    done = []
    track.track_pending(within=(date(2014, 1, 2), date(2014, 1, 2)), tell=done.append)
    assert [(piece.group, piece.first, piece.last, piece.reports) for piece in done] == [
        (AR, date(2014, 1, 2), date(2014, 1, 2), 1)
    ]
    assert set(TrackingOrder.objects.values_list("day", flat=True)) == {date(2014, 1, 1), date(2014, 1, 3)}


@pytest.mark.django_db
def test_the_first_and_the_last_day_of_the_calendar_can_be_tracked():
    early, late = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 20, tzinfo=UTC)
    ends = {"event_endtime": "9999-12-31T23:00:00"}
    store([report("early", early, event_starttime="0001-01-01T00:00:00", event_endtime="0001-01-01T01:00:00"),
           report("late", late - DAY, **ends, event_starttime=f"{late:%FT%T}")])  # fmt: skip
    track.track_pending()
    assert tracks() == [["early"], ["late"]]


# --- bad reports


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "skipped"),
    [
        ({"event_endtime": "2014-01-01T04:00:00"}, ""),  # zero length
        (
            {"event_starttime": "2014-01-01T00:00:00", "event_endtime": "2014-01-02T23:00:00"},
            "",
        ),  # overlaps all
        ({"hgs_boundcc": "POLYGON((100 10,140 10,140 20,100 20,100 10))", "hgs_coord": "POINT(120 15)"}, ""),
        ({"hgs_boundcc": "POLYGON((-37 13,-33 13,-35 18,-37 13))"}, ""),  # three vertices
        ({"hgs_boundcc": "POLYGON((0 0,0 0,0 0,0 0))", "hgs_coord": ""}, "no_place"),
        ({"hgs_boundcc": "", "hgs_coord": "POINT(-36 15)"}, ""),
        ({"hgs_boundcc": "", "hgs_coord": ""}, "no_place"),
        ({"hgs_boundcc": "POLYGON((-37 13,-33 18,-33 13,-37 18,-37 13))"}, ""),  # crosses itself
    ],
)
def test_a_bad_report_stays_and_its_track_says_what_was_skipped(values, skipped):
    thing = carried("A", [0, 4, 8])
    store([thing[0], {**thing[1], **values}, thing[2]])
    track.track_pending()
    interpolate_pending()
    odd = Event.objects.get(kb_archivid="ivo://test/A_4")
    assert odd.in_track.skipped == skipped
    assert TrackReport.objects.count() == 3
    assert [model.objects.count() for model in (TrackingOrder, ShapeOrder)] == [0, 0]


@pytest.mark.django_db
def test_an_outline_of_400_vertices_is_tracked():
    circle = ",".join(f"{-35 + 3 * c:.4f} {15 + 3 * s:.4f}" for c, s in _circle(400))
    thing = carried("A", [0, 4, 8])
    store([thing[0], {**thing[1], "hgs_boundcc": f"POLYGON(({circle}))"}, thing[2]])
    track.track_pending()
    assert interpolate_pending().written > 100
    assert tracks() == [["A_0", "A_4", "A_8"]]


def _circle(count):
    from math import cos, sin, tau  # noqa: PLC0415

    turns = [tau * k / (count - 1) for k in range(count)]
    turns[-1] = 0.0
    return [(cos(t), sin(t)) for t in turns]


# --- faults


@pytest.mark.django_db
@pytest.mark.parametrize(
    "step", ["read_reports", "write_edges", "write_tracks", "_write_places", "_order_shapes"]
)
def test_what_breaks_in_the_middle_is_done_by_the_next_run(step, monkeypatch):
    """An error after each step, as if the process were killed there: the transaction is gone, orders stay."""
    store([*carried("A", [0, 4, 8]), *carried("B", [0, 4], frm_name="Other Finder")])
    orders = set(TrackingOrder.objects.values_list("pk", flat=True))
    original = getattr(chains, step)

    def broken(*arguments, **options):
        original(*arguments, **options)
        raise ZeroDivisionError(step)

    with monkeypatch.context() as patch:
        patch.setattr(chains, step, broken)
        with pytest.raises(ZeroDivisionError):
            track.track_pending()
    assert set(TrackingOrder.objects.values_list("pk", flat=True)) == orders
    assert [model.objects.count() for model in (Track, TrackEdge, ShapeOrder)] == [0, 0, 0]
    track.track_pending()
    assert tracks() == [["A_0", "A_4", "A_8"], ["B_0", "B_4"]]


@pytest.mark.django_db(transaction=True)
def test_an_order_that_comes_while_it_is_tracked_is_not_lost(monkeypatch):
    """Another session stores one after the tracker has read the reports, before it removes the orders."""
    thing = carried("A", [0, 4])
    store(thing[:1])
    original = chains.write_tracks

    def overtaken(*arguments, **options):
        writer = threading.Thread(target=_in_a_session, args=(lambda: store(thing[1:]),))
        writer.start()
        writer.join(timeout=30)
        return original(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(chains, "write_tracks", overtaken)
        track.track_pending(is_enough=_once())
    assert tracks() == [["A_0"]]
    assert TrackingOrder.objects.count() == 1
    track.track_pending()
    assert tracks() == [["A_0", "A_4"]]


def _once():
    calls = []
    return lambda: len(calls.append(None) or calls) > 1


def _in_a_session(work):
    try:
        work()
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_lose_and_double_nothing(monkeypatch):
    """Two that track and interpolate beside two writers, against one after the other."""
    monkeypatch.setattr(track, "DAYS", timedelta(days=20))
    records, edges = a_month(5)
    halves = records[::2], records[1::2]
    errors = []

    def worker(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test
            errors.append(error)
        finally:
            connection.close()

    def follow():
        for _ in range(4):
            track.track_pending()
            interpolate_pending()

    def write(half):
        for n in range(0, len(half), 30):
            store(half[n : n + 30], edges)

    threads = [threading.Thread(target=worker, args=(lambda h=half: write(h),)) for half in halves]
    threads += [threading.Thread(target=worker, args=(follow,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert not errors
    track.track_pending()
    interpolate_pending()
    together = trajectories()
    assert (graph(), tracks()) == at_once()
    for model in (Track, Event):
        model.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_trackshape")
    store(records, edges)
    track.track_pending()
    interpolate_pending()
    assert trajectories() == together
