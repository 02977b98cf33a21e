"""Answers of images in caches: for how long, under which tag, on which condition, and in which part."""

import json
import random
import zipfile
from functools import partial
from hashlib import blake2b
from itertools import combinations

import numpy as np
import pytest

from api import caching, ranges
from api.dmlab.cells import XML_FORMS, json_cells, xml_cells
from api.zips import Entry, Late, zip_parts
from images.domain import heatmap
from images.domain.colour import RAMPS, aia_table
from images.domain.slots import WAVES, start_of
from images.store import ParameterStore

V1, D = "/api/v1", "/dmlabapi"
TIME = "2012-02-13T20:06:00"
OLD = f"wave=171&starttime={TIME}"
BULK = f"{V1}/parameters?start=2012-02-13T20:00:00&end=2012-02-13T21:00:00&wave=171"
ONE = f"{V1}/images/171/156921"
VERSIONED = [
    f"{ONE}.jpg?size=512",
    f"{ONE}.jpg?colour=aia",
    f"{V1}/images/171/{TIME}.jpg?size=256",
    f"{ONE}/heatmap.png?parameter=1",
]
COMPUTED = [
    f"{D}/images/SDO/AIA/512/?{OLD}",
    f"{V1}/images/171/156921.jpg?colour=aia",
    f"{V1}/images/171/156921/heatmap.png?parameter=1",
    f"{V1}/images/171/156921/heatmap.jpg?parameter=1&legend=true&size=512",
    f"{D}/images/SDO/AIA/512/?{OLD}&colour=1",
    f"{D}/images/SDO/AIA/param/64/512/?{OLD}&param=3",
    f"{D}/params/SDO/AIA/64/full/?{OLD}",
    f"{D}/params/SDO/AIA/json/64/full/?{OLD}",
    f"{D}/header/SDO/AIA/json/?{OLD}",
    f"{D}/header/SDO/AIA/xml/?{OLD}",
]
TAGGED = [*VERSIONED, *COMPUTED, f"{BULK}&format=npz", f"{BULK}&format=json", f"{V1}/images/171/156921"]


@pytest.fixture
def reads(monkeypatch):
    """The frames that were read, one after the other."""
    read, frame = [], ParameterStore.frame
    monkeypatch.setattr(ParameterStore, "frame", lambda self, *at: read.append(at[1]) or frame(self, *at))
    return read


# --- how long, and under which tag


def test_only_what_names_its_version_is_kept_for_ever(client, sky):
    kept = {address: client.get(address)["Cache-Control"] for address in TAGGED}
    assert kept == dict.fromkeys(TAGGED, caching.REVALIDATED)
    version = client.get(ONE).json()["version"]
    named = [f"{address}{'&' if '?' in address else '?'}version=" for address in VERSIONED]
    assert {client.get(a + version)["Cache-Control"] for a in named} == {caching.IMMUTABLE}
    assert {client.get(a + "another")["Cache-Control"] for a in named} == {caching.REVALIDATED}
    assert client.get(named[0] + version)["ETag"] == client.get(VERSIONED[0])["ETag"]


def test_a_version_ends_with_its_image_its_measuring_and_our_rendering(client, empty_sky, monkeypatch):
    row = empty_sky.add(start_of(156921))
    versions = [client.get(ONE).json()["version"]]
    links = client.get(ONE).json()["links"]
    assert all(
        client.get(links[name])["Cache-Control"] == caching.IMMUTABLE for name in ("picture", "heatmap")
    )
    row.delete()
    empty_sky.add(start_of(156921), software="test 2")
    versions.append(client.get(ONE).json()["version"])
    monkeypatch.setattr(caching, "RENDERING", (2, "1.0"))
    versions.append(client.get(ONE).json()["version"])
    assert len({*versions}) == 3
    for name in ("picture", "heatmap"):
        assert client.get(links[name])["Cache-Control"] == caching.REVALIDATED, (
            "an old link shows what is there"
        )


def test_what_is_measured_anew_is_another_answer(client, empty_sky):
    """As `ingest.measure.store` does it: the row goes, and comes again with other settings."""
    row = empty_sky.add(start_of(156921))
    before = {address: client.get(address)["ETag"] for address in COMPUTED}
    row.delete()
    empty_sky.add(start_of(156921), frame=np.ones((64, 64, 10), dtype=np.float32), software="test 2")
    after = {address: client.get(address)["ETag"] for address in COMPUTED}
    assert [address for address in COMPUTED if before[address] == after[address]] == []


@pytest.mark.parametrize("address", COMPUTED)
def test_another_rendering_has_another_tag(client, sky, monkeypatch, address):
    before = client.get(address)["ETag"]
    monkeypatch.setattr(caching, "RENDERING", (2, "1.0"))
    again = client.get(address, headers={"if-none-match": before})
    assert (again.status_code, again["ETag"] != before) == (200, True)


def test_who_changes_what_is_shown_raises_the_number():
    """If this fails, raise the number in `api.caching.RENDERING`, then write what stands here anew."""
    frame = np.linspace(-3, 2000, 64 * 64 * 10, dtype=np.float32).reshape(64, 64, 10)
    plane = frame[:, :, 0]
    shown = [
        *(heatmap.picture(plane, 128, RAMPS[name]).tobytes() for name in sorted(RAMPS)),
        *(aia_table(wave).tobytes() for wave in WAVES),
        repr([(mark.level, round(mark.value, 3)) for mark in heatmap.legend(plane, 5)]).encode(),
        *(xml_cells(frame, form) for form in sorted(XML_FORMS)),
        json_cells(frame),
    ]
    digest = blake2b(b"".join(shown), digest_size=8).hexdigest()
    assert (caching.RENDERING[0], digest) == (1, "72785d8148daedd3")


# --- conditions


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("address", TAGGED)
def test_another_version_than_the_one_that_was_wanted_is_412(client, sky, address, method):
    answer = getattr(client, method)(address, headers={"if-match": '"another"'})
    assert answer.status_code == 412
    assert answer["Cache-Control"] == "no-store"
    assert "ETag" not in answer
    if method == "get":
        assert b"If-Match" in answer.content
        assert ("xml" in answer["Content-Type"]) == ("xml" in address or "AIA/64/full" in address)
    if method == "get" and address.startswith(V1):
        assert json.loads(answer.content)["error"]["code"] == "precondition_failed"


@pytest.mark.parametrize("address", TAGGED)
def test_the_version_that_was_wanted_is_given(client, sky, address):
    tag = client.get(address)["ETag"]
    for wanted in (tag, "*", f'"another", {tag}'):
        answer = client.get(address, headers={"if-match": wanted})
        assert (answer.status_code, answer["ETag"]) == (200, tag)
    for held in (tag, "*", f"W/{tag}", f'"another", {tag}'):
        answer = client.get(address, headers={"if-none-match": held})
        assert (answer.status_code, answer.getvalue(), answer["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("address", TAGGED)
@pytest.mark.parametrize("name", ["if-modified-since", "if-unmodified-since"])
def test_conditions_on_dates_are_not_heard(client, sky, address, name):
    """No answer says when it was last modified."""
    answer = client.get(address, headers={name: "Fri, 01 Jan 2010 00:00:00 GMT"})
    assert answer.status_code == 200


# --- parts


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_head_has_no_ranges(client, sky, reads, form):
    whole = int(client.head(f"{BULK}&format={form}")["Content-Length"])
    for asked in ("bytes=0-9", "bytes=-1", "bytes=99999999999-"):
        head = client.head(f"{BULK}&format={form}", headers={"range": asked})
        assert (head.status_code, int(head["Content-Length"])) == (200, whole)
        assert "Content-Range" not in head
    assert reads == []


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_what_lies_before_a_range_is_read_for_a_check_sum_only(client, sky, reads, form):
    body = client.get(f"{BULK}&format={form}").getvalue()
    numbers = {slot: body.index(sky.store.frame(171, slot).tobytes()) for slot in (156922, 156925)}

    def read_for(begin, end):
        reads.clear()
        answer = client.get(f"{BULK}&format={form}", headers={"range": f"bytes={begin}-{end - 1}"})
        assert (answer.status_code, answer.getvalue()) == (206, body[begin:end])
        return reads

    assert read_for(0, 10) == []
    assert read_for(numbers[156922], numbers[156922] + 100) == [156922]
    assert read_for(numbers[156922] - 1 - (form == "zarr") * 60, numbers[156922] + 1)[-1] == 156922
    assert read_for(numbers[156925], numbers[156925] + 10) == [156925]
    assert read_for(len(body) - 1, len(body)) == [156920, 156921, 156922, 156924, 156925]


def test_a_range_that_costs_much_for_little_is_not_heard(client, sky, reads, monkeypatch):
    address = f"{BULK}&format=npz"
    body = client.get(address).getvalue()
    monkeypatch.setattr(ranges, "MAX_UNSENT", 100_000)
    answer = client.get(address, headers={"range": "bytes=-1"})
    assert (answer.status_code, answer.getvalue() == body) == (200, True)
    assert "Content-Range" not in answer
    rest = client.get(address, headers={"range": f"bytes=-{len(body) // 50}"})
    assert (rest.status_code, rest.getvalue()) == (206, body[-(len(body) // 50) :])
    monkeypatch.setattr(ranges, "MAX_UNSENT", len(body))
    assert client.get(address, headers={"range": "bytes=-1"}).getvalue() == body[-1:]


def test_every_stretch_of_a_zip_file_is_what_zipfile_would_write():
    rng = random.Random(1)
    contents = {f"a/{n}": [rng.randbytes(rng.randrange(9)) for _ in range(n)] for n in range(4)}
    entries = [
        Entry(name, sum(map(len, parts)), partial(map, lambda part: Late(len(part), lambda: part), parts))
        for name, parts in contents.items()
    ]
    sink = ranges.Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, parts in contents.items():
            with archive.open(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w") as file:
                file.write(b"".join(parts))
    whole = sink.given()
    for begin, end in combinations(range(len(whole) + 1), 2):
        assert b"".join(zip_parts(entries, begin, end)) == whole[begin:end]
