"""Real workers and a real broker: images hold up nothing else, and a command and workers do not collide."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest import image_tasks, tasks
from ingest.broker import messages_waiting
from ingest.images.lookalike import LookalikeServer, RecordedShelf
from ingest.models import ImageRun

ROOT = Path(__file__).resolve().parents[3]
START = datetime(2014, 1, 10, 6, tzinfo=UTC)
H = timedelta(hours=1)
#: No run has these numbers: a task looks, and is done.
NO_RUN = 2**31 - 1
State = ImageRun.State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(own_environment, tmp_path):
    """`with worker("-Q", "images") as names:` the tasks that it has begun, in their order."""

    @contextmanager
    def running(*options):
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "isd",
            "worker",
            "--loglevel",
            "INFO",
            "--pool",
            "solo",
        ]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat", *options]
        log = tmp_path / "worker.log"
        with log.open("w") as out:
            process = subprocess.Popen(command, env=own_environment, cwd=ROOT, stdout=out, stderr=out)
        try:
            yield lambda: re.findall(r"Task ingest\.\w+\.(\w+)\[\S+ received", log.read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)

    return running


@pytest.fixture
def many_images(broker):
    """Messages of images that wait, as after an order for years, and behind them tracking and a backfill."""
    for _ in range(30):
        image_tasks.ingest_images.apply_async((NO_RUN,), priority=image_tasks.PRIORITY)
    for _ in range(3):
        tasks.track_events.apply_async(priority=tasks.TRACKING_PRIORITY)
    tasks.ingest_run.apply_async((NO_RUN,), priority=tasks.BACKFILL_PRIORITY)
    image_tasks.poll_images.apply_async()
    assert (messages_waiting(), messages_waiting(image_tasks.QUEUE)) == (5, 30)


def test_a_worker_of_both_queues_takes_what_is_urgent_first_and_turns_with_tracking(
    worker, many_images, wait_for
):
    with worker() as begun:
        wait_for(lambda: messages_waiting() + messages_waiting(image_tasks.QUEUE) == 0, "empty queues")
        wait_for(lambda: begun().count("ingest_images") == 30, "all images")
    names = [name for name in begun() if name != "resume"]  # its own, at its start
    assert names[:2] == ["poll_images", "ingest_run"]
    assert [at for at, name in enumerate(names) if name == "track_events"][-1] <= 7, "every other one"


@pytest.mark.parametrize(("queue", "left"), [("celery", (0, 30)), ("images", (5, 0))])
def test_a_worker_may_serve_one_queue_alone(worker, many_images, wait_for, queue, left):
    with worker("-Q", queue) as begun:
        wait_for(lambda: messages_waiting("images" if queue == "images" else "") == 0, "an empty queue")
        wait_for(lambda: len(begun()) >= sum((5, 30)) - sum(left), "the last task")
    started = begun().count("resume") if queue == "celery" else 0
    assert len(begun()) - started == sum((5, 30)) - sum(left)
    waiting = messages_waiting() - (queue == "images"), messages_waiting(image_tasks.QUEUE)
    assert waiting == left, "but for the resume that every worker asks for at its start"


@pytest.fixture
def slow_server(places):
    """Helioviewer with nothing on the day, that answers when `open` is set; `asked_once`: somebody waits."""
    (places / "archive/2014/01/10/171").mkdir(parents=True)
    made = LookalikeServer(RecordedShelf(places / "archive"))
    made.open, made.asked_once = threading.Event(), threading.Event()
    proper = made.shelf.names

    def names(folder):
        made.asked_once.set()
        made.open.wait(timeout=60)
        return proper(folder)

    made.shelf.names = names
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.open.set()
    made.shutdown()
    made.server_close()


def test_a_command_works_undisturbed_by_what_beat_sends_again(own_environment, slow_server, wait_for):
    environment = own_environment | {
        "ISD_HELIOVIEWER_URL": slow_server.root, "ISD_HELIOVIEWER_API": slow_server.api,
    }  # fmt: skip
    command = [sys.executable, "manage.py", "ingest_images", "--source", "helioviewer", "--waves", "171"]
    command += ["--start", f"{START:%FT%T}", "--end", f"{START + 3 * H:%FT%T}"]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(slow_server.asked_once.is_set, "a question to the source")
        image_tasks.resume_images()
        assert messages_waiting(image_tasks.QUEUE) == 0
        assert ImageRun.objects.get().state == State.RUNNING, "the others are entered when their turn comes"
        slow_server.open.set()
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.strip()) == (
        0, "received 0 = created 0 + updated 0 + unchanged 0 + quarantined 0",
    ), err  # fmt: skip
    assert [run.state for run in ImageRun.objects.all()] == [State.SUCCEEDED] * 3


def test_a_command_that_is_killed_leaves_its_run_to_the_workers(own_environment, slow_server, wait_for):
    environment = own_environment | {
        "ISD_HELIOVIEWER_URL": slow_server.root, "ISD_HELIOVIEWER_API": slow_server.api,
    }  # fmt: skip
    command = [sys.executable, "manage.py", "ingest_images", "--source", "helioviewer", "--waves", "171"]
    command += ["--start", f"{START:%FT%T}", "--end", f"{START + 3 * H:%FT%T}"]
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(slow_server.asked_once.is_set, "a question to the source")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    run = ImageRun.objects.get()

    def is_sent():
        image_tasks.resume_images()
        return messages_waiting(image_tasks.QUEUE)

    wait_for(is_sent, "PostgreSQL to notice")
    run.refresh_from_db()
    assert (run.state, run.attempts, run.waves) == (State.PENDING, 1, [171])
