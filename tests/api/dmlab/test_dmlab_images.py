"""One image: which one answers, pictures, heat maps, parameters and headers, and what is told of them."""

import gzip
import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from images.domain.slots import start_of
from images.files import picture_folder

T = "2012-02-13T20:"
HEADER = {
    "X0": 2053.23, "Y0": 2045.8, "DSUN": 147126420000.0,
    "R_SUN": 1628.7837, "CDELT": 0.599076, "QUALITY": 1073741824,
}  # fmt: skip
ONE_IMAGE = (
    "images/SDO/AIA/2k/", "images/SDO/AIA/param/64/512/", "params/SDO/AIA/64/full/",
    "params/SDO/AIA/json/64/full/", "header/SDO/AIA/xml/", "header/SDO/AIA/json/",
)  # fmt: skip


def asked(get, query, path="header/SDO/AIA/json/"):
    """(status, the slot that answered)."""
    answer = get(f"{path}?{query}")
    return answer.status_code, answer.get("X-Slot-Time", "").removeprefix(T)


@pytest.mark.parametrize(
    ("time", "slot"),
    [
        ("19:49:59", None),
        ("19:50:00", "00:00Z"),  # ten minutes before the first one
        ("20:00:00", "00:00Z"),
        ("20:05:59", "00:00Z"),
        ("20:06:00", "06:00Z"),  # observed a second later, but this slot
        ("20:17:59.999", "12:00Z"),
        ("20:18:00", "24:00Z"),  # an empty slot: the next one
        ("20:35:59", "30:00Z"),
        ("20:36:00", None),  # never an earlier one
    ],
)
def test_the_slot_that_contains_the_time_or_the_next_one(get, sky, time, slot):
    status, found = asked(get, f"wave=171&starttime=2012-02-13T{time}")
    assert (status, found) == ((200, slot) if slot else (404, ""))


@pytest.mark.parametrize("path", ONE_IMAGE)
def test_true_times_are_told_with_every_answer(get, sky, path):
    answer = get(f"{path}?wave=171&starttime={T}13:00&param=1")
    assert answer.status_code == 200
    assert answer["X-Observation-Time"] == f"{T}12:12.350000Z"
    assert answer["X-Slot-Time"] == f"{T}12:00Z"


@pytest.mark.parametrize(
    ("extra", "slot"),
    [
        ("match=nearest", "24:00Z"),
        ("match=previous", "12:00Z"),
        ("match=PREVIOUS&tolerance=408", "12:00Z"),
        ("match=previous&tolerance=60", None),
        ("match=next&tolerance=60", None),
        ("tolerance=300", "24:00Z"),
        ("tolerance=299", None),
    ],
)
def test_other_matches_on_request(get, sky, extra, slot):
    status, found = asked(get, f"wave=171&starttime={T}19:00&{extra}")
    assert (status, found) == ((200, slot) if slot else (404, ""))


@pytest.mark.parametrize(
    "query",
    [
        f"wave=171&starttime={T}06:00", f"wave=0171&starttime={T}06:00", f"WAVE=171&startTime={T}06:00",
        "wave=171&starttime=2012-02-13 20:06:00", "wave=171&starttime=2012-02-13%2020:06:00",
        f"wave=171&starttime={T}06:00.000005", f"wave=171&starttime={T}06:00Z",
        f"wave=171&starttime={T}06:00+00:00", f"wave=171&starttime={T}06:00%2B00:00",
        f"wave=171&starttime={T}06:00%2000:00", "wave=171&starttime=2012-02-13T21:06:00%2B01:00",
        f" wave=%20171%20&starttime=%20{T}06:00%20", f"wave=171&starttime={T}06:00&nonsense=1&wave2=x",
    ],
)  # fmt: skip
def test_forms_that_are_tolerated(get, sky, query):
    status, slot = asked(get, query.removeprefix(" "))
    assert (status, slot) == (200, "06:00Z")


def test_355_is_335(get, empty_sky):
    empty_sky.add(start_of(156920), wave=335)
    for wave in ("335", "0335", "355", "0355"):
        assert asked(get, f"wave={wave}&starttime={T}00:00") == (200, "00:00Z")


@pytest.mark.parametrize(
    "query",
    [
        "", "wave=171", f"starttime={T}00:00", f"wave=4500&starttime={T}00:00", f"wave=x&starttime={T}00:00",
        f"wave=-171&starttime={T}00:00", f"wave=17%C2%B2&starttime={T}00:00", "wave=171&starttime=yesterday",
        "wave=171&starttime=2012-13-01", f"wave=171&wave=193&starttime={T}00:00",
        f"wave=171&starttime={T}00:00&match=best", f"wave=171&starttime={T}00:00&tolerance=-1",
        f"wave=171&starttime={T}00:00&tolerance=x", "wave=171&starttime=2012-02-13T20:00:00%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ONE_IMAGE)
def test_bad_input_is_400_in_the_form_of_the_address(get, sky, path, query):
    answer = get(f"{path}?{query}&param=1")
    assert answer.status_code == 400
    assert message(answer, path)


def message(answer, path):
    if "xml" in path or path.startswith("params/SDO/AIA/64"):
        assert answer["Content-Type"] == "application/xml; charset=utf-8"
        root = ElementTree.fromstring(answer.content)
        assert (root.tag, len(root)) == ("error", 0)
        return root.text
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    body = json.loads(answer.content)
    assert list(body) == ["error"]
    return body["error"]


@pytest.mark.parametrize("path", ONE_IMAGE)
def test_no_image_is_404_and_names_the_nearest_slots(get, sky, path):
    sky.add(start_of(156950))
    said = message(get(f"{path}?wave=171&starttime={T}40:00&param=1"), path)
    assert f"{T}30:00Z and 2012-02-13T23:00:00Z" in said
    nowhere = get(f"{path}?wave=1700&starttime={T}40:00&param=1")
    assert nowhere.status_code == 404
    assert "there are none at all" in message(nowhere, path)


@pytest.mark.parametrize(
    ("query", "slots"),
    [(f"{T}12:05&match=previous&tolerance=1", f"{T}12:00Z and {T}24:00Z"),
     (f"{T}00:30&match=nearest&tolerance=10", f"{T}00:00Z and {T}06:00Z"),
     (f"{T}35:59&match=nearest&tolerance=10", f"the nearest filled slot begins at {T}30:00Z.")],
)  # fmt: skip
def test_the_slot_that_contains_the_time_is_one_of_the_nearest(get, sky, query, slots):
    """Its image was not observed near enough."""
    answer = get(f"header/SDO/AIA/json/?wave=171&starttime={query}")
    assert answer.status_code == 404
    assert slots in message(answer, "header/SDO/AIA/json/")


@pytest.mark.parametrize("path", ONE_IMAGE)
def test_a_time_before_the_first_slot_is_answered_by_it(get, empty_sky, path):
    empty_sky.add(start_of(0))
    answer = get(f"{path}?wave=171&starttime=2010-04-30T23:55:00&param=1")
    assert (answer.status_code, answer["X-Slot-Time"]) == (200, "2010-05-01T00:00:00Z")
    assert answer["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize("word", ["json", "csv", "xml", "", "json&format=flat"])
def test_a_format_that_is_no_form_of_xml_changes_nothing(get, sky, word):
    query = f"wave=171&starttime={T}06:00"
    paths = ["params/SDO/AIA/json/64/full/", *([] if "&" in word else ["params/SDO/AIA/64/full/"])]
    for path in paths:
        answer = get(f"{path}?{query}&format={word}")
        assert (answer.status_code, answer.content) == (200, get(f"{path}?{query}").content)


@pytest.mark.parametrize("time", ["0001-01-01", "2010-01-01T00:00:00", "2049-12-31", "9999-12-31T23:59:59"])
def test_times_far_away_are_404(get, sky, time):
    assert get(f"header/SDO/AIA/json/?wave=171&starttime={time}").status_code == 404


@pytest.mark.parametrize(
    "path", ["images/SDO/AIA/1k/", "images/", "params/SDO/AIA/64/", "header/SDO/AIA/csv/", "other", ""]
)
def test_there_is_nothing_else(get, sky, path):
    answer = get(f"{path}?wave=171&starttime={T}00:00")
    assert (answer.status_code, list(json.loads(answer.content))) == (404, ["error"])


# --- pictures


@pytest.mark.parametrize(("word", "size"), [("2k", 2048), ("512", 512), ("256", 256)])
def test_the_picture_is_the_stored_grey_jpeg(get, sky, word, size):
    answer = get(f"images/SDO/AIA/{word}/?wave=171&starttime={T}00:00")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer.content == picture_folder().read(171, 156920, size)
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (size, size))


def test_three_equal_channels_on_request(get, sky):
    grey = np.asarray(Image.open(io.BytesIO(get(f"images/SDO/AIA/256/?wave=171&starttime={T}00:00").content)))
    answer = get(f"images/SDO/AIA/256/?wave=171&starttime={T}00:00&colour=1")
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    difference = np.asarray(picture).astype(int) - grey[:, :, None]
    assert np.abs(difference).max() <= 4
    plain = get(f"images/SDO/AIA/256/?wave=171&starttime={T}00:00&colour=0")
    assert Image.open(io.BytesIO(plain.content)).mode == "L"


def test_the_heat_map_has_a_flat_square_a_cell_in_the_measured_colours(get, empty_sky):
    plane = np.zeros((64, 64), dtype=np.float32)
    plane[0, 1], plane[1, 0], plane[63, 63] = 228, 102, 204
    frame = np.ones((64, 64, 10), dtype=np.float32)
    frame[:, :, 5] = plane
    empty_sky.add(start_of(156920), frame=frame)
    for word, size in (("2k", 2048), ("512", 512), ("256", 256)):
        answer = get(f"images/SDO/AIA/param/64/{word}/?wave=171&starttime={T}00:00&param=6")
        picture = Image.open(io.BytesIO(answer.content))
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (size, size))
        each = size // 64
        cells = np.asarray(picture).reshape(64, each, 64, each, 3).astype(int)
        middle = cells[:, each // 4 : -each // 4, :, each // 4 : -each // 4].mean(axis=(1, 3))
        for place, colour in {
            (0, 1): (255, 255, 240), (1, 0): (255, 0, 0), (63, 63): (255, 255, 0), (20, 20): (0, 0, 0)
        }.items():  # fmt: skip
            assert np.abs(middle[place] - colour).max() < 12, (size, place)


def test_a_constant_parameter_is_black(get, empty_sky):
    empty_sky.add(start_of(156920), frame=np.full((64, 64, 10), 7, dtype=np.float32))
    answer = get(f"images/SDO/AIA/param/64/256/?wave=171&starttime={T}00:00&param=1")
    assert np.asarray(Image.open(io.BytesIO(answer.content))).max() == 0


@pytest.mark.parametrize("param", ["0", "11", "x", "", "1.5"])
def test_parameters_have_numbers_from_1_to_10(get, sky, param):
    assert get(f"images/SDO/AIA/param/64/256/?wave=171&starttime={T}00:00&param={param}").status_code == 400


# --- parameters


def as_read(frame):
    """A frame [row, column, parameter] as the old programs hold it: [x, y, parameter], four decimals."""
    return np.vectorize(lambda value: float(f"{value:.4f}"))(frame.astype(np.float64)).transpose(1, 0, 2)


@pytest.fixture
def readers(read_nested, read_flat):
    return {"nested": [read_nested], "flat": [read_flat], "hybrid": [read_nested, read_flat]}


@pytest.mark.parametrize(
    ("asked_form", "form"),
    [("", "hybrid"), ("hybrid", "hybrid"), ("nested", "nested"), ("flat", "flat"), ("FLAT", "flat")],
)
def test_old_and_new_programs_read_the_array_of_the_store(get, sky, readers, asked_form, form):
    answer = get(f"params/SDO/AIA/64/full/?wave=171&starttime={T}06:00&format={asked_form}")
    assert answer["Content-Type"] == "application/xml; charset=utf-8"
    expected = as_read(sky.store.frame(171, 156921))
    for read in readers[form]:
        np.testing.assert_array_equal(read(answer.content), expected)


def test_a_setting_chooses_the_form_where_the_request_does_not(get, sky, settings):
    path = f"params/SDO/AIA/64/full/?wave=171&starttime={T}06:00"
    hybrid = get(path)
    settings.ISD_DMLAB_XML = "nested"
    nested = get(path)
    assert nested.content == get(f"{path}&format=nested").content != hybrid.content
    assert nested["ETag"] != hybrid["ETag"]


def test_json_is_a_list_of_cells(get, sky):
    answer = get(f"params/SDO/AIA/json/64/full/?wave=171&starttime={T}06:00")
    cells = json.loads(answer.content)
    assert list(cells[0]) == ["x", "y", *(f"p{n}" for n in range(1, 11))]
    values = np.array([[cell[f"p{n}"] for n in range(1, 11)] for cell in cells])
    expected = as_read(sky.store.frame(171, 156921))
    np.testing.assert_array_equal(values.reshape(64, 64, 10), expected)


def test_a_cell_without_a_value_is_nan_or_null(get, empty_sky, read_flat):
    frame = empty_sky.frame(171, 1)
    frame[3, 2] = np.nan
    empty_sky.add(start_of(156920), frame=frame)
    query = f"wave=171&starttime={T}00:00"
    values = read_flat(get(f"params/SDO/AIA/64/full/?{query}").content)
    assert np.isnan(values[2, 3]).all()
    assert np.isnan(values).sum() == 10
    cell = json.loads(get(f"params/SDO/AIA/json/64/full/?{query}").content)[2 * 64 + 3]
    assert cell == {"x": 2, "y": 3} | {f"p{n}": None for n in range(1, 11)}


# --- headers


def test_the_header_has_six_values_and_no_more(get, sky):
    query = f"wave=171&starttime={T}00:00"
    assert json.loads(get(f"header/SDO/AIA/json/?{query}").content) == HEADER
    root = ElementTree.fromstring(get(f"header/SDO/AIA/xml/?{query}").content)
    assert {child.tag: float(child.text) for child in root} == HEADER
    assert [child.tag for child in root] == list(HEADER)


# --- manners


@pytest.mark.parametrize("path", ONE_IMAGE[2:])
def test_text_is_zipped_for_who_takes_it(get, sky, path):
    query = f"{path}?wave=171&starttime={T}06:00"
    plain, zipped = get(query), get(query, accept_encoding="gzip, deflate")
    assert "Content-Encoding" not in plain
    assert zipped["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == plain.content
    assert plain["ETag"] != zipped["ETag"]
    assert "Accept-Encoding" in plain["Vary"]
    assert "Accept-Encoding" in zipped["Vary"]


@pytest.mark.parametrize(
    "said", ["gzip;q=0", "gzip; q=0.0, br", "br", "identity", "x-gzip", "", "*, gzip;q=0", "gzip;q=0, *"]
)
def test_and_not_for_others(get, sky, said):
    answer = get(f"header/SDO/AIA/json/?wave=171&starttime={T}06:00", accept_encoding=said)
    assert "Content-Encoding" not in answer
    assert json.loads(answer.content) == HEADER


@pytest.mark.parametrize(
    "said", ["*", "br, gzip;q=0.5", "GZIP", "deflate,gzip", "*;q=0, gzip", "gzip, *;q=0"]
)
def test_all_ways_to_say_so(get, sky, said):
    answer = get(f"header/SDO/AIA/json/?wave=171&starttime={T}06:00", accept_encoding=said)
    assert json.loads(gzip.decompress(answer.content)) == HEADER


@pytest.mark.parametrize("path", ONE_IMAGE)
def test_what_is_held_is_not_sent_again(get, sky, path):
    query = f"{path}?wave=171&starttime={T}06:00&param=1"
    first = get(query)
    assert first["Cache-Control"] == "public, no-cache", "an earlier image may come to the slot"
    again = get(query, if_none_match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert again["X-Slot-Time"] == first["X-Slot-Time"]
    other = get(query.replace("06:00", "12:00"), if_none_match=first["ETag"])
    assert other.status_code == 200


def test_an_answer_that_a_later_image_may_change_is_not_kept_for_ever(get, sky):
    for query in (f"starttime={T}18:00", f"starttime={T}06:00&match=nearest", f"starttime={T}06:00&colour=1"):
        assert get(f"images/SDO/AIA/256/?wave=171&{query}")["Cache-Control"] == "public, no-cache"


def test_another_parameter_or_size_is_another_tag(get, sky):
    tags = {
        get(f"images/SDO/AIA/param/64/{size}/?wave=171&starttime={T}06:00&param={param}")["ETag"]
        for size in ("256", "512")
        for param in (1, 2)
    }
    assert len(tags) == 4


def test_head_has_no_body(client, sky):
    for path in ONE_IMAGE:
        address = f"/dmlabapi/{path}?wave=171&starttime={T}06:00&param=1"
        head, whole = client.head(address), client.get(address)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head["Content-Length"]) == len(whole.content)


@pytest.mark.parametrize("path", ONE_IMAGE[:4])
def test_a_store_that_is_away_is_503(get, empty_sky, path):
    empty_sky.row(start_of(156921))
    answer = get(f"{path}?wave=171&starttime={T}06:00&param=1")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "away" in message(answer, path)
