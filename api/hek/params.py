"""The parameters of this dialect: names in any case, of query string and form body, unknown ones ignored."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.http import QueryDict

from api.errors import ParameterError
from api.hek.filters import FRAMES, filters_of, region_of
from api.params import TEXT, TIME, Kind, Parameter, choice, integer, read, window_of
from events.domain.conditions import AttributeFilter, Relation
from events.domain.criteria import EventCriteria, Page, SortKey, TemporalPredicate
from events.domain.vocabulary import EVENT_TYPES, attribute

COMMANDS = ("search", "export-voevent", "view-voevent", "home")
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_LAST_PAGE = 10**9
_ALL = frozenset({"**", "*", "all"})
_CALLBACK = re.compile(r"[A-Za-z0-9_.$]{1,100}", re.ASCII)
_TEMPORAL = {"overlap": TemporalPredicate.INTERSECTS, "strict": TemporalPredicate.WITHIN}
_TESTS = {"hide": False, "only": True, "show": None}


def merged(*queries: QueryDict) -> dict[str, str]:
    """All parameters under their names in lower case. Raises ParameterError where one has two values."""
    found: dict[str, str] = {}
    for query in queries:
        for sent, texts in query.lists():
            name = sent.strip().lower()
            for text in texts:
                if found.setdefault(name, text) != text:
                    raise ParameterError(name[:60], f"{name[:60]} is given twice, with different values")
    return found


# --- kinds


def _read_callback(text: str) -> str:
    if not _CALLBACK.fullmatch(text):
        raise ValueError(text)
    return text


def _read_types(text: str) -> tuple[str, ...] | None:
    """Codes, upper case; None for all."""
    codes = tuple(dict.fromkeys(part.strip().upper() for part in text.split(",") if part.strip()))
    if any(code.lower() in _ALL for code in codes):
        return None
    if not codes or not set(codes) <= set(EVENT_TYPES):
        raise ValueError(text)
    return codes


def _read_sort(text: str) -> str:
    column = attribute(text.rpartition(".")[2])
    if column is None or column.kind == "list":
        raise ValueError(text)
    return column.name


_POSITIVE = integer(1, _LAST_PAGE)
_TYPES = Kind(_read_types, "** or a comma list of " + ", ".join(EVENT_TYPES))
_CONTAINS_TYPE = choice(EVENT_TYPES)
_FORM = (
    Parameter("cosec", choice(("1", "2")), default="2"),
    Parameter("callback", Kind(_read_callback, "a name of letters, digits, _, . and $, of at most 100")),
)
_SEARCH = (
    *_FORM,
    Parameter("type", choice(("column", "contains")), default="column"),
    Parameter("event_starttime", TIME, required=True),
    Parameter("event_endtime", TIME, required=True),
    Parameter("result_limit", _POSITIVE, default=DEFAULT_LIMIT),
    Parameter("page", integer(-_LAST_PAGE, _LAST_PAGE), default=1),
    Parameter(
        "sort_by", Kind(_read_sort, "the name of a column that can be ordered"), default=SortKey.START.value
    ),
    Parameter("sort_order", choice(("asc", "desc")), default="asc"),
    Parameter("return", Kind(str, "names of columns")),
    Parameter("showtests", choice(_TESTS), default="hide"),
    Parameter("as_reported", choice(("true", "false")), default="false"),
)
_COLUMN = (
    Parameter("event_type", _TYPES),
    Parameter("temporalmode", choice(_TEMPORAL), default="overlap"),
    Parameter("event_coordsys", choice(FRAMES), default="helioprojective"),
)
_CONTAINS = tuple(Parameter(f"event_type{n}", _CONTAINS_TYPE, required=True) for n in (1, 2))
_COMMAND = (Parameter("cmd", choice(COMMANDS), required=True),)
_ONE_EVENT = (Parameter("ivorn", TEXT, required=True),)


# --- what is asked


@dataclass(frozen=True, slots=True)
class Search:
    """A search: which events, which part of them, and in which form.

    `limit` rows are on the page `number`.
    `around`: criteria of the containing events; `criteria` are then those of the contained ones.
    `returned` are the columns, None for all. With `as_reported` nothing is filled up: what another
    instance of ours reads to become equal.
    """

    criteria: EventCriteria
    page: Page
    limit: int
    number: int
    around: EventCriteria | None
    returned: "Returned | None"
    as_reported: bool
    form: Literal["xml", "json"]
    callback: str | None


@dataclass(frozen=True, slots=True)
class Returned:
    """Which columns a record keeps: these, and a type's required or optional ones."""

    names: tuple[str, ...]
    group: Literal["required", "optional"] | None = None


def command_of(given: Mapping[str, str]) -> str:
    """What is to be done. Raises ParameterError."""
    return _values(given, _COMMAND)["cmd"]


def ivorn_of(given: Mapping[str, str]) -> str:
    """The event that is asked for. Raises ParameterError."""
    return _values(given, _ONE_EVENT)["ivorn"]


def callback_of(given: Mapping[str, str]) -> str | None:
    """The function that wraps the JSON, None where there is none or an unusable one."""
    text = given.get("callback", "").strip()
    return text if _CALLBACK.fullmatch(text) else None


def search_of(given: Mapping[str, str]) -> Search:
    """The search. Raises ParameterError."""
    values = _values(given, _SEARCH)
    window = window_of(values["event_starttime"], values["event_endtime"], name="event_endtime")
    base = EventCriteria(window=window, filters=_tests(values["showtests"]))
    limit, number = min(values["result_limit"], MAX_LIMIT), max(values["page"], 1)
    criteria, around = _criteria(given, base, values["type"])
    return Search(
        criteria=criteria,
        page=_page(values, limit, number),
        limit=limit,
        number=number,
        around=around,
        returned=_returned(values["return"]),
        as_reported=values["as_reported"] == "true",
        form="xml" if values["cosec"] == "1" else "json",
        callback=values["callback"],
    )


def _page(values: Mapping[str, Any], limit: int, number: int) -> Page:
    column, descending = values["sort_by"], values["sort_order"] == "desc"
    page = Page(limit, (number - 1) * limit, descending=descending)
    keys = {key.value: key for key in SortKey}
    return replace(page, sort=keys[column]) if column in keys else replace(page, attribute=column)


def _criteria(
    given: Mapping[str, str], base: EventCriteria, kind: str
) -> tuple[EventCriteria, EventCriteria | None]:
    """Criteria of the events, for type=contains of the contained and of the containing ones."""
    if kind == "contains":
        types = _values(given, _CONTAINS)
        strict = replace(base, temporal=TemporalPredicate.WITHIN)
        inner, outer = (replace(strict, types=(types[f"event_type{n}"],)) for n in (1, 2))
        return inner, outer
    values = _values(given, _COLUMN)
    asked = replace(
        base,
        types=values["event_type"],
        temporal=_TEMPORAL[values["temporalmode"]],
        region=region_of(given, FRAMES[values["event_coordsys"]]),
        filters=(*base.filters, *filters_of(given, values["event_type"])),
    )
    return asked, None


def _values(given: Mapping[str, str], table: Iterable[Parameter]) -> dict[str, Any]:
    query = QueryDict(mutable=True)
    query.update({parameter.name: given[parameter.name] for parameter in table if parameter.name in given})
    # A comma separates values of `many` parameters only, of which this dialect has none.
    return read(query, tuple(table), strict=False)


def _tests(word: str) -> tuple[AttributeFilter, ...]:
    wanted = _TESTS[word]
    return () if wanted is None else (AttributeFilter("event_testflag", Relation.EQUAL, wanted),)


def _returned(text: str | None) -> Returned | None:
    """Names that are columns; beside them "required" and "optional" mean nothing. Raises ParameterError."""
    if text is None:
        return None
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    found = (attribute(word) for word in words)
    names = tuple(dict.fromkeys(column.name for column in found if column))
    for group in ("required", "optional"):
        if group in words and set(names) <= {"refs"}:
            return Returned(names, group)
    if not names:
        raise ParameterError("return", f"return cannot be {text[:60]!r}; none of it is a column")
    return Returned(names)
