"""The pictures: 8-bit grey JPEG in files by wavelength and day; they count only with a row of ImageHeader."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import structlog
from django.conf import settings

from images.domain.slots import WAVES, start_of

log = structlog.get_logger(__name__)

#: The sides of the pictures, pixels.
SIZES = (2048, 512, 256)
# A JPEG's first and last marker (ITU-T T.81, B.1.1.3: SOI, EOI).
_BEGINS, _ENDS = b"\xff\xd8", b"\xff\xd9"


class PictureMissingError(LookupError):
    """There is no picture of this wavelength, slot and size."""


class PictureUnreadableError(Exception):
    """There is a picture, or a folder, but the disk does not give it back, or not a whole JPEG."""


class PictureFolder:
    """The pictures below a folder: 171/2012/01/02/20120102T060000_171_2048.jpg."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, wave: int, slot: int, size: int) -> Path:
        """Where the picture of `size` pixels of a wavelength and slot is, or would be. Raises ValueError."""
        if wave not in WAVES or size not in SIZES:
            raise ValueError(f"there are no pictures of {wave} angstrom in {size} pixels")
        start = start_of(slot)
        return self.folder / f"{wave}/{start:%Y/%m/%d}/{start:%Y%m%dT%H%M%S}_{wave}_{size}.jpg"

    def read(self, wave: int, slot: int, size: int) -> bytes:
        """The JPEG's bytes. Raises PictureMissingError, PictureUnreadableError, and ValueError as `path`."""
        path = self.path(wave, slot, size)
        try:
            picture = path.read_bytes()
        except FileNotFoundError:
            raise PictureMissingError(f"there is no picture {path.name}") from None
        except OSError as error:
            log.exception("a picture cannot be read", path=str(path))
            raise PictureUnreadableError(f"the picture {path.name} cannot be read: {error}") from error
        if not (picture.startswith(_BEGINS) and picture.endswith(_ENDS)):
            log.error("a picture is not whole", path=str(path), bytes=len(picture))
            raise PictureUnreadableError(f"the picture {path.name} is not a whole JPEG")
        return picture

    def write(self, wave: int, slot: int, pictures: Mapping[int, bytes]) -> None:
        """Put the pictures, by size, in their places; they survive a loss of power when this returns."""
        for size, picture in pictures.items():
            write_whole(self.path(wave, slot, size), picture)


def picture_folder() -> PictureFolder:
    """The folder of ISD_IMAGE_FOLDER."""
    return PictureFolder(Path(settings.ISD_IMAGE_FOLDER))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, whoever is killed when, or writes it too."""
    above = [folder.parent for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(content)
        sync_to_disk(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    for folder in (path.parent, *above):  # new folders, too, are names in another one
        sync_to_disk(folder)


def sync_to_disk(path: Path) -> None:
    """Return when the file, or the folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
