"""Shapes of tracks in the database: made once, and again only where something changed, in spite of faults."""

import threading
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import shapely
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from events import sightings
from events.domain.interpolation import aligned, grid, shapes_at
from events.models import Event, Track, TrackReport, TrackShape
from events.sightings import shape_settings, sightings_around, sightings_of
from ingest import interpolate, shapes, track
from ingest.interpolate import Made, interpolate_pending
from ingest.models import ShapeOrder
from ingest.orders import order_shapes_again
from ingest.pipeline import ingest_window
from ingest.sources import get_source
from tests.ingest.solar_reports import DAY, START, H, carried, report, store, trajectories

MINUTE = timedelta(minutes=1)


def follow() -> Made:
    track.track_pending()
    return interpolate_pending()


def stored(track_id: int) -> list[tuple]:
    """What is stored of a track, in time."""
    rows = TrackShape.objects.filter(track=track_id).order_by("time")
    return [
        (s.time, s.method, s.origin, s.repaired, s.report_id, s.area, shapely.from_wkb(bytes(s.hpc.wkb)).wkt)
        for s in rows
    ]


def computed(track_id: int) -> list[tuple]:
    """The same without the database's shapes: of all reports, on all slots of the track's life."""
    reports = sightings_of([track_id]).get(track_id, [])
    if not reports:
        return []
    how = shape_settings()
    # A slot more: on it the last shape is repeated, where that was observed at the end.
    slots = grid(reports[0].start, max(r.end for r in reports) + how.step, how.step, how.epoch)
    return [
        (s.time, s.method, s.origin, s.repaired, s.report, s.area, s.hpc.wkt)
        for s in shapes_at(reports, slots, how)
    ]


def all_is_as_it_should_be() -> bool:
    expected = {pk: computed(pk) for pk in Track.objects.values_list("pk", flat=True)}
    assert {pk: stored(pk) for pk in expected} == expected
    assert TrackShape.objects.count() == sum(map(len, expected.values()))
    return TrackShape.objects.exists()


@pytest.mark.django_db
def test_the_real_tracks_have_a_shape_at_every_slot_of_their_lives(real_data):
    ingest_window(get_source("archive", path=real_data / "hek" / "ar_spoca_201803.json"), None, ())
    made = follow()
    assert made.tracks == 19
    assert made.written > 4000
    assert made.written == TrackShape.objects.count()
    assert all_is_as_it_should_be()
    assert set(TrackShape.objects.values_list("time__second", flat=True)) == {0}
    reported = TrackShape.objects.filter(origin="reported")
    # A report whose slot the next one shares, or beside the disk, would be missing.
    assert reported.values("report_id").distinct().count() == 98
    assert interpolate_pending() == Made()


@pytest.mark.django_db
def test_spocas_outlines_are_stored_at_the_end_of_their_interval_and_carried_back_before_the_first(spoca):
    how, seen = shape_settings(), set()
    for place in TrackReport.objects.select_related("event"):
        slot = aligned(place.event.event_endtime, how.step, how.epoch)
        shape = TrackShape.objects.get(track=place.track_id, time=slot)
        assert (shape.method, shape.origin, shape.report_id) == ("reported", "reported", place.event_id)
        outline, kept = (shapely.from_wkb(bytes(g.wkb)) for g in (place.event.hpc_boundcc, shape.hpc))
        assert kept.symmetric_difference(shapely.make_valid(outline)).area < 0.01 * outline.area
        if place.position == 0:
            before = TrackShape.objects.filter(track=place.track_id, time__lt=slot).order_by("time")
            assert before.first().time == aligned(place.event_starttime, how.step, how.epoch)
            seen |= set(before.values_list("method", "origin"))
    assert seen == {("rotation", "extrapolated")}


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "reported"), [("correct", [4, 8, 12]), ("gsu", [0, 4, 8])])
def test_the_original_knows_nothing_of_it(settings, mode, reported):
    settings.ISD_SHAPE_MODE = mode
    store(carried("A", [0, 4, 8], frm_name="SPoCA"))
    follow()
    rows = TrackShape.objects.filter(origin="reported").order_by("time").values_list("time", flat=True)
    assert [(time - START) / H for time in rows] == reported
    pk = Track.objects.get().pk
    for time in (START + MINUTE, START + 5 * H, START + 9 * H):
        near, whole = (found[pk] for found in (sightings_around(time, [pk]), sightings_of([pk])))
        assert shapes_at(near, [time], shape_settings()) == shapes_at(whole, [time], shape_settings())
    assert all_is_as_it_should_be()


@pytest.mark.django_db
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([0, 0.05, 3, 4, 9, 13]), min_size=2, max_size=6), st.integers(0, 5))
@example([9, 13, 4, 9], 1)
def test_what_holds_at_its_end_is_the_same_on_the_fly_at_once_and_piece_by_piece(db, lengths, last):
    """Whatever the intervals: nested, equal, and of no length, and whichever report comes last."""
    names = {"frm_name": "SPoCA", "frm_specificid": "thing"}
    thing = [
        {**r, "event_endtime": f"{START + (4 * n + length) * H:%FT%T}"}
        for n, (r, length) in enumerate(
            zip(carried("A", range(0, 4 * len(lengths), 4), **names), lengths, strict=True)
        )
    ]
    for model in (Event, Track, TrackShape, ShapeOrder):
        model.objects.all().delete()
    store(thing)
    follow()
    expected = trajectories()
    (pk,) = Track.objects.values_list("pk", flat=True)
    whole = sightings_of([pk])[pk]
    ends = sorted({time for one in whole for time in (one.start, one.holds)})
    for time in [*ends, *(first + (second - first) / 2 for first, second in pairwise(ends))]:
        near = sightings_around(time, [pk])[pk]
        assert shapes_at(near, [time], shape_settings()) == shapes_at(whole, [time], shape_settings())
    for model in (Event, Track, TrackShape, ShapeOrder):
        model.objects.all().delete()
    last %= len(thing)
    store([r for n, r in enumerate(thing) if n != last])
    follow()
    store(thing[last : last + 1])
    follow()
    assert trajectories() == expected
    assert all_is_as_it_should_be()
    assert order_shapes_again(None, []) == 1
    assert interpolate_pending() == Made(tracks=1)


@pytest.mark.django_db
@pytest.mark.parametrize("revision", [{"event_type": "FL"}, {"hgs_boundcc": "", "hgs_coord": ""}])
def test_when_the_first_report_leaves_or_has_no_shape_the_next_one_is_carried_back(revision):
    thing = carried("A", [0, 4, 8], frm_name="SPoCA", frm_specificid="thing")
    store(thing)
    follow()
    store([{**thing[0], **revision, "revision": "2"}])
    follow()
    first = TrackShape.objects.order_by("time").first()
    assert (first.time, first.method) == (START + 4 * H, "rotation")
    assert all_is_as_it_should_be()


@pytest.mark.django_db
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1))
def test_what_is_computed_on_the_fly_is_what_is_stored(spoca, when):
    """At any slot and any other instant, of at most four reports and of all."""
    first, last = spoca
    time = first + (last - first) * when
    time = time.replace(microsecond=0)
    slot = grid(time, time, shape_settings().step, shape_settings().epoch)[0]
    alive = list(Track.objects.filter(period__contains=time).values_list("pk", flat=True))
    for instant in (slot, time):
        near, whole = sightings_around(instant, alive), sightings_of(alive)
        for pk in alive:
            assert len(near[pk]) <= 4
            assert shapes_at(near[pk], [instant], shape_settings()) == shapes_at(
                whole[pk], [instant], shape_settings()
            )
    on_slot = {s.track_id: s for s in TrackShape.objects.filter(time=slot)}
    for pk, reports in sightings_around(slot, alive).items():
        for shape in shapes_at(reports, [slot], shape_settings()):
            row = on_slot[pk]
            assert (row.method, row.origin, row.report_id, row.area) == (
                shape.method, shape.origin, shape.report, shape.area,
            )  # fmt: skip
            assert bytes(row.hpc.wkb) == shape.hpc.wkb


@pytest.fixture
def spoca(db, real_data):
    """The real tracks with their shapes, and when they begin and end."""
    if not Track.objects.exists():
        ingest_window(get_source("archive", path=real_data / "hek" / "ar_spoca_201803.json"), None, ())
        follow()
    starts = Track.objects.order_by("event_starttime").values_list("event_starttime", flat=True)
    return starts.first(), Track.objects.order_by("-event_endtime").values_list(
        "event_endtime", flat=True
    ).first()


@pytest.mark.django_db
def test_a_longer_track_has_only_its_end_made_again():
    thing = carried("A", range(0, 80, 4))
    store(thing[:-1])
    whole = follow().written
    store(thing[-1:])
    longer = follow()
    assert longer.tracks == 1
    assert longer.removed == 41  # 4 hours after the old last report, both ends included
    assert longer.written == 40 + 41  # the new gap, and 4 hours after the new last report
    assert TrackShape.objects.count() == whole + 40
    assert all_is_as_it_should_be()


@pytest.mark.django_db
@pytest.mark.parametrize("late", [0, 1, 3, 6])
def test_whichever_report_comes_late_the_shapes_are_the_same(late):
    thing = carried("A", [0, 4, 8, 12.05, 16, 20, 24])
    store(thing)
    follow()
    expected = trajectories()
    Event.objects.all().delete()
    Track.objects.all().delete()
    TrackShape.objects.all().delete()
    store([r for n, r in enumerate(thing) if n != late])
    follow()
    store([thing[late]])
    follow()
    assert trajectories() == expected


@pytest.mark.django_db
def test_a_track_that_is_no_more_leaves_no_shapes():
    thing = carried("A", [0, 4, 8])
    store(thing)
    follow()
    old = Track.objects.get().pk
    store([{**report_ | {"event_type": "FL"}, "revision": "2"} for report_ in thing])
    track.track_pending()
    assert ShapeOrder.objects.get().track_id == old
    assert interpolate_pending().removed == 121
    assert [model.objects.count() for model in (TrackShape, Track, TrackReport)] == [0, 0, 0]


@pytest.mark.django_db
def test_a_report_with_another_outline_changes_the_gaps_beside_it():
    thing = carried("A", range(0, 40, 4))
    store(thing)
    follow()
    wider = carried("A", [16], latitude=16.0)[0] | {"revision": "2"}
    store([wider])
    made = follow()
    assert (made.removed, made.written) == (80, 80)
    assert all_is_as_it_should_be()


@pytest.mark.django_db
def test_other_settings_make_them_again_when_asked(settings):
    store(carried("A", [0, 4, 8]))
    follow()
    before = TrackShape.objects.count()
    assert order_shapes_again(None, []) == 1
    assert interpolate_pending() == Made(tracks=1), "all is as it should be"
    settings.ISD_SHAPE_CADENCE = timedelta(hours=1)
    order_shapes_again(None, [])
    made = interpolate_pending()
    assert (made.removed, made.written) == (before, 13)
    assert all_is_as_it_should_be()
    settings.ISD_SHAPE_METHOD, settings.ISD_SHAPE_MODE = "areal", "gsu"
    order_shapes_again(None, ["AR"])
    interpolate_pending()
    assert all_is_as_it_should_be()
    assert set(TrackShape.objects.filter(origin="interpolated").values_list("method", flat=True)) == {"areal"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hours", "count"),
    [([0], 41), ([0.01], 40), ([0, 0.02, 0.04, 0.2], 43), ([], 0)],
    ids=["one on a slot", "one beside a slot", "several before one slot", "none"],
)
def test_short_tracks(hours, count):
    store(carried("A", hours, frm_specificid="thing"))
    follow()
    assert TrackShape.objects.count() == count
    assert all_is_as_it_should_be() == bool(count)


@pytest.mark.django_db
def test_a_report_without_length_between_two_slots_is_shown_on_the_next():
    at = START + MINUTE
    store([report("A", at, event_endtime=f"{at:%FT%T}")])
    follow()
    shape = TrackShape.objects.get()
    assert (shape.time, shape.origin, shape.method) == (START + 6 * MINUTE, "reported", "reported")
    ShapeOrder.objects.create(
        track_id=shape.track_id, event_type="AR", frm_name="Square Finder", first_time=at, last_time=at
    )
    TrackReport.objects.update(interpolated_from=None)
    assert interpolate_pending() == Made(tracks=1, removed=1, written=1), "found, though later than its track"


@pytest.mark.django_db
def test_reports_without_an_area_are_passed_over_and_a_track_of_such_has_no_shapes():
    thing = carried("A", [0, 4, 8])
    nowhere = {"hgs_boundcc": "", "hgs_coord": "", "frm_specificid": "thing"}
    known = [{**r, "frm_specificid": "thing"} for r in thing]
    store([known[0], {**thing[1], **nowhere}, {**known[2], "event_endtime": "2014-01-01T09:00:00"}])
    store([report("N", frm_name="Other Finder", hgs_boundcc="", hgs_coord="")])
    follow()
    assert [r.report_count for r in Track.objects.order_by("frm_name")] == [1, 3]
    assert all_is_as_it_should_be()
    assert TrackShape.objects.values("track").distinct().count() == 1
    assert TrackShape.objects.filter(origin="reported").count() == 2
    assert TrackShape.objects.filter(origin="interpolated", time=START + 4 * H).exists()


@pytest.mark.django_db
def test_a_track_without_a_last_outline_goes_on_to_its_end():
    thing = [{**r, "frm_specificid": "thing"} for r in carried("A", [0, 4])]
    store([thing[0], {**thing[1], "hgs_boundcc": "", "hgs_coord": ""}])
    follow()
    last = TrackShape.objects.order_by("time").last()
    assert (last.time, last.origin, last.method) == (START + 8 * H, "extrapolated", "rotation")
    assert all_is_as_it_should_be()


@pytest.mark.django_db
@pytest.mark.parametrize("step", ["delete", "write", "make_partitions", "_write_hashes"])
def test_what_breaks_in_the_middle_is_done_by_the_next_run(step, monkeypatch):
    store(carried("A", [0, 4, 8]))
    follow()
    store(carried("A", [12]))
    track.track_pending()
    where = interpolate if step.startswith("_") else shapes
    original = getattr(where, step)

    def broken(*arguments):
        original(*arguments)
        raise ZeroDivisionError(step)

    before = sorted(TrackShape.objects.values_list("time", flat=True))
    with monkeypatch.context() as patch:
        patch.setattr(where, step, broken)
        with pytest.raises(ZeroDivisionError):
            interpolate_pending()
    assert sorted(TrackShape.objects.values_list("time", flat=True)) == before
    assert ShapeOrder.objects.exists()
    interpolate_pending()
    assert all_is_as_it_should_be()


@pytest.mark.django_db
def test_it_stops_when_it_is_enough_and_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(interpolate, "BATCH", 1)
    store([*carried("A", [0, 4]), *carried("B", [0, 4], latitude=-30.0), *carried("H", [0], event_type="CH")])
    track.track_pending()
    told = []
    interpolate_pending(tell=told.append, is_enough=lambda: bool(told))
    assert [made.tracks for made in told] == [1]
    assert interpolate_pending(["CH"]).tracks == 1
    assert interpolate_pending().tracks == 1
    assert all_is_as_it_should_be()


@pytest.mark.django_db
def test_months_get_their_partitions_once_and_shapes_are_put_into_them():
    year_end = datetime(2013, 12, 31, 22, tzinfo=START.tzinfo)
    store([*carried("A", [-2, 2]), report("Z", START + 40 * DAY)])
    follow()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, min(time), max(time) FROM events_trackshape GROUP BY 1"
        )
        found = {name: (first, last) for name, first, last in cursor.fetchall()}
    assert found["events_trackshape_2013_12"] == (year_end, START - 6 * MINUTE)
    assert found["events_trackshape_2014_01"] == (START, START + 6 * H)
    assert found["events_trackshape_2014_02"][0] == START + 40 * DAY


@pytest.mark.django_db(transaction=True)
def test_two_who_need_the_same_new_months_make_them_once():
    together = threading.Barrier(4)
    errors = []
    months = [datetime(1990 + n, 1 + n, 3, tzinfo=START.tzinfo) for n in range(6)]

    def make(times):
        try:
            together.wait(timeout=30)
            with interpolate.transaction.atomic():
                shapes.make_partitions(times)
        except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=(months[:: 1 - 2 * (n % 2)],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ 'trackshape_199'")
        assert cursor.fetchone() == (6,)


@pytest.mark.django_db(transaction=True)
def test_while_a_group_is_tracked_its_shapes_wait_and_others_do_not():
    store([*carried("A", [0]), *carried("B", [0], frm_name="Other Finder")])
    track.track_pending()
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        with track.transaction.atomic():
            track.lock_shapes(track.Group("AR", "Square Finder"))
            inside.set()
            go_on.wait(timeout=30)
        connection.close()

    tracker = threading.Thread(target=hold)
    tracker.start()
    assert inside.wait(timeout=30)
    assert interpolate_pending().tracks == 1
    assert ShapeOrder.objects.get().frm_name == "Square Finder"
    go_on.set()
    tracker.join(timeout=30)
    assert interpolate_pending().tracks == 1


@pytest.mark.django_db
def test_sightings_take_the_outline_else_the_box_and_leave_out_what_has_no_area():
    store([
        report("outline"),
        report("box", START + H, hgs_boundcc="", hpc_bbox="POLYGON((0 0,60 0,60 40,0 40,0 0))"),
        report("nothing", START + 2 * H, hgs_boundcc="", hgs_coord=""),
    ])  # fmt: skip
    whole = Track.objects.create(
        id=Event.objects.get(kb_archivid="ivo://test/outline").pk, event_type="AR", report_count=3,
        event_starttime=START, event_endtime=START + 9 * H,
    )  # fmt: skip
    for position, event in enumerate(Event.objects.order_by("event_starttime")):
        TrackReport.objects.create(
            event=event, track=whole, position=position, event_starttime=event.event_starttime,
            observed=event.event_starttime,
        )  # fmt: skip
    outline, box = sightings_of([whole.pk, 10**12])[whole.pk]
    assert (outline.is_box, box.is_box, box.hpc.area) == (False, True, 2400)
    assert (outline.hgs, outline.start, outline.end) == (None, START, START + 4 * H)
    assert box.end == START + 9 * H, "the track's own end"
    event = Event.objects.get(pk=outline.id)
    assert np.array_equal(shapely.get_coordinates(outline.hpc), np.array(event.hpc_boundcc.coords[0]))
    assert sightings_around(START + H / 2, [whole.pk])[whole.pk] == [outline, box]
    assert sightings.sightings_around(START - H, [whole.pk])[whole.pk][0].start == START
