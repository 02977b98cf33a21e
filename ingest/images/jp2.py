"""Reads Helioviewer's JP2 of AIA: 8-bit grey levels and the FITS header in the file's XML box.

The file format is ISO/IEC 15444-1, Annex I: a row of boxes, each with its length and type; the pixels are a
codestream in the box "jp2c", the header an XML document `<meta><fits>` in a box "xml " before or after it.
Decoded by Pillow (OpenJPEG): about 0.3 s for 4096 x 4096 on one core, as fast as imagecodecs, which has the
same decoder. Array row 0 is the north.
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray
from PIL import Image

from images.domain.parameters import WrongShapeError, check_shape
from images.domain.picture import Header, Picture
from ingest.images.errors import TruncatedPictureError, UnreadablePictureError, WrongSizeError
from ingest.images.limits import check_length, check_side

_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
# The marker "end of codestream". The last box often does not tell its length, only this tells it is whole.
_END = b"\xff\xd9"
_GREY = "L"
# Free text, of which a header may have many; nothing reads them.
_PROSE = frozenset({"HISTORY", "COMMENT"})


def read(source: bytes | Path) -> Picture:
    """The picture in a JP2 file, given as its bytes or its path.

    Raises TruncatedPictureError where the file ends too early, UnreadablePictureError where it is no 8-bit
    grey JP2 with a FITS header, WrongSizeError where its array (whatever the header says) has no whole number
    of cells or is larger than we read, OSError where the path cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    check_length(len(data))
    header = read_header(data)
    try:
        return Picture(pixels=_pixels(data), header=header)
    except UnreadablePictureError as error:
        if any(kind == b"jp2c" and not content.tobytes().endswith(_END) for kind, content in _boxes(data)):
            raise TruncatedPictureError(f"the codestream of the JP2 has no end: {len(data)} bytes") from error
        raise


def read_header(data: bytes) -> Header:
    """The FITS keys of a JP2 file, upper case, as text. Decodes no pixels. Raises as `read` does."""
    if not data.startswith(_SIGNATURE):
        if _SIGNATURE.startswith(data):
            raise TruncatedPictureError(f"the JP2 ends after {len(data)} bytes")
        raise UnreadablePictureError("not a JP2 file")
    for kind, content in _boxes(data):
        if kind == b"xml ":
            fits = _parsed(content).find("fits")
            if fits is None:
                raise UnreadablePictureError("the XML box of the JP2 has no FITS header")
            return {
                key.tag.upper(): (key.text or "").strip() for key in fits if key.tag.upper() not in _PROSE
            }
    raise UnreadablePictureError("the JP2 has no XML box")


def _boxes(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of the outer boxes."""
    view, begin = memoryview(data), 0
    while begin < len(data):
        head = 8
        if begin + head > len(data):
            raise TruncatedPictureError(f"the JP2 ends within the head of a box, after {len(data)} bytes")
        length, kind = struct.unpack_from(">I4s", data, begin)
        if length == 1 and begin + 16 <= len(data):  # the true length follows, in 64 bits
            head, (length,) = 16, struct.unpack_from(">Q", data, begin + 8)
        elif length == 0:  # the last box, to the file's end
            length = len(data) - begin
        if length < head:
            raise UnreadablePictureError(f"a box of the JP2 has the length {length}")
        if begin + length > len(data):
            raise TruncatedPictureError(
                f"the JP2 ends after {len(data)} bytes, its box {kind.decode('latin-1')!r} "
                f"would end after {begin + length}"
            )
        yield kind, view[begin + head : begin + length]
        begin += length


def _parsed(content: memoryview) -> Element:
    try:
        # Some writers end the text with a zero byte.
        root: Element = fromstring(bytes(content).rstrip(b"\x00"))
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:  # the last two: encodings
        raise UnreadablePictureError(f"the XML box of the JP2 cannot be read: {error}") from error
    return root


def _pixels(data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as image:
            if image.mode != _GREY:
                raise UnreadablePictureError(f"the JP2 is not 8-bit grey but {image.mode}")
            check_side(image.height, image.width)  # before anything is decoded
            try:
                check_shape(image.height, image.width)
            except WrongShapeError as error:
                raise WrongSizeError(str(error)) from error
            return np.asarray(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(f"the JP2 cannot be decoded: {error}") from error
