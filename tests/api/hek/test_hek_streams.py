"""Long answers: sent while they are read, equal to what is sent at once, and never cut without a sign."""

import http.client
import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import httpx
import psycopg2
import pytest
from django.db import Error, connection
from django.test import Client

from api.hek.params import search_of
from api.hek.search import search_response
from events.models import Association, Event

ROOT = Path(__file__).resolve().parents[3]
DAY = {"cmd": "search", "event_starttime": "2014-08-30", "event_endtime": "2014-08-31"}
LONG = DAY | {"result_limit": 1000}


def name(number):
    return f"ivo://test/{number:05}"


def make(number, **attributes):
    start = datetime(2014, 8, 30, tzinfo=UTC) + timedelta(minutes=number)
    return Event(
        kb_archivid=name(number), event_type="AR", event_starttime=start, event_endtime=start,
        attributes={"event_starttime": f"{start:%FT%T}", "frm_name": f"Sólo {number}", **attributes},
        content_hash=UUID(int=number), source="test",
    )  # fmt: skip


@pytest.fixture
def many(db):
    """250 events of a day, each with an edge to the next, the last to one that is not stored."""
    Event.objects.bulk_create(make(n) for n in range(250))
    Association.objects.bulk_create(
        Association(first_ivorn=name(n), second_ivorn=name(n + 1), edge_type="is_followed_by")
        for n in range(250)
    )


@pytest.fixture
def other():
    """A second connection to the same database."""
    settings = connection.settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    second = psycopg2.connect(**{name: settings[key] for name, key in names.items()})
    yield second
    second.close()


FORMS = [{}, {"callback": "got"}, {"cosec": 1}, {"return": "kb_archivid,refs"}, {"as_reported": "true"}]
PAGES = [
    *((100, 1, False), (101, 1, True), (101, 2, True), (101, 3, False), (102, 1, True), (200, 1, True)),
    *((249, 1, True), (250, 1, True), (251, 1, True), (1000, 1, True), (1000, 2, False)),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_is_sent_in_pieces_is_what_is_sent_at_once(many, form):
    for limit, page, streams in PAGES:
        query = {
            name: str(value) for name, value in (DAY | {"result_limit": limit, "page": page} | form).items()
        }
        answer = Client().get("/hek/her", query)
        assert (answer.status_code, answer.streaming) == (200, streams)
        at_once = search_response(search_of(query), whole=True)
        assert answer.getvalue() == at_once.content
        assert answer["Content-Type"] == at_once["Content-Type"]


def test_what_comes_last_tells_of_all_that_came_before(many):
    for limit, rows, edges in ((101, 101, 101), (249, 249, 249), (250, 250, 250), (1000, 250, 250)):
        body = json.loads(Client().get("/hek/her", DAY | {"result_limit": limit}).getvalue())
        assert [record["kb_archivid"] for record in body["result"]] == [name(n) for n in range(rows)]
        assert len(body["association"]) == edges
        assert body["overmax"] is (limit < 250)


def test_head_has_the_whole_answer_s_length(many):
    answer = Client().head("/hek/her", LONG)
    assert int(answer["Content-Length"]) == len(Client().get("/hek/her", LONG).getvalue())


@pytest.mark.parametrize("form", [{}, {"cosec": 1}], ids=str)
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_client_that_leaves_early_leaves_nothing_behind(many, form, taken):
    depth = len(connection.savepoint_ids)
    search = search_of({name: str(value) for name, value in (LONG | form).items()})
    answer = search_response(search, whole=False)
    assert len(connection.savepoint_ids) == depth + 1  # the reading's own
    assert len(list(islice(answer, taken))) == taken
    answer.close()
    assert len(connection.savepoint_ids) == depth


# --- failures


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", [DAY, LONG], ids=["short", "long"])
def test_what_takes_too_long_before_the_first_row_has_its_own_status(other, query):
    """The table is locked, so that the query waits until its time is over."""
    with other.cursor() as locking, connection.cursor() as cursor:
        locking.execute("LOCK events_event")
        cursor.execute("SET statement_timeout = '50ms'")
        try:
            answer = Client().get("/hek/her", query)
        finally:
            connection.close()
            other.rollback()
    assert answer.status_code == 504
    assert (answer.json()["result"], answer.json()["overmax"]) == ([], False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", [DAY, LONG], ids=["short", "long"])
def test_a_database_that_is_away_has_its_own_status(other, query):
    connection.ensure_connection()
    end(other, connection.connection.info.backend_pid)
    answer = Client().get("/hek/her", query)
    assert (answer.status_code, answer.json()["result"]) == (503, [])
    assert int(answer["Retry-After"]) > 0
    connection.close_if_unusable_or_obsolete()  # what Django does after each request of a real server
    assert Client().get("/hek/her", query).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", [{}, {"cosec": 1}], ids=str)
def test_what_fails_later_is_no_answer(many, other, form):
    answer = Client().get("/hek/her", LONG | form)
    end(other, connection.connection.info.backend_pid)
    pieces = []
    with pytest.raises(Error):
        pieces.extend(answer)
    answer.close()
    connection.close()


def end(other, backend):
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
        assert cursor.fetchone() == (True,)
    other.rollback()


@pytest.mark.django_db(transaction=True)
def test_a_client_sees_that_an_answer_broke_off(own_environment, wait_for, other):
    """The web server itself: its answer ends without the chunk that would end it."""
    Event.objects.bulk_create(make(n, event_description="x" * 40_000) for n in range(1000))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "isd.wsgi", "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env=own_environment, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: answers(port), "the web server")
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            client.request("GET", f"/hek/her?{urlencode(LONG)}")
            answer = client.getresponse()
            assert answer.status == 200
            assert answer.read(11) == b'{"result":['
            # 40 MB are more than lies between the two: the server waits before it reads on.
            wait_for(lambda: end_reading(other), "the server to be in the midst of it")
            with pytest.raises(http.client.IncompleteRead):
                answer.read()
        finally:
            server.terminate()


def end_reading(other):
    """End the connections that are between two looks at a cursor; how many there were."""
    with other.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE 'FETCH%'"
        )
        other.commit()
        return cursor.rowcount


def answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False
