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
from numba import float32, int64, njit, uint8
from numpy.typing import NDArray

from images.domain.settings import PARAMETERS

#: Cells on each side of a frame.
GRID = 64
#: Values from here on count as no numbers: six times what the contrast of 8-bit pixels can reach (1.63e12,
#: where the kurtosis is 0), and small enough that with four decimals they are whole numbers of 64 bits.
MOST = 1e13
_SCALE = 10_000  # four decimals
_MOST_DIGITS = 19  # sign, 13 digits, point, four decimals
_COLUMN, _ROW = -2, -1  # of what stands in a cell beside the ten values


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
    return [opening, _COLUMN, between, _ROW, closing]


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
    cells = np.ascontiguousarray(frame, dtype=np.float32)
    length = _write(cells, form.literals, form.ends, form.numbers, out)
    return out[:length].tobytes()


@njit(int64(uint8[::1], int64, int64), cache=True, nogil=True)
def _write_whole(out: NDArray[np.uint8], at: int, value: int) -> int:
    """A whole number of 0 or more, from place `at` on; the place after it."""
    end = at + 1
    rest = value // 10
    while rest:
        end += 1
        rest //= 10
    for place in range(end - 1, at - 1, -1):
        out[place] = 48 + value % 10
        value //= 10
    return end


@njit(int64(uint8[::1], int64, float32, uint8[::1]), cache=True, nogil=True)
def _write_value(out: NDArray[np.uint8], at: int, value: float, null: NDArray[np.uint8]) -> int:
    """A value with up to four decimals and at least one; the place after it.

    A float32 times 10000 is exact in double precision (24 + 10 significant bits), so that rounding it to even
    is what Python's `format(value, ".4f")` does.
    """
    if not abs(value) < MOST:
        out[at : at + null.size] = null
        return at + null.size
    scaled = int(np.rint(np.float64(value) * _SCALE))
    if scaled < 0:
        out[at] = 45  # -
        at, scaled = at + 1, -scaled
    at = _write_whole(out, at, scaled // _SCALE)
    out[at] = 46  # .
    rest, unit = scaled % _SCALE, _SCALE // 10
    while True:
        at += 1
        out[at] = 48 + rest // unit
        rest %= unit
        unit //= 10
        if rest == 0:
            return at + 1


@njit(
    int64(float32[:, :, ::1], uint8[::1], int64[::1], int64[::1], uint8[::1]),
    cache=True,
    nogil=True,
)
def _write(
    frame: NDArray[np.float32],
    literals: NDArray[np.uint8],
    ends: NDArray[np.int64],
    numbers: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> int:
    """All cells of `frame` into `out`; how many bytes they took. The other three are those of a Form."""
    null = literals[ends[-1] :]
    at = 0
    for x in range(frame.shape[1]):
        for y in range(frame.shape[0]):
            begin = 0
            for part in range(ends.size):
                for place in range(begin, ends[part]):
                    out[at] = literals[place]
                    at += 1
                begin = ends[part]
                if part == numbers.size:
                    break
                number = numbers[part]
                if number == _COLUMN:
                    at = _write_whole(out, at, x)
                elif number == _ROW:
                    at = _write_whole(out, at, y)
                else:
                    at = _write_value(out, at, frame[y, x, number], null)
    return at
