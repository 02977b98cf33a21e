"""Reads AIA images in FITS, compressed ones included, and scales them to the 8 bits of Helioviewer's JP2.

The image is that of the first HDU with two dimensions. FITS has the south at its first row; the array is
turned upside down, so that row 0 is the north. Pixels that are BLANK or not a number are missing.
"""

import io
import warnings
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

# The keys of a compressed image's table that stand for the image's own are put right by astropy; free text
# and keys without a value are of no use here.
_PROSE = frozenset({"HISTORY", "COMMENT", ""})
# FITS files are whole blocks of this many bytes (FITS 4.0, section 3.1).
_BLOCK = 2880


def read(source: bytes | Path) -> Picture:
    """The picture in a FITS file, given as its bytes or its path; `missing` is always given.

    Raises TruncatedPictureError where the file ends too early, UnreadablePictureError where it has no image
    or not what the scaling needs (WAVELNTH, EXPTIME), WrongSizeError where the array has no whole number of
    cells, OSError where the path cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        values, header = _image(data)
    except UnreadablePictureError as error:
        if len(data) % _BLOCK or not data:
            raise TruncatedPictureError(
                f"the FITS file ends within a block, after {len(data)} bytes"
            ) from error
        raise
    try:
        check_shape(*values.shape)
    except WrongShapeError as error:
        raise WrongSizeError(str(error)) from error
    north_up = values[::-1]
    try:
        wave = wave_of(str(header.get("WAVELNTH", "")))
        pixels = grey_levels(north_up, exposure_of(header), wave)
    except (HeaderError, UnknownWaveError) as error:
        raise UnreadablePictureError(f"the FITS image cannot be scaled: {error}") from error
    return Picture(pixels=pixels, header=header, missing=~np.isfinite(north_up))


def _image(data: bytes) -> tuple[NDArray[np.float64], Header]:
    """Values, NaN where they are missing, in the file's order, and the header of the first image."""
    try:
        with warnings.catch_warnings():
            # astropy warns of headers that break the standard in ways that do not touch the pixels.
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message=".*truncated.*")
            with fits.open(io.BytesIO(data), lazy_load_hdus=False) as file:
                for hdu in file:
                    if hdu.header.get("NAXIS") == 2 and hdu.is_image:
                        return _values(hdu), _keys(hdu.header)
    except PictureError:
        raise
    except AstropyWarning as error:
        raise TruncatedPictureError(f"the FITS file ends after {len(data)} bytes: {error}") from error
    except Exception as error:
        raise UnreadablePictureError(f"the FITS file cannot be read: {error}") from error
    raise UnreadablePictureError("the FITS file has no image")


def _values(hdu: Any) -> NDArray[np.float64]:
    # Scaled integers come as floats, with NaN for BLANK; plain ones need it here.
    values = np.asarray(hdu.data, dtype=np.float64)
    blank = hdu.header.get("BLANK")
    if blank is not None and np.issubdtype(hdu.data.dtype, np.integer):
        values[values == blank] = np.nan
    return values


def _keys(header: Any) -> Header:
    return {
        key.upper(): value
        for key, value in header.items()
        if key not in _PROSE and isinstance(value, str | int | float | bool)
    }
