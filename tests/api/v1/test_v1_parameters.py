"""/api/v1/parameters: the frames of the store in four forms, any part of them, and the rest after a break."""

import gzip
import io
import json
import random
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr
import zarr

from api.v1 import harvest
from images.domain.settings import PARAMETERS
from images.domain.slots import start_of

ROOT = "/api/v1/parameters"
T = "2012-02-13T20:"
HOUR = {"start": f"{T}00:00", "end": "2012-02-13T21:00:00"}
SLOTS = (156920, 156921, 156922, 156924, 156925)


def get(client, form, **query):
    answer = client.get(ROOT, HOUR | {"format": form} | query)
    assert answer.status_code == 200, answer.getvalue()[:300]
    answer.body = answer.getvalue()
    if "Content-Length" in answer:
        assert int(answer["Content-Length"]) == len(answer.body)
    return answer


def as_npz(client, **query):
    return np.load(io.BytesIO(get(client, "npz", **query).body), allow_pickle=False)


def as_zarr(client, tmp_path, **query):
    path = tmp_path / f"{random.randrange(10**9)}.zip"
    path.write_bytes(get(client, "zarr", **query).body)
    return xr.open_zarr(zarr.storage.ZipStore(path, mode="r")).load()


def as_json(client, **query):
    return json.loads(get(client, "json", **query).body)


def as_table(client, **query):
    return pq.read_table(io.BytesIO(get(client, "parquet", **query).body))


def test_all_forms_hold_what_the_store_holds(client, sky, tmp_path):
    listed = as_json(client, wave="171,94")
    cube, dataset = as_npz(client, wave="171,94"), as_zarr(client, tmp_path, wave="171,94")
    table = as_table(client, wave="171,94").to_pandas()
    assert cube["wave"].tolist() == dataset.wave.values.tolist() == [94, 171]
    assert cube["parameter"].tolist() == dataset.parameter.values.tolist() == list(PARAMETERS)
    for place, slot in enumerate(SLOTS):
        stored = sky.store.frame(171, slot)
        np.testing.assert_array_equal(cube["parameters"][place, 1], stored)
        np.testing.assert_array_equal(dataset.parameters.values[place, 1], stored)
        start = start_of(slot).replace(tzinfo=None)
        assert cube["time"][place] == dataset.time.values[place] == np.datetime64(start)
        rows = table[(table.wave == 171) & (table.time == start_of(slot))]
        np.testing.assert_array_equal(rows[list(PARAMETERS)].to_numpy().reshape(64, 64, 10), stored)
        assert rows[["row", "column"]].to_numpy()[64 * 3 + 5].tolist() == [3, 5]
        (frame,) = [f for f in listed["frames"] if (f["wave"], f["time"]) == (171, f"{start.isoformat()}Z")]
        np.testing.assert_array_equal(np.array(frame["values"], dtype=np.float32), stored)
    assert len(listed["frames"]) == len(table) / 4096 == 6


def test_what_is_missing_is_told(client, sky, tmp_path):
    cube, dataset = as_npz(client, wave="171,94"), as_zarr(client, tmp_path, wave="171,94")
    for numbers, observed, quality in (
        (cube["parameters"], cube["observed"], cube["quality"]),
        (dataset.parameters.values, dataset.observed.values, dataset.quality.values),
    ):
        held = ~np.isnan(numbers).all(axis=(2, 3, 4))
        assert held.tolist() == [[slot == 156922, True] for slot in SLOTS]
        np.testing.assert_array_equal(~np.isnat(observed), held)
        np.testing.assert_array_equal(quality != 0, held)
        assert observed[2, 1] == np.datetime64("2012-02-13T20:12:12.350")


@pytest.mark.parametrize("form", ["npz", "zarr", "json", "parquet"])
def test_provenance_goes_with_the_numbers(client, sky, tmp_path, form):
    if form == "npz":
        told = json.loads(str(as_npz(client, wave=171)["provenance"]))
    elif form == "zarr":
        told = as_zarr(client, tmp_path, wave=171).attrs
    elif form == "json":
        told = as_json(client, wave=171)
    else:
        told = json.loads(as_table(client, wave=171).schema.metadata[b"provenance"])
    assert told["software"] == ["test 1"]
    assert told["settings"] == {"reference-1": {"171": {"name": "reference", "version": 1, "wave": 171}}}


def test_units_go_with_the_numbers(client, sky, tmp_path):
    query = {"wave": 171, "parameter": "10,mean,entropy"}
    units = ["rad2", "DN", "bit"]
    assert as_npz(client, **query)["unit"].tolist() == units
    dataset = as_zarr(client, tmp_path, **query)
    assert (dataset.parameters.attrs["parameter_units"], dataset.wave.attrs["units"]) == (units, "angstrom")
    schema = as_table(client, **query).schema
    told = [schema.field(name).metadata[b"unit"].decode() for name in ("wave", *schema.names[-3:])]
    assert told == ["angstrom", *units]
    assert list(as_json(client, **query)["units"].values()) == units


def test_a_window_of_cells_and_some_parameters_in_their_order(client, sky, tmp_path):
    query = {"wave": 171, "rows": "3:7", "columns": "60", "parameter": "10,mean", "step": 2}
    slots = [156920, 156922, 156924]
    expected = np.stack([sky.store.frame(171, slot)[3:7, 60:61][:, :, [9, 1]] for slot in slots])
    cube, dataset = as_npz(client, **query), as_zarr(client, tmp_path, **query)
    np.testing.assert_array_equal(cube["parameters"][:, 0], expected)
    np.testing.assert_array_equal(dataset.parameters.values[:, 0], expected)
    assert (cube["row"].tolist(), cube["column"].tolist()) == ([3, 4, 5, 6], [60])
    listed = as_json(client, **query)
    assert (listed["parameters"], listed["rows"], listed["columns"]) == (
        ["tamura_directionality", "mean"], [3, 7], [60, 61],
    )  # fmt: skip
    values = np.array([frame["values"] for frame in listed["frames"]], dtype=np.float32)
    np.testing.assert_array_equal(values, expected)
    table = as_table(client, **query).to_pandas()
    assert list(table.columns[-2:]) == ["tamura_directionality", "mean"]
    np.testing.assert_array_equal(table.iloc[:, -2:].to_numpy().reshape(expected.shape), expected)
    assert set(table.row) == {3, 4, 5, 6}


@pytest.mark.parametrize(
    ("start", "step", "slots"),
    [("20:00:00", 3, [156920]), ("20:06:00", 3, [156921, 156924]), ("20:07:00", 1, SLOTS[2:]),
     ("20:18:00", 2, [156925]), ("20:30:00", 1, [156925]), ("20:30:01", 1, []), ("20:36:00", 1, [])],
)  # fmt: skip
def test_steps_are_counted_in_slots_from_the_start(client, sky, start, step, slots):
    cube = as_npz(client, wave=171, start=f"2012-02-13T{start}", step=step)
    assert cube["time"].tolist() == [start_of(slot).replace(tzinfo=None) for slot in slots]


@pytest.mark.parametrize("form", ["json", "npz", "parquet", "zarr"])
def test_no_frame_at_all_is_an_empty_answer(client, sky, tmp_path, form):
    query = {"start": "2013-01-01", "end": "2014-01-01"}
    if form == "json":
        assert as_json(client, **query)["frames"] == []
    elif form == "npz":
        assert as_npz(client, **query)["parameters"].shape == (0, 9, 64, 64, 10)
    elif form == "zarr":
        assert as_zarr(client, tmp_path, **query).parameters.shape == (0, 9, 64, 64, 10)
    else:
        assert as_table(client, **query).num_rows == 0


@pytest.mark.parametrize("form", ["json", "npz", "parquet", "zarr"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_go_on_where_the_last_one_ended(client, sky, form, limit):
    frames, address = 0, f"{ROOT}?wave=94,171&format={form}&limit={limit}&start={T}00:00&end=2012-02-13T21:00"
    pages = 0
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        frames, pages = frames + int(answer["X-Frame-Count"]), pages + 1
        link = answer.get("Link", "")
        address = link.removeprefix("<").removesuffix('>; rel="next"') or None
        if form == "json":
            told = json.loads(answer.getvalue())
            assert (told["next"], told["truncated"]) == (address, address is not None)
    assert (frames, pages) == (6, -(-5 // limit))


def test_an_answer_never_holds_more_than_it_can(client, sky, monkeypatch):
    each = 64 * 64 * 10 * 4
    monkeypatch.setattr(harvest, "MOST_BYTES", 2 * each + 1)
    assert as_npz(client, wave=171)["time"].size == 2
    assert as_npz(client, wave=171, limit=5)["time"].size == 2
    monkeypatch.setattr(harvest, "MOST_BYTES", 2_000_000_000)
    monkeypatch.setattr(harvest, "MOST_CHUNKS", 3)
    assert as_npz(client, wave=171)["time"].size == 3
    assert as_npz(client, wave=171, limit=1)["time"].size == 1


# --- after a break


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_the_rest_of_a_file_is_what_was_missing(client, sky, form):
    whole = get(client, form, wave=171)
    body, tag = whole.body, whole["ETag"]
    assert whole["Accept-Ranges"] == "bytes"
    rng = random.Random(7)
    cuts = [0, 1, len(body) - 1, *(rng.randrange(len(body)) for _ in range(4))]
    for begin in cuts:
        headers = {"range": f"bytes={begin}-", "if-range": tag}
        rest = client.get(ROOT, HOUR | {"format": form, "wave": 171}, headers=headers)
        assert rest.status_code == 206
        assert rest["Content-Range"] == f"bytes {begin}-{len(body) - 1}/{len(body)}"
        content = rest.getvalue()
        assert int(rest["Content-Length"]) == len(content)
        assert body[:begin] + content == body


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-9", slice(0, 10)), ("bytes=-5", slice(-5, None)), ("bytes=100-100", slice(100, 101)),
     ("bytes=5-99999999999", slice(5, None)), ("bytes=-99999999999", slice(0, None))],
)  # fmt: skip
def test_any_stretch_of_bytes(client, sky, asked, part):
    body = get(client, "npz", wave=171).body
    answer = client.get(ROOT, HOUR | {"format": "npz", "wave": 171}, headers={"range": asked})
    assert (answer.status_code, answer.getvalue()) == (206, body[part])


@pytest.mark.parametrize("asked", ["bytes=x", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", ""])
def test_what_is_no_stretch_is_not_heard(client, sky, asked):
    answer = client.get(ROOT, HOUR | {"format": "npz", "wave": 171}, headers={"range": asked})
    assert answer.status_code == 200
    assert "Content-Range" not in answer


@pytest.mark.parametrize("asked", ["bytes=99999999999-", "bytes=-0"])
def test_beyond_the_end_is_416(client, sky, asked):
    answer = client.get(ROOT, HOUR | {"format": "npz", "wave": 171}, headers={"range": asked})
    assert answer.status_code == 416
    assert answer["Content-Range"].startswith("bytes */")


def test_a_file_that_changed_begins_anew(client, sky):
    query = HOUR | {"format": "npz", "wave": 171}
    before = client.get(ROOT, query)
    sky.write(start_of(156926), 171)
    sky.row(start_of(156926))
    after = client.get(ROOT, query, headers={"range": "bytes=10-", "if-range": before["ETag"]})
    assert (after.status_code, after["ETag"] != before["ETag"]) == (200, True)


@pytest.mark.parametrize("form", ["json", "npz", "parquet", "zarr"])
def test_another_version_of_what_writes_a_file_has_another_tag(client, sky, monkeypatch, form):
    """Else a client would put together one file of the bytes of two."""
    before = get(client, form, wave=171)["ETag"]
    assert get(client, form, wave=171)["ETag"] == before
    for name in ("numpy", "zarr"):
        monkeypatch.setitem(harvest._WRITERS, name, "0.1")
        assert get(client, form, wave=171)["ETag"] != before


@pytest.mark.parametrize("form", ["json", "npz", "parquet", "zarr"])
def test_what_is_held_is_not_sent_again(client, sky, form):
    first = get(client, form, wave=171)
    assert first["Cache-Control"] == "public, no-cache"
    again = client.get(ROOT, HOUR | {"format": form, "wave": 171}, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(ROOT, HOUR | {"format": form, "wave": 94}, headers={"if-none-match": first["ETag"]})
    assert other.status_code == 200


def test_head_tells_the_length(client, sky):
    query = HOUR | {"format": "zarr", "wave": 171}
    head = client.head(ROOT, query)
    assert head.getvalue() == b""
    assert int(head["Content-Length"]) == len(client.get(ROOT, query).getvalue())


def test_json_is_zipped_for_who_takes_it(client, sky):
    plain = get(client, "json", wave=171)
    zipped = client.get(ROOT, HOUR | {"wave": 171}, headers={"accept-encoding": "gzip"})
    assert (zipped["Content-Encoding"], zipped["ETag"] != plain["ETag"]) == ("gzip", True)
    assert gzip.decompress(zipped.getvalue()) == plain.body


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_the_files_are_sound(client, sky, form):
    archive = zipfile.ZipFile(io.BytesIO(get(client, form).body))
    assert archive.testzip() is None
    assert get(client, form).body == get(client, form).body


def test_a_cell_without_a_value(client, empty_sky):
    frame = empty_sky.frame(171, 0)
    frame[0, 0] = np.nan
    empty_sky.add(start_of(156920), frame=frame)
    values = as_json(client, wave=171)["frames"][0]["values"]
    assert values[0][0] == [None] * 10
    assert np.isnan(as_npz(client, wave=171)["parameters"]).sum() == 10
    assert as_table(client, wave=171).to_pandas()["entropy"].isna().sum() == 1


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"start": ""}, "start"), ({"end": ""}, "end"), ({"end": "2011-01-01"}, "start"),
        ({"wave": "1"}, "wave"),
        ({"parameter": "11"}, "parameter"), ({"parameter": "beauty"}, "parameter"), ({"rows": "5:5"}, "rows"),
        ({"rows": "0:65"}, "rows"), ({"rows": "64"}, "rows"), ({"columns": "a:b"}, "columns"),
        ({"columns": ":"}, "columns"), ({"step": "0"}, "step"), ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"), ({"format": "fits"}, "format"), ({"nonsense": "1"}, "nonsense"),
    ],
)  # fmt: skip
def test_bad_questions(client, sky, query, parameter):
    answer = client.get(ROOT, HOUR | query)
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, parameter)


def test_times_before_the_first_slot_and_after_the_last(client, sky):
    cube = as_npz(client, wave=171, start="0001-01-01", end="9999-12-31")
    assert cube["time"].size == 5
