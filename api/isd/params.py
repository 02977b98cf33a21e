"""The parameters of this dialect, and how they become criteria. Unknown ones are ignored, as ever."""

from dataclasses import dataclass
from datetime import datetime
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
    number,
    read,
    window_of,
)
from events.domain.criteria import (
    ISD_TEMPORAL,
    Box,
    EventCriteria,
    Page,
    SortKey,
    SpatialPredicate,
    TemporalPredicate,
)
from events.domain.vocabulary import EVENT_TYPES

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
MAX_LOOKBACK_HOURS = 8784
MAX_BUFFER_DEGREES = 180


def _read_types(text: str) -> tuple[str, ...]:
    """Codes of a comma list; `all`, also among others, is every type."""
    words = [part.strip() for part in text.split(",") if part.strip()]
    codes = tuple(dict.fromkeys(EVENT_TYPE.read(word) for word in words if word.lower() != "all"))
    has_all = not codes or any(word.lower() == "all" for word in words)
    return tuple(EVENT_TYPES) if has_all else codes


TYPES = Kind(_read_types, "a comma list of event types, or all; types are " + ", ".join(EVENT_TYPES).lower())
TEMPORAL = choice(ISD_TEMPORAL)
SORT = members(
    SortKey, {"starttime": "event_starttime", "endtime": "event_endtime", "eventtype": "event_type"}
)

_START = Parameter("starttime", TIME, required=True)
_WINDOW = (_START, Parameter("endtime", TIME, required=True))
_COMMON = (
    *_WINDOW,
    Parameter("tablenames", TYPES, default=tuple(EVENT_TYPES)),
    Parameter("sortby", SORT, default=SortKey.START),
    Parameter("limit", integer(0, MAX_LIMIT), default=DEFAULT_LIMIT),
    Parameter("offset", integer(0, MAX_OFFSET), default=0),
    Parameter("web", TEXT, default=""),
    Parameter("interpolated", TEXT, default=""),
)
_SEARCHED = Parameter("geometry", choice(("bbox", "boundcc")), default="bbox")
_SPATIAL = Parameter("spatialpredicate", members(SpatialPredicate), default=SpatialPredicate.INTERSECTS)
_BOX = tuple(Parameter(name, COORDINATE, required=True) for name in ("xmin", "ymin", "xmax", "ymax"))

_TEMPORAL_QUERY = (*_COMMON, Parameter("predicate", TEMPORAL, default=TemporalPredicate.OVERLAPS))
_SPATIOTEMPORAL_QUERY = (
    *_COMMON,
    Parameter("temporalpredicate", TEMPORAL, default=TemporalPredicate.OVERLAPS),
    *(_SPATIAL, _SEARCHED, *_BOX),
)
_CLOSE_BY = (
    Parameter("queryeventtype", EVENT_TYPE, required=True),
    Parameter("queryeventid", TEXT, required=True),
    Parameter("targeteventtype", EVENT_TYPE, required=True),
    Parameter("lookback", integer(0, MAX_LOOKBACK_HOURS), required=True),
    Parameter("spatialbuffer", number(0, MAX_BUFFER_DEGREES), required=True),
)
ONE_EVENT = (Parameter("id", TEXT, required=True), Parameter("eventtype", EVENT_TYPE, required=True))
_AGGREGATE = (*_WINDOW, Parameter("eventtypes", TYPES, default=tuple(EVENT_TYPES)))


@dataclass(frozen=True, slots=True)
class Question:
    """What a list route was asked; `web` chooses the longer rows."""

    criteria: EventCriteria
    page: Page
    web: bool


@dataclass(frozen=True, slots=True)
class CloseBy:
    """Events of a type near one event: `lookback` in hours, `spatialbuffer` in heliographic degrees."""

    event_type: str
    kb_archivid: str
    target_type: str
    lookback: int
    spatialbuffer: float


def temporal_question(query: QueryDict) -> Question:
    """The question of /api/query/temporal. Raises ParameterError."""
    values = read(query, _TEMPORAL_QUERY, strict=False)
    return _question(values, values["predicate"])


def spatiotemporal_question(query: QueryDict) -> Question:
    """The question of /api/query/spatiotemporal. Raises ParameterError."""
    values = read(query, _SPATIOTEMPORAL_QUERY, strict=False)
    for low, high in (("xmin", "xmax"), ("ymin", "ymax")):
        if values[low] > values[high]:
            raise ParameterError(low, f"{low} is greater than {high}; it takes a number up to {high}")
    area = Box(values["xmin"], values["ymin"], values["xmax"], values["ymax"]).shape
    return _question(
        values,
        values["temporalpredicate"],
        area=area,
        spatial=values["spatialpredicate"],
        geometry=f"hpc_{values['geometry']}",
    )


def _question(values: dict[str, Any], temporal: TemporalPredicate, **spatial: Any) -> Question:
    if values["interpolated"] == "True":
        raise ParameterError(
            "interpolated",
            "interpolated cannot be True: events are not tracked here yet; leave it out",
        )
    criteria = EventCriteria(
        types=values["tablenames"],
        window=_window(values["starttime"], values["endtime"]),
        temporal=temporal,
        **spatial,
    )
    page = Page(values["limit"], values["offset"], values["sortby"])
    return Question(criteria, page, web=values["web"] == "True")


def _window(start: datetime, end: datetime) -> Any:
    return window_of(start, end, name="starttime")


def aggregate_criteria(query: QueryDict) -> EventCriteria:
    """What the monthly aggregates are asked. Raises ParameterError."""
    values = read(query, _AGGREGATE, strict=False)
    return EventCriteria(
        types=values["eventtypes"],
        window=_window(values["starttime"], values["endtime"]),
        temporal=TemporalPredicate.OVERLAPS,
    )


def close_by_question(query: QueryDict) -> CloseBy:
    """The question of /api/query/closeByEvents. Raises ParameterError."""
    return CloseBy(*read(query, _CLOSE_BY, strict=False).values())
