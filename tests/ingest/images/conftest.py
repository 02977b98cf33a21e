"""Small JP2 and FITS files of the tests' own, made the way that the real ones are."""

import io
import struct
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from ingest import image_pipeline, measure
from ingest.accounts import account
from ingest.image_tasks import runs_of_files
from ingest.images import jp2, simulator
from ingest.sources.simulator.sky import earth

HEADER = {
    "DATE-OBS": "2012-01-02T06:00:00.34", "WAVELNTH": 171, "QUALITY": 0, "EXPTIME": 2.0,
    "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
    "CRPIX1": 64.5, "CRPIX2": 64.5, "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": 19.2, "CDELT2": 19.2,
    "DSUN_OBS": 1.47e11, "RSUN_OBS": 975.0,
}  # fmt: skip


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.fixture
def jp2_file() -> Callable[..., bytes]:
    """`jp2_file(pixels, xml=...)`: a lossless JP2 with its XML box at the end; None: without one."""

    def make(pixels: np.ndarray, xml: bytes | None = b"<meta><fits></fits></meta>") -> bytes:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, format="JPEG2000", irreversible=False)
        return file.getvalue() + (b"" if xml is None else box(b"xml ", xml))

    return make


@pytest.fixture
def fits_file() -> Callable[..., bytes]:
    """`fits_file(values, compressed=False, WAVELNTH=...)`: a FITS file; a key of None is left out."""

    def make(values: np.ndarray, compressed: bool = False, **changes: object) -> bytes:
        header = fits.Header({key: value for key, value in (HEADER | changes).items() if value is not None})
        if compressed:
            image = fits.CompImageHDU(values, header, compression_type="RICE_1")
            parts = fits.HDUList([fits.PrimaryHDU(), image])
        else:
            parts = fits.HDUList([fits.PrimaryHDU(values, header)])
        file = io.BytesIO()
        parts.writeto(file)
        return file.getvalue()

    return make


@pytest.fixture
def places(settings, tmp_path):
    """A store and a folder of pictures of the test's own."""
    settings.ISD_PARAMETER_STORE = str(tmp_path / "parameters.zarr")
    settings.ISD_IMAGE_FOLDER = str(tmp_path / "pictures")
    settings.ISD_IMAGE_SETTINGS = "reference-1"
    return tmp_path


@pytest.fixture(scope="session")
def full_disk() -> Callable[..., bytes]:
    """`full_disk(171, time, level=100)`: a JP2 of 4096 x 4096, quick to decode, a disk of that level."""
    row, column = np.mgrid[:4096:16, :4096:16] - 2047.5
    inside = np.hypot(row, column) < 1600
    plain = {}

    def make(wave: int, observed: datetime, level: int = 100, **changes: object) -> bytes:
        if level not in plain:
            slope = (row + 2 * column) / 4096 * 40  # no symmetry: a turned one can be told
            coarse = np.where(inside, level + slope, 5).clip(0, 255).astype(np.uint8)
            plain[level] = Image.fromarray(coarse).resize((4096, 4096), Image.Resampling.NEAREST)
        header = simulator._header(wave, observed, earth(observed.timestamp()))
        header |= {key: str(value) for key, value in changes.items()}
        return encode_once(level, plain[level], header)

    encoded: dict[int, bytes] = {}

    def encode_once(level: int, image: Image.Image, header: dict[str, str]) -> bytes:
        if level not in encoded:
            encoded[level] = simulator.encode(np.asarray(image), {})
        whole = encoded[level]
        begin = whole.index(b"xml ") - 4
        end = whole.index(b"jp2c") - 4
        fields = "".join(f"<{key}>{value}</{key}>" for key, value in header.items())
        return whole[:begin] + box(b"xml ", f"<meta><fits>{fields}</fits></meta>".encode()) + whole[end:]

    return make


@pytest.fixture
def folder(places):
    made = places / "in"
    made.mkdir()
    return made


@pytest.fixture
def ingest(folder):
    """ingest(name=bytes, ...): a run over these files; (created, updated, unchanged, quarantined) of it."""

    def do(window=None, wave=None, **contents):
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (run,) = runs_of_files([str(folder / name) for name in contents], window, (wave,) if wave else ())
        numbers = account(image_pipeline.work(run))
        assert numbers.pop("received") == sum(numbers.values())
        return tuple(numbers.values())

    return do


_DECODED: dict[bytes, np.ndarray] = {}


@pytest.fixture
def quick(monkeypatch):
    """Parameters that cost nothing, a pixel of each cell ten times, the last with the settings' threshold.

    The same pixels are decoded once.
    """

    def means(image, settings, missing=None):
        cells = image[32::64, 32::64].astype(np.float32)
        values = np.repeat(cells[:, :, np.newaxis] + 1, 10, axis=2)
        values[:, :, 9] += settings.canny_low
        return values

    def pixels(data):
        stream = data[data.index(b"jp2c") :]
        if stream not in _DECODED:
            _DECODED[stream] = decoded(data)
        return _DECODED[stream]

    decoded = jp2._pixels
    monkeypatch.setattr(measure, "parameters", means)
    monkeypatch.setattr(jp2, "_pixels", pixels)
