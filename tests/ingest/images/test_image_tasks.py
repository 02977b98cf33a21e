"""Orders of images and their way to the workers, and the commands that give and follow them."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from events.domain.criteria import TimeWindow
from images.domain.slots import WAVES
from images.models import ImageHeader
from ingest import accounts, image_demo, image_pipeline, image_tasks
from ingest.management.image_reporting import end_of_images, follow_images
from ingest.models import ImageRun
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
        for queue in client.keys("celery*"):
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


def test_a_window_is_ordered_by_hours_and_waves():
    runs = image_tasks.order_windows("helioviewer", TimeWindow(START, START + 2 * H), (171, 193))
    assert [(run.wave, run.window_start, run.window_end) for run in runs] == [
        (wave, START + n * H, START + (n + 1) * H) for n in range(2) for wave in (171, 193)
    ]
    assert {run.state for run in runs} == {State.PENDING}


def test_files_are_ordered_by_ten():
    runs = image_tasks.order_files([f"/{n:02}.jp2" for n in range(23)])
    assert [len(run.paths) for run in runs] == [10, 10, 3]
    assert [path for run in runs for path in run.paths] == [f"/{n:02}.jp2" for n in range(23)]


def test_what_is_pending_or_left_behind_is_sent_again_and_what_waits_or_is_over_is_not(sent):
    window = TimeWindow(START, START + H)
    pending, left, waiting, over, failed = image_tasks.order_windows("helioviewer", window, WAVES[:5])
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


def test_nothing_fails_while_the_broker_is_away(broker_away):
    runs = image_tasks.order_windows("helioviewer", TimeWindow(START, START + H), (171,))
    image_tasks.send(runs)
    image_tasks.resume_images()
    assert ImageRun.objects.get().state == State.PENDING


def test_a_sick_source_is_tried_again_later_until_it_is_given_up(places, settings):
    settings.ISD_HELIOVIEWER_URL = settings.ISD_HELIOVIEWER_API = "http://127.0.0.1:9/"
    settings.ISD_HELIOVIEWER_RETRIES = 0
    (run,) = image_tasks.order_windows("helioviewer", TimeWindow(START, START + H), (171,))
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
    (run,) = image_tasks.order_windows("helioviewer", TimeWindow(START, START + H), (171,))
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
    runs = image_tasks.order_files(["/nowhere.jp2"])
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
        end_of_images([failed], [failed])
    with pytest.raises(CommandError, match="removed"):
        end_of_images([failed], [])


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
    assert said.strip() == "received 3 = created 0 + updated 0 + unchanged 1 + quarantined 2"


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
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments, line):
    with pytest.raises(CommandError, match=line) as error:
        command("ingest_images", *arguments)
    assert "\n" not in str(error.value)
    assert ImageRun.objects.count() == 0


def test_a_source_that_is_away_fails_the_command_and_leaves_no_order_behind(places, settings):
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
    (run,) = [run for run in runs if run.wave == 1600 and run.window_start == image_demo.TIMES[0]]
    image_tasks.ingest_images(run.pk)
    run.refresh_from_db()
    assert accounts.account(run)["created"] == 1
    header = ImageHeader.objects.get()
    assert (header.wave, header.source, header.flags) == (1600, "simulation", [])
    assert "simulated" in header.header["ORIGIN"]
    assert len(image_demo.load_demo_images(said.append)) == len(runs) - 1
