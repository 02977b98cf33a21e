"""From `paramN`, `opN`, `valueN` and the corners of a box to conditions of `events.domain`."""

import math
import re
from collections.abc import Mapping
from typing import Any

from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from api.errors import ParameterError
from api.params import COORDINATE, MAX_TEXT, TIME
from events.domain.conditions import AttributeFilter, Comparable, Region, Relation
from events.domain.criteria import Box
from events.domain.goes import goes_flux
from events.domain.vocabulary import EVENT_TYPES, Attribute, attribute

MAX_FILTERS = 40
_NUMBERED = re.compile(r"(s?param|op|value)(\d{1,4})", re.ASCII)
_SPELLINGS = {"": Relation.EQUAL, "==": Relation.EQUAL, **{relation.value: relation for relation in Relation}}
_ORDERED = frozenset(Relation) - {Relation.LIKE}
_EQUALITY = frozenset({Relation.EQUAL, Relation.UNEQUAL})
_RELATIONS = {"number": _ORDERED, "integer": _ORDERED, "boolean": _EQUALITY}
#: A bare letter is the lower end of its class and none of it: X1.0 and above are > X and not <= X.
_OF_LETTERS = {Relation.GREATER: Relation.GREATER_OR_EQUAL, Relation.LESS_OR_EQUAL: Relation.LESS}

FRAMES = {"helioprojective": "hpc", "stonyhurst": "hgs", "carrington": "hgc"}
CORNERS = ("x1", "y1", "x2", "y2")
#: Arcsec; the Sun is never seen larger, so a box around this square holds all of the disk.
_DISK = 976.0
_HALF_TURN, _POLE = 180.0, 90.0


def filters_of(given: Mapping[str, str], types: tuple[str, ...] | None) -> tuple[AttributeFilter, ...]:
    """The conditions among the parameters (names in lower case), in the order of their numbers.

    Raises ParameterError.
    """
    numbered: dict[int, dict[str, tuple[str, str]]] = {}
    for name, text in given.items():
        if match := _NUMBERED.fullmatch(name):
            part, number = match.group(1).removeprefix("s"), int(match.group(2))
            parts = numbered.setdefault(number, {})
            if part in parts and parts[part][1] != text:
                raise ParameterError(name, f"{name} and {parts[part][0]} differ; give one of them")
            parts[part] = name, text
    if len(numbered) > MAX_FILTERS:
        raise ParameterError("param", f"there are {len(numbered)} filters; at most {MAX_FILTERS} are taken")
    found = (_filter(number, numbered[number], types) for number in sorted(numbered))
    return tuple(dict.fromkeys(found))


def _filter(
    number: int, parts: Mapping[str, tuple[str, str]], types: tuple[str, ...] | None
) -> AttributeFilter:
    missing = f"param{number} is missing, but op{number} or value{number} is there"
    name, text = parts.get("param", (f"param{number}", ""))
    if not text.strip():
        raise ParameterError(name, missing)
    if "value" not in parts:
        raise ParameterError(f"value{number}", f"value{number} is missing, to which {name} is compared")
    column, event_type = _column(name, text.strip(), types)
    relation = _relation(f"op{number}", parts.get("op", ("", ""))[1], column)
    value = _value(f"value{number}", parts["value"][1].strip(), column, relation)
    flux = None
    if column.name == "fl_goescls" and relation is not Relation.LIKE:
        flux = goes_flux(str(value))
        if flux is not None and len(str(value)) == 1:
            relation = _OF_LETTERS.get(relation, relation)
    return AttributeFilter(column.name, relation, value, flux, event_type)


def _column(name: str, text: str, types: tuple[str, ...] | None) -> tuple[Attribute, str | None]:
    """The column, and the type to which a prefix restricts the filter."""
    prefix, dot, rest = text.rpartition(".")
    found = attribute(rest.strip())
    if found is None:
        raise ParameterError(name, f"{name}: there is no column {text[:60]!r}")
    if not dot:
        return found, None
    code = prefix.strip().upper()
    if code not in EVENT_TYPES:
        raise ParameterError(name, f"{name}: {prefix[:60]!r} is no event type")
    if types is not None and code not in types:
        raise ParameterError(name, f"{name}: the filter is for {code}, which event_type does not ask for")
    return found, code


def _relation(name: str, text: str, column: Attribute) -> Relation:
    relation = _SPELLINGS.get(text.strip().lower())
    if relation is None:
        raise ParameterError(name, f"{name} cannot be {text[:60]!r}; it takes one of {', '.join(Relation)}")
    allowed = _RELATIONS.get(column.kind, frozenset(Relation))
    if column.kind == "list":
        raise ParameterError(name, f"{name}: {column.name} is a list, which cannot be compared")
    if relation not in allowed or (column.kind == "time" and relation is Relation.LIKE):
        raise ParameterError(
            name, f"{name}: {relation} does not go with {column.name}, which is a {column.kind}"
        )
    return relation


def _value(name: str, text: str, column: Attribute, relation: Relation) -> Comparable:
    if "\0" in text or len(text) > MAX_TEXT:
        raise ParameterError(name, f"{name} takes a text of at most {MAX_TEXT} characters without NUL")
    if column.is_numeric:
        return _number(name, text, column)
    if column.kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ParameterError(name, f"{name} cannot be {text[:60]!r}; {column.name} is true or false")
        return text.lower() == "true"
    if column.kind == "time":
        return _read(name, text, TIME.read, TIME.takes)
    if column.name == "event_type" and relation is not Relation.LIKE:
        return text.upper()
    return text


def _number(name: str, text: str, column: Attribute) -> float:
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ParameterError(name, f"{name} cannot be {text[:60]!r}; {column.name} is a number")
    return number


def _read(name: str, text: str, read: Any, takes: str) -> Any:
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise ParameterError(name, f"{name} cannot be {text[:60]!r}; it takes {takes}") from None


# --- regions


def region_of(given: Mapping[str, str], frame: str) -> Region | None:
    """The asked box, None where a corner is absent. Raises ParameterError."""
    corners = {name: given[name].strip() for name in CORNERS if given.get(name, "").strip()}
    values = {name: _read(name, text, COORDINATE.read, COORDINATE.takes) for name, text in corners.items()}
    if len(values) < len(CORNERS):
        return None
    x1, y1, x2, y2 = (values[name] for name in CORNERS)
    south, north = sorted((y1, y2))
    if frame == "hpc":
        west, east = sorted((x1, x2))
        whole = max(west, south) <= -_DISK and min(east, north) >= _DISK
        return Region(frame, Box(west, south, east, north).shape, whole)
    return _on_the_surface(frame, x1, x2, south, north)


def _on_the_surface(frame: str, x1: float, x2: float, south: float, north: float) -> Region:
    """A box in degrees from x1 eastward to x2, across the line at 180 degrees if it must be."""
    parts = _longitudes(x1, x2)
    covered = parts == [(-_HALF_TURN, _HALF_TURN)]
    if frame == "hgs":
        covered = any(low <= -90 and high >= 90 for low, high in parts)
    whole = covered and south <= -_POLE and north >= _POLE
    shapes = [Box(low, south, high, north).shape for low, high in parts]
    return Region(frame, _together(shapes), whole)


def _together(shapes: list[Any]) -> BaseGeometry:
    if len(shapes) == 1:
        return shapes[0]
    if all(shape.geom_type == "Polygon" for shape in shapes):
        return MultiPolygon(shapes)
    return shapes[0].union(shapes[1])


def _longitudes(x1: float, x2: float) -> list[tuple[float, float]]:
    """The interval from x1 to x2 as parts of -180..180; longitudes may be -180..180 or 0..360.

    A whole turn apart, in whichever order, they mean all longitudes.
    """
    if abs(x2 - x1) >= 2 * _HALF_TURN:
        return [(-_HALF_TURN, _HALF_TURN)]
    low, high = _turned(x1), _turned(x2)
    if x1 == x2:
        return [(low, low)]
    if high == -_HALF_TURN:
        high = _HALF_TURN
    return [(low, high)] if low <= high else [(low, _HALF_TURN), (-_HALF_TURN, high)]


def _turned(longitude: float) -> float:
    """In -180 (included) to 180, unchanged if it is there already."""
    if -_HALF_TURN <= longitude < _HALF_TURN:
        return longitude
    return (longitude + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN
