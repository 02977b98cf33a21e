"""The parameters of this dialect, and how they become criteria. Unknown ones are ignored, as ever."""

import re
from dataclasses import dataclass, replace
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
from events.domain.tracks import ShapePage, ShapeSort
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


def _read_interpolated(text: str) -> tuple[str, ...]:
    """The same of the original's names of its tables of interpolated rows, too: ari, ar_interpolated."""
    words = [part.strip().lower() for part in text.split(",")]
    return _read_types(",".join(_INTERPOLATED.sub("", word) for word in words))


#: What the original's tables of interpolated rows were called after a type's two letters.
_INTERPOLATED = re.compile(r"(?<=^..)(i|_interpolated)$")
INTERPOLATED_TYPES = Kind(
    _read_interpolated,
    "a comma list of event types (ar, ari or ar_interpolated), or all; types are "
    + ", ".join(EVENT_TYPES).lower(),
)
TYPES = Kind(_read_types, "a comma list of event types, or all; types are " + ", ".join(EVENT_TYPES).lower())
TEMPORAL = choice(ISD_TEMPORAL)
SORT = members(
    SortKey, {"starttime": "event_starttime", "endtime": "event_endtime", "eventtype": "event_type"}
)

SHAPE_SORT = members(
    ShapeSort,
    {
        "event_starttime": "starttime",
        "event_endtime": "endtime",
        "event_type": "eventtype",
        "kb_archivid": "kbarchivid",
    },
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
#: The same routes with interpolated=True ask for rows of another kind.
_OF_SHAPES: dict[str, dict[str, Any]] = {
    "tablenames": {"kind": INTERPOLATED_TYPES},
    "sortby": {"kind": SHAPE_SORT, "default": ShapeSort.START},
}
_TEMPORAL_SHAPES, _SPATIOTEMPORAL_SHAPES = (
    tuple(replace(parameter, **_OF_SHAPES.get(parameter.name, {})) for parameter in table)
    for table in (_TEMPORAL_QUERY, _SPATIOTEMPORAL_QUERY)
)
_CLOSE_BY = (
    Parameter("queryeventtype", EVENT_TYPE, required=True),
    Parameter("queryeventid", TEXT, required=True),
    Parameter("targeteventtype", EVENT_TYPE, required=True),
    Parameter("lookback", integer(0, MAX_LOOKBACK_HOURS), required=True),
    Parameter("spatialbuffer", number(0, MAX_BUFFER_DEGREES), required=True),
    Parameter("geometry", choice(("boundcc", "bbox")), default="boundcc"),
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
class ShapesQuestion:
    """The same with interpolated=True, which asks for the stored shapes of tracks."""

    criteria: EventCriteria
    page: ShapePage


@dataclass(frozen=True, slots=True)
class CloseBy:
    """Events of a type near one event: `lookback` in hours, `spatialbuffer` in heliographic degrees.

    `geometry`: "boundcc" compares true shapes, outlines else boxes; "bbox" boxes, as the original did.
    """

    event_type: str
    kb_archivid: str
    target_type: str
    lookback: int
    spatialbuffer: float
    geometry: str


def temporal_question(query: QueryDict) -> Question | ShapesQuestion:
    """The question of /api/query/temporal. Raises ParameterError."""
    values = read(query, _TEMPORAL_SHAPES if _of_shapes(query) else _TEMPORAL_QUERY, strict=False)
    return _question(values, values["predicate"])


def spatiotemporal_question(query: QueryDict) -> Question | ShapesQuestion:
    """The question of /api/query/spatiotemporal. Raises ParameterError."""
    table = _SPATIOTEMPORAL_SHAPES if _of_shapes(query) else _SPATIOTEMPORAL_QUERY
    values = read(query, table, strict=False)
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


def _of_shapes(query: QueryDict) -> bool:
    return query.get("interpolated", "").strip() == "True"


def _question(
    values: dict[str, Any], temporal: TemporalPredicate, **spatial: Any
) -> Question | ShapesQuestion:
    criteria = EventCriteria(
        types=values["tablenames"],
        window=_window(values["starttime"], values["endtime"]),
        temporal=temporal,
        **spatial,
    )
    if values["interpolated"] == "True":
        return ShapesQuestion(criteria, ShapePage(values["limit"], values["offset"], values["sortby"]))
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
