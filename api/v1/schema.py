"""What /api/v1/schema/ says: parameters from the tables that validate them, forms of the answers from here.

The serializers describe; the answers themselves are made by PostgreSQL and `api.v1.rows`. A test validates
real answers against this.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    inline_serializer,
)
from rest_framework import serializers as s

from api.params import Parameter
from api.v1 import params
from events.domain.vocabulary import FRAME_UNITS, SHAPES

_NULL: dict[str, Any] = {"allow_null": True}
_STATES = ("pending", "running", "succeeded", "failed")
_ACCOUNT = ("received", "created", "updated", "unchanged", "quarantined")


_POSITIONS: dict[str, Any] = {
    "type": "object",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Point", "LineString", "Polygon", "MultiPolygon"]},
        "coordinates": {"type": "array", "items": {}},
    },
}


@extend_schema_field({"oneOf": [_POSITIONS, {"type": "null"}]})
class _Geometry(s.JSONField):
    """A GeoJSON geometry, or null."""


@extend_schema_field({"oneOf": [{"type": "string"}, _POSITIONS, {"type": "null"}]})
class _Shape(s.JSONField):
    """A shape as WKT or as GeoJSON geometry, or null."""


def _component(component_name: str, /, **fields: s.Field) -> s.Serializer:
    return inline_serializer(component_name, fields)


def _list(component_name: str, /, **fields: s.Field) -> s.ListSerializer:
    return s.ListSerializer(child=_component(component_name, **fields))


def _nullable(component_name: str, /, **fields: s.Field) -> s.Serializer:
    return inline_serializer(component_name, fields, allow_null=True)


def _texts(*names: str) -> dict[str, s.Field]:
    return {name: s.CharField(**_NULL) for name in names}


def _times(*names: str) -> dict[str, s.Field]:
    return {name: s.DateTimeField(**_NULL) for name in names}


def _numbers(*names: str) -> dict[str, s.Field]:
    return {name: s.IntegerField() for name in names}


def _row_fields() -> dict[str, s.Field]:
    return {
        "kb_archivid": s.CharField(),
        "event_type": s.CharField(),
        "event_starttime": s.DateTimeField(),
        "event_endtime": s.DateTimeField(),
        **_times("event_peaktime"),
        **_texts("frm_name", "frm_specificid", "obs_observatory", "obs_instrument", "obs_channelid"),
        "obs_meanwavel": s.FloatField(**_NULL, help_text="Mean wavelength, cm"),
        "ar_noaanum": s.IntegerField(**_NULL, help_text="NOAA number in five digits"),
        **_texts("fl_goescls"),
        "goes_flux": s.FloatField(**_NULL, help_text="GOES class as peak flux, W/m2"),
    }


_PREDICATE = _component(
    "Predicate",
    time_relation=s.CharField(**_NULL),
    **_times("start", "end"),
    box_relation=s.CharField(**_NULL),
    bbox=s.ListField(child=s.FloatField(), **_NULL),
    geometry=s.CharField(),
    event_type=s.ListField(child=s.CharField(), **_NULL),
    frm_name=s.ListField(child=s.CharField(), **_NULL),
    ar_noaanum=s.IntegerField(**_NULL),
    min_goes_flux=s.FloatField(**_NULL),
)


def _list_fields() -> dict[str, s.Field]:
    return {
        **_numbers("returned"),
        "truncated": s.BooleanField(help_text="Whether more events match than were returned."),
        "next": s.URLField(**_NULL, help_text="Address of the next page."),
        "predicate": type(_PREDICATE)(),
        "frame": s.ChoiceField(choices=params.FRAMES),
        "units": s.JSONField(help_text="Unit of a column, or the pair of units (x, y) of a shape."),
    }


_PROBLEM = _component("Error", error=_component("Problem", **_texts("code", "message", "parameter")))
_PROPERTIES = _component("EventProperties", **_row_fields())
_IN_FRAMES = {
    f"{frame}_{shape}": s.CharField(**_NULL, required=False) for frame in params.FRAMES for shape in SHAPES
}
_ROW = _list("EventRow", **_row_fields(), **_IN_FRAMES)
_LIST = _component("EventList", **_list_fields(), events=_ROW)
_FEATURE = _list(
    "EventFeature",
    type=s.ChoiceField(choices=("Feature",)),
    geometry=_Geometry(help_text="In the units of `frame`."),
    properties=_PROPERTIES,
)
_FEATURES = _component(
    "EventFeatureCollection",
    type=s.ChoiceField(choices=("FeatureCollection",)),
    **_list_fields(),
    features=_FEATURE,
)
_FRAME = {shape: _Shape(help_text="WKT, or GeoJSON with shapes=geojson") for shape in SHAPES}
_EDGE = _list(
    "Association",
    **_texts("first_ivorn", "second_ivorn", "edge_type"),
    strength=s.FloatField(**_NULL),
    **_texts("reported_by"),
)
_RECORD = _component(
    "EventRecord",
    **_numbers("id", "revision"),
    **_row_fields(),
    concept=s.CharField(),
    geometry=_component(
        "EventGeometry",
        **{
            frame: _component(f"Geometry{frame.title()}", units=s.ListField(child=s.CharField()), **_FRAME)
            for frame in FRAME_UNITS
        },
    ),
    geometry_notes=s.JSONField(help_text="What was computed, repaired or dropped, by column."),
    attributes=s.JSONField(help_text="Every attribute as reported."),
    units=s.JSONField(help_text="Unit by column or attribute."),
    versions=s.IntegerField(help_text="How many earlier or other versions are kept."),
    associations=_EDGE,
    source=s.CharField(),
    **_times("kb_archivdate", "ingested_at", "updated_at"),
)
_VOCABULARY = _component(
    "Vocabulary",
    event_types=_list(
        "EventType",
        **_texts("code", "name", "concept"),
        attributes=s.ListField(child=s.CharField()),
    ),
    attributes=_list(
        "Attribute",
        **_texts("name", "kind", "description", "unit", "unit_column", "group"),
        required_for=s.ListField(child=s.CharField()),
    ),
    frames=s.DictField(child=s.ListField(child=s.CharField())),
)
_RUN = _nullable(
    "LastRun",
    state=s.ChoiceField(choices=_STATES),
    **_times("window_start", "window_end", "started_at", "finished_at"),
    **_numbers(*_ACCOUNT),
    **_texts("error"),
)
_STATUS = _component(
    "Status",
    sources=_list(
        "SourceStatus",
        source=s.CharField(),
        last_run=_RUN,
        totals=_nullable("Totals", **_numbers(*_ACCOUNT)),
        **_times("polled_until"),
    ),
    backfills=_list(
        "OpenBackfill",
        source=s.CharField(),
        event_types=s.ListField(child=s.CharField()),
        **_times("window_start", "window_end"),
        runs=_component("BackfillRuns", **_numbers("all", "succeeded", "failed")),
        progress=s.FloatField(help_text="Part of the runs that are over, 0 to 1."),
    ),
    quarantine=_component("Quarantine", **_numbers("waiting")),
    events=_component(
        "Holdings",
        **_numbers("total"),
        by_type=s.DictField(child=s.IntegerField()),
        estimated=s.BooleanField(help_text="Whether the numbers are the database's estimates."),
    ),
)


def _parameter(parameter: Parameter) -> OpenApiParameter:
    described: dict[str, Any] = dict(parameter.kind.schema)
    if parameter.default is not None:
        described["default"] = str(parameter.default)
    return OpenApiParameter(
        parameter.name,
        {"type": "array", "items": described} if parameter.many else described,
        required=parameter.required,
        description=f"{parameter.about} Takes {parameter.kind.takes}.",
    )


def _operation(
    name: str, table: Sequence[Parameter], answers: Mapping[Any, Any], *statuses: int
) -> Callable[..., Any]:
    """The decorator that describes a view: its parameters, its answers, and the errors it can give."""
    words = {
        400: "A parameter is missing, unknown or unreadable; `parameter` names it.",
        404: "There is no such event.",
        406: "None of the forms that the Accept header names.",
        503: "The database is away; Retry-After says when to ask again.",
        504: "The answer took too long to compute.",
    }
    errors = {(status, "application/json"): OpenApiResponse(_PROBLEM, words[status]) for status in statuses}
    return extend_schema(
        operation_id=name, parameters=[*map(_parameter, table)], responses={**answers, **errors}
    )


events = _operation(
    "events",
    params.EVENTS,
    {
        (200, "application/json"): _LIST,
        (200, "application/geo+json"): _FEATURES,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/x-ndjson"): OpenApiTypes.STR,
    },
    *(400, 406, 503, 504),
)
event = _operation("event", params.EVENT, {200: _RECORD}, 400, 404, 503)
event_types = _operation("event_types", params.NOTHING, {200: _VOCABULARY}, 400)
status = _operation("status", params.NOTHING, {200: _STATUS}, 400, 503)
