"""The parameters of this dialect, and how they become criteria. An unknown one is an error."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import QueryDict

from api.errors import ParameterError
from api.frames import WAVE
from api.paging import CURSOR
from api.params import (
    BOX,
    EVENT_TYPE,
    GOES_CLASS,
    TEXT,
    TIME,
    Parameter,
    choice,
    integer,
    members,
    read,
    window_of,
)
from events.domain.criteria import EventCriteria, Position, SpatialPredicate, TemporalPredicate, TimeWindow

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
FRAMES = ("hpc", "hgs", "hgc")
FORMATS = ("json", "geojson", "csv", "ndjson")

JSON_ONLY = Parameter("format", choice(("json",)), "Form of the answer; there is one here.")
EVENTS = (
    Parameter("event_type", EVENT_TYPE, "Types of events; repeat it, or give a comma list.", many=True),
    Parameter("start", TIME, "Start of the window of time; without it the window is open."),
    Parameter("end", TIME, "End of the window of time; without it the window is open."),
    Parameter(
        "time_relation",
        members(TemporalPredicate),
        "How an event relates to the window. `intersects`: they share an instant, ends included. `within`: "
        "the event lies in the window. `starts`: the event starts in it, the window's end excluded. The "
        "others are those of the ISD dialect.",
        default=TemporalPredicate.INTERSECTS,
    ),
    Parameter("bbox", BOX, "Box xmin,ymin,xmax,ymax in the units of `frame`."),
    Parameter(
        "frame",
        choice(FRAMES),
        "Frame of `bbox` and of the shapes in the answer: helioprojective (arcsec), Stonyhurst or Carrington "
        "(deg).",
        default="hpc",
    ),
    Parameter(
        "geometry",
        choice(("bbox", "boundcc", "coord")),
        "Shape of the event that `bbox` is compared with, and the geometry of GeoJSON: bounding box, outline "
        "or position. An event without it matches no box.",
        default="bbox",
    ),
    Parameter(
        "box_relation",
        members(SpatialPredicate),
        "How the event's shape relates to `bbox`: the event <relation> the box.",
        default=SpatialPredicate.INTERSECTS,
    ),
    Parameter(
        "frm_name", TEXT, "Name of the method, exactly; repeat it for several.", many=True, separator=None
    ),
    Parameter("ar_noaanum", integer(1, 99_999), "NOAA active region number in five digits, like 13664."),
    Parameter("min_goes", GOES_CLASS, "Flares of this GOES class or stronger."),
    Parameter(
        "limit",
        integer(1, MAX_LIMIT),
        f"Events in an answer. Without it: {DEFAULT_LIMIT} in json and geojson, all in csv and ndjson.",
    ),
    Parameter("cursor", CURSOR, "Where to go on: from the `next` of an answer."),
    Parameter(
        "include",
        choice(("header",)),
        "`header`: each event with the image of `wave` nearest to the instant at which its shape holds, and "
        "its place on it; in json.",
    ),
    Parameter("wave", WAVE, "Wavelength of the image that `include` adds, angstrom."),
    Parameter(
        "format",
        choice(FORMATS),
        "Form of the answer; without it the Accept header decides, else it is json.",
    ),
)
EVENT = (
    Parameter("shapes", choice(("wkt", "geojson")), "How shapes are written.", default="wkt"),
    JSON_ONLY,
)
NOTHING = (JSON_ONLY,)

#: The ends of the calendar, where a window is open.
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
#: These say nothing without what they relate to.
_NEEDS = {
    "time_relation": ("start", "end"),
    "box_relation": ("bbox",),
    "include": ("wave",),
    "wave": ("include",),
}


@dataclass(frozen=True, slots=True)
class EventsQuestion:
    """What the list of events was asked; `limit` is None where the client gave none."""

    criteria: EventCriteria
    frame: str
    limit: int | None
    after: Position | None
    image_wave: int | None


def events_question(query: QueryDict) -> EventsQuestion:
    """The question of /api/v1/events. Raises ParameterError."""
    values = read(query, EVENTS, strict=True)
    check_relations(query)
    criteria = EventCriteria(
        types=values["event_type"],
        window=window_between(values["start"], values["end"]),
        temporal=values["time_relation"],
        area=values["bbox"].shape if values["bbox"] else None,
        spatial=values["box_relation"],
        geometry=f"{values['frame']}_{values['geometry']}",
        frm_name=values["frm_name"],
        ar_noaanum=values["ar_noaanum"],
        min_goes_flux=values["min_goes"],
    )
    return EventsQuestion(criteria, values["frame"], values["limit"], values["cursor"], values["wave"])


def check_relations(query: QueryDict) -> None:
    """Check that no relation stands without what it relates to. Raises ParameterError."""
    for name, needed in _NEEDS.items():
        if query.get(name) and not any(query.get(other) for other in needed):
            raise ParameterError(name, f"{name} needs {' or '.join(needed)} beside it")


def window_between(start: datetime | None, end: datetime | None) -> TimeWindow | None:
    """The window of both ends, of which either may be open. Raises ParameterError."""
    if start is None and end is None:
        return None
    return window_of(start or FIRST, end or LAST, name="start")
