"""What the OpenAPI document says of tracks, their shapes, and the Sun at one instant."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers as s

from api.v1 import tracks_params as params
from api.v1.params import FRAMES
from api.v1.schema import (
    NULL,
    TAGGED,
    component,
    feature_collection,
    listed,
    numbers,
    operation,
    texts,
    times,
)

_ORIGINS = ("reported", "interpolated", "extrapolated")


def _row_fields() -> dict[str, s.Field]:
    return {
        "track": s.IntegerField(help_text="Number of the track: that of its first report."),
        "event_type": s.CharField(),
        **texts("frm_name"),
        "event_starttime": s.DateTimeField(),
        "event_endtime": s.DateTimeField(),
    }


def _length_fields() -> dict[str, s.Field]:
    return {
        "report_count": s.IntegerField(),
        "ar_noaanums": s.ListField(child=s.IntegerField(), help_text="NOAA numbers of its reports"),
    }


_PREDICATE = component(
    "TracksPredicate",
    time_relation=s.CharField(**NULL),
    **times("start", "end"),
    box_relation=s.CharField(**NULL),
    bbox=s.ListField(child=s.FloatField(), **NULL),
    event_type=s.ListField(child=s.CharField(), **NULL),
    frm_name=s.ListField(child=s.CharField(), **NULL),
    ar_noaanum=s.IntegerField(**NULL),
    min_reports=s.IntegerField(**NULL),
    min_duration=s.FloatField(**NULL, help_text="s"),
)


def _list_fields() -> dict[str, s.Field]:
    return {
        **numbers("returned"),
        "truncated": s.BooleanField(help_text="Whether more tracks match than were returned."),
        "next": s.URLField(**NULL, help_text="Address of the next page."),
        "predicate": type(_PREDICATE)(),
        "frame": s.CharField(help_text="`hpc`"),
        "units": s.JSONField(help_text="The pair of units (x, y) of a shape."),
    }


_LIST = component(
    "TrackList",
    **_list_fields(),
    tracks=listed("TrackRow", **_row_fields(), **_length_fields(), **texts("hpc_bbox")),
)
_FEATURES = feature_collection(
    "TrackFeatureCollection",
    "TrackFeature",
    component("TrackProperties", **_row_fields(), **_length_fields()),
    "Envelope of the reports' shapes, arcsec.",
    **_list_fields(),
)


def _edges(name: str) -> s.ListSerializer:
    return listed(
        name,
        first=s.CharField(help_text="kb_archivid of the earlier report."),
        second=s.CharField(help_text="kb_archivid of the later report."),
        first_track=s.IntegerField(**NULL),
        second_track=s.IntegerField(**NULL),
        kind=s.ChoiceField(choices=("follows", "splits", "merges")),
        source=s.ChoiceField(choices=("association", "specificid", "noaanum", "tracker")),
        probability=s.FloatField(),
    )


_RECORD = component(
    "TrackRecord",
    **_row_fields(),
    **_length_fields(),
    **texts("hpc_bbox"),
    units=s.JSONField(help_text="The pair of units (x, y) of a shape."),
    reports=listed(
        "TrackedReport",
        **numbers("id"),
        kb_archivid=s.CharField(),
        event_starttime=s.DateTimeField(),
        event_endtime=s.DateTimeField(),
        ar_noaanum=s.IntegerField(**NULL),
        hpc_coord=s.ListField(child=s.FloatField(), **NULL, help_text="x, y, arcsec"),
        skipped=s.CharField(**NULL, help_text="Why the tracker could not use it."),
    ),
    edges=_edges("TrackEdge"),
    **times("updated_at"),
)
_GRAPH = component(
    "TrackGraph",
    **numbers("track", "depth"),
    truncated=s.BooleanField(
        help_text="Whether splits or merges lead on to tracks that are not in the answer."
    ),
    nodes=listed(
        "TrackNode",
        **_row_fields(),
        **numbers("report_count"),
        distance=s.IntegerField(help_text="Splits and merges between it and the track."),
    ),
    edges=_edges("GraphEdge"),
)


def _how_fields() -> dict[str, s.Field]:
    """How shapes were made, and how they are written."""
    return {
        "cadence": s.FloatField(help_text="Seconds between the instants at which shapes are stored."),
        "interpolation": s.CharField(help_text="The method; `auto` chooses one a gap."),
        "rotation": s.CharField(help_text="The law by which the Sun carries shapes."),
        "frame": s.ChoiceField(choices=FRAMES),
        "units": s.ListField(child=s.CharField(), help_text="Units of x and y."),
        "area_unit": s.CharField(),
    }


def _shape_fields() -> dict[str, s.Field]:
    return {
        "time": s.DateTimeField(),
        "method": s.CharField(),
        "origin": s.ChoiceField(choices=_ORIGINS),
        "repaired": s.BooleanField(),
        "report": s.CharField(**NULL, help_text="kb_archivid of the report whose own shape it is."),
        "area": s.FloatField(help_text="On the plane of the sky."),
    }


_LEFT_OUT = component("ReportLeftOut", kb_archivid=s.CharField(), why=s.CharField())


def _shapes_fields() -> dict[str, s.Field]:
    return {
        **_row_fields(),
        "step": s.FloatField(**NULL, help_text="Seconds between the instants, where they lie on a grid."),
        **_how_fields(),
        "left_out": s.ListSerializer(child=type(_LEFT_OUT)()),
        **numbers("returned"),
        "by_origin": s.DictField(child=s.IntegerField()),
        "extrapolated_share": s.FloatField(**NULL, help_text="Part of the summed area."),
    }


_SHAPES = component(
    "TrackShapes",
    **_shapes_fields(),
    shapes=listed("TrackShapeRow", **_shape_fields(), geometry=s.CharField(help_text="WKT")),
)
_SHAPE_FEATURES = feature_collection(
    "TrackShapeFeatures",
    "TrackShapeFeature",
    component("TrackShapeProperties", **_shape_fields()),
    "In the units of `frame`.",
    **_shapes_fields(),
)
_MOVING = component(
    "MovingFeature",
    type=s.CharField(help_text="`Feature`"),
    **numbers("id"),
    crs=s.JSONField(),
    trs=s.JSONField(),
    properties=s.JSONField(),
    temporalGeometry=component(
        "MovingPolygon",
        type=s.CharField(help_text="`MovingPolygon`"),
        interpolation=s.CharField(help_text="`Discrete`"),
        datetimes=s.ListField(child=s.DateTimeField()),
        coordinates=s.JSONField(help_text="A polygon a time: a list of rings of positions."),
    ),
    temporalProperties=s.JSONField(),
    time=s.ListField(child=s.DateTimeField(), **NULL),
)


_STATE_PREDICATE = component(
    "StatePredicate",
    event_type=s.ListField(child=s.CharField(), **NULL),
    frm_name=s.ListField(child=s.CharField(), **NULL),
    extrapolate=s.BooleanField(),
    max_gap=s.FloatField(**NULL, help_text="s"),
)
_STATE_SHAPES = component(
    "StateShapes",
    exact=s.BooleanField(help_text="Whether shapes of tracks are those of the instant, none carried to it."),
    stored_for=s.DateTimeField(
        **NULL, help_text="Instant of the cadence whose shapes were taken; null where each was computed."
    ),
)
_STATE_LEFT_OUT = component("StateLeftOut", **numbers("extrapolated", "max_gap"))


def _state_fields() -> dict[str, s.Field]:
    return {
        "time": s.DateTimeField(),
        "on_cadence": s.BooleanField(help_text="Whether shapes of this instant are stored."),
        "shapes": type(_STATE_SHAPES)(),
        **_how_fields(),
        "predicate": type(_STATE_PREDICATE)(),
        **numbers("returned"),
        "left_out": type(_STATE_LEFT_OUT)(),
    }


def _present_fields() -> dict[str, s.Field]:
    return {
        "kb_archivid": s.CharField(help_text="The latest report at the instant."),
        "event_type": s.CharField(),
        **texts("frm_name"),
        "track": s.IntegerField(**NULL),
        "report_before": s.DateTimeField(help_text="Start of the latest report."),
        "report_after": s.DateTimeField(**NULL, help_text="Start of the track's next report."),
        "method": s.CharField(**NULL),
        "origin": s.ChoiceField(choices=_ORIGINS, **NULL),
        "repaired": s.BooleanField(),
        "area": s.FloatField(**NULL, help_text="On the plane of the sky."),
        "position": s.ListField(child=s.FloatField(), **NULL, help_text="Centre of gravity, x, y."),
    }


_STATE = component(
    "State",
    **_state_fields(),
    events=listed("StateRow", **_present_fields(), geometry=s.CharField(**NULL, help_text="WKT")),
)
_STATE_FEATURES = feature_collection(
    "StateFeatureCollection",
    "StateFeature",
    component("StateProperties", **_present_fields()),
    "In the units of `frame`.",
    **_state_fields(),
)
_TEXT: dict[Any, Any] = {
    name: {(200, media): OpenApiTypes.STR}
    for name, media in (
        ("csv", "text/csv"),
        ("ndjson", "application/x-ndjson"),
        ("tsv", "text/tab-separated-values"),
    )
}

tracks = operation(
    "tracks",
    params.TRACKS,
    {(200, "application/json"): _LIST, (200, "application/geo+json"): _FEATURES}
    | _TEXT["csv"]
    | _TEXT["ndjson"],
    *(400, 406, 503, 504),
    headers=["Link"],
)
track = operation("track", params.TRACK, {200: _RECORD}, 400, 404, 503)
graph = operation("track_graph", params.GRAPH, {200: _GRAPH}, 400, 404, 503)
shapes = operation(
    "track_shapes",
    params.SHAPES,
    {
        (200, "application/json"): _SHAPES,
        (200, "application/geo+json"): _SHAPE_FEATURES,
        (200, "application/mf+json"): _MOVING,
    }
    | _TEXT["csv"]
    | _TEXT["tsv"],
    *(400, 404, 406, 503, 504),
)
bulk = operation(
    "tracks_shapes", params.BULK, _TEXT["tsv"] | _TEXT["csv"] | _TEXT["ndjson"], 400, 406, 503, 504
)
state = operation(
    "state",
    params.STATE,
    {(200, "application/json"): _STATE, (200, "application/geo+json"): _STATE_FEATURES}
    | _TEXT["csv"]
    | _TEXT["ndjson"],
    *(*TAGGED, 400, 406, 503, 504),
    headers=["ETag"],
)
