"""Another instance reads from ours, in its own process into its own database: the same answers in the end."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg2
import pytest
from django.db import connection

from events.domain.vocabulary import GEOMETRY_COLUMNS

pytestmark = pytest.mark.django_db  # so that the database is there; its events are committed

ROOT = Path(__file__).resolve().parents[4]
#: What is mirrored: recorded answers, simulated hours, and rows of tables, which lack nearly everything.
WINDOWS = (
    *(("2018-03-16T23:00", "2018-03-26T00:00"), ("2023-03-29T00:00", "2023-03-30T00:00")),
    *(("2012-01-01T00:00", "2012-01-03T00:00"), ("2014-06-01T00:00", "2014-06-01T08:00")),
)
#: Questions that find recorded events and no others, and how many.
RECORDED = {
    "event_type=ar&event_starttime=2018-03-16T00:00:00&event_endtime=2018-03-26T00:00:00": 98,
    "event_type=**&event_starttime=2023-03-29T00:00:00&event_endtime=2023-03-30T00:00:00": 23,
    "event_type=fl&event_starttime=2012-01-01T00:00:00&event_endtime=2012-01-03T00:00:00"
    "&param0=frm_name&op0=like&value0=S%25": 25,
}
COLUMNS = (
    *("kb_archivid", "event_type", "event_starttime", "event_endtime", "event_peaktime", "frm_name"),
    *("frm_specificid", "obs_observatory", "obs_instrument", "obs_channelid", "obs_meanwavel", "ar_noaanum"),
    *("fl_goescls", "goes_flux", *GEOMETRY_COLUMNS, "geometry_notes", "attributes", "revision"),
    *("kb_archivdate", "content_hash"),
)
EDGES = (
    *("first_ivorn", "second_ivorn", "edge_type", "first_event_type", "second_event_type", "first_id"),
    *("second_id", "strength", "reported_by"),
)


class Mirror:
    """The other instance: commands, rows, answers."""

    def __init__(self, database: str, source: str) -> None:
        address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}")
        self.dsn = address._replace(scheme="postgresql").geturl()
        self.environment = {
            **os.environ, "DATABASE_URL": address.geturl(), "ISD_HEK_URL": f"{source}/hek/her",
            "ISD_WINDOW_HOURS": "240", "ISD_HEK_RETRIES": "0",
        }  # fmt: skip
        self.address = ""

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments], env=self.environment, cwd=ROOT,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self.dsn)) as other, other.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


@contextmanager
def database() -> Iterator[str]:
    """An empty database beside that of the tests."""
    name = f"{connection.settings_dict['NAME']}_mirror"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
        try:
            yield name
        finally:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def web(mirror: Mirror) -> Iterator[None]:
    """The other instance's web process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "isd.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, env=mirror.environment, cwd=ROOT)
    mirror.address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{mirror.address}/healthz", process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "the web process of the mirror is gone"
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{url} does not answer")


@pytest.fixture(scope="module")
def mirror(hek, django_db_blocker) -> Iterator[Mirror]:
    """An instance that has read everything in `WINDOWS` from ours."""
    with django_db_blocker.unblock(), database() as name:
        other = Mirror(name, hek.address)
        other.run("migrate", "--verbosity", "0")
        for start, end in WINDOWS:
            window = ("--start", start, "--end", end)
            account = other.run("ingest_events", "--source", "hek", *window, "--no-tracks")
            assert "quarantined 0" in account, account
        with web(other):
            yield other


def _ours(statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(_own_dsn())) as own, own.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def _own_dsn() -> str:
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(scheme="postgresql", path=f"/{name}").geturl()


def _overlapping(windows: Any) -> str:
    return " OR ".join(f"period && tstzrange('{a}+00', '{b}+00', '[]')" for a, b in windows)


def test_the_mirror_has_equal_rows(mirror):
    events = (
        f"SELECT {', '.join(COLUMNS)} FROM events_event WHERE {_overlapping(WINDOWS)} ORDER BY kb_archivid"
    )
    ours, theirs = _ours(events), mirror.rows(events)
    assert len(ours) > 250
    assert [row[0] for row in ours] == [row[0] for row in theirs]
    assert [
        (own[0], column, own[n], other[n])
        for own, other in zip(ours, theirs, strict=True)
        for n, column in enumerate(COLUMNS)
        if own[n] != other[n]
    ] == []
    assert mirror.rows("SELECT count(*) FROM events_event") == [(len(ours),)]


def test_the_mirror_has_equal_associations(mirror):
    ids = f"(SELECT kb_archivid FROM events_event WHERE {_overlapping(WINDOWS)})"
    edges = (
        f"SELECT {', '.join(EDGES)} FROM events_association "
        f"WHERE first_ivorn IN {ids} OR second_ivorn IN {ids} ORDER BY 1, 2, 3"
    )
    ours = _ours(edges)
    assert len(ours) > 79
    assert ours == mirror.rows(edges)


@pytest.mark.parametrize(("start", "end"), WINDOWS)
@pytest.mark.parametrize("form", ["cosec=2", "cosec=1"])
def test_the_mirrors_answers_are_ours_byte_by_byte(hek, mirror, start, end, form):
    query = (
        f"{form}&cmd=search&type=column&event_type=**&event_starttime={start}&event_endtime={end}"
        "&event_coordsys=helioprojective&x1=-30000&x2=30000&y1=-30000&y2=30000&result_limit=1000"
    )
    ours, theirs = hek.get(query), replace(hek, address=mirror.address).get(query)
    assert ours.status_code == theirs.status_code == 200
    assert len(ours.content) > 10_000
    assert ours.content == theirs.content


def test_a_second_pass_changes_nothing(mirror):
    before = mirror.rows("SELECT kb_archivid, updated_at FROM events_event ORDER BY 1")
    account = mirror.run("ingest_events", "--source", "hek", "--start", WINDOWS[1][0], "--end", WINDOWS[1][1])
    assert "received 23 = created 0 + updated 0 + unchanged 23 + quarantined 0" in account
    assert mirror.rows("SELECT kb_archivid, updated_at FROM events_event ORDER BY 1") == before


def test_as_reported_gives_what_is_stored(hek):
    window = {"event_starttime": "2012-01-01T00:00:00", "event_endtime": "2012-01-03T00:00:00"}
    stored = {e.kb_archivid: e.attributes for e in hek.events}
    reported = hek.ask(event_type="**", as_reported="true", result_limit=1000, **window)["result"]
    assert reported == [stored[i] for i in hek.between(*window.values())]
    assert min(map(len, reported)) < 20


def test_our_answers_read_as_an_archive_are_nothing_new(hek, mirror, tmp_path):
    """What reads our full records stores what it would have stored of the recorded ones."""
    forms = (("1", "answer.xml"), ("2", "answer.json"))
    for form, name in forms:
        for number, (query, recorded) in enumerate(RECORDED.items()):
            answer = hek.get(f"cosec={form}&cmd=search&type=column&result_limit=1000&{query}")
            assert answer.text.count("event_starttime") >= recorded
            (tmp_path / f"{number}{name}").write_bytes(answer.content)
    account = mirror.run("ingest_events", "--source", "archive", "--path", str(tmp_path))
    number = len(forms) * sum(RECORDED.values())
    assert f"received {number} = created 0 + updated 0 + unchanged {number} + quarantined 0" in account


def test_recorded_answers_come_back_as_they_were(hek, hek_answer: Callable[[str], dict[str, Any]]):
    """Every value that was recorded is in the answer, of the same JSON type; nothing else is.

    Whole numbers are one: HEK writes 45 and 45.0.
    """
    for name in ("ar_spoca_201803.json", "mixed_20230329.json", "flares_ssw_20120101.json"):
        for recorded in hek_answer(name)["result"]:
            query = {"param0": "kb_archivid", "op0": "=", "value0": recorded["kb_archivid"]}
            window = {"event_starttime": "0001-01-01T00:00:00", "event_endtime": "9999-01-01T00:00:00"}
            (got,) = hek.ask(event_type="**", **window, **query)["result"]
            assert {k: v for k, v in got.items() if recorded.get(k, "no key") != v} == {}
            assert set(got) == set(recorded)
