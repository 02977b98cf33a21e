"""What every answer keeps to, whatever the route: CORS, methods, failures of what stands behind, health."""

import json
import time
from urllib.parse import urlencode

import psycopg2
import pytest
from django.db import connection

TIMES = {"starttime": "2014-08-30", "endtime": "2014-09-02"}
ISD = f"/api/query/temporal?{urlencode(TIMES)}"
ROUTES = [
    ISD,
    f"/analytics/api/query/sun/event/count/?{urlencode(TIMES)}",
    "/api/v1/events",
    "/api/v1/events?format=csv",
    "/api/v1/events?format=ndjson",
    "/api/v1/events/1",
    "/api/v1/status",
    "/api/v1/state?time=2014-08-30",
    "/api/v1/tracks",
    "/api/v1/tracks/shapes",
    "/api/v1/tracks/shapes?format=csv",
]


def is_isd(path):
    return path.startswith(("/api/query/", "/analytics/"))


# --- CORS


@pytest.mark.parametrize("path", [*ROUTES, "/api/query/none", "/api/v1/none", "/api/v1/events?x=1"])
def test_any_origin_may_read(db, client, path):
    answer = client.get(path)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Origin" in answer["Vary"]
    answer = client.get(path, headers={"origin": "https://sun.example"})
    assert answer["Access-Control-Allow-Origin"] == "https://sun.example"


def test_the_isd_dialect_allows_what_the_original_allowed(client):
    preflight = {"origin": "https://sun.example", "access-control-request-method": "GET"}
    answer = client.options("/api/query/temporal", headers=preflight)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer["Access-Control-Allow-Origin"] == "https://sun.example"
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert answer["Access-Control-Allow-Methods"] == "GET, DELETE, PUT, PATCH, POST"
    assert answer["Access-Control-Allow-Headers"] == "Origin"


def test_v1_allows_reading_without_credentials(client):
    answer = client.options("/api/v1/events", headers={"origin": "https://sun.example"})
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "Access-Control-Allow-Credentials" not in answer


# --- methods


@pytest.mark.parametrize("path", ROUTES)
def test_head_is_get_without_the_body(db, client, path):
    get, head = client.get(path), client.head(path)
    if not get.streaming:
        assert head["Content-Length"] == str(len(get.content))
    get.getvalue()
    assert head.status_code == get.status_code
    assert head.getvalue() == b""
    assert head["Content-Type"] == get["Content-Type"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path", ["/api/query/temporal", "/api/query/none", "/api/v1/events", "/api/v1/status"]
)
def test_other_methods_are_405(client, path, method):
    answer = getattr(client, method)(path)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    body = json.loads(answer.content)
    assert body["Status"] == "FAIL" if is_isd(path) else body["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("path", ROUTES)
def test_no_cookie_is_set(db, client, path):
    answer = client.get(path)
    answer.getvalue()
    assert not answer.cookies
    assert "Set-Cookie" not in answer


# --- the database fails


def assert_told(answer, path, status, words):
    assert answer.status_code == status, answer.getvalue()
    body = json.loads(answer.content)
    if is_isd(path):
        assert (body["Status"], body["StatusCode"], body["Result"]) == ("FAIL", 2, [])
        assert words in body["Msg"]
    else:
        assert words in body["error"]["message"]


@pytest.fixture
def other():
    """A second connection to the same database."""
    settings = connection.settings_dict
    with psycopg2.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    ) as second:
        yield second
    second.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ROUTES)
def test_a_lost_connection_is_503_and_the_next_question_is_answered(client, other, path):
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
        assert cursor.fetchone() == (True,)
    answer = client.get(path)
    assert_told(answer, path, 503, "database is away")
    assert int(answer["Retry-After"]) > 0
    connection.close_if_unusable_or_obsolete()  # what Django does after each request of a real server
    assert client.get(path).status_code in (200, 404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ROUTES)
def test_a_database_that_is_not_there_is_503(client, path, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get(path)
    assert_told(answer, path, 503, "database is away")
    monkeypatch.undo()
    assert client.get(path).status_code in (200, 404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ROUTES)
def test_a_statement_that_takes_too_long_is_504_with_advice(client, other, path):
    """The tables are locked, so that the query waits until its time is over."""
    with other.cursor() as locking, connection.cursor() as cursor:
        locking.execute("LOCK events_event, events_track")
        cursor.execute("SET statement_timeout = '50ms'")
        try:
            assert_told(client.get(path), path, 504, "ask for a shorter time")
        finally:
            connection.close()
            other.rollback()


# --- health


def test_healthz_asks_nobody(client, django_assert_num_queries):
    """No `db` fixture: a query would be an error."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_asks_database_and_broker(db, client, django_assert_num_queries):
    with django_assert_num_queries(1):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "broker": "ok"})


def test_readyz_names_a_broker_that_is_away(db, client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    begun = time.monotonic()
    answer = client.get("/readyz")
    assert time.monotonic() - begun < 5
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "broker": "unavailable"}
    assert int(answer["Retry-After"]) > 0


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_database_that_is_away(client, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "unavailable", "broker": "ok"}
