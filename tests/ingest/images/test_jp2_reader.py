"""JP2: real files, files of our own, and what is refused and why."""

import io
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ingest.images import jp2
from ingest.images.errors import (
    PictureError,
    TruncatedPictureError,
    UnreadablePictureError,
    WrongSizeError,
)

SMALL = "2013_06_24__17_31_30_84__SDO_AIA_AIA_193.jp2"
FULL = "2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2"


def noise(rows, columns):
    return np.random.default_rng(7).integers(0, 256, (rows, columns)).astype(np.uint8)


@pytest.mark.parametrize("as_path", [True, False])
def test_a_real_full_disk(real_data, as_path):
    path = real_data / "images" / FULL
    picture = jp2.read(path if as_path else path.read_bytes())
    assert (picture.pixels.shape, picture.pixels.dtype) == ((4096, 4096), np.uint8)
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 255)
    assert picture.pixels.mean() == pytest.approx(60.434, abs=0.001)
    assert picture.pixels[4094, 0] == 249  # row 0 is the north
    assert picture.missing is None
    assert picture.header["DATE-OBS"] == picture.header["DATE_OBS"] == "2022-01-01T00:03:52.835"
    assert (picture.header["WAVELNTH"], picture.header["X0_MP"]) == ("193", "2039.8300")
    assert not {"HISTORY", "COMMENT", "HV_ROTATION"} & picture.header.keys()


def test_a_real_reduced_copy_is_refused_for_its_pixels_and_not_believed(real_data):
    path = real_data / "images" / SMALL
    assert jp2.read_header(path.read_bytes())["NAXIS1"] == "4096"
    with pytest.raises(WrongSizeError, match="410 x 410"):
        jp2.read(path)


@pytest.mark.parametrize("shape", [(64, 64), (128, 64), (64, 192), (512, 512)])
def test_other_sizes_with_whole_cells_are_read_pixel_by_pixel(jp2_file, shape):
    pixels = noise(*shape)
    np.testing.assert_array_equal(jp2.read(jp2_file(pixels)).pixels, pixels)


def test_the_header_is_upper_case_text_wherever_the_box_stands(jp2_file):
    xml = b'<?xml version="1.0"?>\n<meta><fits><wavelnth> 171 </wavelnth><BLANK/></fits></meta>\0'
    whole = jp2_file(noise(64, 64), xml)
    assert jp2.read(whole).header == {"WAVELNTH": "171", "BLANK": ""}
    body = jp2_file(noise(64, 64), None)
    codestream = body.index(b"jp2c") - 4
    moved = body[:codestream] + whole[len(body) :] + body[codestream:]
    assert jp2.read(moved).header == {"WAVELNTH": "171", "BLANK": ""}


def test_a_box_may_tell_its_length_in_64_bits(jp2_file):
    body = jp2_file(noise(64, 64), None)
    xml = b"<meta><fits><A>1</A></fits></meta>"
    long_box = struct.pack(">I4sQ", 1, b"xml ", len(xml) + 16) + xml
    assert jp2.read_header(body + long_box) == {"A": "1"}


@pytest.mark.parametrize("name", [SMALL, FULL])
@pytest.mark.parametrize("part", [0.0, 0.00001, 0.0005, 0.004, 0.3, 0.9, 0.99999])
def test_real_files_cut_short_are_truncated(real_data, name, part):
    data = (real_data / "images" / name).read_bytes()
    with pytest.raises(TruncatedPictureError, match="bytes"):
        jp2.read(data[: int(part * len(data))])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_gives_a_picture_or_a_picture_error(jp2_file, data):
    whole = bytearray(jp2_file(noise(64, 64), b"<meta><fits><A>1</A></fits></meta>"))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(PictureError):  # and nothing else
        picture = jp2.read(bytes(whole))
        assert picture.pixels.ndim == 2


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (None, "no XML box"),
        (b"<meta><helioviewer/></meta>", "no FITS header"),
        (b"<meta><fits>", "cannot be read"),
        (b'<!DOCTYPE m [<!ENTITY a "b">]><meta><fits><A>&a;</A></fits></meta>', "cannot be read"),
    ],
)
def test_files_without_a_header_are_refused(jp2_file, xml, message):
    with pytest.raises(UnreadablePictureError, match=message):
        jp2.read(jp2_file(noise(64, 64), xml))


def test_other_kinds_of_pixels_are_refused(jp2_file):
    with pytest.raises(UnreadablePictureError, match="RGB"):
        jp2.read(jp2_file(np.zeros((64, 64, 3), dtype=np.uint8)))
    with pytest.raises(UnreadablePictureError, match="I;16"):
        jp2.read(jp2_file(np.zeros((64, 64), dtype=np.uint16)))


def test_other_formats_are_refused():
    file = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(file, format="PNG")
    for data in (file.getvalue(), b"<html>404 Not Found</html>"):
        with pytest.raises(UnreadablePictureError, match="not a JP2"):
            jp2.read(data)


def test_a_box_without_room_for_its_head_is_refused(jp2_file):
    with pytest.raises(UnreadablePictureError, match="length 3"):
        jp2.read(jp2_file(noise(64, 64), None) + struct.pack(">I4s", 3, b"free") + b"rest")


def test_a_path_that_cannot_be_read_is_no_picture_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        jp2.read(tmp_path / "none.jp2")
