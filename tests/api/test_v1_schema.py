"""The OpenAPI document: valid, complete, and true of real answers; its page needs no other server."""

import json
import re
from datetime import UTC, datetime
from io import StringIO

import jsonschema
import pytest
from django.core.management import call_command
from django.db import connection

from api.v1 import images_params, labels_params, params, tracks_params
from api.v1.urls import urlpatterns
from ingest.models import Backfill, ImageRun, ImageWatermark, IngestRun, QuarantinedRecord, Watermark

T = datetime(2014, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def document():
    """The document as it is served, which the command has found valid and free of warnings."""
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=out)
    return json.loads(out.getvalue())


def operation(document, path):
    return document["paths"][path]["get"]


PATHS = {
    "/api/v1/events/": params.EVENTS,
    "/api/v1/events/{key}": params.EVENT,
    "/api/v1/event-types/": params.NOTHING,
    "/api/v1/status/": params.NOTHING,
    "/api/v1/state/": tracks_params.STATE,
    "/api/v1/tracks/": tracks_params.TRACKS,
    "/api/v1/tracks/shapes/": tracks_params.BULK,
    "/api/v1/tracks/{key}": tracks_params.TRACK,
    "/api/v1/tracks/{key}/graph/": tracks_params.GRAPH,
    "/api/v1/tracks/{key}/shapes/": tracks_params.SHAPES,
    "/api/v1/images/": images_params.LIST,
    "/api/v1/images/{wave}/{key}/": images_params.IMAGE,
    "/api/v1/images/{wave}/{key}.jpg": images_params.PICTURE,
    "/api/v1/images/{wave}/{key}/heatmap.{form}": images_params.HEATMAP,
    "/api/v1/parameters/": images_params.BULK,
    "/api/v1/labels/": labels_params.LABELS,
    "/api/v1/images/{wave}/{key}/labels/": labels_params.IMAGE_LABELS,
    "/api/v1/headers/": images_params.HEADERS,
    "/api/v1/availability/": images_params.AVAILABILITY,
    "/api/v1/events/{key}/parameters/": images_params.UNDER_SHAPE,
    "/api/v1/tracks/{key}/parameters/": images_params.UNDER_SHAPE,
}


def test_every_address_is_described(document):
    assert set(document["paths"]) == set(PATHS)
    hidden = {"v1-schema", "v1-docs", None}
    assert len([pattern for pattern in urlpatterns if pattern.name not in hidden]) == len(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_every_parameter_is_described_as_it_is_read(document, path):
    described = {p["name"]: p for p in operation(document, path)["parameters"] if p["in"] == "query"}
    assert set(described) == {parameter.name for parameter in PATHS[path]}
    for parameter in PATHS[path]:
        assert parameter.kind.takes in described[parameter.name]["description"]
        schema = described[parameter.name]["schema"]
        assert (schema["type"] == "array") == parameter.many


@pytest.mark.parametrize("path", PATHS)
def test_examples_and_defaults_are_usable(document, path):
    table = {parameter.name: parameter for parameter in PATHS[path]}
    for described in operation(document, path)["parameters"]:
        schema = described["schema"]
        for text in (
            *schema.get("examples", ()),
            *schema.get("enum", ()),
            *([schema["default"]] if "default" in schema else []),
        ):
            table[described["name"]].kind.read(str(text))


FORMATS = jsonschema.FormatChecker(())
FORMATS.checks("date-time", ValueError)(lambda text: text is None or datetime.fromisoformat(text))
FORMATS.checks("uri")(lambda text: text is None or text.startswith("http://testserver/api/v1/"))


def validate(document, path, status, body, media="application/json"):
    schema = operation(document, path)["responses"][str(status)]["content"][media]["schema"]
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=FORMATS).validate(body)


@pytest.mark.parametrize(
    ("path", "query", "status", "media"),
    [
        ("/api/v1/events/", "", 200, "application/json"),
        ("/api/v1/events/", "?limit=2", 200, "application/json"),
        ("/api/v1/events/", "?frame=hgs&bbox=0,0,90,90&start=2014-01-01", 200, "application/json"),
        (
            "/api/v1/events/",
            "?event_type=AR&frm_name=SPoCA&min_goes=C1&ar_noaanum=1",
            200,
            "application/json",
        ),
        ("/api/v1/events/", "?format=geojson&limit=2", 200, "application/geo+json"),
        ("/api/v1/events/", "?format=geojson&geometry=boundcc", 200, "application/geo+json"),
        ("/api/v1/events/", "?nonsense=1", 400, "application/json"),
        ("/api/v1/event-types/", "", 200, "application/json"),
        ("/api/v1/event-types/", "?nonsense=1", 400, "application/json"),
        ("/api/v1/status/", "", 200, "application/json"),
    ],
)
@pytest.mark.usefixtures("sample", "books")
def test_real_answers_are_as_described(client, document, path, query, status, media):  # noqa: PLR0917 - a table
    answer = client.get(path + query)
    assert (answer.status_code, answer["Content-Type"]) == (status, media)
    validate(
        document,
        path,
        status,
        answer.json() if media.endswith("/json") else json.loads(answer.content),
        media,
    )


@pytest.mark.parametrize("shapes", ["wkt", "geojson"])
def test_real_records_are_as_described(sample, client, document, shapes):
    for event in sample:
        answer = client.get(f"/api/v1/events/{event.pk}?shapes={shapes}")
        validate(document, "/api/v1/events/{key}", 200, answer.json())
    answer = client.get("/api/v1/events/none")
    validate(document, "/api/v1/events/{key}", 404, answer.json())


def test_the_components_are_closed_over_what_is_sent(sample, books, client, document):
    """No key of a real answer is missing from the document, which jsonschema alone would let pass."""
    components = document["components"]["schemas"]
    listed = client.get("/api/v1/events/").json()
    assert set(listed) == set(components["EventList"]["properties"])
    assert set(listed["events"][0]) <= set(components["EventRow"]["properties"])
    assert set(listed["predicate"]) == set(components["Predicate"]["properties"])
    feature = json.loads(client.get("/api/v1/events/?format=geojson").content)["features"][0]
    assert set(feature["properties"]) == set(components["EventProperties"]["properties"])
    record = client.get(f"/api/v1/events/{sample[0].pk}").json()
    assert set(record) == set(components["EventRecord"]["properties"])
    status = client.get("/api/v1/status").json()
    assert set(status) == set(components["Status"]["properties"])
    assert set(status["sources"][0]["last_run"]) == set(components["LastRun"]["properties"])
    assert set(status["images"]["sources"][0]["last_run"]) == set(components["LastImageRun"]["properties"])


# --- status

ACCOUNT = {"received": 10, "created": 4, "updated": 3, "unchanged": 2, "quarantined": 1}


@pytest.fixture
def books(db):
    """Two sources: one polled, one in the middle of a backfill that had a failure."""
    t = datetime(2014, 8, 30, tzinfo=UTC)
    run = {
        "window_start": t,
        "window_end": t.replace(hour=6),
        "started_at": t,
        "finished_at": t.replace(hour=1),
    }
    state = IngestRun.State
    IngestRun.objects.create(
        source="hek",
        state=state.FAILED,
        error="HTTP 500",
        received=3,
        created=3,
        **run,
    )
    IngestRun.objects.create(
        source="hek",
        state=state.SUCCEEDED,
        **(run | {"started_at": T.replace(hour=2), "finished_at": T.replace(hour=3)}),
        **ACCOUNT,
    )
    backfill = Backfill.objects.create(source="simulator", event_types=["AR"], window_start=T, window_end=T)
    for each in (state.SUCCEEDED, state.FAILED, state.RUNNING, state.PENDING):
        IngestRun.objects.create(source="simulator", state=each, backfill=backfill)
    Watermark.objects.create(source="hek", polled_until=T)
    QuarantinedRecord.objects.create(source="hek", reason="no start", payload="{}", payload_hash="0" * 32)
    ImageRun.objects.create(source="files", state=state.FAILED, error="no such file", **run)


def test_status_gives_the_account_by_its_five_names(sample, books, ask):
    status, body = ask("/api/v1/status")
    assert status == 200
    hek, simulator = body["sources"]
    assert hek["last_run"].items() >= ACCOUNT.items()
    assert hek["last_run"]["state"] == "succeeded"
    assert hek["totals"] == {**ACCOUNT, "received": 13, "created": 7}
    assert hek["polled_until"] == "2014-08-30T00:00:00Z"
    assert (simulator["source"], simulator["last_run"], simulator["polled_until"]) == (
        "simulator",
        None,
        None,
    )
    (backfill,) = body["backfills"]
    assert backfill["runs"] == {"all": 4, "succeeded": 1, "failed": 1}
    assert backfill["progress"] == 0.5
    assert body["quarantine"] == {"waiting": 1}
    assert body["events"] == {"total": 6, "by_type": {"AR": 2, "CE": 1, "CH": 1, "FL": 2}, "estimated": False}


def test_status_tells_images_apart_from_events(books, sky, ask):
    """The simulator is a source of either kind."""
    ImageRun.objects.create(source="helioviewer", waves=[171], state="succeeded", started_at=T, **ACCOUNT)
    ImageRun.objects.create(source="helioviewer", waves=[94], received=2, unchanged=2)
    ImageWatermark.objects.create(source="simulator", polled_until=T)
    status, body = ask("/api/v1/status")
    assert status == 200
    assert [source["source"] for source in body["sources"]] == ["hek", "simulator"]
    assert body["sources"][1]["polled_until"] is None
    files, helioviewer, simulator = body["images"]["sources"]
    assert (files["last_run"]["error"], files["polled_until"]) == ("no such file", None)
    assert helioviewer["last_run"].items() >= (ACCOUNT | {"waves": [171], "state": "succeeded"}).items()
    assert helioviewer["totals"] == {**ACCOUNT, "received": 12, "unchanged": 4}
    assert (simulator["source"], simulator["last_run"], simulator["totals"]) == ("simulator", None, None)
    assert simulator["polled_until"] == "2014-08-30T00:00:00Z"
    assert body["images"]["waves"] == [
        {"wave": 94, "images": 1, "last": "2012-02-13T20:12:00Z"},
        {"wave": 171, "images": 5, "last": "2012-02-13T20:30:01Z"},
    ]


def test_status_takes_a_fixed_number_of_queries(books, client, django_assert_num_queries):
    for n in range(20):
        backfill = Backfill.objects.create(source="hek", window_start=T, window_end=T)
        IngestRun.objects.create(source=f"s{n}", backfill=backfill)
        ImageRun.objects.create(source=f"s{n}")
    with django_assert_num_queries(11):
        client.get("/api/v1/status")


def test_status_estimates_when_counting_would_be_slow_and_says_so(sample, ask, monkeypatch):
    monkeypatch.setattr("events.queries.COUNTED_BELOW", 5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    held = ask("/api/v1/status")[1]["events"]
    assert held["estimated"] is True
    assert held["by_type"]["AR"] == 2


# --- vocabulary


def test_event_types_are_the_vocabulary(ask):
    status, body = ask("/api/v1/event-types")
    assert status == 200
    assert len(body["event_types"]) == 28
    assert body["event_types"][0]["code"] == "AR"
    named = {attribute["name"] for attribute in body["attributes"]}
    assert all(set(event_type["attributes"]) <= named for event_type in body["event_types"])
    assert body["frames"] == {
        "hpc": ["arcsec", "arcsec"],
        "hgs": ["deg", "deg"],
        "hgc": ["deg", "deg"],
        "hrc": ["solRad", "deg"],
    }


# --- the page


def test_the_page_and_its_assets_come_from_this_server(client):
    page = client.get("/api/v1/docs/").content.decode()
    sources = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page)
    assert len(sources) >= 3
    assert all(source.startswith("/static/") for source in sources), sources
    for source in sources:
        assert client.get(source).status_code == 200
    assert not re.findall(r"""["'(](?:\w+:)?//""", page)  # no address of another server anywhere in it
    assert '"/api/v1/schema/"' in page


def test_the_document_is_served(client, document):
    answer = client.get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert json.loads(answer.content) == document
