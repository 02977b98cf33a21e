"""From the text of a query string to values: kinds of parameters, and tables of them.

A dialect declares its parameters once; the same table validates, words the errors and describes itself in
the OpenAPI document. Every kind reads ASCII only, and NUL nowhere (PostgreSQL cannot take it).
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from django.http import QueryDict

from api.errors import ParameterError
from events.domain.criteria import Box, TimeWindow
from events.domain.goes import goes_flux
from events.domain.vocabulary import EVENT_TYPES

#: Coordinates beyond this mean nothing in any frame (a half turn is 648 000 arcsec).
MAX_COORDINATE = 1e9
MAX_OFFSET = 2**31 - 1
MAX_TEXT = 400
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """How one text is read. `read` raises ValueError; `takes` says it in words, `schema` in JSON Schema."""

    read: Callable[[str], Any]
    takes: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request.

    A parameter that is absent or empty has its `default`. A `many` one may be repeated, or be a list cut at
    `separator`, and gives a tuple; the others may stand once only.
    """

    name: str
    kind: Kind
    about: str = ""
    default: Any = None
    required: bool = False
    many: bool = False
    separator: str | None = ","


def read(query: QueryDict, table: Sequence[Parameter], *, strict: bool) -> dict[str, Any]:
    """The values of all parameters of `table`, by name.

    `strict`: a parameter that is not in the table is an error; else it is ignored.
    Raises ParameterError, which names the parameter and says what it takes.
    """
    if strict and (unknown := sorted(set(query) - {parameter.name for parameter in table})):
        known, name = ", ".join(parameter.name for parameter in table) or "none", _shown(unknown[0])
        raise ParameterError(name, f"{name} is not a parameter here (known: {known})")
    return {parameter.name: _value(parameter, query.getlist(parameter.name)) for parameter in table}


def _value(parameter: Parameter, texts: list[str]) -> Any:
    if parameter.many:
        texts = [part for text in texts for part in _parts(text, parameter.separator)]
    elif len(texts) > 1:
        raise ParameterError(parameter.name, f"{parameter.name} is given {len(texts)} times; give it once")
    given = [text.strip() for text in texts if text.strip()]
    if not given:
        if parameter.required:
            raise _unusable(parameter, "is missing")
        return parameter.default
    values = [_read_one(parameter, text) for text in given]
    return tuple(dict.fromkeys(values)) if parameter.many else values[0]


def _parts(text: str, separator: str | None) -> list[str]:
    return [text] if separator is None else text.split(separator)


def _read_one(parameter: Parameter, text: str) -> Any:
    try:
        return parameter.kind.read(text)
    except (ValueError, OverflowError):
        raise _unusable(parameter, f"cannot be {_shown(text)!r}") from None


def _unusable(parameter: Parameter, what: str) -> ParameterError:
    return ParameterError(parameter.name, f"{parameter.name} {what}; it takes {parameter.kind.takes}")


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


# --- time

_TIME = re.compile(
    r"(\d{1,4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt]| +)(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?"
    # A "+" that was not escaped arrives as a blank.
    r"(?: *(?:([Zz])|([+\- ])(\d{2}):?(\d{2})?))?)?",
    re.ASCII,
)


def read_time(text: str) -> datetime:
    """A time of years 1 to 9999, in UTC unless it names an offset; ValueError or OverflowError otherwise.

    `2014-8-30T0:0:0` (un-padded), a blank for the T, a date alone, times without seconds, fractions, "Z",
    "+01:00", "+0100" and "+01" are read; so are 24:00:00 and the leap second :60, which PostgreSQL, to whom
    the original passed the text, reads as the next day and the next minute.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction, zulu, sign, offset_hours, offset_minutes = match.groups()[6:]
    if minute > 59 or second > 60 or hour * 3600 + minute * 60 + second > 86400:
        raise ValueError(text)
    zone = UTC
    if sign and not zulu:
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
    microseconds = round(float(f"0.{fraction or 0}") * 1e6)
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microseconds)
    return (datetime(year, month, day, tzinfo=zone) + clock).astimezone(UTC)


TIME = Kind(
    read_time,
    "a time of years 1 to 9999 in UTC, like 2014-08-30T20:36:43 (also 2014-08-30, or with Z or +01:00)",
    {"type": "string", "examples": ["2014-08-30T20:36:43"]},
)


def window_of(start: datetime, end: datetime, *, name: str) -> TimeWindow:
    """The window, or a ParameterError for the parameter `name` when it is reversed."""
    try:
        return TimeWindow(start, end)
    except ValueError as error:
        raise ParameterError(name, f"{name} is unusable: {error}") from None


# --- numbers


def integer(low: int, high: int) -> Kind:
    """Whole numbers from `low` to `high`; what is beyond is an error and never clamped."""

    def read_integer(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,20}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(text)
        return int(text)

    return Kind(
        read_integer,
        f"a whole number from {low} to {high}",
        {"type": "integer", "minimum": low, "maximum": high},
    )


def number(low: float, high: float) -> Kind:
    """Finite decimal numbers from `low` to `high`."""

    def read_number(text: str) -> float:
        value = float(text) if text.isascii() and "_" not in text else math.nan
        if not low <= value <= high:  # NaN is in no interval
            raise ValueError(text)
        return value

    return Kind(
        read_number, f"a number from {low:g} to {high:g}", {"type": "number", "minimum": low, "maximum": high}
    )


COORDINATE = number(-MAX_COORDINATE, MAX_COORDINATE)


def _read_goes(text: str) -> float:
    flux = goes_flux(text)
    if flux is None:
        raise ValueError(text)
    return flux


GOES_CLASS = Kind(_read_goes, "a GOES class, like M1.5", {"type": "string", "examples": ["M1.5"]})


def read_box(text: str) -> Box:
    """A Box from "xmin,ymin,xmax,ymax"; ValueError otherwise."""
    xmin, ymin, xmax, ymax = map(COORDINATE.read, text.split(","))
    return Box(xmin, ymin, xmax, ymax)


BOX = Kind(
    read_box,
    "four numbers xmin,ymin,xmax,ymax with xmin <= xmax and ymin <= ymax",
    {"type": "string", "examples": ["-300,-200,300,200"]},
)

# --- words


def _read_text(text: str) -> str:
    if "\0" in text or len(text) > MAX_TEXT:
        raise ValueError(text)
    return text


TEXT = Kind(_read_text, f"a text of at most {MAX_TEXT} characters without NUL")


def choice(values: Iterable[str], aliases: Mapping[str, str] | None = None) -> Kind:
    """One of fixed words, in any case; an enumeration's members come back as members."""
    words = list(values)
    lookup: dict[str, str] = {word.lower(): word for word in words}
    lookup.update({alias: lookup[word.lower()] for alias, word in (aliases or {}).items()})

    def read_choice(text: str) -> str:
        found = lookup.get(text.lower())
        if found is None:
            raise ValueError(text)
        return found

    plain = [str(word) for word in words]
    return Kind(read_choice, f"one of {', '.join(plain)}", {"type": "string", "enum": plain})


def _read_flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


FLAG = Kind(_read_flag, "true or false", {"type": "boolean"})


def members(enumeration: type[StrEnum], aliases: Mapping[str, str] | None = None) -> Kind:
    """One of an enumeration."""
    return choice(enumeration, aliases)


#: ISD's later tables call topological objects `tob`, since `to` is a word of SQL.
_TYPE_ALIASES = {"tob": "TO"}
EVENT_TYPE = choice(EVENT_TYPES, _TYPE_ALIASES)
