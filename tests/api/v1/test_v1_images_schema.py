"""What the OpenAPI document says of images is true of real answers."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import jsonschema
import pytest
from django.core.management import call_command

T = datetime(2012, 2, 13, 20, tzinfo=UTC)
BOX = "POLYGON((0 0,50 0,50 30,0 30,0 0))"


@pytest.fixture(scope="module")
def document():
    out = StringIO()
    call_command("spectacular", format="openapi-json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/api/v1/images/", "/api/v1/images/?limit=2"),
        ("/api/v1/images/", "/api/v1/images/?time=2012-02-13T20:10:00&match=nearest"),
        ("/api/v1/images/{wave}/{key}/", "/api/v1/images/171/156921"),
        ("/api/v1/parameters/", "/api/v1/parameters/?start=2012-02-13T20:00&end=2012-02-13T21:00&limit=1"),
        ("/api/v1/labels/", "/api/v1/labels/?wave=171&start=2012-02-13T20:00&end=2012-02-13T21:00&limit=1"),
        ("/api/v1/images/{wave}/{key}/labels/", "/api/v1/images/171/156921/labels"),
        ("/api/v1/headers/", "/api/v1/headers/?limit=3"),
        ("/api/v1/availability/", "/api/v1/availability/?start=2012-02-13&end=2012-02-14"),
        ("/api/v1/events/{key}/parameters/", "/api/v1/events/ivo://test/AR_00001/parameters?wave=171"),
        ("/api/v1/events/", "/api/v1/events/?include=header&wave=171"),
        ("/api/v1/images/{wave}/{key}.jpg", "/api/v1/images/171/156923.jpg"),
        ("/api/v1/parameters/", "/api/v1/parameters/?start=x"),
    ],
)
def test_real_answers_are_as_described(client, sky, document, make_event, path, address):  # noqa: PLR0917 - a table
    make_event(1, start=T, end=T + timedelta(minutes=20), hpc_bbox=BOX).save()
    answer = client.get(address)
    validate(document, path, answer.status_code, json.loads(answer.getvalue()))


def validate(document, path, status, body):
    content = document["paths"][path]["get"]["responses"][str(status)]["content"]
    whole = {**content["application/json"]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)


PAGES = {
    "/api/v1/images/": ("limit=2", {"returned", "truncated", "next", "images"}),
    "/api/v1/headers/": ("limit=2", {"returned", "truncated", "next", "units", "headers"}),
    "/api/v1/parameters/": (
        "start=2012-02-13T20:00&end=2012-02-13T21:00&limit=1", {"returned", "truncated", "next", "frames"},
    ),
}  # fmt: skip
AT_TIME = {"time", "match", "tolerance", "images", "missing"}


@pytest.mark.parametrize("path", PAGES)
def test_an_answer_that_lost_a_member_is_not_as_described(client, sky, document, path):
    query, members = PAGES[path]
    body = json.loads(client.get(f"{path}?{query}").getvalue())
    assert members <= set(body)
    for lost in members:
        with pytest.raises(jsonschema.ValidationError):
            validate(document, path, 200, {name: value for name, value in body.items() if name != lost})


def test_neither_is_the_answer_to_a_time(client, sky, document):
    body = client.get("/api/v1/images/?time=2012-02-13T20:00:00").json()
    assert set(body) == AT_TIME
    for lost in AT_TIME:
        with pytest.raises(jsonschema.ValidationError):
            validate(document, "/api/v1/images/", 200, {k: v for k, v in body.items() if k != lost})
    del body["images"][0]["offset"]
    with pytest.raises(jsonschema.ValidationError):
        validate(document, "/api/v1/images/", 200, body)


HOUR = "start=2012-02-13T20:00:00&end=2012-02-13T21:00:00"
IMAGE = "/api/v1/images/{wave}/{key}"


@pytest.mark.parametrize(
    ("path", "address", "headers", "status"),
    [
        ("/api/v1/images/", "?limit=2", {}, 200), ("/api/v1/headers/", "?limit=2", {}, 200),
        (f"{IMAGE}/", "/api/v1/images/171/156921", {}, 200),
        (f"{IMAGE}/", "/api/v1/images/171/156921", {"if-none-match": "*"}, 304),
        (f"{IMAGE}/", "/api/v1/images/171/156921", {"if-match": '"x"'}, 412),
        (f"{IMAGE}.jpg", "/api/v1/images/171/156921.jpg", {}, 200),
        (f"{IMAGE}.jpg", "/api/v1/images/171/156921.jpg", {"if-none-match": "*"}, 304),
        (f"{IMAGE}/heatmap.{{form}}", "/api/v1/images/171/156921/heatmap.png?parameter=1", {}, 200),
        (f"{IMAGE}/heatmap.{{form}}", "/api/v1/images/171/156921/heatmap.png?parameter=1",
         {"if-match": '"x"'}, 412),
        ("/api/v1/parameters/", f"?{HOUR}&limit=1", {}, 200),
        ("/api/v1/parameters/", f"?{HOUR}&limit=1&format=npz", {"range": "bytes=0-9"}, 206),
        ("/api/v1/parameters/", f"?{HOUR}&limit=1&format=zarr", {"range": "bytes=0-9"}, 206),
        ("/api/v1/parameters/", f"?{HOUR}&format=npz", {"range": "bytes=999999999-"}, 416),
        ("/api/v1/parameters/", f"?{HOUR}&limit=1", {"if-none-match": "*"}, 304),
        ("/api/v1/parameters/", f"?{HOUR}", {"if-match": '"x"'}, 412),
        ("/api/v1/availability/", "", {}, 200), ("/api/v1/availability/", "", {"if-none-match": "*"}, 304),
        ("/api/v1/events/{key}/parameters/", "/api/v1/events/ivo://test/AR_00001/parameters?wave=171&limit=1",
         {}, 200),
        ("/api/v1/events/{key}/parameters/", "/api/v1/events/ivo://test/AR_00001/parameters?wave=171",
         {"if-match": '"x"'}, 412),
    ],
)  # fmt: skip
def test_real_statuses_and_headers_are_as_described(  # noqa: PLR0917 - a table
    client, sky, document, make_event, path, address, headers, status
):
    make_event(1, start=T, end=T + timedelta(minutes=20), hpc_bbox=BOX).save()
    answer = client.get(address if address.startswith("/") else path + address, headers=headers)
    answer.getvalue()
    assert answer.status_code == status
    described = document["paths"][path]["get"]["responses"][str(status)]
    known = {"ETag", "Link", "X-Slot-Time", "X-Observation-Time", "X-Frame-Count"}
    optional = {"Link"} if status == 304 else set()
    assert {name for name in known - optional if name in answer} == set(described.get("headers", ()))
    if status in {200, 206}:
        assert answer["Content-Type"] in described["content"]


@pytest.mark.parametrize(
    "path", ["/api/v1/images/", "/api/v1/headers/", "/api/v1/parameters/", f"{IMAGE}.jpg"]
)
def test_an_answer_may_take_too_long(document, path):
    assert {"503", "504"} <= set(document["paths"][path]["get"]["responses"])
