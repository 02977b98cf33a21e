"""The commands as an operator runs them: processes of their own, their words and their exit codes."""

import json
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import psycopg2
import pytest
from django.db import connection

from events.models import Event
from ingest.models import Backfill, IngestRun, QuarantinedRecord

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def command(own_environment):
    """Runs one command to its end on the test database."""

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, MANAGE, *map(str, arguments)], env={**own_environment, **environment},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@contextmanager
def endpoint(answer):
    """A HER endpoint that answers each request with what `answer(handler)` returns as (status, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError):  # whoever asked was stopped
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hek/her"
    finally:
        server.shutdown()
        server.server_close()


def lines(text):
    return text.strip().splitlines()


def test_an_archive_with_a_bad_record_is_no_failure_and_the_account_tells(command, hek_answer, tmp_path):
    records = hek_answer("ar_spoca_201803.json")["result"]
    records[7]["event_starttime"] = "yesterday"
    (tmp_path / "answer.json").write_text(json.dumps({"result": records}))
    done = command("ingest_events", "--source", "archive", "--path", tmp_path)
    assert (done.returncode, lines(done.stdout)) == (
        0, ["received 98 = created 97 + updated 0 + unchanged 0 + quarantined 1"],
    )  # fmt: skip
    assert "page 1, received 98" in done.stderr
    assert "Traceback" not in done.stderr
    assert QuarantinedRecord.objects.get().reason.startswith("event_starttime")
    again = command("ingest_events", "--source", "archive", "--path", tmp_path)
    assert lines(again.stdout) == ["received 98 = created 0 + updated 0 + unchanged 97 + quarantined 1"]
    assert set(IngestRun.objects.values_list("state", flat=True)) == {"succeeded"}
    only = command("ingest_events", "--source", "archive", "--path", tmp_path, "--types", "ch")
    assert lines(only.stdout) == ["received 0 = created 0 + updated 0 + unchanged 0 + quarantined 0"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--source", "archive"], "needs a path"),
        (["--source", "archive", "--path", "/nowhere/at/all.json"], "/nowhere/at/all.json"),
        (["--source", "hek"], "needs --start and --end"),
        (["--source", "hek", "--start", "2014-01-01"], "go together"),
        (["--source", "hek", "--start", "soon", "--end", "2014-01-01"], "--start soon"),
        (["--source", "hek", "--start", "2014-01-02", "--end", "2014-01-01"], "after the end"),
        (["--source", "hek", "--start", "2014-01-02", "--end", "2014-01-02"], "is empty"),
        (["--source", "hek", "--start", "2014-01-01", "--end", "2014-01-02", "--types", "AR,QQ"], "QQ"),
        (["--source", "hek", "--start", "2014-01-01", "--end", "2014-01-02", "--path", "/x"], "/x"),
        (["--source", "archive", "--path", "/x", "--celery"], "--celery"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(command, arguments, line):
    done = command("ingest_events", *arguments)
    assert done.returncode == 1
    assert (done.stdout, len(lines(done.stderr))) == ("", 1)
    assert line in done.stderr


def test_an_unreadable_endpoint_fails_the_command_and_the_run(command):
    with endpoint(lambda _: (404, b"gone")) as url:
        done = command(
            "ingest_events",
            "--source",
            "hek",
            "--start",
            "2014-01-01",
            "--end",
            "2014-01-02",
            ISD_HEK_URL=url,
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert "404" in lines(done.stderr)[-1]
    assert "Traceback" not in done.stderr
    run = IngestRun.objects.get()
    assert (run.state, "404" in run.error) == ("failed", True)


def test_an_endpoint_is_read_window_by_window(command, hek_answer):
    records = hek_answer("flares_swpc_20120101.json")["result"]
    body = json.dumps({"result": records, "association": [], "overmax": False}).encode()
    with endpoint(lambda _: (200, body)) as url:
        done = command(
            "ingest_events", "--source", "hek", "--start", "2012-01-01", "--end", "2012-01-02T00:00",
            ISD_HEK_URL=url, ISD_WINDOW_HOURS="12",
        )  # fmt: skip
    assert (done.returncode, lines(done.stdout)) == (
        0, ["received 24 = created 12 + updated 0 + unchanged 12 + quarantined 0"],
    )  # fmt: skip
    progress = [line for line in lines(done.stderr) if line.startswith("hek ")]
    assert progress[0].startswith("hek 2012-01-01T00:00:00Z .. 2012-01-01T12:00:00Z: page 1, received 12")
    assert len(progress) == 2


def test_without_a_database_the_command_ends_with_one_line(command, real_data):
    done = command(
        "ingest_events", "--source", "archive", "--path", real_data / "hek" / "mixed_20230329.json",
        DATABASE_URL="postgis://nobody@127.0.0.1:9/none",
    )  # fmt: skip
    assert done.returncode == 1
    assert lines(done.stderr)[-1].startswith("CommandError: the database: OperationalError")
    assert "Traceback" not in done.stderr


def test_ctrl_c_stops_it_cleanly_and_it_can_be_run_again(own_environment, command, hek_answer):
    """Interrupted while it waits for the second window's answer."""
    body = json.dumps(hek_answer("flares_swpc_20120101.json")).encode()
    over = threading.Event()

    def answer(handler):
        if "event_starttime=2012-01-01T06" in unquote(handler.path) and not over.is_set():
            process.send_signal(signal.SIGINT)
            over.wait(timeout=60)
        return 200, body

    arguments = ["ingest_events", "--source", "hek", "--start", "2012-01-01", "--end", "2012-01-02"]
    with endpoint(answer) as url:
        environment = {**own_environment, "ISD_HEK_URL": url, "ISD_WINDOW_HOURS": "6"}
        process = subprocess.Popen(
            [sys.executable, MANAGE, *arguments], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = process.communicate(timeout=60)
        over.set()
        assert (process.returncode, out) == (130, "")
        assert "Traceback" not in err
        assert lines(err)[-1] == "CommandError: stopped; run it again to go on"
        assert list(IngestRun.objects.order_by("pk").values_list("state", "error")) == [
            ("succeeded", ""),
            ("failed", "stopped before its end"),
        ]
        again = command(*arguments, **environment)
    assert again.returncode == 0
    assert lines(again.stdout) == ["received 48 = created 0 + updated 0 + unchanged 48 + quarantined 0"]


def test_a_window_in_work_elsewhere_is_left_alone(command, own_environment, real_data):
    """The other worker is a process of its own, halted inside its window by a lock on the table of events."""
    path = real_data / "hek" / "mixed_20230329.json"
    arguments = ["ingest_events", "--source", "archive", "--path", path]
    holder = psycopg2.connect(own_environment["DATABASE_URL"].replace("postgis:", "postgres:"))
    try:
        holder.cursor().execute("LOCK TABLE events_event IN EXCLUSIVE MODE")
        first = subprocess.Popen(
            [sys.executable, MANAGE, *arguments], env=own_environment, text=True, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        _wait_until_locked("events_event")
        second = command(*arguments)
        assert (second.returncode, second.stdout) == (1, "")
        assert "another process is working on archive" in second.stderr
        holder.rollback()
        out, _ = first.communicate(timeout=60)
    finally:
        holder.close()
    assert (first.returncode, "created 23" in out) == (0, True)


def _wait_until_locked(table):
    with connection.cursor() as cursor:
        for _ in range(6000):
            cursor.execute(
                "SELECT count(*), pg_sleep(0.01) FROM pg_locks WHERE relation = %s::regclass AND NOT granted",
                [table],
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError(f"nobody waits for {table}")


def test_the_demo_is_not_loaded_where_there_are_events(command, real_data):
    command("ingest_events", "--source", "archive", "--path", real_data / "hek" / "mixed_20230329.json")
    done = command("load_demo", "--if-empty")
    assert (done.returncode, Backfill.objects.count()) == (0, 0)
    assert "there are events already" in done.stderr


def test_the_demo_says_what_it_misses(command):
    done = command("load_demo", "--wait", "0", ISD_SIMULATOR_URL="http://127.0.0.1:9/hek/her")
    assert (done.returncode, Backfill.objects.count()) == (1, 0)
    assert re.search(r"no simulator answers at http://127.0.0.1:9/hek/her .*serve_simulator", done.stderr)
    assert len(lines(done.stderr)) == 1


def test_the_demo_goes_through_the_workers_and_is_loaded_once(command, own_environment, hek_answer, tmp_path):
    records = hek_answer("flares_swpc_20120101.json")["result"]
    body = json.dumps({"result": records, "overmax": False}).encode()
    with endpoint(lambda _: (200, body)) as url:
        environment = {**own_environment, "ISD_SIMULATOR_URL": url, "ISD_WINDOW_HOURS": "240"}
        log = (tmp_path / "worker.log").open("w")
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "isd", "worker", "--pool", "solo", "--without-mingle"],
            env=environment, cwd=MANAGE.parent, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            done = command("load_demo", "--if-empty", **environment)
            assert done.returncode == 0, done.stderr + (tmp_path / "worker.log").read_text()
            assert lines(done.stdout) == [
                "received 48 = created 12 + updated 0 + unchanged 36 + quarantined 0",
                "received 18 = created 18 + updated 0 + unchanged 0 + quarantined 0",
            ]
            assert "4 of 4 windows" in done.stderr
            again = command("load_demo", "--if-empty", **environment)
            assert (again.returncode, again.stdout, Backfill.objects.count()) == (0, "", 1)
            followed = command(
                "ingest_events", "--source", "simulator", "--start", "2014-02-01", "--end", "2014-02-03",
                "--celery", **environment,
            )  # fmt: skip
            assert lines(followed.stdout)[-1].endswith("unchanged 12 + quarantined 0"), followed.stderr
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=60)
            log.close()
    assert Event.objects.count() == 12
