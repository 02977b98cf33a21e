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

NULL: dict[str, Any] = {"allow_null": True}
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
class GeometryField(s.JSONField):
    """A GeoJSON geometry, or null."""


@extend_schema_field({"oneOf": [{"type": "string"}, _POSITIONS, {"type": "null"}]})
class _Shape(s.JSONField):
    """A shape as WKT or as GeoJSON geometry, or null."""


def component(component_name: str, /, **fields: s.Field) -> s.Serializer:
    """An object with these members, which the document names."""
    return inline_serializer(component_name, fields)


def listed(component_name: str, /, **fields: s.Field) -> s.ListSerializer:
    """A list of such objects."""
    return s.ListSerializer(child=component(component_name, **fields))


@extend_schema_field({"type": "string", "const": "Feature"})
class _FeatureWord(s.CharField):
    """What GeoJSON calls a thing with a place."""


@extend_schema_field({"type": "string", "const": "FeatureCollection"})
class _CollectionWord(s.CharField):
    """What GeoJSON calls a list of them."""


def feature_collection(
    component_name: str, feature_name: str, properties: s.Serializer, place: str, **head: s.Field
) -> s.Serializer:
    """A list as GeoJSON: what it says of itself, and its features; `place` says what their geometry is."""
    features = listed(
        feature_name,
        type=_FeatureWord(),
        geometry=GeometryField(help_text=place),
        properties=properties,
    )
    return component(component_name, type=_CollectionWord(), **head, features=features)


def _nullable(component_name: str, /, **fields: s.Field) -> s.Serializer:
    return inline_serializer(component_name, fields, allow_null=True)


def texts(*names: str) -> dict[str, s.Field]:
    """Texts or null."""
    return {name: s.CharField(**NULL) for name in names}


def times(*names: str) -> dict[str, s.Field]:
    """Times or null."""
    return {name: s.DateTimeField(**NULL) for name in names}


def numbers(*names: str) -> dict[str, s.Field]:
    """Whole numbers."""
    return {name: s.IntegerField() for name in names}


def _row_fields() -> dict[str, s.Field]:
    return {
        "kb_archivid": s.CharField(),
        "event_type": s.CharField(),
        "event_starttime": s.DateTimeField(),
        "event_endtime": s.DateTimeField(),
        **times("event_peaktime"),
        **texts("frm_name", "frm_specificid", "obs_observatory", "obs_instrument", "obs_channelid"),
        "obs_meanwavel": s.FloatField(**NULL, help_text="Mean wavelength, cm"),
        "ar_noaanum": s.IntegerField(**NULL, help_text="NOAA number in five digits"),
        **texts("fl_goescls"),
        "goes_flux": s.FloatField(**NULL, help_text="GOES class as peak flux, W/m2"),
    }


_PREDICATE = component(
    "Predicate",
    time_relation=s.CharField(**NULL),
    **times("start", "end"),
    box_relation=s.CharField(**NULL),
    bbox=s.ListField(child=s.FloatField(), **NULL),
    geometry=s.CharField(),
    event_type=s.ListField(child=s.CharField(), **NULL),
    frm_name=s.ListField(child=s.CharField(), **NULL),
    ar_noaanum=s.IntegerField(**NULL),
    min_goes_flux=s.FloatField(**NULL),
)


def _list_fields() -> dict[str, s.Field]:
    return {
        **numbers("returned"),
        "truncated": s.BooleanField(help_text="Whether more events match than were returned."),
        "next": s.URLField(**NULL, help_text="Address of the next page."),
        "predicate": type(_PREDICATE)(),
        "frame": s.ChoiceField(choices=params.FRAMES),
        "units": s.JSONField(help_text="Unit of a column, or the pair of units (x, y) of a shape."),
    }


_PROBLEM = component("Error", error=component("Problem", **texts("code", "message", "parameter")))
_PROPERTIES = component("EventProperties", **_row_fields())
_IN_FRAMES = {
    f"{frame}_{shape}": s.CharField(**NULL, required=False) for frame in params.FRAMES for shape in SHAPES
}
_IMAGE = s.JSONField(**NULL, required=False, help_text="With `include=header`: its image and place on it.")
_ROW = listed("EventRow", **_row_fields(), **_IN_FRAMES, image=_IMAGE)
_LIST = component("EventList", **_list_fields(), events=_ROW)
_FEATURES = feature_collection(
    "EventFeatureCollection", "EventFeature", _PROPERTIES, "In the units of `frame`.", **_list_fields()
)
_FRAME = {shape: _Shape(help_text="WKT, or GeoJSON with shapes=geojson") for shape in SHAPES}
_EDGE = listed(
    "Association",
    **texts("first_ivorn", "second_ivorn", "edge_type"),
    strength=s.FloatField(**NULL),
    **texts("reported_by"),
)
_RECORD = component(
    "EventRecord",
    **numbers("id", "revision"),
    **_row_fields(),
    concept=s.CharField(),
    geometry=component(
        "EventGeometry",
        **{
            frame: component(f"Geometry{frame.title()}", units=s.ListField(child=s.CharField()), **_FRAME)
            for frame in FRAME_UNITS
        },
    ),
    geometry_notes=s.JSONField(help_text="What was computed, repaired or dropped, by column."),
    attributes=s.JSONField(help_text="Every attribute as reported."),
    units=s.JSONField(help_text="Unit by column or attribute."),
    versions=s.IntegerField(help_text="How many earlier or other versions are kept."),
    associations=_EDGE,
    source=s.CharField(),
    **times("kb_archivdate", "ingested_at", "updated_at"),
)
_VOCABULARY = component(
    "Vocabulary",
    event_types=listed(
        "EventType",
        **texts("code", "name", "concept"),
        attributes=s.ListField(child=s.CharField()),
    ),
    attributes=listed(
        "Attribute",
        **texts("name", "kind", "description", "unit", "unit_column", "group"),
        required_for=s.ListField(child=s.CharField()),
    ),
    frames=s.DictField(child=s.ListField(child=s.CharField())),
)


def _run_fields() -> dict[str, s.Field]:
    return {
        "state": s.ChoiceField(choices=_STATES),
        **times("window_start", "window_end", "started_at", "finished_at"),
        **numbers(*_ACCOUNT),
        **texts("error"),
    }


def _sources(name: str, last_run: s.Serializer, totals: str) -> s.ListSerializer:
    return listed(
        name,
        source=s.CharField(),
        last_run=last_run,
        totals=_nullable(totals, **numbers(*_ACCOUNT)),
        **times("polled_until"),
    )


_WAVES = s.ListField(child=s.IntegerField(), help_text="Wavelengths, angstrom; none means any.")
_STATUS = component(
    "Status",
    sources=_sources("SourceStatus", _nullable("LastRun", **_run_fields()), "Totals"),
    backfills=listed(
        "OpenBackfill",
        source=s.CharField(),
        event_types=s.ListField(child=s.CharField()),
        **times("window_start", "window_end"),
        runs=component("BackfillRuns", **numbers("all", "succeeded", "failed")),
        progress=s.FloatField(help_text="Part of the runs that are over, 0 to 1."),
    ),
    quarantine=component("Quarantine", **numbers("waiting")),
    events=component(
        "Holdings",
        **numbers("total"),
        by_type=s.DictField(child=s.IntegerField()),
        estimated=s.BooleanField(help_text="Whether the numbers are the database's estimates."),
    ),
    images=component(
        "ImagesStatus",
        sources=_sources(
            "ImageSourceStatus", _nullable("LastImageRun", **_run_fields(), waves=_WAVES), "ImageTotals"
        ),
        waves=listed("WaveHoldings", **numbers("wave", "images"), last=s.DateTimeField()),
    ),
)


def _parameter(parameter: Parameter) -> OpenApiParameter:
    described: dict[str, Any] = dict(parameter.kind.schema)
    if parameter.default is not None:
        default = parameter.default
        described["default"] = default if isinstance(default, bool | int) else str(default)
    return OpenApiParameter(
        parameter.name,
        {"type": "array", "items": described} if parameter.many else described,
        required=parameter.required,
        description=f"{parameter.about} Takes {parameter.kind.takes}.",
    )


#: What answers with an ETag can be, beside themselves.
TAGGED = (304, 412)
_WORDS = {
    304: "The client holds the answer already, as If-None-Match says.",
    400: "A parameter is missing, unknown or unreadable; `parameter` names it.",
    404: "There is no such event, track or image.",
    406: "None of the forms that the Accept header names.",
    412: "The answer is another one than that which If-Match names.",
    416: "The range of bytes lies beyond the end of the answer.",
    422: "The event is known, but not where it was.",
    503: "The database or the store of images is away; Retry-After says when to ask again.",
    504: "The answer took too long to compute.",
}
_WITHOUT_BODY = {304, 416}
#: Headers by name: what they say, and with which answers they come.
_HEADERS: dict[str, tuple[str, list[int | str]]] = {
    "ETag": ("Tag of the answer, for If-None-Match and If-Range.", [200, 206, 304]),
    "Link": ('Address of the next page, rel="next", where there is one.', [200, 206]),
    "X-Slot-Time": ("Start of the image's slot.", [200, 304]),
    "X-Observation-Time": ("When the image was observed.", [200, 304]),
    "X-Frame-Count": ("Frames in the whole answer.", [200, 206, 304, 416]),
}


def _header(name: str) -> OpenApiParameter:
    about, statuses = _HEADERS[name]
    return OpenApiParameter(name, str, "header", description=about, response=statuses)


def operation(
    name: str,
    table: Sequence[Parameter],
    answers: Mapping[Any, Any],
    *statuses: int,
    headers: Sequence[str] = (),
) -> Callable[..., Any]:
    """The decorator that describes a view: parameters, answers, what it gives instead of them, headers."""
    others = [
        (status, OpenApiResponse(None, _WORDS[status]))
        if status in _WITHOUT_BODY
        else ((status, "application/json"), OpenApiResponse(_PROBLEM, _WORDS[status]))
        for status in statuses
    ]
    return extend_schema(
        operation_id=name,
        parameters=[*map(_parameter, table), *map(_header, headers)],
        responses={**answers, **dict(others)},
    )


events = operation(
    "events",
    params.EVENTS,
    {
        (200, "application/json"): _LIST,
        (200, "application/geo+json"): _FEATURES,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/x-ndjson"): OpenApiTypes.STR,
    },
    *(400, 406, 503, 504),
    headers=["Link"],
)
event = operation("event", params.EVENT, {200: _RECORD}, 400, 404, 503)
event_types = operation("event_types", params.NOTHING, {200: _VOCABULARY}, 400)
status = operation("status", params.NOTHING, {200: _STATUS}, 400, 503)
