"""Reads AIA images in FITS, compressed ones included, and scales them to the 8 bits of Helioviewer's JP2.

The image is that of the first HDU with two dimensions. FITS has the south at its first row; the array is
turned upside down, so that row 0 is the north. Pixels that are BLANK or not a number are missing. A whole
file may be packed with gzip.
"""

import gzip
import io
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning
from numpy.typing import NDArray

from images.domain.header import HeaderError, exposure_of
from images.domain.parameters import WrongShapeError, check_shape
from images.domain.picture import Header, Picture
from images.domain.scaling import grey_levels
from images.domain.slots import UnknownWaveError, wave_of
from ingest.images.errors import PictureError, TruncatedPictureError, UnreadablePictureError, WrongSizeError
from ingest.images.limits import LARGEST_FILE, check_length, check_side

# The keys of a compressed image's table that stand for the image's own are put right by astropy; free text
# and keys without a value are of no use here.
_PROSE = frozenset({"HISTORY", "COMMENT", ""})
# FITS files are whole blocks of this many bytes (FITS 4.0, section 3.1).
_BLOCK = 2880
_GZIP_BEGINS = b"\x1f\x8b"
# Rows that are scaled at once: the scaling takes several times their size.
_BAND = 64


def read(source: bytes | Path) -> Picture:
    """The picture in a FITS file, given as its bytes or its path; `missing` is always given.

    Raises TruncatedPictureError where the file ends too early, UnreadablePictureError where it has no image
    or not what the scaling needs (WAVELNTH, EXPTIME), WrongSizeError where the array has no whole number of
    cells, or it or the file is larger than we read, OSError where the path cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    check_length(len(data))
    if data.startswith(_GZIP_BEGINS):
        data = _unpacked(data)
    try:
        values, header = _image(data)
    except UnreadablePictureError as error:
        if len(data) % _BLOCK or not data:
            raise TruncatedPictureError(
                f"the FITS file ends within a block, after {len(data)} bytes"
            ) from error
        raise
    return _scaled(values, header)


def _unpacked(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            whole = file.read(LARGEST_FILE + 1)
    except EOFError as error:
        raise TruncatedPictureError(f"the packed FITS file ends after {len(data)} bytes") from error
    except (OSError, zlib.error) as error:
        raise UnreadablePictureError(f"the packed FITS file cannot be unpacked: {error}") from error
    check_length(len(whole))
    return whole


def _image(data: bytes) -> tuple[NDArray[Any], Header]:
    """Values in the file's order, and the header of the first image. Neither is larger than we read."""
    try:
        with warnings.catch_warnings():
            # astropy warns of headers that break the standard in ways that do not touch the pixels.
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message=".*truncated.*")
            with fits.open(io.BytesIO(data), lazy_load_hdus=False) as file:
                for hdu in file:
                    if hdu.header.get("NAXIS") == 2 and hdu.is_image:
                        # Of a compressed image these are its own sides, and nothing is unpacked yet.
                        _check_sides(hdu.header["NAXIS2"], hdu.header["NAXIS1"])
                        return hdu.data, _keys(hdu.header)
    except PictureError:
        raise
    except AstropyWarning as error:
        raise TruncatedPictureError(f"the FITS file ends after {len(data)} bytes: {error}") from error
    except MemoryError:
        raise  # no fault of the file's
    except Exception as error:
        raise UnreadablePictureError(f"the FITS file cannot be read: {error}") from error
    raise UnreadablePictureError("the FITS file has no image")


def _check_sides(rows: int, columns: int) -> None:
    check_side(rows, columns)
    try:
        check_shape(rows, columns)
    except WrongShapeError as error:
        raise WrongSizeError(str(error)) from error


def _scaled(values: NDArray[Any], header: Header) -> Picture:
    """The picture of `values` in the file's order, some rows at a time."""
    try:
        wave, exposure = wave_of(str(header.get("WAVELNTH", ""))), exposure_of(header)
    except (HeaderError, UnknownWaveError) as error:
        raise UnreadablePictureError(f"the FITS image cannot be scaled: {error}") from error
    # Scaled integers come as floats, with NaN for BLANK; plain ones need it here.
    blank = header.get("BLANK") if np.issubdtype(values.dtype, np.integer) else None
    pixels = np.empty(values.shape, dtype=np.uint8)
    missing = np.empty(values.shape, dtype=np.bool_)
    for begin in range(0, len(values), _BAND):
        rows = slice(begin, begin + _BAND)
        band = values[::-1][rows].astype(np.float64)
        if blank is not None:
            band[band == blank] = np.nan
        pixels[rows], missing[rows] = grey_levels(band, exposure, wave), ~np.isfinite(band)
    return Picture(pixels=pixels, header=header, missing=missing)


def _keys(header: Any) -> Header:
    return {
        key.upper(): value
        for key, value in header.items()
        if key not in _PROSE and isinstance(value, str | int | float | bool)
    }
