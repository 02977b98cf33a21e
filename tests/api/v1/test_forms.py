"""Which form an answer has: the parameter `format` says it, and where it is silent the header Accept."""

import pytest

HOUR = "start=2012-02-13T20:00:00&end=2012-02-13T21:00:00"
ADDRESSES = {
    "/api/v1/parameters": (HOUR, ("json", "npz", "parquet", "zarr")),
    "/api/v1/headers": ("", ("json", "csv", "votable")),
    "/api/v1/events": ("", ("json", "geojson", "csv", "ndjson")),
    "/api/v1/tracks": ("", ("json", "geojson", "csv", "ndjson")),
    "/api/v1/tracks/shapes": ("", ("tsv", "csv", "ndjson")),
    "/api/v1/state": ("time=2012-02-13", ("json", "geojson", "csv", "ndjson")),
    "/api/v1/images": ("", ("json",)),
}
FORMS = [(address, form) for address, (_, forms) in ADDRESSES.items() for form in forms]
OTHERS = ("application/json", "text/csv", "application/x-npz", "text/html", "image/png;q=0.5")


def ask(client, address, form, accept):
    query = "&".join(filter(None, (ADDRESSES[address][0], form)))
    answer = client.get(f"{address}?{query}", headers={"accept": accept})
    answer.getvalue()
    return answer.status_code, answer["Content-Type"]


@pytest.mark.parametrize(("address", "form"), FORMS)
def test_the_parameter_overrides_the_header(client, sky, address, form):
    expected = ask(client, address, f"format={form}", "*/*")
    assert expected[0] == 200
    for accept in OTHERS:
        assert ask(client, address, f"format={form}", accept) == expected
    for spelled in (f"%20{form}", f"{form}%20", form.upper()):
        assert ask(client, address, f"format={spelled}", "*/*") == expected


@pytest.mark.parametrize("nothing", ["", "format=", "format=%20"])
def test_without_it_the_header_says_it(client, sky, nothing):
    assert ask(client, "/api/v1/headers", nothing, "text/csv")[1].startswith("text/csv")
    assert ask(client, "/api/v1/headers", nothing, "*/*") == (200, "application/json")
    assert ask(client, "/api/v1/headers", nothing, "image/png")[0] == 406


@pytest.mark.parametrize("form", ["fits", "npz", "json,csv", "%00"])
def test_a_form_that_there_is_not(client, sky, form):
    answer = client.get(f"/api/v1/headers?format={form}", headers={"accept": "text/csv"})
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, "format")
