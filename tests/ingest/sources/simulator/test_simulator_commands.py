"""The commands: what they write, where they listen, how they end; both ways in give the same rows."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import orjson
import pytest
from django.core.management import CommandError, call_command

from events.models import Association, Event, EventVersion
from ingest.management.reporting import time_of
from ingest.sources.simulator.catalogue import SimulatedCatalogue
from ingest.sources.simulator.sun import Sun

ROOT = Path(__file__).parents[4]
WINDOW = ("--start", "2014-01-10", "--end", "2014-01-11T06:00")


def simulate(path, *arguments):
    call_command("simulate_events", *WINDOW, "--seed", "7", "--output", str(path), *arguments)
    return path


@pytest.fixture(scope="module")
def answer_file(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("simulated") / "answer.json")


def test_file_is_what_the_server_answers(server, answer_file):
    params = {"event_starttime": "2014-01-10T00:00:00", "event_endtime": "2014-01-11T06:00:00"}
    answer = httpx.get(server.url, params={**params, "cosec": "2", "result_limit": "1000"})
    assert answer_file.read_bytes() == answer.content
    assert len(answer.json()["result"]) > 250


def test_lines_are_the_records(answer_file, tmp_path):
    lines = simulate(tmp_path / "lines", "--format", "ndjson").read_bytes().splitlines()
    assert [orjson.loads(line) for line in lines] == orjson.loads(answer_file.read_bytes())["result"]


def test_types_and_activity_are_heeded(tmp_path, capsys):
    few = orjson.loads(simulate(tmp_path / "few.json", "--types", "fl,ce").read_bytes())
    assert {r["event_type"] for r in few["result"]} == {"FL", "CE"}
    assert f"{len(few['result'])} records" in capsys.readouterr().out
    none = orjson.loads(simulate(tmp_path / "none.json", "--activity", "0").read_bytes())
    assert none == {"result": [], "association": [], "overmax": False}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--end", "2013-01-01"], "after --end"),
        (["--end", "soon"], "soon"),
        (["--types", "XY"], "XY"),
        (["--seed", "-1"], "seed"),
        (["--start", "1800-01-01"], "1900 to 2200"),
        (["--output", "/nowhere/at/all.json"], "/nowhere/at/all.json"),
    ],
)
def test_mistakes_end_with_one_line(tmp_path, arguments, message):
    with pytest.raises(CommandError) as error:
        simulate(tmp_path / "answer.json", *arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-u", "manage.py", "serve_simulator", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_server_says_where_serves_and_stops(by, tmp_path):
    record = {"event_type": "FL", "kb_archivid": "ivo://a", "event_starttime": "2014-01-10T01:00:00"}
    (tmp_path / "answer.json").write_text(json.dumps({"result": [record]}))
    process = start("--replay", str(tmp_path))
    try:
        line = process.stdout.readline()
        url = line.split()[-1]
        params = {"event_starttime": "2014-01-10", "event_endtime": "2014-01-11", "cosec": "2"}
        assert httpx.get(url, params=params).json()["result"] == [record]
        process.send_signal(by)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, out.strip(), err) == (0, "stopped", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--replay", "/nowhere"], "/nowhere"),
        (["--seed", "-3"], "seed"),
        (["--port", "99999"], "port"),
        (["--host", "192.0.2.1"], "cannot listen"),
    ],
)
def test_server_refuses_what_it_cannot_do(arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("serve_simulator", *arguments)


def test_server_refuses_a_port_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(CommandError, match="in use"):
            call_command("serve_simulator", "--port", str(other.getsockname()[1]))


def rows():
    """Everything that is stored, but for what tells of the way in: numbers, sources, times of storing."""
    events = Event.objects.order_by("kb_archivid").values()
    versions = EventVersion.objects.order_by("event__kb_archivid", "revision").values(
        "event__kb_archivid", "revision", "content_hash", "attributes"
    )
    edges = Association.objects.order_by("first_ivorn", "second_ivorn", "edge_type").values()
    way_in = {"id", "source", "ingested_at", "updated_at"}
    return [
        [{key: value for key, value in row.items() if key not in way_in} for row in table]
        for table in (events, versions, edges)
    ]


@pytest.mark.django_db(transaction=True)
def test_ingest_over_http_equals_ingest_from_the_file(server, answer_file, settings):
    settings.ISD_SIMULATOR_URL = server.url
    call_command("ingest_events", "--source", "simulator", *WINDOW)
    over_http = rows()
    assert len(over_http[0]) > 250
    assert len(over_http[1]) > 0
    Event.objects.all().delete()
    Association.objects.all().delete()
    call_command("ingest_events", "--source", "archive", "--path", str(answer_file))
    assert rows() == over_http
    names = {e.archivid for e in SimulatedCatalogue(Sun(seed=7)).entries(*_window())}
    assert {row["kb_archivid"] for row in over_http[0]} == names


def _window():
    return time_of(WINDOW[1]), time_of(WINDOW[3])
