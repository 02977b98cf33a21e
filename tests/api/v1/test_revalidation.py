"""What may change carries the tag of its bytes: who holds it asks again, and is sent only what is new."""

from datetime import timedelta

import pytest

from images.domain.slots import start_of
from tests.api.conftest import SKY_TIME

LATE = start_of(156923)  # an image of the gap in the half hour
BOX = "POLYGON((0 0,50 0,50 30,0 30,0 0))"
EVENT = "/api/v1/events/ivo://test/AR_00001/parameters?wave=171"
ADDRESSES = [
    "/api/v1/images", "/api/v1/images?limit=2", "/api/v1/images?time=2012-02-13T20:19:00&match=nearest",
    "/api/v1/images/171/156922", "/api/v1/images/171/2012-02-13T20:13:00",
    "/api/v1/headers", "/api/v1/headers?format=csv&limit=9", "/api/v1/headers?format=votable",
    "/api/v1/availability?start=2012-02-13&end=2012-02-13", EVENT,
]  # fmt: skip


@pytest.fixture
def region(sky, make_event):
    event = make_event(1, start=SKY_TIME, end=SKY_TIME + timedelta(minutes=26), hpc_bbox=BOX)
    event.save()
    return event


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_held_is_not_sent_again_until_it_changes(client, sky, region, address):
    first = client.get(address)
    assert (first.status_code, first["Cache-Control"]) == (200, "public, no-cache")
    held = {"if-none-match": first["ETag"]}
    again = client.get(address, headers=held)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Cache-Control"] == "public, no-cache"
    sky.write(LATE, 171)
    sky.row(LATE)
    if "limit=2" not in address:
        new = client.get(address, headers=held)
        assert (new.status_code, new["ETag"] != first["ETag"]) == (200, True)


def test_a_track_s_series_is_asked_for_again(client, sky, tracked):
    address = f"/api/v1/tracks/{tracked[0].pk}/parameters?wave=171"
    first = client.get(address)
    assert client.get(address, headers={"if-none-match": first["ETag"]}).status_code == 304


def test_what_is_streamed_is_asked_for_again_too(client, sky):
    answer = client.get("/api/v1/headers?format=csv")
    answer.getvalue()
    assert answer["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/images/171/156923", "/api/v1/images/171/156923.jpg", "/api/v1/images?x=1", "/api/v1/none",
        "/api/v1/headers?format=fits", "/api/v1/parameters", "/api/v1/events/none", "/api/v1/state?time=x",
    ],
)  # fmt: skip
def test_no_error_is_kept(client, sky, address):
    answer = client.get(address)
    assert answer.status_code in {400, 404}
    assert answer["Cache-Control"] == "no-store"
    assert "ETag" not in answer
