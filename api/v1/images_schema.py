"""What the OpenAPI document says of images, their parameters and headers."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers as s

from api.v1 import images_params as params
from api.v1.images_rows import TABLE
from api.v1.schema import NULL, component, listed, numbers, operation, texts, times

_PICTURE = {(200, "image/jpeg"): OpenApiTypes.BINARY}
_HEATMAPS = {(200, form): OpenApiTypes.BINARY for form in ("image/jpeg", "image/png")}
_WHOLE = {"slot", "QUALITY", "NAXIS1", "wave"}


def _image_fields() -> dict[str, s.Field]:
    return {
        **numbers("wave", "slot"),
        **times("slot_time", "observed"),
        "quality": s.IntegerField(help_text="QUALITY as the header has it, 32 bits."),
        "quality_bits": s.ListField(child=s.CharField(), help_text="What its bits say."),
        "tolerable": s.BooleanField(help_text="Whether no bit is set but tolerated ones."),
        "flags": s.ListField(child=s.CharField(), help_text="Ours."),
        "wcs": s.JSONField(help_text="FITS keywords of the pixels' own coordinate system."),
        "plate": s.JSONField(help_text="The old service's values, which do not describe these pixels."),
        "settings": s.CharField(help_text="Name and version of what the parameters were computed with."),
        **texts("software", "source", "origin"),
        "links": s.DictField(child=s.CharField()),
    }


def _page_fields() -> dict[str, s.Field]:
    return {
        **{name: s.IntegerField(required=False) for name in ("returned",)},
        "truncated": s.BooleanField(required=False),
        "next": s.URLField(**NULL, required=False, help_text="Address of the next page."),
    }


_LIST = component(
    "ImageList",
    **_page_fields(),
    time=s.DateTimeField(required=False, help_text="The time that was asked for."),
    match=s.CharField(required=False),
    tolerance=s.IntegerField(required=False, help_text="s"),
    images=listed(
        "Image",
        **_image_fields(),
        offset=s.FloatField(required=False, help_text="From the asked time to the observation, s."),
    ),
    missing=s.ListField(
        child=s.IntegerField(), required=False, help_text="Wavelengths without an image that answers."
    ),
)
_RECORD = component(
    "ImageRecord",
    **_image_fields(),
    knobs=s.JSONField(help_text="All of the settings."),
    header=s.JSONField(help_text="Every keyword as it came."),
    **texts("previous", "next", "matched", "match"),
)
_FRAMES = listed(
    "ParameterFrame",
    **numbers("wave"),
    **times("time", "observed"),
    **numbers("quality"),
    values=s.JSONField(help_text="[row][column][parameter]; null where a cell has no value."),
)
_BULK = component(
    "ParameterFrames",
    **numbers("returned"),
    truncated=s.BooleanField(),
    next=s.URLField(**NULL),
    waves=s.ListField(child=s.IntegerField()),
    **numbers("step"),
    rows=s.ListField(child=s.IntegerField()),
    columns=s.ListField(child=s.IntegerField()),
    parameters=s.ListField(child=s.CharField()),
    units=s.DictField(child=s.CharField()),
    settings=s.JSONField(help_text="Knobs by name of the settings and wavelength."),
    software=s.ListField(child=s.CharField()),
    frames=_FRAMES,
)
_HEADERS = component(
    "HeaderTable",
    **_page_fields(),
    units=s.DictField(child=s.CharField()),
    headers=listed(
        "Header",
        **{
            name: s.DateTimeField()
            if name == "observed"
            else s.IntegerField()
            if name in _WHOLE
            else s.FloatField(**NULL)
            for name in TABLE
        },
    ),
)
_GAPS = listed("Gap", **times("start", "end"))
_AVAILABILITY = component(
    "Availability",
    waves=listed("WaveCoverage", **numbers("wave", "images"), **times("first", "last")),
    days=listed(
        "DayAvailability",
        **numbers("wave"),
        day=s.DateField(),
        filled=s.IntegerField(help_text="Slots of the day that have an image."),
        missing=s.IntegerField(help_text="Slots of the day that have none."),
        gaps=_GAPS,
    ),
)


def _series(name: str, **fields: s.Field) -> s.Serializer:
    entry: dict[str, Any] = {
        **times("time"),
        **numbers("slot"),
        "shape": s.CharField(help_text="How the shape was got."),
        "cells": s.IntegerField(help_text="Cells that it covers at least in part."),
        "area": s.FloatField(help_text="What of the grid it covers, arcsec2."),
        "values": s.JSONField(help_text="Parameter -> {mean, quantiles}, by the covered part of a cell."),
    }
    return component(
        name,
        **fields,
        **numbers("wave"),
        parameters=s.ListField(child=s.CharField()),
        quantiles=s.ListField(child=s.FloatField()),
        units=s.DictField(child=s.CharField()),
        truncated=s.BooleanField(),
        next=s.URLField(**NULL),
        series=listed(f"{name}Entry", **entry),
    )


_EVENT_SERIES = _series("EventParameters", kb_archivid=s.CharField(), outline=s.CharField())
_TRACK_SERIES = _series("TrackParameters", track=s.IntegerField())

images = operation("images", params.LIST, {200: _LIST}, 400, 503)
image = operation("image", params.IMAGE, {200: _RECORD}, 400, 404, 503)
picture = operation("image_picture", params.PICTURE, _PICTURE, 400, 404, 503)
heatmap = operation("image_heatmap", params.HEATMAP, _HEATMAPS, 400, 404, 503)
parameters = operation(
    "parameters",
    params.BULK,
    {
        (200, "application/json"): _BULK,
        (200, "application/x-npz"): OpenApiTypes.BINARY,
        (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
        (200, "application/zip"): OpenApiTypes.BINARY,
    },
    *(400, 406, 503),
)
headers = operation(
    "headers",
    params.HEADERS,
    {
        (200, "application/json"): _HEADERS,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/x-votable+xml"): OpenApiTypes.STR,
    },
    *(400, 406, 503),
)
availability = operation("availability", params.AVAILABILITY, {200: _AVAILABILITY}, 400, 503)
event_parameters = operation("event_parameters", params.UNDER_SHAPE, {200: _EVENT_SERIES}, 400, 404, 422, 503)
track_parameters = operation("track_parameters", params.UNDER_SHAPE, {200: _TRACK_SERIES}, 400, 404, 503)
