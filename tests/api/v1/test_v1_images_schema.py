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
    content = document["paths"][path]["get"]["responses"][str(answer.status_code)]["content"]
    whole = {**content["application/json"]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(json.loads(answer.getvalue()))
