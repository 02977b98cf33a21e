"""Pictures as bytes: in colour, heat maps of parameters, and their legend."""

import io
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from images.domain import heatmap
from images.domain.colour import RAMPS, aia_table
from images.files import PictureUnreadableError

#: Of 100, as the original stored its images.
_QUALITY = 90
#: The legend: its width, its margin and the width of its colours, pixels; the marks beside them.
_LEGEND, _MARGIN, _BAR, _MARKS = 112, 12, 20, 5
_TEXT_SIZE = 12
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)

CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


def encoded(picture: Image.Image, form: str = "jpg") -> bytes:
    """The picture as JPEG ("jpg") or PNG ("png").

    Colours have their full resolution in a JPEG, since the cells of a heat map have sharp edges.
    """
    buffer = io.BytesIO()
    if form == "png":
        picture.save(buffer, "PNG")
    else:
        picture.save(buffer, "JPEG", quality=_QUALITY, subsampling="4:4:4")
    return buffer.getvalue()


def tripled(jpeg: bytes) -> bytes:
    """A grey JPEG with three equal channels, for programs that need them. Raises PictureUnreadableError."""
    return encoded(_grey(jpeg).convert("RGB"))


def coloured(jpeg: bytes, wave: int) -> bytes:
    """A grey JPEG in the colours of its channel (angstrom). Raises PictureUnreadableError."""
    grey = _grey(jpeg)
    grey.putpalette(_palette(wave))
    return encoded(grey.convert("RGB"))


def _grey(jpeg: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            return picture.convert("L")
    except (OSError, SyntaxError, ValueError) as error:  # as Pillow has it
        raise PictureUnreadableError(f"a picture is no JPEG: {error}") from error


@cache
def _palette(wave: int) -> bytes:
    return aia_table(wave).tobytes()


def heatmap_picture(plane: NDArray[np.float32], size: int, ramp: str = "heat") -> Image.Image:
    """One parameter's plane (64, 64) with `size` pixels a side, cells as flat squares, row 0 at the top."""
    return Image.fromarray(heatmap.picture(plane, size, RAMPS[ramp]))


def with_legend(picture: Image.Image, plane: NDArray[np.float32], ramp: str, title: str) -> Image.Image:
    """The picture, and to its right what its colours stand for, the least value at the bottom."""
    whole = Image.new("RGB", (picture.width + _LEGEND, picture.height), _BLACK)
    whole.paste(picture, (0, 0))
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(_TEXT_SIZE)
    left, top = picture.width + _MARGIN, 3 * _MARGIN
    height = picture.height - top - 2 * _MARGIN
    draw.text((left, _MARGIN), title, fill=_WHITE, font=font)
    levels = np.linspace(heatmap.TOP, 0, height).round().astype(np.intp)
    bar = np.repeat(RAMPS[ramp][levels][:, None, :], _BAR, axis=1)
    whole.paste(Image.fromarray(bar), (left, top))
    for mark in heatmap.legend(plane, _MARKS):
        y = top + (height - 1) * (1 - mark.level / heatmap.TOP)
        draw.line(((left + _BAR, y), (left + _BAR + 4, y)), fill=_WHITE)
        draw.text((left + _BAR + 8, y - _TEXT_SIZE / 2), f"{mark.value:.4g}", fill=_WHITE, font=font)
    return whole
