"""The parameters of tracks, their shapes, and the Sun at one instant."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict

from api.errors import ParameterError
from api.paging import TRACK_CURSOR
from api.params import FLAG, TIME, Parameter, choice, integer, number, read
from api.v1.params import (
    DEFAULT_LIMIT,
    EVENTS,
    FORMATS,
    JSON_ONLY,
    check_relations,
    window_between,
)
from events.domain.tracks import StateCriteria, TrackCriteria, TrackPosition

#: The longest life or gap that can be asked for: a century, s.
MAX_SECONDS = 3_155_760_000
#: Instants of one track in one answer with `step` or `times`.
MAX_INSTANTS = 20_000
MAX_DEPTH, DEFAULT_DEPTH = 20, 3
#: Tracks in one graph.
MAX_NODES = 1_000
SHAPE_FORMATS = ("json", "geojson", "mfjson", "csv", "tsv")
BULK_FORMATS = ("tsv", "csv", "ndjson")

_EVENT = {parameter.name: parameter for parameter in EVENTS}
_TYPES = replace(_EVENT["event_type"], about="Types of the tracks; repeat it, or give a comma list.")
_FRAME = replace(
    _EVENT["frame"],
    about="Frame of the shapes in the answer: helioprojective (arcsec), Stonyhurst or Carrington (deg).",
)
_STEP = Parameter(
    "step",
    number(1, MAX_SECONDS),
    "Seconds between the instants, counted from 2010-05-01; without it those at which shapes are stored.",
)
_EXTRAPOLATE = Parameter(
    "extrapolate",
    FLAG,
    "Whether a track has shapes after its last report, until its end, and before its first was observed.",
    default=True,
)
_WHICH = (
    _TYPES,
    _EVENT["start"],
    _EVENT["end"],
    replace(_EVENT["time_relation"], about="How the track's life relates to the window, as for events."),
    replace(_EVENT["bbox"], about="Box xmin,ymin,xmax,ymax in helioprojective arcsec."),
    replace(
        _EVENT["box_relation"],
        about="How the envelope of the track's reports relates to `bbox`, as for events.",
    ),
    _EVENT["frm_name"],
    replace(_EVENT["ar_noaanum"], about="NOAA number of any of the track's reports, in five digits."),
    Parameter("min_reports", integer(1, 10**9), "Tracks of at least so many reports."),
    Parameter("min_duration", number(0, MAX_SECONDS), "Tracks that live at least so long, s."),
)


def _format(formats: tuple[str, ...]) -> Parameter:
    return replace(_EVENT["format"], kind=choice(formats))


TRACKS = (
    *_WHICH,
    replace(
        _EVENT["limit"],
        about=f"Tracks in an answer. Without it: {DEFAULT_LIMIT} in json and geojson, all in csv and ndjson.",
    ),
    Parameter("cursor", TRACK_CURSOR, "Where to go on: from the `next` of an answer."),
    _format(FORMATS),
)
TRACK = (JSON_ONLY,)
GRAPH = (
    Parameter(
        "depth",
        integer(0, MAX_DEPTH),
        "How many splits and merges away from the track the graph reaches.",
        default=DEFAULT_DEPTH,
    ),
    JSON_ONLY,
)
SHAPES = (
    _STEP,
    Parameter("times", TIME, "The instants themselves, instead; repeat it, or give a comma list.", many=True),
    _FRAME,
    _EXTRAPOLATE,
    _format(SHAPE_FORMATS),
)
#: Of the export, so that no track has very many instants, s.
MIN_BULK_STEP = 60
BULK = (
    *_WHICH,
    replace(_STEP, kind=number(MIN_BULK_STEP, MAX_SECONDS)),
    _FRAME,
    _EXTRAPOLATE,
    _format(BULK_FORMATS),
)
STATE = (
    Parameter("time", TIME, "The instant.", required=True),
    replace(_TYPES, about="Types of events; repeat it, or give a comma list."),
    _EVENT["frm_name"],
    _FRAME,
    replace(
        _EXTRAPOLATE,
        about="Whether a track that is past its last report, or before its first was observed, is in the"
        " answer, carried by rotation.",
    ),
    Parameter(
        "max_gap",
        number(0, MAX_SECONDS),
        "Longest time, s, between the reports before and after the instant, or since the last one.",
    ),
    Parameter(
        "exact",
        FLAG,
        "Whether shapes off the cadence are each made of the track's reports, not carried by rotation from "
        "the nearest instant of the cadence. Slower.",
        default=False,
    ),
    _format(FORMATS),
)


@dataclass(frozen=True, slots=True)
class TracksQuestion:
    """What the list of tracks was asked; `limit` is None where the client gave none."""

    criteria: TrackCriteria
    limit: int | None
    after: TrackPosition | None


@dataclass(frozen=True, slots=True)
class ShapesQuestion:
    """At which instants of a track shapes are asked (`times`, or a grid of `step`), and in which frame."""

    step: timedelta | None
    times: tuple[datetime, ...] | None
    frame: str
    extrapolate: bool


@dataclass(frozen=True, slots=True)
class BulkQuestion:
    """The shapes of all tracks that satisfy criteria, at instants in the criteria's window."""

    criteria: TrackCriteria
    shapes: ShapesQuestion


@dataclass(frozen=True, slots=True)
class StateQuestion:
    """What the Sun was asked for, and the frame of the answer."""

    criteria: StateCriteria
    frame: str


def tracks_question(query: QueryDict) -> TracksQuestion:
    """The question of /api/v1/tracks. Raises ParameterError."""
    values = read(query, TRACKS, strict=True)
    return TracksQuestion(_criteria(query, values), values["limit"], values["cursor"])


def shapes_question(query: QueryDict) -> ShapesQuestion:
    """The question of /api/v1/tracks/{key}/shapes. Raises ParameterError."""
    values = read(query, SHAPES, strict=True)
    times = values["times"]
    if times and values["step"]:
        raise ParameterError("times", "times and step cannot both be given")
    if times and len(times) > MAX_INSTANTS:
        raise ParameterError("times", f"times has {len(times)} instants; it takes at most {MAX_INSTANTS}")
    return _shapes(values, times and tuple(sorted(times)))


def bulk_question(query: QueryDict) -> BulkQuestion:
    """The question of /api/v1/tracks/shapes. Raises ParameterError."""
    values = read(query, BULK, strict=True)
    return BulkQuestion(_criteria(query, values), _shapes(values, None))


def state_question(query: QueryDict) -> StateQuestion:
    """The question of /api/v1/state. Raises ParameterError."""
    values = read(query, STATE, strict=True)
    criteria = StateCriteria(
        time=values["time"],
        types=values["event_type"],
        frm_name=values["frm_name"],
        extrapolate=values["extrapolate"],
        max_gap=_seconds(values["max_gap"]),
        exact=values["exact"],
    )
    return StateQuestion(criteria, values["frame"])


def _criteria(query: QueryDict, values: dict[str, Any]) -> TrackCriteria:
    check_relations(query)
    return TrackCriteria(
        types=values["event_type"],
        window=window_between(values["start"], values["end"]),
        temporal=values["time_relation"],
        area=values["bbox"].shape if values["bbox"] else None,
        spatial=values["box_relation"],
        frm_name=values["frm_name"],
        ar_noaanum=values["ar_noaanum"],
        min_reports=values["min_reports"],
        min_duration=_seconds(values["min_duration"]),
    )


def _shapes(values: dict[str, Any], times: tuple[datetime, ...] | None) -> ShapesQuestion:
    return ShapesQuestion(_seconds(values["step"]), times, values["frame"], values["extrapolate"])


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
