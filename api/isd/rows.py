"""The rows of this dialect: which columns, under which names, in alphabetical order of the names."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from django.contrib.gis.db.models.functions import AsWKT
from django.db.models import Case, QuerySet, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from api.render import Columns, Rfc3339, json_bytes, wkt
from events.domain.carrying import DECIMALS
from events.domain.criteria import SortKey
from events.domain.vocabulary import ATTRIBUTES, GEOMETRY_COLUMNS, record_keys
from events.models import Event, TrackShape

_TIMES = (SortKey.START, SortKey.END, SortKey.PEAK)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_WEB_ROW: dict[str, Any] = {
    "bbox": wkt("hpc_bbox"),
    "cc": wkt("hpc_boundcc"),
    "coordinate": wkt("hpc_coord"),
    "coordunit": KT("attributes__event_coordunit"),
    "endtime": Rfc3339("event_endtime"),
    "eventtype": "event_type",
    "id": "kb_archivid",
    "starttime": Rfc3339("event_starttime"),
}
#: Type and id; old clients take the first value of a row for its type.
PLAIN = Columns({"eventtype": "event_type", "kb_archivid": "kb_archivid"})
#: What the original's map showed. Coordinates are helioprojective, arcsec; `coordunit` is the unit of the
#: report's own coordinates.
WEB = Columns(_WEB_ROW)
#: Type and id, under HEK's names.
CLOSE_BY = Columns({"event_type": "event_type", "kb_archivid": "kb_archivid"})


def _ordered_by(key: SortKey) -> Columns:
    orderby = {"orderby": Rfc3339(key) if key in _TIMES else key.value}
    return Columns(dict(sorted((_WEB_ROW | orderby).items())))


#: A stored shape of a track. The original gave an id to reported rows only; a track's id is text there.
SHAPE = Columns(
    {
        "endtime": Rfc3339("endtime"),
        "eventtype": "event_type",
        "geom": AsWKT("hpc", precision=DECIMALS["hpc"], output_field=TextField()),
        "interpolated": Case(When(origin=TrackShape.Origin.REPORTED, then=Value(False)), default=Value(True)),
        "kbarchivid": "kbarchivid",
        "starttime": Rfc3339("starttime"),
        "trackid": Cast("track_id", TextField()),
    }
)
#: `WEB` with the value that orders the rows, which spatiotemporal rows have.
WEB_ORDERED = {key: _ordered_by(key) for key in SortKey}


@cache
def _columns(event_type: str) -> tuple[str, ...]:
    """The columns of a type: what HEK answers or its attribute table lists, geometry in all frames."""
    own = (name for name, attribute in ATTRIBUTES.items() if event_type in attribute.event_types)
    return tuple(sorted({*own, *record_keys(event_type), *GEOMETRY_COLUMNS, "bound_chaincode"}))


def whole_rows(events: QuerySet[Event]) -> str:
    """Every column of the type, null where the report has nothing, as the text of a JSON list."""
    shapes = {f"wkt_{column}": wkt(column) for column in GEOMETRY_COLUMNS}
    rows = events.annotate(**shapes).values("event_type", "kb_archivid", "attributes", *_TIMES, *shapes)
    return json_bytes([_whole_row(row) for row in rows], orjson.OPT_SORT_KEYS).decode()


def _whole_row(event: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_columns(event["event_type"]))
    row |= {name: _original_value(name, value) for name, value in event["attributes"].items()}
    row |= {column: event[f"wkt_{column}"] for column in GEOMETRY_COLUMNS}
    row |= {column: _rfc3339(event[column]) for column in _TIMES if column in row}
    row |= {column: event[column] for column in ("event_type", "kb_archivid")}
    return row


def _original_value(name: str, value: Any) -> Any:
    """An attribute as the original's columns held it: text for flags, RFC 3339 for times."""
    if isinstance(value, bool):
        return str(value).lower()
    kind = ATTRIBUTES[name].kind if name in ATTRIBUTES else None
    return f"{value}Z" if kind == "time" and isinstance(value, str) and not value.endswith("Z") else value


def _rfc3339(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None


def monthly_rows(name: str, months: Iterable[tuple[datetime, Any]]) -> str:
    """One row a month, the measure under `name`, as the text of a JSON list."""
    rows = [
        {"month": _MONTHS[month.month - 1], "month_id": month.month, name: total, "year": month.year}
        for month, total in months
    ]
    return orjson.dumps(rows, option=orjson.OPT_SORT_KEYS).decode()
