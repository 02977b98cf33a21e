"""What every answer keeps to, whatever the route: CORS, methods, failures of what stands behind, health."""

import json
import time
from itertools import islice
from urllib.parse import urlencode
from xml.etree import ElementTree

import psycopg2
import pytest
from django.db import connection

from images.domain.slots import start_of
from images.models import ImageHeader
from images.store import ParameterStore
from tests.image_rows import image_row, settings_row

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
HOUR = "start=2012-02-13T20:00:00&end=2012-02-13T21:00:00"
OLD = "wave=171&starttime=2012-02-13T20:06:00"
OLD_HOUR = "wave=171&starttime=2012-02-13T20:00:00&endtime=2012-02-13T21:00:00"
BULK = [f"/api/v1/parameters?{HOUR}&format={form}" for form in ("json", "npz", "parquet", "zarr")]
IMAGE_ROUTES = [
    f"/api/v1/images?{HOUR}",
    "/api/v1/images?time=2012-02-13T20:00:00",
    "/api/v1/images/171/156921",
    "/api/v1/images/171/2012-02-13T20:06:00.jpg",
    "/api/v1/images/171/156921.jpg?colour=aia",
    "/api/v1/images/171/156921/heatmap.png?parameter=1",
    *BULK,
    *(f"/api/v1/headers?{HOUR}&format={form}" for form in ("json", "csv", "votable")),
    "/api/v1/availability?start=2012-02-13&end=2012-02-14",
    f"/dmlabapi/images/SDO/AIA/256/?{OLD}",
    f"/dmlabapi/images/SDO/AIA/param/64/256/?{OLD}&param=1",
    f"/dmlabapi/params/SDO/AIA/64/full/?{OLD}",
    f"/dmlabapi/params/SDO/AIA/json/64/full/?{OLD}",
    f"/dmlabapi/params/SDO/AIA/64/full/range/?{OLD_HOUR}",
    f"/dmlabapi/params/SDO/AIA/json/64/full/range/?{OLD_HOUR}",
    f"/dmlabapi/header/SDO/AIA/json/?{OLD}",
    f"/dmlabapi/header/SDO/AIA/xml/?{OLD}",
    "/dmlabapi/params/SDO/AIA/param/track/ts?id=1&wave=171&param=1",
    "/dmlabapi/query/HEK/minevent/temporal/json/?startTime=2014-08-30&endTime=2014-09-02",
]
ROUTES += IMAGE_ROUTES


def is_isd(path):
    return path.startswith(("/api/query/", "/analytics/"))


def message_of(answer, path):
    """The words of an error, in the form of its dialect."""
    if answer["Content-Type"].startswith("application/xml"):
        return ElementTree.fromstring(answer.content).text
    body = json.loads(answer.content)
    if is_isd(path):
        assert (body["Status"], body["StatusCode"], body["Result"]) == ("FAIL", 2, [])
        return body["Msg"]
    return body["error"] if path.startswith("/dmlabapi/") else body["error"]["message"]


# --- CORS


@pytest.mark.parametrize("path", [*ROUTES, "/api/query/none", "/api/v1/none", "/api/v1/events?x=1"])
def test_any_origin_may_read(sky, client, path):
    answer = client.get(path)
    answer.getvalue()
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Origin" in answer["Vary"]
    answer = client.get(path, headers={"origin": "https://sun.example"})
    answer.getvalue()
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
def test_head_is_get_without_the_body(sky, client, path):
    """With the length of the body, or with none where it is not known beforehand."""
    get, head = client.get(path), client.head(path)
    body = get.getvalue()
    assert head.get("Content-Length") == (get.get("Content-Length") if get.streaming else str(len(body)))
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
def test_no_cookie_is_set(sky, client, path):
    answer = client.get(path)
    answer.getvalue()
    assert not answer.cookies
    assert "Set-Cookie" not in answer


# --- the database fails


def assert_told(answer, path, status, words):
    assert answer.status_code == status, answer.getvalue()
    assert answer["Cache-Control"] == "no-store"
    assert words in message_of(answer, path)


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
    answer = client.get(path)
    answer.getvalue()
    assert answer.status_code in (200, 404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ROUTES)
def test_a_database_that_is_not_there_is_503(client, path, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get(path)
    assert_told(answer, path, 503, "database is away")
    monkeypatch.undo()
    answer = client.get(path)
    answer.getvalue()
    assert answer.status_code in (200, 404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ROUTES)
def test_a_statement_that_takes_too_long_is_504_with_advice(client, other, path):
    """The tables are locked, so that the query waits until its time is over."""
    with other.cursor() as locking, connection.cursor() as cursor:
        locking.execute("LOCK events_event, events_track, images_imageheader")
        cursor.execute("SET statement_timeout = '50ms'")
        try:
            assert_told(client.get(path), path, 504, "ask for a shorter time")
        finally:
            connection.close()
            other.rollback()


# --- the client hangs up


def open_cursors():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/api/v1/headers?format=csv", "/api/v1/events?format=csv"])
def test_who_hangs_up_leaves_no_cursor_and_no_transaction_behind(client, make_event, path):
    settings = settings_row(171)
    ImageHeader.objects.bulk_create(image_row(start_of(n), 171, settings) for n in range(3500))
    make_event(0).__class__.objects.bulk_create(make_event(n) for n in range(3500))
    answer = client.get(path)
    assert next(iter(answer.streaming_content))
    assert (open_cursors(), connection.in_atomic_block) == (1, True)
    answer.close()
    assert (open_cursors(), connection.in_atomic_block) == (0, False)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("path", [*BULK, *(path for path in IMAGE_ROUTES if "/range/" in path)])
def test_who_hangs_up_ends_the_reading_of_frames(client, sky, monkeypatch, path, encoding):
    read, frame = [], ParameterStore.frame
    monkeypatch.setattr(ParameterStore, "frame", lambda self, *at: read.append(at) or frame(self, *at))
    answer = client.get(path, headers={"accept-encoding": encoding})
    parts = iter(answer.streaming_content)
    assert list(islice(parts, 1))
    answer.close()
    taken = len(read)
    assert list(parts) == []
    assert len(read) == taken < 6


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
