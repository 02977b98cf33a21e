"""Ranges: which frames, in which order, streamed."""

import gzip
import json
from itertools import islice
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import numpy as np
import pytest

from images.domain.slots import start_of
from images.store import ParameterStore

XML, JSON = "params/SDO/AIA/64/full/range/", "params/SDO/AIA/json/64/full/range/"
HALF_HOUR = "wave=171&starttime=2012-02-13T20:00:00&endtime=2012-02-13T20:36:00"
ALL = ["00", "06", "12", "24", "30"]


def minutes(answer):
    assert answer.status_code == 200
    return [frame["timestamp"][14:16] for frame in json.loads(answer.content)]


@pytest.mark.parametrize("step", [1, 2, 3, 9])
@pytest.mark.parametrize("offset", [0, 1, 4, 7])
@pytest.mark.parametrize("limit", [0, 1, 2, 100])
def test_every_step_th_then_offset_and_limit(get, sky, step, offset, limit):
    answer = get(f"{JSON}?{HALF_HOUR}&limit={limit}&offset={offset}&step={step}")
    taken = ALL[::step]
    assert minutes(answer) == taken[offset : offset + limit]
    assert answer["X-Total-Count"] == str(len(taken))
    assert ("Link" in answer) == (0 < limit < len(taken[offset:]))


def test_the_next_page_is_linked(get, sky):
    answer = get(f"{JSON}?{HALF_HOUR}&limit=2&setp=2")
    assert minutes(answer) == ["00", "12"]
    address, rel = answer["Link"].split("; ")
    assert rel == 'rel="next"'
    following = urlsplit(address.strip("<>"))
    assert parse_qs(following.query)["offset"] == ["2"]
    rest = get(f"{following.path.removeprefix('/dmlabapi/')}?{following.query}")
    assert minutes(rest) == ["30"]
    assert "Link" not in rest


@pytest.mark.parametrize("name", ["Offset", "OFFSET", "offset"])
def test_the_next_page_is_linked_however_the_names_are_spelled(get, sky, name):
    address = f"{JSON}?{HALF_HOUR}&LIMIT=2&{name}=1"
    assert minutes(get(address)) == ALL[1:3]
    following = get(address)["Link"].split("; ")[0].strip("<>")
    assert minutes(get(following.partition("/dmlabapi/")[2])) == ALL[3:]


@pytest.mark.parametrize("word", ["json", "xml", "csv", "", "format=json&format=xml"])
def test_a_format_that_is_no_form_of_xml_changes_nothing(get, sky, word):
    query = f"{HALF_HOUR}&limit=1"
    assert get(f"{JSON}?{query}&format={word}").content == get(f"{JSON}?{query}").content
    if "=" not in word:
        assert get(f"{XML}?{query}&format={word}").content == get(f"{XML}?{query}").content


def test_setp_is_step(get, sky):
    assert (
        minutes(get(f"{JSON}?{HALF_HOUR}&setp=2")) == minutes(get(f"{JSON}?{HALF_HOUR}&step=2")) == ALL[::2]
    )
    assert minutes(get(f"{JSON}?{HALF_HOUR}&step=3&setp=2")) == ALL[::3]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("20:00:00", "20:30:00", ALL[:4]),  # the end is excluded
        ("20:00:00", "20:30:01", ALL),
        ("20:05:00", "20:12:00", ["00", "06"]),  # the slot that contains the start is one
        ("20:18:00", "20:24:00", []),
        ("20:06:00", "20:06:00", []),
        ("00:00:00", "19:00:00", []),
    ],
)
def test_the_images_of_the_slots_from_start_to_end(get, sky, start, end, found):
    window = f"wave=171&starttime=2012-02-13T{start}&endtime=2012-02-13T{end}"
    assert minutes(get(f"{JSON}?{window}")) == found
    root = ElementTree.fromstring(get(f"{XML}?{window}").content)
    assert [frame[0].text[14:16] for frame in root] == found


def test_frames_hold_what_the_store_holds(get, sky, read_flat, read_nested):
    root = ElementTree.fromstring(get(f"{XML}?{HALF_HOUR}").content)
    listed = json.loads(get(f"{JSON}?{HALF_HOUR}").content)
    assert root.tag == "frames"
    for frame, cells, slot in zip(root, listed, (156920, 156921, 156922, 156924, 156925), strict=True):
        stored = sky.store.frame(171, slot).transpose(1, 0, 2)
        assert (frame.tag, frame[0].tag, frame[0].text) == ("frame", "timestamp", cells["timestamp"])
        values = read_flat(frame, 1)
        np.testing.assert_allclose(values, stored, rtol=0, atol=5.1e-5)
        assert [[cell["p1"], cell["p10"]] for cell in cells["cells"]] == values[:, :, [0, 9]].reshape(
            -1, 2
        ).tolist()


@pytest.mark.parametrize("form", ["nested", "hybrid"])
def test_other_forms_on_request(get, sky, read_nested, form):
    root = ElementTree.fromstring(get(f"{XML}?{HALF_HOUR}&format={form}&limit=1").content)
    image = ElementTree.Element("image")
    image.extend(root[0][1:])
    values = read_nested(ElementTree.tostring(image))
    np.testing.assert_allclose(values, sky.store.frame(171, 156920).transpose(1, 0, 2), rtol=0, atol=5.1e-5)


@pytest.mark.parametrize(
    "extra",
    [
        "limit=x", "limit=-1", "limit=1.5", "offset=-1", "offset=x", "step=0", "step=-1", "step=x", "setp=0",
        "limit=10001", "endtime=2012-02-13T19:00:00", "endtime=", "wave=4500", "step=%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", [XML, JSON])
def test_bad_input(get, sky, path, extra):
    name = extra.partition("=")[0]
    query = "&".join([part for part in HALF_HOUR.split("&") if not part.startswith(name)] + [extra])
    answer = get(f"{path}?{query}")
    assert answer.status_code == 400
    said = ElementTree.fromstring(answer.content) if path == XML else json.loads(answer.content)
    assert said.tag == "error" if path == XML else list(said) == ["error"]


def test_zipped_in_one_stream(get, sky):
    for path in (XML, JSON):
        zipped = get(f"{path}?{HALF_HOUR}", accept_encoding="gzip")
        assert zipped["Content-Encoding"] == "gzip"
        assert gzip.decompress(zipped.content) == get(f"{path}?{HALF_HOUR}").content


@pytest.mark.parametrize("path", [XML, JSON])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_frames_are_read_only_as_they_are_taken(client, sky, monkeypatch, path, encoding):
    read = []
    frame = ParameterStore.frame
    monkeypatch.setattr(ParameterStore, "frame", lambda self, *at: read.append(at) or frame(self, *at))
    answer = client.get(f"/dmlabapi/{path}?{HALF_HOUR}", headers={"accept-encoding": encoding})
    parts = iter(answer.streaming_content)
    assert len(read) <= 1
    assert next(parts)
    assert len(read) <= 2
    assert list(islice(parts, 100))
    assert len(read) == 5


@pytest.mark.parametrize("path", [XML, JSON])
def test_a_store_that_is_away_from_the_beginning_is_503(get, empty_sky, path):
    empty_sky.row(start_of(156920))
    assert get(f"{path}?{HALF_HOUR}").status_code == 503


def test_head(client, sky):
    for path in (XML, JSON):
        answer = client.head(f"/dmlabapi/{path}?{HALF_HOUR}")
        assert (answer.status_code, answer.getvalue(), answer["X-Total-Count"]) == (200, b"", "5")
        assert "Content-Length" not in answer
