"""The parameters of the queries for events, and how they become criteria.

Names are read in any case and unknown ones ignored. A type that is not known here finds nothing: the original
looked for a table of that name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from api.errors import ParameterError
from api.params import (
    COORDINATE,
    EVENT_TYPE,
    MAX_OFFSET,
    TEXT,
    TIME,
    Kind,
    Parameter,
    choice,
    integer,
    members,
    read,
    window_of,
)
from events.domain.criteria import ISD_TEMPORAL, Box, EventCriteria, Page, SortKey, TemporalPredicate
from events.domain.vocabulary import EVENT_TYPES

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000


def _read_type(text: str) -> str | None:
    """The code of one type; None where there is no such type."""
    TEXT.read(text)
    try:
        return EVENT_TYPE.read(text)
    except ValueError:
        return None


_TYPE = Kind(_read_type, "a comma list of event types")
_TYPE_NAMES = ("eventType", "tableName")
_SORT = members(
    SortKey, {"starttime": "event_starttime", "endtime": "event_endtime", "eventtype": "event_type"}
)
TEMPORAL = (
    Parameter("startTime", TIME, required=True),
    Parameter("endTime", TIME, required=True),
    *(Parameter(name, _TYPE, many=True) for name in _TYPE_NAMES),
    Parameter(
        "predicate",
        choice((TemporalPredicate.INTERSECTS, *ISD_TEMPORAL)),
        default=TemporalPredicate.INTERSECTS,
    ),
    Parameter("sortby", _SORT, default=SortKey.START),
    Parameter("limit", integer(0, MAX_LIMIT), default=DEFAULT_LIMIT),
    Parameter("offset", integer(0, MAX_OFFSET), default=0),
)
_BOX = tuple(Parameter(name, COORDINATE, required=True) for name in ("xmin", "xmax", "ymin", "ymax"))
SPATIOTEMPORAL = (*TEMPORAL, *_BOX)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked; without criteria nothing can be found."""

    criteria: EventCriteria | None
    page: Page


def temporal_question(query: QueryDict) -> Question:
    """The question by time. Raises ParameterError."""
    return _question(values_of(query, TEMPORAL))


def spatiotemporal_question(query: QueryDict) -> Question:
    """The question by time and box. Raises ParameterError."""
    values = values_of(query, SPATIOTEMPORAL)
    for low, high in (("xmin", "xmax"), ("ymin", "ymax")):
        if values[low] > values[high]:
            raise ParameterError(low, f"{low} is greater than {high}; it takes a number up to {high}")
    return _question(values, area=Box(values["xmin"], values["ymin"], values["xmax"], values["ymax"]).shape)


def values_of(query: QueryDict, table: Sequence[Parameter]) -> dict[str, Any]:
    """The values of `table`, names in any case, others ignored. Raises ParameterError."""
    names = {parameter.name.lower(): parameter.name for parameter in table}
    folded = QueryDict(mutable=True)
    for name, texts in query.lists():
        for text in texts:
            folded.appendlist(names.get(name.lower(), name), text)
    return read(folded, table, strict=False)


def _question(values: dict[str, Any], **spatial: Any) -> Question:
    window = window_of(values["startTime"], values["endTime"], name="startTime")
    page = Page(values["limit"], values["offset"], values["sortby"])
    asked = [code for name in _TYPE_NAMES for code in values[name] or ()]
    types = tuple(dict.fromkeys(code for code in asked if code is not None))
    if (asked and not types) or not page.limit:
        return Question(None, page)
    criteria = EventCriteria(
        types=types or tuple(EVENT_TYPES), window=window, temporal=values["predicate"], **spatial
    )
    return Question(criteria, page)
