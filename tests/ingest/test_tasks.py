"""Orders and their way to the workers: polls, backfills, reruns, and what is found again when it was lost."""

import json
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import redis
from celery import current_app
from django.db import connection, transaction
from django.utils import timezone

from events.domain.criteria import TimeWindow
from events.models import Track, TrackShape
from ingest import accounts, books, image_tasks, interpolate, pipeline, tasks
from ingest.broker import messages_waiting
from ingest.models import Backfill, IngestRun, ShapeOrder, TrackingOrder, Watermark
from ingest.sources import get_source
from ingest.track import track_pending

State = IngestRun.State
NOW = datetime(2014, 1, 10, 13, 30, tzinfo=UTC)
H = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def cadence(settings):
    settings.ISD_WINDOW, settings.ISD_POLL_OVERLAP = 6 * H, 24 * H


@pytest.fixture
def sent(broker):
    """The runs that messages tell of, in the order in which a worker gets them; reading takes them out."""
    client = redis.Redis.from_url(broker)

    def read():
        found = []
        for queue in ("celery", "celery\x06\x163", "celery\x06\x166", "celery\x06\x169"):
            while (message := client.rpop(queue)) is not None:
                assert json.loads(message)["headers"]["task"] == "ingest.tasks.ingest_run"
                found.append(json.loads(json.loads(message)["headers"]["argsrepr"].strip("(,)")))
        return found

    return read


@pytest.fixture
def sent_tasks(broker):
    """The names of the tasks that messages tell of, with the priority of each; reading takes them out."""
    client = redis.Redis.from_url(broker)

    def read():
        found = []
        for priority in (0, 3, 6, 9):
            queue = f"celery\x06\x16{priority}" if priority else "celery"
            while (message := client.rpop(queue)) is not None:
                found.append((json.loads(message)["headers"]["task"].rpartition(".")[2], priority))
        return found

    return read


def windows(runs):
    return [(run.window_start, run.window_end) for run in runs]


def succeed(run):
    run.started_at = NOW
    run.save()
    books.succeed(run)


def a_run(**values):
    values = {"source": "hek", "window_start": NOW - 6 * H, "window_end": NOW, **values}
    return IngestRun.objects.create(**values)


def test_the_first_poll_takes_the_overlap_and_the_next_goes_on_from_the_watermark(sent):
    first = tasks.order_poll("hek", NOW)
    day = datetime(2014, 1, 9, tzinfo=UTC)
    assert windows(first) == [
        (day + 12 * H, day + 18 * H), (day + 18 * H, day + 24 * H), (day + 24 * H, day + 30 * H),
        (day + 30 * H, day + 36 * H), (day + 36 * H, NOW),
    ]  # fmt: skip
    assert Watermark.objects.get().polled_until == NOW - 24 * H
    assert sent() == [run.pk for run in first]
    for run in first:
        succeed(run)
    assert Watermark.objects.get().polled_until == NOW
    second = tasks.order_poll("hek", NOW + 24 * H)
    assert (second[0].window_start, second[-1].window_end) == (day + 12 * H, NOW + 24 * H)


def test_a_failed_window_holds_the_watermark_and_the_next_poll_reads_it_again(sent):
    first, *others = tasks.order_poll("hek", NOW)
    for run in others:
        succeed(run)
    accounts.fail(first, ValueError(), again=False)
    assert Watermark.objects.get().polled_until == NOW - 24 * H, "as the first poll set it"
    again = tasks.order_poll("hek", NOW + H)
    assert again[0].window_start == datetime(2014, 1, 8, 12, tzinfo=UTC)
    assert again[-1].window_end == NOW + H


def test_what_still_waits_from_an_earlier_poll_is_not_ordered_twice(sent):
    first = tasks.order_poll("hek", NOW)
    second = tasks.order_poll("hek", NOW)
    assert not set(windows(first)) & set(windows(second))
    assert (second[0].window_start, second[-1].window_end) == (
        first[0].window_start - 24 * H,
        first[0].window_start,
    )


def test_poll_sources_orders_each_source_of_the_settings(sent, settings):
    settings.ISD_POLL_SOURCES = ["hek", "simulator"]
    tasks.poll_sources()
    assert set(Watermark.objects.values_list("source", flat=True)) == {"hek", "simulator"}
    assert sent() == list(IngestRun.objects.order_by("pk").values_list("pk", flat=True))


def test_a_backfill_is_in_the_books_as_a_whole_and_polls_go_before_it(sent):
    backfill = tasks.start_backfill("hek", NOW, NOW + 48 * H, ["CH", "AR", "CH"])
    runs = list(backfill.runs.order_by("window_start"))
    assert len(runs) == 9
    assert (runs[0].window_start, runs[-1].window_end) == (NOW, NOW + 48 * H)
    assert all(run.event_types == ["AR", "CH"] and run.state == State.PENDING for run in runs)
    poll = a_run()
    tasks.rerun(poll)
    assert sent() == [poll.pk, *(run.pk for run in runs)]


def test_nothing_is_sent_of_an_order_that_is_rolled_back(sent):
    with transaction.atomic():
        tasks.start_backfill("hek", NOW, NOW + H)
        transaction.set_rollback(True)
    assert (sent(), Backfill.objects.count(), IngestRun.objects.count()) == ([], 0, 0)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("nonesuch", NOW, NOW + H, []), "nonesuch"),
        (("hek", NOW, NOW - H, []), "after the end"),
        (("hek", NOW, NOW, []), "the window is empty"),
        (("hek", datetime(1, 1, 1, tzinfo=UTC), NOW, []), "more than 100000 windows"),
        (("hek", NOW, NOW + H, ["AR", "XX"]), "XX"),
        (("archive", NOW, NOW + H, []), "path"),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused_with_a_reason(sent, arguments, reason):
    with pytest.raises(ValueError, match=reason):
        tasks.start_backfill(*arguments)
    assert (Backfill.objects.count(), sent()) == (0, [])


def test_an_order_does_not_fail_while_the_broker_is_away(broker_away):
    backfill = tasks.start_backfill("hek", NOW, NOW + 12 * H)
    tasks.rerun(a_run(state=State.FAILED))
    tasks.resume()
    assert backfill.runs.filter(state=State.PENDING).count() == 3
    assert IngestRun.objects.filter(state=State.PENDING).count() == 4


def test_what_never_reached_the_broker_is_sent_by_resume(sent):
    lost = [a_run(window_start=NOW - n * H) for n in (1, 2, 3)]
    over = [a_run(state=state) for state in (State.SUCCEEDED, State.FAILED)]
    tasks.resume()
    assert sent() == [run.pk for run in lost]
    assert [IngestRun.objects.get(pk=run.pk).state for run in over] == [run.state for run in over]


def test_while_messages_wait_a_pending_run_counts_as_one_of_them(sent):
    run = a_run()
    tasks.ingest_run.apply_async((run.pk,))
    assert messages_waiting() == 1
    tasks.resume()
    assert sent() == [run.pk]
    assert messages_waiting() == 0


def test_images_that_wait_hide_no_pending_run(sent):
    run = a_run()
    window = TimeWindow(NOW - H / 2, NOW + H / 2)
    image_tasks.send(image_tasks.order(image_tasks.runs_over("helioviewer", window, (171,))))
    assert (messages_waiting(), messages_waiting(image_tasks.QUEUE)) == (0, 1)
    tasks.resume()
    image_tasks.resume_images()
    assert sent() == [run.pk], "and it is found without them"
    assert messages_waiting(image_tasks.QUEUE) == 1


def test_a_run_whose_worker_is_gone_is_sent_once_even_while_others_wait(sent):
    orphan, waiting = a_run(state=State.RUNNING, attempts=1), a_run(window_start=NOW - 2 * H)
    tasks.ingest_run.apply_async((waiting.pk,), priority=tasks.POLL_PRIORITY)
    for _ in range(2):
        tasks.resume()
    orphan.refresh_from_db()
    assert (orphan.state, orphan.attempts) == (State.PENDING, 1)
    assert sent() == [waiting.pk, orphan.pk]


def test_a_run_that_is_worked_on_is_left_alone(sent):
    """The worker is another session of the database."""
    run = a_run(state=State.RUNNING)
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with closing(connection), books.exclusive(run):
            inside.set()
            go_on.wait(timeout=30)

    worker = threading.Thread(target=hold)
    worker.start()
    assert inside.wait(timeout=30)
    tasks.resume()
    tasks.ingest_run(run.pk)
    assert (sent(), IngestRun.objects.get().state) == ([], State.RUNNING)
    go_on.set()
    worker.join(timeout=30)
    tasks.resume()
    assert sent() == [run.pk]


def test_a_retry_waits_for_its_time_and_is_then_sent_once(sent):
    early = a_run(not_before=timezone.now() + H)
    due = a_run(not_before=timezone.now() - H, window_start=NOW - 2 * H)
    tasks.ingest_run.apply_async((early.pk,))
    tasks.resume()
    assert sorted(sent()) == sorted([early.pk, due.pk])
    tasks.ingest_run(early.pk)
    early.refresh_from_db()
    assert (early.state, early.attempts) == (State.PENDING, 0), "a stray message does not hurry it"


def test_rerun_takes_up_what_failed_and_orders_anew_what_succeeded(sent):
    failed = a_run(state=State.FAILED, attempts=8, error="away", event_types=["AR"])
    again = tasks.rerun(failed)
    assert (again.pk, again.state, again.attempts, again.error) == (failed.pk, State.PENDING, 0, "")
    done = a_run(state=State.SUCCEEDED, received=3, created=3, event_types=["CH"])
    new = tasks.rerun(done)
    assert new.pk != done.pk
    assert (new.state, new.received, new.event_types, windows([new])) == (
        State.PENDING,
        0,
        ["CH"],
        windows([done]),
    )
    assert IngestRun.objects.get(pk=done.pk).created == 3
    assert sent() == [failed.pk, new.pk]


def test_resume_backfill_takes_up_all_that_is_not_done(sent):
    backfill = tasks.start_backfill("hek", NOW, NOW + 18 * H)
    assert len(sent()) == 4
    failed, done, orphan, lost = backfill.runs.order_by("pk")
    for run, state in ((failed, State.FAILED), (done, State.SUCCEEDED), (orphan, State.RUNNING)):
        IngestRun.objects.filter(pk=run.pk).update(state=state)
    tasks.resume_backfill(backfill)
    tasks.resume()
    first = sent()
    tasks.resume()
    assert set(first + sent()) == {failed.pk, orphan.pk, lost.pk}


def test_the_task_works_on_a_run_and_keeps_a_sick_source_to_the_books(broker, real_data, settings):
    run = a_run(source="archive", origin=str(real_data / "hek" / "mixed_20230329.json"),
                window_start=None, window_end=None)  # fmt: skip
    tasks.ingest_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.created) == (State.SUCCEEDED, 23)
    settings.ISD_HEK_URL, settings.ISD_HEK_RETRIES = "http://127.0.0.1:9/her", 0
    sick = a_run()
    tasks.ingest_run(sick.pk)
    sick.refresh_from_db()
    assert (sick.state, sick.attempts, sick.not_before is None) == (State.PENDING, 1, False)
    assert "127.0.0.1:9" in sick.error
    tasks.ingest_run(run.pk + 1000)  # deleted before its turn


def test_beat_has_the_polls_and_the_resumes_of_every_minute(settings):
    schedule = settings.CELERY_BEAT_SCHEDULE.values()
    assert {entry["task"] for entry in schedule} == {
        "ingest.tasks.poll_sources", "ingest.tasks.resume",
        "ingest.image_tasks.poll_images", "ingest.image_tasks.resume_images",
    }  # fmt: skip
    current_app.loader.import_default_modules()  # as a worker does at its start
    assert all(entry["task"] in current_app.tasks for entry in schedule)


# --- tracking follows


def test_after_a_run_its_events_are_tracked_and_then_interpolated(sent_tasks, real_data):
    run = a_run(source="archive", origin=str(real_data / "hek" / "ar_spoca_201803.json"),
                window_start=None, window_end=None)  # fmt: skip
    tasks.ingest_run(run.pk)
    assert sent_tasks() == [("track_events", 9)]
    tasks.track_events()
    assert Track.objects.count() == 19
    assert sent_tasks() == [("interpolate_tracks", 9)]
    tasks.interpolate_tracks()
    assert TrackShape.objects.values("track").distinct().count() == 19
    assert sent_tasks() == []
    tasks.ingest_run(tasks.rerun(run).pk)
    assert sent_tasks() == [("ingest_run", 3)], "nothing has changed, so nothing follows"


def test_what_is_not_done_in_one_shift_goes_on_in_the_next(sent_tasks, real_data, monkeypatch):
    pipeline.ingest_window(get_source("archive", path=real_data / "hek" / "ar_spoca_201803.json"), None, ())
    track_pending()
    monkeypatch.setattr(interpolate, "BATCH", 1)
    monkeypatch.setattr(tasks, "_shift", lambda: iter([False, False, True]).__next__)
    tasks.interpolate_tracks()
    assert ShapeOrder.objects.count() == 17
    assert sent_tasks() == [("interpolate_tracks", 9)]
    monkeypatch.setattr(tasks, "_shift", lambda: lambda: True)
    tasks.interpolate_tracks()
    assert sent_tasks() == [], "another one is at it, or tracks: resume will look"


def test_a_shift_ends(monkeypatch):
    monkeypatch.setattr(tasks, "SHIFT", 0.0)
    assert tasks._shift()()
    monkeypatch.setattr(tasks, "SHIFT", 60.0)
    assert not tasks._shift()()


def test_orders_whose_message_was_lost_are_sent_by_resume_unless_messages_wait(sent_tasks):
    order = TrackingOrder.objects.create(event_type="AR", frm_name="x", day=NOW.date())
    tasks.resume()
    tasks.resume()
    assert sent_tasks() == [("track_events", 9)]
    order.delete()
    ShapeOrder.objects.create(track_id=1, event_type="AR", frm_name="x", first_time=NOW, last_time=NOW)
    tasks.resume()
    assert sent_tasks() == [("interpolate_tracks", 9)]
    tasks.interpolate_tracks()
    tasks.resume()
    assert sent_tasks() == []


def test_tracking_is_ordered_while_the_broker_is_away(broker_away, real_data):
    run = a_run(source="archive", origin=str(real_data / "hek" / "ar_spoca_201803.json"),
                window_start=None, window_end=None)  # fmt: skip
    tasks.ingest_run(run.pk)
    assert TrackingOrder.objects.exists()
