"""Files as text in chunks, lines, and batches of bounded size: memory does not grow with a file."""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from ingest.sources.answers import sniff_encoding

#: Bytes read at a time.
CHUNK = 256 * 1024
#: Characters of the largest piece (a record, a line) that we hold in memory; real records have 8 000.
LARGEST_PIECE = 16 * 1024**2
#: A page is full at so many records or characters, whichever comes first.
PAGE_RECORDS = 500
PAGE_CHARACTERS = 2 * 1024**2

_GZIP_MAGIC = b"\x1f\x8b"
_Piece = TypeVar("_Piece")


class UnreadableError(Exception):
    """A file cannot be read, or not further; the message says where and why, but not which file."""


def text_of(path: Path) -> Iterator[str]:
    """The text of a file in non-empty chunks, gzip unpacked, broken characters as U+FFFD.

    Raises UnreadableError, after all the text that could be read.
    """
    try:
        with _opened(path) as stream:
            # read1 hands over what a packed file that ends in the middle gave before the end was noticed.
            head = stream.read1(CHUNK)
            decoder = codecs.getincrementaldecoder(sniff_encoding(head))("replace")
            while head:
                yield from filter(None, (decoder.decode(head),))
                head = stream.read1(CHUNK)
            yield from filter(None, (decoder.decode(b"", final=True),))
    except EOFError:
        raise UnreadableError("the packed file ends in the middle") from None
    except (OSError, zlib.error) as error:
        raise UnreadableError(str(error)) from None


def _opened(path: Path) -> BufferedReader | gzip.GzipFile:
    with path.open("rb") as stream:
        is_packed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return gzip.open(path) if is_packed else path.open("rb")


def lines_of(chunks: Iterable[str]) -> Iterator[str]:
    """The lines of a text, each with its line end (LF or CRLF). Raises UnreadableError for an endless one."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        yield from (line + "\n" for line in lines)
        if len(rest) > LARGEST_PIECE:
            raise UnreadableError(f"a line exceeds {LARGEST_PIECE} characters")
    if rest:
        yield rest


def batches(pieces: Iterable[_Piece], size: Callable[[_Piece], int]) -> Iterator[list[_Piece]]:
    """The pieces in lists that are pages; `size` counts characters.

    When the pieces end in UnreadableError, what came before is given first, then it is raised.
    """
    batch: list[_Piece] = []
    characters = 0
    failure: UnreadableError | None = None
    stream = iter(pieces)
    while failure is None:
        try:
            piece = next(stream)
        except StopIteration:
            break
        except UnreadableError as error:
            failure = error
            break
        batch.append(piece)
        characters += size(piece)
        if len(batch) >= PAGE_RECORDS or characters >= PAGE_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
    if failure is not None:
        raise failure
