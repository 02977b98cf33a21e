"""How large an image may be: what is larger is refused before it takes the memory that it asks for.

AIA's images have 4096 pixels on each side. A file of a few megabytes may hold any number of them, and what
decodes one takes many times its pixels.
"""

from ingest.images.errors import WrongSizeError

#: Pixels on each side, at most.
LARGEST_SIDE = 8192
#: Bytes of a file, unpacked, at most: 8192 x 8192 numbers of 32 bits, and their header.
LARGEST_FILE = 300_000_000


def check_side(rows: int, columns: int) -> None:
    """Raise WrongSizeError for an array that is larger than we read."""
    if max(rows, columns) > LARGEST_SIDE:
        raise WrongSizeError(f"{rows} x {columns} pixels are more than {LARGEST_SIDE} on a side")


def check_length(length: int) -> None:
    """Raise WrongSizeError for a file of more bytes than we read."""
    if length > LARGEST_FILE:
        raise WrongSizeError(f"{length} bytes are more than the {LARGEST_FILE} that are read of an image")
