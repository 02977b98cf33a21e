"""/api/v1/images: lists, the image that answers a time, pictures and heat maps."""

import io
import json
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from images.domain import heatmap
from images.domain.colour import RAMPS, aia_table
from images.domain.slots import start_of
from images.files import picture_folder

ROOT = "/api/v1/images"
T = "2012-02-13T20:"


def body(client, path, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.getvalue()[:300]
    return json.loads(answer.getvalue())


def times(images):
    return [(image["observed"].removeprefix(T), image["wave"]) for image in images]


def test_all_images_by_time(client, sky):
    found = body(client, ROOT)
    assert times(found["images"]) == [
        ("00:00Z", 171), ("06:01Z", 171), ("12:00Z", 94),
        ("12:12.350000Z", 171), ("24:00Z", 171), ("30:01Z", 171),
    ]  # fmt: skip
    assert (found["returned"], found["truncated"], found["next"]) == (6, False, None)


def test_an_image_tells_quality_coordinates_and_provenance(client, sky):
    (image,) = body(client, ROOT, wave=94)["images"]
    assert image["quality_bits"] == ["quicklook image"]
    assert image["tolerable"] is True
    assert (image["wcs"]["CRPIX1"], image["wcs"]["CDELT1"], image["wcs"]["CUNIT1"]) == (2048.5, 0.6, "arcsec")
    assert (image["plate"]["X0"], image["plate"]["CDELT"]) == (2053.23, 0.599076)
    assert (image["settings"], image["software"]) == ("reference-1", "test 1")
    assert image["origin"] == "2012_02_13__20_12_00__SDO_AIA_AIA_94.jp2"
    for link in image["links"].values():
        assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    ("origin", "told"),
    [("/data/aia/a.jp2", "a.jp2"), ("https://example.org/jp2/a.jp2", "https://example.org/jp2/a.jp2")],
)
def test_where_a_file_lay_on_our_disks_is_not_told(client, empty_sky, origin, told):
    empty_sky.row(start_of(156920), origin=origin)
    assert body(client, ROOT)["images"][0]["origin"] == told


@pytest.mark.parametrize("limit", [1, 2, 4, 6])
def test_pages_follow_without_gap_or_repetition(client, sky, limit):
    found, address = [], f"{ROOT}?limit={limit}"
    while address:
        answer = client.get(address)
        page = answer.json()
        assert page["returned"] <= limit
        assert answer.get("Link", "") == (f'<{page["next"]}>; rel="next"' if page["next"] else "")
        found += page["images"]
        address = page["next"]
    assert times(found) == times(body(client, ROOT)["images"])


def test_a_cursor_is_of_its_own_list_only(client, sky, tracked):
    """One of images looks like one of tracks."""
    lists = (ROOT, "/api/v1/headers", "/api/v1/tracks", "/api/v1/events")
    cursors = {path: client.get(f"{path}?limit=1").json()["next"].partition("cursor=")[2] for path in lists}
    taken = {
        (path, other)
        for path, cursor in cursors.items()
        for other in lists
        if client.get(f"{other}?cursor={cursor}").status_code == 200
    }
    assert taken == {(path, path) for path in lists} | {(ROOT, lists[1]), (lists[1], ROOT)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"start": f"{T}06:00", "end": f"{T}12:12"}, ["06:01Z", "12:00Z"]),
        ({"wave": "94,131"}, ["12:00Z"]),
        ({"quality_mask": "intolerable"}, ["12:00Z"]),
        ({"quality_mask": "0x10000"}, ["00:00Z", "12:00Z"]),
        ({"quality_mask": "4096"}, ["06:01Z", "12:00Z"]),
        ({"quality_mask": str(2**32 - 1)}, []),
        ({"without_flag": "dark"}, ["00:00Z", "06:01Z", "12:00Z"][1:]),
        ({"flag": "dark,rotated"}, ["00:00Z"]),
    ],
)
def test_windows_waves_quality_and_flags(client, empty_sky, query, found):
    empty_sky.row(start_of(156920), quality=1 << 12 | 1 << 30, flags=["dark"])
    empty_sky.row(start_of(156921) + timedelta(seconds=1), quality=1 << 16)
    empty_sky.row(start_of(156922), 94)
    assert [time for time, _ in times(body(client, ROOT, **query)["images"])] == found


@pytest.mark.parametrize(
    ("match", "tolerance", "answers"),
    [("next", 600, {171: "24:00Z"}), ("nearest", 600, {171: "24:00Z", 94: "12:00Z"}),
     ("previous", 600, {171: "12:12.350000Z", 94: "12:00Z"}), ("previous", 410, {171: "12:12.350000Z"})],
)  # fmt: skip
def test_of_each_wave_the_image_that_answers_a_time(client, sky, match, tolerance, answers):
    found = body(client, ROOT, time=f"{T}19:00", match=match, tolerance=tolerance, wave="94,171")
    assert {image["wave"]: image["observed"].removeprefix(T) for image in found["images"]} == answers
    assert set(found["missing"]) == {94, 171} - set(answers)
    for image in found["images"]:
        seconds = {"24:00Z": 300, "12:00Z": -420, "12:12.350000Z": -407.65}
        assert image["offset"] == seconds[image["observed"].removeprefix(T)]


def test_one_image_with_its_neighbours_and_every_keyword(client, sky):
    one = body(client, f"{ROOT}/171/{T}13:00")
    assert (one["slot"], one["header"], one["knobs"]["name"]) == (156922, {"WAVELNTH": 171}, "reference")
    assert (one["previous"], one["next"]) == ("/api/v1/images/171/156921", "/api/v1/images/171/156924")
    assert body(client, one["next"])["observed"] == f"{T}24:00Z"
    last = body(client, f"{ROOT}/171/156925")
    assert last["next"] is None


@pytest.mark.parametrize(("extra", "slot"), [("", 156924), ("?match=previous", 156922)])
def test_the_time_of_an_address_is_matched(client, sky, extra, slot):
    answer = client.get(f"{ROOT}/0171/{T}18:30.jpg{extra}")
    assert answer["X-Slot-Time"] == start_of(slot).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.content == picture_folder().read(171, slot, 2048)
    assert answer["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize("size", [2048, 512, 256])
def test_a_picture_of_a_version_can_be_kept_for_ever(client, sky, size):
    version = body(client, f"{ROOT}/171/156920")["version"]
    answer = client.get(f"{ROOT}/171/156920.jpg?size={size}&version={version}")
    assert answer.content == picture_folder().read(171, 156920, size)
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    again = client.get(f"{ROOT}/171/156920.jpg?size={size}", headers={"if-none-match": answer["ETag"]})
    assert again.status_code == 304


def test_in_the_colours_of_the_channel(client, sky):
    grey = np.asarray(Image.open(io.BytesIO(client.get(f"{ROOT}/171/156920.jpg?size=256").content)))
    answer = client.get(f"{ROOT}/171/156920.jpg?size=256&colour=aia", headers={"accept": "image/*"})
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert np.abs(np.asarray(picture).astype(int) - aia_table(171)[grey]).max() < 16


@pytest.mark.parametrize("ramp", RAMPS)
def test_a_heat_map_in_png_has_the_exact_colours(client, sky, ramp):
    answer = client.get(f"{ROOT}/171/156920/heatmap.png?parameter=Tamura%20contrast&size=256&ramp={ramp}")
    picture = Image.open(io.BytesIO(answer.content))
    plane = sky.store.frame(171, 156920)[:, :, 8]
    cells = np.asarray(picture).reshape(64, 4, 64, 4, 3)
    assert (picture.format, answer["Content-Type"]) == ("PNG", "image/png")
    for dy in range(4):
        for dx in range(4):
            np.testing.assert_array_equal(cells[:, dy, :, dx], RAMPS[ramp][heatmap.levels(plane)])


def test_a_legend_stands_beside_the_map(client, sky):
    address = f"{ROOT}/171/156920/heatmap.png?parameter=1&size=512"
    plain, legend = (
        np.asarray(Image.open(io.BytesIO(client.get(address + extra).content)))
        for extra in ("", "&legend=true")
    )
    np.testing.assert_array_equal(legend[:, :512], plain)
    bar = legend[:, 530].tolist()
    assert bar.index([255, 255, 240]) < bar.index([255, 0, 0])  # the greatest at the top


def test_a_jpeg_heat_map_is_that_of_the_old_addresses(client, sky):
    ours = client.get(f"{ROOT}/171/156920/heatmap.jpg?parameter=entropy&size=512")
    old = client.get(f"/dmlabapi/images/SDO/AIA/param/64/512/?wave=171&starttime={T}00:00&param=1")
    assert ours.content == old.content


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("?nonsense=1", 400, "nonsense"), ("?wave=4500", 400, "wave"), ("?limit=0", 400, "limit"),
        ("?start=2013-01-01&end=2012-01-01", 400, "start"), ("?quality_mask=-1", 400, "quality_mask"),
        ("?quality_mask=4294967296", 400, "quality_mask"), ("?flag=ugly", 400, "flag"),
        ("?cursor=x", 400, "cursor"),
        ("?match=next", 400, "match"), ("?time=2012-01-01&start=2012-01-01", 400, "time"),
        ("?time=2012-01-01&tolerance=90000", 400, "tolerance"), ("?format=csv", 400, "format"),
        ("/4500/156920", 400, "wave"), ("/171/yesterday", 400, "time"),
        ("/171/156920.jpg?size=100", 400, "size"),
        ("/171/156920.jpg?colour=red", 400, "colour"), ("/171/156920.jpg?nonsense=1", 400, "nonsense"),
        ("/171/156920/heatmap.png", 400, "parameter"),
        ("/171/156920/heatmap.png?parameter=11", 400, "parameter"),
        ("/171/156920/heatmap.png?parameter=1&ramp=x", 400, "ramp"),
        ("/171/156923", 404, None), ("/171/156923.jpg", 404, None), ("/171/999999999", 404, None),
        ("/171/2013-01-01", 404, None), ("/171/9999-12-31T23:59:59.jpg", 404, None),
        ("/171/156923/heatmap.jpg?parameter=1", 404, None), ("/171/156920/other.png", 404, None),
    ],
)  # fmt: skip
def test_bad_questions(client, sky, path, status, parameter):
    answer = client.get(f"{ROOT}{path}")
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["parameter"] == parameter
    assert error["message"]
