"""Real answers about tracks are as the OpenAPI document says."""

import json

import pytest

from tests.api.test_v1_schema import document, validate  # noqa: F401 - document is a fixture

STATE, TRACKS = "/api/v1/state/", "/api/v1/tracks/"
KEYED = "/api/v1/tracks/{key}"
GEOJSON, MFJSON = "application/geo+json", "application/mf+json"


@pytest.mark.parametrize(
    ("path", "query", "status", "media"),
    [
        (STATE, "?time=2014-08-30T10:07:00", 200, "application/json"),
        (STATE, "?time=2014-08-30T19:00:00&frame=hgc&event_type=AR&max_gap=9", 200, "application/json"),
        (STATE, "?time=2014-08-30T10:07:00&format=geojson", 200, GEOJSON),
        (STATE, "", 400, "application/json"),
        (TRACKS, "?limit=2", 200, "application/json"),
        (
            TRACKS,
            "?start=2014-08-30&bbox=0,0,9,9&event_type=AR&frm_name=x&ar_noaanum=1",
            200,
            "application/json",
        ),
        (TRACKS, "?min_reports=1&min_duration=3.5", 200, "application/json"),
        (TRACKS, "?format=geojson", 200, GEOJSON),
        (TRACKS, "?nonsense=1", 400, "application/json"),
        (f"{TRACKS}shapes/", "?limit=1", 400, "application/json"),
        (f"{KEYED}/shapes/", "", 200, "application/json"),
        (f"{KEYED}/shapes/", "?times=2014-08-30T10:07:00&frame=hgs", 200, "application/json"),
        (f"{KEYED}/shapes/", "?format=geojson", 200, GEOJSON),
        (f"{KEYED}/shapes/", "?format=mfjson", 200, MFJSON),
        (f"{KEYED}/shapes/", "?step=0", 400, "application/json"),
        (f"{KEYED}/graph/", "", 200, "application/json"),
        (KEYED, "", 200, "application/json"),
        (KEYED, "?frame=hgs", 400, "application/json"),
    ],
)
def test_real_answers_are_as_described(scene, client, document, path, query, status, media):  # noqa: F811, PLR0917
    for track in scene.tracks.values() if "{key}" in path else [scene.tracks["parent"]]:
        answer = client.get(path.replace("{key}", str(track.pk)) + query)
        assert (answer.status_code, answer["Content-Type"]) == (status, media)
        validate(document, path, status, json.loads(answer.getvalue()), media)


@pytest.mark.parametrize("tail", ["", "/graph/", "/shapes/"])
def test_a_track_that_is_none_is_as_described(db, client, document, tail):  # noqa: F811
    answer = client.get(f"/api/v1/tracks/none{tail}")
    assert answer.status_code == 404
    validate(document, KEYED + tail, 404, answer.json())
