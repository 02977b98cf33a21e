"""The text of a frame: 4096 cells with ten numbers each, in the forms that programs of several years read.

========  ===============================================================================================
nested    programs of 2018 to 2020: `x`, `y`, and `params` with ten children
flat      clients since 2021: `x`, `y` and ten values as siblings
hybrid    both at once: `params` begins with the first value as text, and the other nine follow it
json      objects with x, y and p1 to p10, the columns of the original's database
========  ===============================================================================================

x is the column and y the row, both from 0; x runs slower, as in the key of the original's table. Values carry
four decimals, as there; trailing zeros are left out. What is not a number is NaN in XML, which Python's
`float` reads, and null in JSON, which knows no other word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from images.domain.settings import GRID, PARAMETERS

_MOST_DIGITS = 19  # sign, 13 digits, point, four decimals
COLUMN, ROW = -2, -1  # of what stands in a cell beside the ten values


@dataclass(frozen=True, slots=True)
class Form:
    """What a cell is made of: literal texts, and after each but the last the number that follows it.

    `literals`: the texts one after the other, then what stands for no number. `ends`: where each text ends.
    `numbers`: which number follows it. `longest`: the most bytes that a cell takes.
    """

    literals: NDArray[np.uint8]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]
    longest: int

    @classmethod
    def of(cls, parts: Sequence[str | int], null: str) -> "Form":
        """From texts and numbers in turn, a text first and last; `null` stands for what is no number."""
        texts, numbers = parts[0::2], parts[1::2]
        encoded = [str(text).encode("ascii") for text in texts]
        longest = sum(map(len, encoded)) + len(numbers) * _MOST_DIGITS
        return cls(
            literals=np.frombuffer(bytearray(b"".join(encoded) + null.encode("ascii")), np.uint8),
            ends=np.cumsum([len(text) for text in encoded], dtype=np.int64),
            numbers=np.array(numbers, dtype=np.int64),
            longest=longest,
        )


def _place(opening: str, between: str, closing: str) -> list[str | int]:
    return [opening, COLUMN, between, ROW, closing]


def _joined(parts: list[str | int], *more: str | int) -> list[str | int]:
    """The parts in turn of text and number again, where two texts met."""
    if isinstance(parts[-1], str) and isinstance(more[0], str):
        return [*parts[:-1], parts[-1] + more[0], *more[1:]]
    return [*parts, *more]


def _elements(parts: list[str | int], names: Sequence[str], first: int) -> list[str | int]:
    for value, name in enumerate(names, first):
        parts = _joined(parts, f"<{name}>", value, f"</{name}>")
    return parts


_NAMES = [f"p{number}" for number in range(1, len(PARAMETERS) + 1)]
_OPEN = _place("<cell><x>", "</x><y>", "</y>")
_TEN = ["param"] * len(PARAMETERS)


def _nested() -> list[str | int]:
    return _joined(_elements(_joined(_OPEN, "<params>"), _TEN, 0), "</params></cell>\n")


def _hybrid() -> list[str | int]:
    params = _joined(_elements(_joined(_OPEN, "<params>", 0, ""), _TEN, 0), "</params>")
    return _joined(_elements(params, _NAMES[1:], 1), "</cell>\n")


def _json() -> list[str | int]:
    parts = _place('{"x":', ',"y":', "")
    for value, name in enumerate(_NAMES):
        parts = _joined(parts, f',"{name}":', value, "")
    return _joined(parts, "},")


#: The forms of XML by the word that asks for them.
XML_FORMS = {
    "flat": Form.of(_joined(_elements(_OPEN, _NAMES, 0), "</cell>\n"), "NaN"),
    "nested": Form.of(_nested(), "NaN"),
    "hybrid": Form.of(_hybrid(), "NaN"),
}
_JSON = Form.of(_json(), "null")


def xml_cells(frame: NDArray[np.float32], form: str) -> bytes:
    """The `cell` elements of a frame (64, 64, 10), [row, column, parameter]. `form` is one of XML_FORMS."""
    return _text(frame, XML_FORMS[form])


def json_cells(frame: NDArray[np.float32]) -> bytes:
    """The cells of a frame (64, 64, 10), [row, column, parameter], as a JSON array of objects."""
    return b"[" + _text(frame, _JSON)[:-1] + b"]"


def _text(frame: NDArray[np.float32], form: Form) -> bytes:
    out = np.empty(GRID * GRID * form.longest, dtype=np.uint8)
    # Imported late: compiled code, 40 MB of memory that only processes which answer with frames need.
    from api.dmlab.digits import write  # noqa: PLC0415

    cells = np.ascontiguousarray(frame, dtype=np.float32)
    length = write(cells, form.literals, form.ends, form.numbers, out)
    return out[:length].tobytes()
