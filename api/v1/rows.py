"""The events of this dialect: HEK's names, JSON types, null for what is missing, UTC with a Z."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.db.models import Func, TextField, Value
from django.db.models.functions import JSONObject, NullIf

from api.render import Columns, GeoJson, Rfc3339, wkt
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, FRAME_UNITS, SHAPES, Attribute
from events.models import Association, Event


def _filled(column: str) -> Func:
    """A text column, null where it is empty."""
    return NullIf(column, Value(""), output_field=TextField())


_PLAIN: dict[str, Any] = {
    "kb_archivid": "kb_archivid",
    "event_type": "event_type",
    "event_starttime": Rfc3339("event_starttime"),
    "event_endtime": Rfc3339("event_endtime"),
    "event_peaktime": Rfc3339("event_peaktime"),
    "frm_name": _filled("frm_name"),
    "frm_specificid": _filled("frm_specificid"),
    "obs_observatory": _filled("obs_observatory"),
    "obs_instrument": _filled("obs_instrument"),
    "obs_channelid": _filled("obs_channelid"),
    "obs_meanwavel": "obs_meanwavel",
    "ar_noaanum": "ar_noaanum",
    "fl_goescls": _filled("fl_goescls"),
    "goes_flux": "goes_flux",
}
#: Units of the columns that have one; shapes have theirs by frame, x and y.
UNITS: dict[str, str] = {"obs_meanwavel": "cm", "goes_flux": "W/m2"}


def units(frame: str) -> dict[str, Any]:
    """The units of every column of a row that has one."""
    return UNITS | {f"{frame}_{shape}": list(FRAME_UNITS[frame]) for shape in SHAPES}


@cache
def columns(frame: str) -> Columns:
    """The columns of a row, shapes of one frame as WKT."""
    return Columns(_PLAIN | {f"{frame}_{shape}": wkt(f"{frame}_{shape}") for shape in SHAPES})


@cache
def feature_columns(geometry: str) -> Columns:
    """The members of a GeoJSON Feature but for its `type`; `geometry` is a column."""
    return Columns({"geometry": GeoJson(geometry), "properties": JSONObject(**_PLAIN)})


def shape_columns(*, geojson: bool) -> dict[str, Func]:
    """Every shape in every frame, under names that are free."""
    write = GeoJson if geojson else wkt
    return {f"shape_{frame}_{shape}": write(f"{frame}_{shape}") for frame in FRAME_UNITS for shape in SHAPES}


def record(event: Event, versions: int, associations: Iterable[Association]) -> dict[str, Any]:
    """All that is known of one event, which bears `shape_columns`; `versions` is how many more are kept."""
    return {
        **{name: _null_for_empty(getattr(event, name)) for name in ("id", *_PLAIN)},
        "concept": EVENT_TYPES[event.event_type].concept,
        "geometry": {frame: _frame(event, frame) for frame in FRAME_UNITS},
        "geometry_notes": event.geometry_notes,
        "attributes": event.attributes,
        "units": UNITS | _attribute_units(event.attributes),
        "revision": event.revision,
        "versions": versions,
        "associations": [_edge(edge) for edge in associations],
        "kb_archivdate": event.kb_archivdate,
        "source": event.source,
        "ingested_at": event.ingested_at,
        "updated_at": event.updated_at,
    }


def _null_for_empty(value: Any) -> Any:
    return None if value == "" else value


def _frame(event: Event, frame: str) -> dict[str, Any]:
    shapes = {shape: getattr(event, f"shape_{frame}_{shape}") for shape in SHAPES}
    return {"units": list(FRAME_UNITS[frame]), **shapes}


def _edge(edge: Association) -> dict[str, Any]:
    names = ("first_ivorn", "second_ivorn", "edge_type", "strength", "reported_by")
    return {name: _null_for_empty(getattr(edge, name)) for name in names}


def _attribute_units(attributes: Mapping[str, Any]) -> dict[str, str]:
    """The unit of each attribute that has one: fixed, or as the record's own unit column says."""
    found = {name: _unit(ATTRIBUTES[name], attributes) for name in attributes if name in ATTRIBUTES}
    return {name: unit for name, unit in found.items() if unit}


def _unit(of: Attribute, attributes: Mapping[str, Any]) -> str | None:
    told = attributes.get(of.unit_column) if of.unit_column else None
    if of.unit or not isinstance(told, str):
        return of.unit
    words = re.split(r"[\s,]+", told.strip())  # "arcsec,arcsec", "deg deg", or one word for both
    return words[min(of.unit_part, len(words)) - 1] if of.unit_part else told


def vocabulary() -> dict[str, Any]:
    """Types, attributes, frames and their units: what the rest of the answers is written in."""
    types = [
        {"code": t.code, "name": t.name, "concept": t.concept, "attributes": _names(t.code)}
        for t in EVENT_TYPES.values()
    ]
    attributes = [
        {
            "name": a.name,
            "kind": a.kind,
            "description": a.description,
            "unit": a.unit,
            "unit_column": a.unit_column,
            "group": a.group,
            "required_for": sorted(a.required_for),
        }
        for a in ATTRIBUTES.values()
    ]
    frames = {frame: list(pair) for frame, pair in FRAME_UNITS.items()}
    return {"event_types": types, "attributes": attributes, "frames": frames}


def _names(event_type: str) -> list[str]:
    return [name for name, a in ATTRIBUTES.items() if event_type in a.event_types]
