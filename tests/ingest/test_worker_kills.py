"""A backfill by a real Celery worker that is killed again and again loses and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
from django.db import connection

from events.domain.criteria import TimeWindow
from events.models import Association, Event, EventVersion
from ingest import books, tasks
from ingest.models import IngestRun, QuarantinedRecord, Watermark
from ingest.pipeline import ingest_window
from ingest.sources import get_source

ROOT = Path(__file__).resolve().parents[2]
WINDOW = TimeWindow(datetime(2018, 3, 16, 18, tzinfo=UTC), datetime(2018, 3, 26, tzinfo=UTC))
STEP = timedelta(hours=3)
#: Where the worker is when it is killed: the table that it waits for, or the endpoint.
STAGES = {
    "taking up a run": "ingest_ingestrun",
    "asking the source": "",
    "writing events": "events_event",
    "writing associations, with the events of the batch not committed": "events_association",
    "closing the books, with all data committed": "ingest_watermark",
}
KILLS = 4 * len(STAGES)

pytestmark = pytest.mark.django_db(transaction=True)


class Endpoint(ThreadingHTTPServer):
    """Serves recorded answers like HEK: events that touch the window, and edges with an end among them."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.open, self.asked = threading.Event(), threading.Event()
        self.open.set()

    def window(self, start: str, end: str) -> dict:
        records = [
            r for r in self.answer["result"] if r["event_starttime"] <= end and r["event_endtime"] >= start
        ]
        names = {r["kb_archivid"] for r in records}
        edges = [e for e in self.answer["association"] if {e["first_ivorn"], e["second_ivorn"]} & names]
        return {"result": records, "association": edges, "overmax": False}


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self):
        self.server.asked.set()
        self.server.open.wait(timeout=60)
        query = parse_qs(urlsplit(self.path).query)
        answer = self.server.window(query["event_starttime"][0], query["event_endtime"][0])
        body = json.dumps(answer).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked is dead

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint(hek_answer, settings) -> Iterator[Endpoint]:
    server = Endpoint(hek_answer("ar_spoca_201803.json"))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    settings.ISD_HEK_URL = f"http://127.0.0.1:{server.server_port}/hek/her"
    settings.ISD_WINDOW = STEP
    yield server
    server.open.set()
    server.shutdown()
    server.server_close()


class Worker:
    """A Celery worker with two children, in a process group of its own."""

    def __init__(self, environment: dict[str, str], log: Path):
        self.environment, self.log = environment, log
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "isd", "worker", "--concurrency", "2"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """As when the machine loses its power: the parent and its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def kill_children(self) -> None:
        """As when the kernel is out of memory: the parent lives on and starts new ones."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended while we looked
            if parent == self.process.pid:
                os.kill(int(stat.parent.name), signal.SIGKILL)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def worker(own_environment, settings, endpoint, tmp_path) -> Iterator[Worker]:
    environment = {**own_environment, "ISD_HEK_URL": settings.ISD_HEK_URL}
    made = Worker(environment, tmp_path / "worker.log")
    yield made
    made.stop()


@pytest.fixture
def halted_at(own_environment, endpoint, wait_for):
    """`with halted_at(table) as wait_until_there:` nobody gets past this stage until the block ends."""

    @contextmanager
    def halt(table: str):
        if not table:
            endpoint.asked.clear()
            endpoint.open.clear()
            yield lambda: wait_for(endpoint.asked.is_set, "a question to the endpoint")
            endpoint.open.set()
            return
        holder = psycopg2.connect(own_environment["DATABASE_URL"].replace("postgis:", "postgres:", 1))
        try:
            holder.cursor().execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield lambda: wait_for(lambda: _waiting(table), f"the worker to wait for {table}")
        finally:
            holder.close()

    return halt


def _waiting(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = %s::regclass AND NOT granted)", [table]
        )
        return cursor.fetchone()[0]


def _other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]


def everything() -> tuple:
    """All that the ingest writes, but for numbers and times of writing."""
    own = {"id", "ingested_at", "updated_at"}
    columns = [f.attname for f in Event._meta.concrete_fields if f.attname not in own]
    events = [
        tuple(bytes(v.ewkb) if hasattr(v, "ewkb") else v for v in row)
        for row in Event.objects.order_by("kb_archivid").values_list(*columns)
    ]
    edges = sorted(Association.objects.values_list("first_ivorn", "second_ivorn", "edge_type", "strength"))
    return events, edges, EventVersion.objects.count(), QuarantinedRecord.objects.count()


def succeeded() -> int:
    return IngestRun.objects.filter(state=IngestRun.State.SUCCEEDED).count()


def test_twenty_kills_lose_nothing_and_double_nothing(endpoint, worker, halted_at, wait_for):
    ingest_window(get_source("hek"), WINDOW, ())
    undisturbed = everything()
    assert (len(undisturbed[0]), len(undisturbed[1])) == (98, 79)
    for model in (Event, Association, IngestRun, Watermark):
        model.objects.all().delete()
    backfill = tasks.start_backfill("hek", WINDOW.start, WINDOW.end)
    kills = 0
    for number in range(KILLS // len(STAGES)):
        for table in STAGES.values():
            if number % 2:  # killed at once in every other round, else after some windows were done
                worker.start()
                done = succeeded()
                wait_for(lambda done=done: succeeded() > done, "progress")
            with halted_at(table) as wait_until_there:
                if not number % 2:
                    worker.start()
                wait_until_there()
                worker.kill()
                kills += 1
            wait_for(lambda: not _other_sessions(), "PostgreSQL to notice")
    assert kills >= 20
    assert 0 < succeeded() < backfill.runs.count(), "there was work left for every one of them"

    worker.start()
    with halted_at("events_event") as wait_until_there:
        wait_until_there()
        worker.kill_children()
    wait_for(lambda: _resumed(backfill), "the backfill to end", seconds=120)
    _check_books(backfill, endpoint)
    assert everything() == undisturbed


def _resumed(backfill) -> bool:
    """What beat does every minute; whether it is all done."""
    tasks.resume()
    return backfill.runs.filter(state=IngestRun.State.SUCCEEDED).count() == backfill.runs.count()


def _check_books(backfill, endpoint: Endpoint) -> None:
    """Every window succeeded, having received exactly what there is, after more attempts than windows."""
    runs = list(backfill.runs.order_by("window_start"))
    assert [(run.window_start, run.window_end) for run in runs] == [
        (piece.start, piece.end) for piece in books.cut(WINDOW, STEP)
    ]
    for run in runs:
        there = endpoint.window(f"{run.window_start:%FT%T}", f"{run.window_end:%FT%T}")
        assert (run.received, run.associations) == (len(there["result"]), len(there["association"]))
        assert (run.updated, run.quarantined) == (0, 0)
    assert sum(run.created for run in runs) <= 98
    assert sum(run.attempts for run in runs) >= len(runs) + KILLS // 2
