"""/api/v1/headers and /api/v1/availability: header values as tables, and what there is."""

import csv
import io
import warnings

import pytest
from astropy.io.votable import parse_single_table
from django.db import connection

from images.domain.slots import start_of
from images.models import ImageHeader
from tests.image_rows import image_row, settings_row

ROOT = "/api/v1/headers"


def test_three_forms_of_one_table(client, sky):
    listed = client.get(ROOT).json()
    rows = list(csv.DictReader(io.StringIO(client.get(ROOT, {"format": "csv"}).getvalue().decode())))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = client.get(ROOT, {"format": "votable"})
        table = parse_single_table(io.BytesIO(answer.content)).to_table()
    assert listed["returned"] == len(rows) == len(table) == 6
    assert list(rows[0]) == list(table.colnames) == list(listed["headers"][0])
    for one, row, entry in zip(listed["headers"], rows, table, strict=True):
        for name, value in one.items():
            if value is None:
                assert (row[name], str(entry[name])) in {("", "--"), ("", "nan")}
            elif name == "observed":
                assert row[name].rstrip("Z0") == str(entry[name]).rstrip("Z0") == value.rstrip("Z0")
            else:
                assert float(row[name]) == float(entry[name]) == value
    assert table["CDELT1"].unit == "arcsec"
    assert table["DSUN_OBS"].description


@pytest.mark.parametrize("form", ["json", "csv", "votable"])
def test_pages(client, sky, form):
    pages, address = 0, f"{ROOT}?format={form}&limit=4"
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        address = answer.get("Link", "").removeprefix("<").removesuffix('>; rel="next"') or None
        pages += 1
    assert pages == 2


def test_csv_has_all_without_a_limit(client, empty_sky):
    for slot in range(156920, 156920 + 150):
        empty_sky.row(start_of(slot))
    whole = client.get(ROOT, {"format": "csv"})
    assert whole.streaming
    assert whole.getvalue().count(b"\r\n") == 151
    assert client.get(ROOT).json()["truncated"] is True


@pytest.mark.django_db(transaction=True)
def test_csv_of_all_is_read_as_it_is_sent(client, empty_sky):
    """A cursor that outlives its transaction ("holdable") has all of its rows computed first."""
    settings = settings_row(171)
    rows = (image_row(start_of(slot), settings=settings) for slot in range(156920, 156920 + 1100))
    ImageHeader.objects.bulk_create(rows)
    stream = client.get(ROOT, {"format": "csv"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable, statement FROM pg_cursors")
        ((holdable, statement),) = cursor.fetchall()
    assert not holdable
    assert "measuringsettings" not in statement
    assert stream.getvalue().count(b"\r\n") == 1101


def test_filters(client, sky):
    assert client.get(ROOT, {"wave": "94"}).json()["returned"] == 1
    assert client.get(ROOT, {"quality_mask": str(1 << 30)}).json()["returned"] == 0
    window = {"start": "2012-02-13T20:06:00", "end": "2012-02-13T20:13:00"}
    assert client.get(ROOT, window).json()["returned"] == 3


@pytest.mark.parametrize("query", [{"nonsense": "1"}, {"format": "xml"}, {"limit": "x"}, {"wave": "1"}])
def test_bad_questions(client, sky, query):
    answer = client.get(ROOT, query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, *query)


# --- availability


def test_what_there_is_of_each_wavelength(client, sky):
    found = client.get("/api/v1/availability").json()
    assert found["days"] == []
    assert [(one["wave"], one["images"]) for one in found["waves"]] == [(94, 1), (171, 5)]
    assert found["waves"][1]["last"] == "2012-02-13T20:30:01Z"


def test_the_gaps_of_a_day(client, sky):
    query = {"start": "2012-02-13", "end": "2012-02-14", "wave": "171,1700"}
    days = client.get("/api/v1/availability", query).json()["days"]
    assert [(day["wave"], day["day"], day["filled"], day["missing"]) for day in days] == [
        (171, "2012-02-13", 5, 235), (171, "2012-02-14", 0, 240),
        (1700, "2012-02-13", 0, 240), (1700, "2012-02-14", 0, 240),
    ]  # fmt: skip
    assert days[0]["gaps"] == [
        {"start": "2012-02-13T00:00:00Z", "end": "2012-02-13T20:00:00Z"},
        {"start": "2012-02-13T20:18:00Z", "end": "2012-02-13T20:24:00Z"},
        {"start": "2012-02-13T20:36:00Z", "end": "2012-02-14T00:00:00Z"},
    ]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [({"start": "2012-01-01"}, "end"), ({"end": "2012-01-01"}, "start"), ({"nonsense": "1"}, "nonsense"),
     ({"start": "2012-01-01", "end": "2013-02-01"}, "end"), ({"start": "2013", "end": "2012"}, "start"),
     ({"start": "2013-01-02", "end": "2013-01-01"}, "start")],
)  # fmt: skip
def test_bad_days(client, sky, query, parameter):
    answer = client.get("/api/v1/availability", query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, parameter)


def test_before_the_first_slot_there_is_nothing(client, sky):
    query = {"start": "2010-04-01", "end": "2010-05-01", "wave": 171}
    assert len(client.get("/api/v1/availability", query).json()["days"]) == 1
