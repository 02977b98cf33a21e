"""Flat records made comparable: HEK's spelling of keys, one JSON type an attribute, nothing empty.

What a format cannot tell apart must not make a difference: JSON, XML, CSV and VOEvent forms of one record
give equal attributes and so an equal content hash. The rules, by kind (`events.domain.vocabulary`):

* Keys in the vocabulary's spelling whatever their case, sunpy's aliases followed; other keys as sent, with
  values as sent. Empty values ("" or blanks, null, empty lists and objects) are dropped. Two keys that mean
  one attribute must agree.
* number, integer: a JSON number; text is read as a number. Whole values up to 2**53 have no decimal point,
  the others are doubles.
* boolean: true or false; "true", "false", "t", "f" in any case are read.
* time: YYYY-MM-DDTHH:MM:SS, UTC, the fraction cut; an offset is applied. obs_*processingdate keep their
  fraction. Times that no column is made of stay as sent where they cannot be read.
* text, point, polygon, wkb: text without blanks at its ends; a number becomes text, a boolean of a flag
  column "T" or "F". event_type is reduced to its two-letter code.
* list: references as objects of text, without empty ones.

A value that its attribute cannot hold (text in a number column, NaN, a list in a text column) is a
RecordError: HEK's own view promises these types to its clients, so such a record goes to quarantine. NUL
and unpaired surrogates, which PostgreSQL cannot store, become U+FFFD; `Canonical.cleaned` tells it.

Canonical attributes made canonical again stay what they are.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from events.domain import vocabulary
from events.domain.vocabulary import Attribute
from ingest.sources.base import Record

Attributes = dict[str, Any]
_Reader = Callable[[Any], Any]

#: Up to here doubles hold every whole number.
_WHOLE = 2**53
_BOOLEANS = {"true": True, "t": True, "false": False, "f": False}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Times that become columns, or that queries rely on: unreadable ones are errors.
_STRICT_TIMES = frozenset({"event_starttime", "event_endtime", "event_peaktime", "kb_archivdate"})
_KEPT_FRACTIONS = frozenset({"obs_firstprocessingdate", "obs_lastprocessingdate"})


class RecordError(ValueError):
    """A record that cannot become a row; the message names the attribute."""


class Canonical(NamedTuple):
    """A record's canonical attributes, their JSON with sorted keys, and its hash (hexadecimal UUID)."""

    attributes: Attributes
    json: bytes
    content_hash: str
    cleaned: bool


def canonical(record: Record) -> Canonical:
    """The canonical form of a flat record. Raises RecordError with a reason that names the attribute."""
    try:
        return _sealed(_attributes(record))
    except RecursionError:
        raise RecordError("nested too deeply") from None


def _attributes(record: Record) -> Attributes:
    attributes: Attributes = {}
    for key, sent in record.items():
        if sent is None or sent == "":
            continue
        name, read = _READERS.get(key) or _reader(key)
        try:
            value = read(sent)
        except (ValueError, OverflowError) as error:
            raise RecordError(f"{name}: {error}") from None
        if value is None or value == "":
            continue
        if attributes.setdefault(name, value) != value:
            raise RecordError(f"{name}: given twice, as {_short(attributes[name])} and {_short(value)}")
    return attributes


def parse_time(text: str) -> datetime:
    """An ISO 8601 time as UTC; without a zone it is UTC already.

    Raises ValueError, also where UTC leaves the years 1 to 9999.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is outside the years 1 to 9999") from None


def _sealed(attributes: Attributes) -> Canonical:
    """With JSON and hash; what PostgreSQL cannot store is replaced on the way, which is rare."""
    cleaned = False
    try:
        json = orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)
        suspect = b"\\u0000" in json
    except TypeError:
        suspect = True
    if suspect:
        cleaned_attributes = {_clean(name): _clean(value) for name, value in attributes.items()}
        cleaned, attributes = cleaned_attributes != attributes, cleaned_attributes
        try:
            json = orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise RecordError(f"cannot be written as JSON: {error}") from None
    digest = blake2b(json, digest_size=16).hexdigest()
    uuid = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    return Canonical(attributes, json, uuid, cleaned)


def _clean(value: Any) -> Any:
    """`value` with U+FFFD for each character that PostgreSQL's jsonb does not take."""
    if isinstance(value, str):
        return value.replace("\0", _REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value


def _short(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _whole_or_double(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return int(value) if value.is_integer() and -_WHOLE <= value <= _WHOLE else value


def _read_number(value: Any) -> float | int | None:
    kind = type(value)
    if kind is float:
        return _whole_or_double(value)
    if kind is int:
        return value if -_WHOLE <= value <= _WHOLE else _whole_or_double(float(value))
    if kind is not str or "_" in value:  # Python's own float takes 1_000, which no format means
        raise ValueError(f"{_short(value)} is not a number")
    text = value.strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{_short(value)} is not a number") from None
    return _whole_or_double(number)


def _read_integer(value: Any) -> int | None:
    number = _read_number(value)
    if number is not None and type(number) is not int:
        raise ValueError(f"{_short(value)} is not a whole number")
    return number


def _read_boolean(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if type(value) is str:
        word = value.strip().lower()
        if not word:
            return None
        if word in _BOOLEANS:
            return _BOOLEANS[word]
    raise ValueError(f"{_short(value)} is neither true nor false")


def _read_text(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return value.strip()
    if kind is bool:
        return "true" if value else "false"
    if kind in (int, float):
        return str(_read_number(value))
    raise ValueError(f"{_short(value)} is not a text")


def _read_flag(value: Any) -> str:
    return ("F", "T")[value] if type(value) is bool else _read_text(value)


def _read_event_type(value: Any) -> str:
    """The code: VOEvents write "FL: Flare"."""
    code = _read_text(value).partition(":")[0].strip().upper()
    if code and code not in vocabulary.EVENT_TYPES:
        raise ValueError(f"{_short(value)} is no known type of event")
    return code


@lru_cache(maxsize=10_000)
def _time_text(text: str, *, fraction: bool) -> str:
    time = parse_time(text).replace(tzinfo=None)
    return (time if fraction else time.replace(microsecond=0)).isoformat()


def _read_time(value: Any) -> str:
    text = _read_text(value)
    if not text:
        return text
    try:
        return _time_text(text, fraction=False)
    except ValueError:
        raise ValueError(f"{_short(value)} is not a time of the years 1 to 9999") from None


def _lenient_time(*, fraction: bool) -> _Reader:
    def read(value: Any) -> str:
        text = _read_text(value)
        try:
            return _time_text(text, fraction=fraction)
        except ValueError:
            return text

    return read


def _read_list(value: Any) -> list[Any] | None:
    if type(value) is not list:
        if _read_other(value) in (None, {}):
            return None
        raise ValueError(f"{_short(value)} is not a list")
    return [kept for item in value if (kept := _read_item(item)) is not None] or None


def _read_item(item: Any) -> Any:
    """One reference, without its empty parts."""
    if type(item) is not dict:
        return _read_other(item)
    return {key: kept for key, part in item.items() if (kept := _read_other(part)) is not None} or None


def _read_other(value: Any) -> Any:
    """A value of an attribute we do not know: any JSON value, None where it is empty."""
    if type(value) is str:
        return value.strip() or None
    _check_json(value)
    return None if value is None or value in ([], {}) else value


def _check_json(value: Any) -> None:
    """Raise ValueError for what JSON cannot hold; orjson would write NaN as null without a word."""
    kind = type(value)
    if kind is list:
        for item in value:
            _check_json(item)
    elif kind is dict:
        for item in value.values():
            _check_json(item)
    elif kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
    elif kind not in (str, int, bool) and value is not None:
        raise ValueError(f"{_short(value)} is no JSON value")


def _reader_of(attribute: Attribute) -> _Reader:
    readers: dict[str, _Reader] = {
        "number": _read_number,
        "integer": _read_integer,
        "boolean": _read_boolean,
        "list": _read_list,
    }
    if attribute.name == "event_type":
        return _read_event_type
    if attribute.kind == "time":
        strict = attribute.name in _STRICT_TIMES
        return _read_time if strict else _lenient_time(fraction=attribute.name in _KEPT_FRACTIONS)
    if attribute.form == "flag":
        return _read_flag
    return readers.get(attribute.kind, _read_text)


_READERS: dict[str, tuple[str, _Reader]] = {
    attribute.name: (attribute.name, _reader_of(attribute)) for attribute in vocabulary.ATTRIBUTES.values()
}


def _reader(key: Any) -> tuple[str, _Reader]:
    """Name and reader of a key that is not spelled as in the vocabulary."""
    if type(key) is not str:
        raise RecordError(f"{_short(key)}: a key that is no text")
    attribute = vocabulary.attribute(key.strip())
    return _READERS[attribute.name] if attribute else (key, _read_other)
