"""Orders of images and their way to the workers, and the commands that give and follow them."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from events.domain.criteria import TimeWindow
from images.domain.slots import WAVES
from images.models import ImageHeader
from ingest import accounts, image_demo, image_pipeline, image_tasks, queries
from ingest.management.image_reporting import end_of_images, follow_images
from ingest.models import ImageRun, QuarantinedRecord
from ingest.sources.base import SourceError
from isd import celery_app

START = datetime(2014, 1, 10, 6, tzinfo=UTC)
H, MIN = timedelta(hours=1), timedelta(minutes=1)
State = ImageRun.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(broker):
    """The runs that messages tell of; reading takes them out."""
    client = redis.Redis.from_url(broker)

    def read():
        found = []
        for queue in client.keys("images*"):
            while client.type(queue) == b"list" and (message := client.rpop(queue)) is not None:
                headers = json.loads(message)["headers"]
                assert headers["task"] == "ingest.image_tasks.ingest_images"
                found.append(json.loads(headers["argsrepr"].strip("(,)")))
        return found

    return read


def command(*arguments):
    """What a command says on stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_workers_know_the_tasks():
    celery_app.loader.import_default_modules()
    assert {"ingest.image_tasks.ingest_images", "ingest.image_tasks.resume_images"} <= set(celery_app.tasks)


def order_windows(*what):
    """Runs over windows, in the books."""
    return image_tasks.order(image_tasks.runs_over(*what))


def test_a_window_is_ordered_by_days_waves_and_hours():
    midnight = START.replace(hour=0)
    runs = order_windows("helioviewer", TimeWindow(midnight - 2 * H, midnight + H), (171, 193))
    assert [(run.waves, run.window_start, run.window_end) for run in runs] == [
        ([wave], midnight + n * H, midnight + (n + 1) * H)
        for hours in ((-2, -1), (0,)) for wave in (171, 193) for n in hours
    ]  # fmt: skip
    assert {run.state for run in runs} == {State.PENDING}
    assert ImageRun.objects.count() == 6


def test_an_order_that_somebody_must_have_mistyped_is_refused_before_it_is_made():
    century = TimeWindow(START, START.replace(year=2102))
    with pytest.raises(ValueError, match=r"6,9\d\d,\d\d\d runs .* at most 100,000 .* shorter window"):
        image_tasks.runs_over("helioviewer", century)
    year = TimeWindow(START, START.replace(year=2015))
    assert len(image_tasks.runs_over("helioviewer", year)) == 365 * 24 * 9


def test_files_are_ordered_by_ten():
    runs = image_tasks.runs_of_files([f"/{n:02}.jp2" for n in range(23)], waves=(171, 193))
    assert [len(run.paths) for run in runs] == [10, 10, 3]
    assert [path for run in runs for path in run.paths] == [f"/{n:02}.jp2" for n in range(23)]
    assert {tuple(run.waves) for run in runs} == {(171, 193)}
    assert ImageRun.objects.count() == 0


def test_what_is_pending_or_left_behind_is_sent_again_and_what_waits_or_is_over_is_not(sent):
    window = TimeWindow(START, START + H)
    pending, left, waiting, over, failed = order_windows("helioviewer", window, WAVES[:5])
    now = datetime.now(UTC)
    ImageRun.objects.filter(pk=left.pk).update(state=State.RUNNING)
    ImageRun.objects.filter(pk=waiting.pk).update(not_before=now + H)
    ImageRun.objects.filter(pk=over.pk).update(state=State.SUCCEEDED)
    ImageRun.objects.filter(pk=failed.pk).update(state=State.FAILED)
    image_tasks.resume_images()
    assert sorted(sent()) == [pending.pk, left.pk]
    ImageRun.objects.filter(pk=waiting.pk).update(not_before=now - H)
    image_tasks.send([pending])
    image_tasks.resume_images()
    assert sorted(sent()) == [pending.pk, waiting.pk], "while messages wait, one may be the pending run's own"


def test_what_is_new_does_not_wait_behind_years_of_what_is_old(sent, broker):
    now = datetime.now(UTC)
    old = order_windows("helioviewer", TimeWindow(START, START + 3 * H), (171,))
    new = order_windows("helioviewer", TimeWindow(now - H, now), (171,))
    image_tasks.send([*old, *new])
    client = redis.Redis.from_url(broker)
    assert (client.llen("images\x06\x166"), client.llen("images\x06\x169")) == (len(new), 3)
    assert sorted(sent()) == [run.pk for run in old + new]


def test_nothing_fails_while_the_broker_is_away(broker_away):
    runs = order_windows("helioviewer", TimeWindow(START, START + H), (171,))
    image_tasks.send(runs)
    image_tasks.resume_images()
    assert ImageRun.objects.get().state == State.PENDING


def test_a_sick_source_is_tried_again_later_until_it_is_given_up(places, settings):
    settings.ISD_HELIOVIEWER_URL = settings.ISD_HELIOVIEWER_API = "http://127.0.0.1:9/"
    settings.ISD_HELIOVIEWER_RETRIES = 0
    (run,) = order_windows("helioviewer", TimeWindow(START, START + H), (171,))
    for attempt in range(1, 9):
        image_tasks.ingest_images(run.pk)
        run.refresh_from_db()
        assert (run.attempts, "127.0.0.1:9" in run.error) == (attempt, True)
        assert run.state == (State.PENDING if attempt < 8 else State.FAILED)
        image_tasks.ingest_images(run.pk)
        run.refresh_from_db()
        assert run.attempts == attempt, "not before its time, and not when it is over"
        ImageRun.objects.filter(pk=run.pk).update(not_before=None)


def test_a_run_that_kills_its_worker_does_not_do_so_for_ever():
    (run,) = order_windows("helioviewer", TimeWindow(START, START + H), (171,))
    ImageRun.objects.filter(pk=run.pk).update(state=State.RUNNING, attempts=8)
    image_tasks.ingest_images(run.pk)
    run.refresh_from_db()
    assert (run.state, run.error) == (State.FAILED, "given up: 8 attempts were cut off or failed")


def test_a_run_that_is_over_is_left_alone():
    run = ImageRun.objects.create(source="nonesuch", state=State.SUCCEEDED)
    assert image_pipeline.work(run).state == State.SUCCEEDED
    image_tasks.ingest_images(run.pk)
    image_tasks.ingest_images(run.pk + 1)


def test_the_end_of_followed_runs(places):
    (places / "bad.jp2").write_bytes(b"nothing")
    runs = image_tasks.order(image_tasks.runs_of_files([str(places / "bad.jp2")]))
    image_pipeline.work(runs[0])
    said = []
    done = follow_images(runs, said.append)
    line = "received 1 = created 0 + updated 0 + unchanged 0 + quarantined 1"
    assert said == [f"1 of 1 runs; {line}"]
    assert end_of_images(runs, done) == line
    failed = ImageRun.objects.create(source="nonesuch")
    with pytest.raises(SourceError):
        image_pipeline.work(failed)
    with pytest.raises(CommandError, match=r"1 of 1 runs failed.*nonesuch"):
        end_of_images([failed], follow_images([failed], said.append))
    failed.pk += 1
    with pytest.raises(CommandError, match="1 of 1 runs were removed"):
        end_of_images([failed], follow_images([failed], said.append))


def test_runs_are_followed_in_one_small_statement_however_many_they_are(django_assert_num_queries):
    runs = image_tasks.order(image_tasks.runs_over("helioviewer", TimeWindow(START, START + 120 * H)))
    ImageRun.objects.create(source="helioviewer")
    ImageRun.objects.filter(pk__lte=runs[99].pk).update(state=State.FAILED)
    ImageRun.objects.filter(pk__gt=runs[99].pk).update(
        state=State.SUCCEEDED, received=10, created=9, unchanged=1
    )
    said = []
    with django_assert_num_queries(1) as asked:
        done = follow_images(runs, said.append)
    assert len(asked[0]["sql"]) < 2000
    line = "received 9800 = created 8820 + updated 0 + unchanged 980 + quarantined 0"
    assert said == [f"1080 of 1080 runs; {line}"]
    with pytest.raises(CommandError, match="100 of 1080 runs failed"):
        end_of_images(runs, done)


@given(st.sets(st.integers(1, 40)))
def test_runs_are_found_by_ranges_of_their_ids(ids):
    ImageRun.objects.all().delete()
    ImageRun.objects.bulk_create(ImageRun(pk=pk, source="files") for pk in range(1, 41))
    assert set(queries.image_runs(ids).values_list("pk", flat=True)) == ids


def test_files_that_no_worker_sees_fail_the_run_and_fill_no_quarantine(places):
    (run,) = image_tasks.order(image_tasks.runs_of_files(["/nowhere/a.jp2", "/nowhere/b.jp2"]))
    image_tasks.ingest_images(run.pk)
    run.refresh_from_db()
    assert (run.state, run.received, QuarantinedRecord.objects.count()) == (State.FAILED, 0, 0)
    assert run.error == "/nowhere/a.jp2: no such file here; do the workers see its folder?"


def test_the_command_reads_a_folder_and_says_what_became_of_it(places, full_disk):
    folder = places / "in"
    folder.mkdir()
    (folder / "a.jp2").write_bytes(full_disk(171, START + MIN))
    (folder / "b.jp2").write_bytes(b"nothing")
    (folder / "readme.txt").write_bytes(b"no image")
    said, told = command("ingest_images", "--source", "files", "--path", str(folder))
    assert said.strip() == "received 2 = created 1 + updated 0 + unchanged 0 + quarantined 1"
    assert "1 of 1, files" in told
    said, _ = command("ingest_images", "--source", "files", "--path", str(folder), "--waves", "193,0171")
    assert said.strip() == "received 2 = created 0 + updated 0 + unchanged 1 + quarantined 1"
    assert QuarantinedRecord.objects.get().times_seen == 2, "each file is read once, whatever the filter"
    said, _ = command("ingest_images", "--source", "files", "--path", str(folder), "--waves", "193,131")
    assert said.strip() == "received 1 = created 0 + updated 0 + unchanged 0 + quarantined 1"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--source", "files"], "needs --path"),
        (["--source", "files", "--path", "/nowhere/at/all"], "does not exist"),
        (["--source", "helioviewer"], "needs --start and --end"),
        (["--source", "helioviewer", "--start", "2014-01-01"], "go together"),
        (["--source", "helioviewer", "--start", "soon", "--end", "2014-01-01"], "soon"),
        (["--source", "helioviewer", "--start", "2014-01-01", "--end", "2014-01-01"], "is empty"),
        (["--source", "helioviewer", "--start", "2010-04-01", "--end", "2014-01-01"], "2010-05-01"),
        (
            ["--source", "helioviewer", "--start", "2014-01-01", "--end", "2014-01-02", "--path", "/x"],
            "--path",
        ),
        (["--source", "files", "--path", "/", "--waves", "4500"], "4500"),
        (["--source", "helioviewer", "--start", "2012-01-01", "--end", "2102-01-01"], "at most 100,000"),
        (["--source", "helioviewer", "--celery", "--start", "2012-01-01", "--end", "2102-01-01"], "runs"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, line):
    with pytest.raises(CommandError, match=line) as error:
        command("ingest_images", *arguments)
    assert "\n" not in str(error.value)
    assert ImageRun.objects.count() == 0


def test_a_source_that_is_away_fails_the_command_and_nothing_else_is_ordered(places, settings):
    settings.ISD_HELIOVIEWER_URL = settings.ISD_HELIOVIEWER_API = "http://127.0.0.1:9/"
    settings.ISD_HELIOVIEWER_RETRIES = 0
    window = ["--start", "2014-01-01", "--end", "2014-01-01T02:00", "--waves", "171"]
    with pytest.raises(CommandError, match=r"127.0.0.1:9"):
        command("ingest_images", "--source", "helioviewer", *window)
    assert [run.state for run in ImageRun.objects.all()] == [State.FAILED]


def test_the_demo_is_ordered_once_and_only_what_is_not_there(sent, places):
    said = []
    runs = image_demo.load_demo_images(said.append)
    assert len(runs) == len(WAVES) * len(image_demo.TIMES)
    assert sorted(sent()) == [run.pk for run in runs]
    assert "18 images" in said[0]
    (run,) = [run for run in runs if run.waves == [1600] and run.window_start == image_demo.TIMES[0]]
    image_tasks.ingest_images(run.pk)
    run.refresh_from_db()
    assert accounts.account(run)["created"] == 1
    header = ImageHeader.objects.get()
    assert (header.wave, header.source, header.flags) == (1600, "simulator", [])
    assert "simulated" in header.header["ORIGIN"]
    assert len(image_demo.load_demo_images(said.append)) == len(runs) - 1
