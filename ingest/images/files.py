"""The source `files`: JP2 and FITS files below a folder, or one of them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from events.domain.criteria import TimeWindow
from ingest.images.base import Item
from ingest.images.limits import check_length
from ingest.sources.base import SourceError

#: The ends of names of files that are read; any other is passed over.
ENDINGS = (".jp2", ".fits", ".fts", ".fit", ".fits.fz", ".fits.gz")


def files_in(path: Path) -> list[str]:
    """The image files at `path`, which may be one itself, as absolute paths in the order of their names.

    Names begin with the time of observation, wherever they come from, so of two images in one slot the
    earlier comes first. Raises SourceError (permanent) where there are none, or the path cannot be read.
    """
    if path.is_file():
        return [str(path.resolve())]
    try:
        found = [file for file in path.resolve().rglob("*") if file.name.lower().endswith(ENDINGS)]
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", permanent=True) from None
    if not found:
        what = "holds no JP2 or FITS file" if path.is_dir() else "does not exist"
        raise SourceError(f"{path} {what}", permanent=True)
    return [str(file) for file in sorted(found, key=lambda file: (file.name, file))]


class FileSource:
    """Reads the paths that the run names; wavelength and window are looked up in the headers later."""

    name = "files"
    attempts = 1

    def items(self, waves: Sequence[int], window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """One item a path. Raises SourceError (permanent) where not one of several files can be seen."""
        del waves, window
        if paths and not any(os.path.lexists(path) for path in paths):
            raise SourceError(
                f"{paths[0]}: no such file here; do the workers see its folder?", permanent=True
            )
        for path in paths:
            yield Item(path)

    def fetch(self, item: Item) -> bytes:
        """The file's bytes. Raises SourceError (permanent) where it cannot be read, and WrongSizeError."""
        try:
            return content(Path(item.origin))
        except OSError as error:
            raise SourceError(f"{item.origin}: {error.strerror}", permanent=True) from None


def content(path: Path) -> bytes:
    """The bytes of an image's file. Raises OSError, and WrongSizeError for one that is too long."""
    check_length(path.stat().st_size)
    return path.read_bytes()
