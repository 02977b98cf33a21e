"""Hostile files: each is one refused image with its reason, and the images after it are stored."""

import gzip
import tracemalloc
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest

from images.models import ImageHeader
from ingest import measure
from ingest.images import fits, jp2, limits
from ingest.images.errors import PictureError, TruncatedPictureError, UnreadablePictureError, WrongSizeError
from ingest.models import ImageRun, QuarantinedRecord

TIME = datetime(2014, 1, 10, 6, 0, 11, tzinfo=UTC)

#: Header values that are none, and a word of the reason.
HEADERS = {
    "a zone before all years": ({"DATE-OBS": "0001-01-01T00:00:00+05:00"}, "DATE-OBS is no time"),
    "a singular matrix": ({"PC1_1": 1, "PC2_2": 0}, "no coordinate system"),
    "a matrix of nothing": ({"PC1_1": 0, "PC1_2": 0}, "no coordinate system"),
    "a scale that is lost in its product": ({"CDELT1": 1e-320, "CDELT2": 1e-320}, "no coordinate system"),
    "a scale without end": ({"CDELT1": 1e308, "CUNIT1": "deg"}, "no coordinate system"),
    "a place without end": ({"CRVAL1": 1e308, "CUNIT1": "deg"}, "no coordinate system"),
    "a plate of no scale": ({"IMSCL_MP": 0}, "IMSCL_MP"),
    "a plate of next to none": ({"IMSCL_MP": 1e-320, "R_SUN": None}, "radius"),
    "a power of two": ({"NAXIS2": "²"}, "NAXIS2 is no number"),
    "a number of 5000 digits": ({"NAXIS2": "9" * 5000}, "NAXIS2"),
    "a large number": ({"NAXIS2": "1e300"}, "NAXIS2"),
    "no rows": ({"NAXIS2": 0.5}, "NAXIS2"),
    "an endless quality": ({"QUALITY": "inf"}, "QUALITY"),
}
#: Declarations of encodings that no parser has, or that are not what they say.
ENCODINGS = ("foo", "shift_jis", "utf-7", "utf-16", "undefined")


@pytest.fixture
def memory_peak():
    """`with memory_peak() as peak: ...; peak()`: the most bytes that were taken meanwhile."""

    @contextmanager
    def watch():
        tracemalloc.start()
        before, found = tracemalloc.get_traced_memory()[0], []
        try:
            yield lambda: found[0]
        finally:
            found.append(tracemalloc.get_traced_memory()[1] - before)
            tracemalloc.stop()

    return watch


@pytest.fixture
def hostile(full_disk):
    """hostile(changes): a JP2 whose header says these things."""

    def make(changes: dict[str, object]) -> bytes:
        plain = full_disk(171, TIME)
        begin = plain.index(b"xml ") - 4
        end = begin + int.from_bytes(plain[begin : begin + 4])
        header = dict(jp2.read_header(plain)) | changes
        fields = "".join(f"<{key}>{value}</{key}>" for key, value in header.items() if value is not None)
        xml = f"<meta><fits>{fields}</fits></meta>".encode()
        return plain[:begin] + (len(xml) + 8).to_bytes(4) + b"xml " + xml + plain[end:]

    return make


@pytest.mark.django_db
@pytest.mark.parametrize("part", [0, 1])
def test_no_header_ends_the_batch(ingest, quick, full_disk, hostile, part):
    names = list(HEADERS)[part::2]
    bad = {name: hostile(HEADERS[name][0]) for name in names}
    assert ingest(**bad, good=full_disk(171, TIME)) == (1, 0, 0, len(bad))
    assert ImageRun.objects.get().state == ImageRun.State.SUCCEEDED
    assert ImageHeader.objects.get().origin.endswith("/good")
    for record in QuarantinedRecord.objects.all():
        assert HEADERS[record.payload.rpartition("/")[2]][1] in record.reason


@pytest.mark.parametrize("name", HEADERS)
def test_one_class_of_errors_tells_them_all(hostile, name):
    changes, word = HEADERS[name]
    for read in (measure.read_facts, measure.decode):
        with pytest.raises(PictureError, match=word):
            read(hostile(changes))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_that_is_none_is_a_refusal(jp2_file, encoding):
    xml = f'<?xml version="1.0" encoding="{encoding}"?><meta><fits><A>1</A></fits></meta>'.encode()
    with pytest.raises(UnreadablePictureError, match="XML box"):
        jp2.read_header(jp2_file(np.zeros((64, 64), np.uint8), xml))


def test_what_nobody_thought_of_is_a_refusal_that_names_its_kind(full_disk, monkeypatch):
    def surprise(*_):
        raise RecursionError("too deep")

    data = full_disk(171, TIME)
    monkeypatch.setattr(measure, "facts_of", surprise)
    with pytest.raises(PictureError, match="RecursionError: too deep"):
        measure.read_facts(data)


def test_jp2_of_too_many_pixels_are_refused_before_they_are_decoded(jp2_file, monkeypatch):
    data = bytearray(jp2_file(np.zeros((64, 64), np.uint8), b"<meta><fits></fits></meta>"))
    at = data.index(b"ihdr") + 4
    data[at : at + 8] = (13_000).to_bytes(4) * 2
    monkeypatch.setattr(jp2.np, "asarray", None)
    with pytest.raises(WrongSizeError, match="13000 x 13000 pixels are more than 8192"):
        jp2.read(bytes(data))


@pytest.mark.parametrize("compressed", [False, True])
def test_fits_of_too_many_pixels_are_refused_before_they_are_unpacked(fits_file, compressed, memory_peak):
    data = fits_file(np.zeros((64, 8256), np.int16), compressed)
    with memory_peak() as peak, pytest.raises(WrongSizeError, match="64 x 8256 pixels are more than 8192"):
        fits.read(data)
    assert peak() < 64 * 8256


def test_a_fits_image_takes_little_more_than_its_pixels(fits_file, memory_peak):
    data = fits_file(np.full((2048, 2048), 100, np.float32))
    with memory_peak() as peak:
        fits.read(data)
    # 4 bytes as they come, 1 grey, 1 for what is missing, and one band of doubles.
    assert peak() < 9 * 2048**2


@pytest.mark.parametrize("reader", [fits, jp2])
def test_files_that_are_too_long_are_refused(reader, monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_FILE", 2000)
    with pytest.raises(WrongSizeError, match="2001 bytes"):
        reader.read(bytes(2001))


def test_packed_fits_files_are_unpacked(fits_file):
    values = np.random.default_rng(5).uniform(20, 3000, (128, 128))
    plain, packed = fits_file(values), gzip.compress(fits_file(values))
    found, expected = fits.read(packed), fits.read(plain)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.header == expected.header
    with pytest.raises(TruncatedPictureError, match="packed"):
        fits.read(packed[: len(packed) // 2])
    with pytest.raises(UnreadablePictureError, match="unpacked"):
        fits.read(packed[:20] + b"damage" + packed[26:])


def test_a_packed_file_is_unpacked_to_its_limit_only(monkeypatch, memory_peak):
    bomb = gzip.compress(bytes(50_000_000))
    monkeypatch.setattr(limits, "LARGEST_FILE", 1_000_000)
    monkeypatch.setattr(fits, "LARGEST_FILE", 1_000_000)
    with memory_peak() as peak, pytest.raises(WrongSizeError, match="1000001 bytes"):
        fits.read(bomb)
    assert peak() < 5_000_000
