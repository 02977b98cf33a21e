"""FITS: real files, files of our own, and what is refused and why."""

import numpy as np
import pytest

from images.domain.header import facts_of
from images.domain.parameters import parameters
from images.domain.settings import named
from ingest.images import fits
from ingest.images.errors import TruncatedPictureError, UnreadablePictureError, WrongSizeError

LEVEL1, CUTOUT = "aia_171_level1.fits", "aia_171_cutout.fits"


def counts(rows=128, columns=128):
    return np.random.default_rng(5).uniform(20, 3000, (rows, columns))


def expected_171(values, exposure=2.0):
    """Helioviewer's scaling of 171: the root above 5 DN/s, clipped to 1..40, stretched."""
    root = np.clip(np.sqrt(np.maximum(values / exposure - 5, 0.1)), 1, 40)
    return np.minimum(np.floor(255.9999 * (root - 1) / 39), 255)


@pytest.mark.parametrize("as_path", [True, False])
def test_a_real_file(real_data, as_path):
    path = real_data / "images" / LEVEL1
    picture = fits.read(path if as_path else path.read_bytes())
    assert (picture.pixels.shape, picture.pixels.dtype) == ((128, 128), np.uint8)
    assert not picture.missing.any()
    assert picture.header["X0_MP"] == 2055.060059
    assert parameters(picture.pixels, named("reference-1", 171), picture.missing).shape == (2, 2, 10)


def test_the_north_comes_first_and_pixels_are_scaled(fits_file):
    values = counts()
    picture = fits.read(fits_file(values))
    assert np.abs(picture.pixels - expected_171(values[::-1])).max() <= 1
    assert (picture.pixels == expected_171(values[::-1])).mean() > 0.99


def test_north_is_where_the_header_puts_it(fits_file):
    values = np.full((128, 128), 20.0)
    values[120, 30] = 3000.0  # FITS pixel (31, 121): east and north of the middle
    picture = fits.read(fits_file(values))
    row, column = np.argwhere(picture.pixels == picture.pixels.max())[0]
    x, y = facts_of(picture.header, 128, 128).wcs.pixel_to_arcsec(column, row)
    assert (row, column) == (7, 30)
    assert float(x) == pytest.approx((31 - 64.5) * 19.2, abs=0.5)
    assert float(y) == pytest.approx((121 - 64.5) * 19.2, abs=0.5)


@pytest.mark.parametrize("compressed", [False, True])
def test_blank_pixels_are_missing_and_their_cells_have_no_parameters(fits_file, compressed):
    values = np.rint(counts()).astype(np.int16)
    values[3, 5] = -32768
    picture = fits.read(fits_file(values, compressed, BLANK=-32768))
    assert np.argwhere(picture.missing).tolist() == [[124, 5]]
    found = parameters(picture.pixels, named("reference-1", 171), picture.missing)
    assert np.isnan(found).all(axis=-1).tolist() == [[False, False], [True, False]]


def test_not_a_number_is_missing(fits_file):
    values = counts()
    values[127, 0] = np.nan
    picture = fits.read(fits_file(values))
    assert np.argwhere(picture.missing).tolist() == [[0, 0]]
    assert picture.pixels[0, 0] == 0


def test_a_real_cutout_has_no_whole_cells(real_data):
    with pytest.raises(WrongSizeError, match="705 x 769"):
        fits.read(real_data / "images" / CUTOUT)


@pytest.mark.parametrize("name", [LEVEL1, CUTOUT])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.01, 0.3, 0.9, 0.99999])
def test_real_files_cut_short_are_truncated(real_data, name, part):
    data = (real_data / "images" / name).read_bytes()
    with pytest.raises(TruncatedPictureError, match="bytes"):
        fits.read(data[: int(part * len(data))])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"WAVELNTH": 4500}, "4500"),
        ({"WAVELNTH": None}, "wavelength"),
        ({"EXPTIME": None}, "EXPTIME is missing"),
        ({"EXPTIME": 0.0}, "EXPTIME is 0"),
    ],
)
def test_what_scaling_needs(fits_file, changes, message):
    with pytest.raises(UnreadablePictureError, match=message):
        fits.read(fits_file(counts(), **changes))


def test_files_that_are_no_images(fits_file):
    with pytest.raises(UnreadablePictureError, match="no image"):
        fits.read(fits_file(np.ones((2, 64, 64))))
    with pytest.raises(UnreadablePictureError, match="cannot be read"):
        fits.read(b"x" * 2880)
