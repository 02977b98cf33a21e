"""The source `archive`: a file, or a folder with all below it, read in bounded memory."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Self

import structlog

from events.domain.criteria import TimeWindow
from ingest.sources.answers import decode
from ingest.sources.archive import csv_form, json_form, xml_form
from ingest.sources.archive.selection import Selection
from ingest.sources.archive.streams import UnreadableError, text_of
from ingest.sources.base import Parsed, RawPage, Record, SourceError

log = structlog.get_logger(__name__)

#: What a file may be called, `.gz` behind it or not. Its form is told from its content.
EXTENSIONS = (".json", ".jsonl", ".ndjson", ".xml", ".voevent", ".csv")
#: Failures of a folder's files that the final error names.
NAMED_FAILURES = 5


class ArchiveSource:
    """Reads recorded answers and tables at `path`, a file or a folder.

    In a folder hidden files are passed over, and files of other kinds are reported in the log. Each page is a
    small document: JSON or a table.
    """

    name: ClassVar[str] = "archive"

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def configured(cls, path: Path | None = None) -> Self:
        """The source of what stands at `path`. Raises SourceError without one."""
        if path is None:
            raise SourceError("the source archive needs a path: a file or a folder", permanent=True)
        return cls(path)

    def fetch(self, window: TimeWindow | None, event_types: tuple[str, ...]) -> Iterator[RawPage]:
        """Pages with every record that touches `window`, in the order of the files' names.

        What is broken in the middle gives everything complete first, and a folder all its other files; then
        SourceError is raised, permanent.
        """
        selection = Selection(window, tuple(code.upper() for code in event_types))
        failures: list[str] = []
        for path in _files(self._path):
            try:
                for body in _pages(path, selection):
                    yield RawPage(body, str(path))
            except UnreadableError as error:
                failures.append(f"{path}: {error}")
        if failures:
            more = len(failures) - NAMED_FAILURES
            raise SourceError(
                "; ".join(failures[:NAMED_FAILURES]) + (f"; and {more} more" if more > 0 else ""),
                permanent=True,
            )

    def parse(self, page: RawPage) -> Parsed:
        """The records of a page, whichever form it has. Raises SourceError where nothing can be read."""
        parsed: Parsed = _form(decode(page.body.lstrip()[:1024])).parse(page.body, page.origin)
        return parsed


def _pages(path: Path, wanted: Callable[[Record], bool]) -> Iterator[bytes]:
    chunks = text_of(path)
    head = ""
    for chunk in chunks:
        head += chunk
        if head.strip():
            break
    if not head.strip():
        raise UnreadableError("the file is empty")
    form_pages: Iterator[bytes] = _form(head).pages(chain([head], chunks), wanted)
    yield from form_pages


def _form(head: str) -> ModuleType:
    """The module that reads a text which begins with `head`."""
    first = head.lstrip(json_form.BLANKS)[:1]
    if first == "<":
        return xml_form
    return json_form if first in ("{", "[", json_form.SEPARATOR) else csv_form


def _files(path: Path) -> Iterable[Path]:
    """The files to read, in order. Raises SourceError if there are none."""
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", permanent=True) from None
    if is_folder:
        files = [file for file in _below(path) if _is_ours(file)]
        if not files:
            raise SourceError(
                f"{path}: no file in this folder is one of {', '.join(EXTENSIONS)}", permanent=True
            )
        return files
    if not is_file:
        raise SourceError(f"{path}: there is no such file or folder", permanent=True)
    if not _has_extension(path):
        raise SourceError(
            f"{path}: {path.suffix or 'a name without ending'} is not read; a file is one of"
            f" {', '.join(EXTENSIONS)}, or such with .gz",
            permanent=True,
        )
    return [path]


def _is_ours(path: Path) -> bool:
    if _has_extension(path):
        return True
    log.warning("a file of another kind is passed over", path=str(path))
    return False


def _has_extension(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(EXTENSIONS)


def _below(folder: Path) -> list[Path]:
    """All files below a folder that are not hidden, sorted by their paths."""
    found: list[Path] = []
    for here, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(here, name) for name in files if not name.startswith(".")]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise SourceError(f"{error.filename}: {error.strerror}", permanent=True) from error
