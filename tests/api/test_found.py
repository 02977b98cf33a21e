"""What an address names: the same miss has the same words in every room."""

import pytest

ROOMS = {
    "events": ("/api/v1/events/{}", "/api/v1/events/{}/parameters?wave=171"),
    "tracks": (
        *(f"/api/v1/tracks/{{}}{tail}" for tail in ("", "/graph", "/shapes")),
        "/api/v1/tracks/{}/parameters?wave=171",
    ),
}


def told(client, room, key):
    answers = [client.get(address.format(key)) for address in ROOMS[room]]
    assert {answer.status_code for answer in answers} == {404}
    (message,) = {answer.json()["error"]["message"] for answer in answers}
    return message


@pytest.mark.parametrize("key", ["none", "ivo://x/y", "a%00b", "☀"])
@pytest.mark.parametrize("room", ROOMS)
def test_no_event_of_that_id(db, client, room, key):
    assert told(client, room, key).startswith("There is no event ")


def test_no_event_or_track_of_that_number(db, client):
    assert told(client, "events", 999_999) == "There is no event '999999'."
    assert told(client, "tracks", 999_999) == "There is no track or event '999999'."


@pytest.mark.parametrize("name", ["pk", "kb_archivid"])
def test_an_event_that_is_in_no_track_says_its_type(sample, client, name):
    flare = sample[3]
    message = told(client, "tracks", getattr(flare, name))
    assert f"{str(getattr(flare, name))!r} of type FL stands in no track" in message


def test_slashes_may_be_folded_or_follow(sample, client):
    keys = ("ivo://test/AR_00001", "ivo:/test/AR_00001", "ivo://test/AR_00001/")
    assert {client.get(f"/api/v1/events/{key}").json()["id"] for key in keys} == {sample[0].pk}
