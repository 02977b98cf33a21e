"""What the OpenAPI document says of images, their parameters and headers."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers as s

from api.v1 import images_params as params
from api.v1 import labels_params
from api.v1.images_rows import TABLE
from api.v1.schema import NULL, TAGGED, component, listed, numbers, operation, texts, times

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
        "version": s.CharField(help_text="Changes with the image, its measuring and our rendering."),
        "links": s.DictField(child=s.CharField()),
    }


def _page_fields() -> dict[str, s.Field]:
    return {
        **numbers("returned"),
        "truncated": s.BooleanField(help_text="Whether there is more than was returned."),
        "next": s.URLField(**NULL, help_text="Address of the next page."),
    }


_LIST = component("ImageList", **_page_fields(), images=listed("Image", **_image_fields()))
_ANSWERING = component(
    "ImagesAtTime",
    time=s.DateTimeField(help_text="The time that was asked for."),
    match=s.CharField(),
    tolerance=s.IntegerField(help_text="s"),
    images=listed(
        "ImageAtTime",
        **_image_fields(),
        offset=s.FloatField(help_text="From the asked time to the observation, s."),
    ),
    missing=s.ListField(child=s.IntegerField(), help_text="Wavelengths without an image that answers."),
)
_IMAGES = PolymorphicProxySerializer("Images", [type(_LIST), type(_ANSWERING)], None)
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
    **_page_fields(),
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
_LABEL_PREDICATE = component(
    "LabelPredicate",
    event_type=s.ListField(child=s.CharField()),
    frm_name=s.ListField(child=s.CharField(), **NULL),
    extrapolate=s.BooleanField(),
    max_gap=s.FloatField(**NULL, help_text="s"),
)
_LABELLED = component(
    "LabelledEvent",
    kb_archivid=s.CharField(help_text="Its latest report at the time of observation."),
    event_type=s.CharField(),
    track=s.IntegerField(**NULL),
    origin=s.ChoiceField(choices=("reported", "interpolated", "extrapolated")),
)
_LABELS_LEFT_OUT = component("LabelsLeftOut", **numbers("extrapolated", "max_gap", "no_shape"))


def _label_fields() -> dict[str, s.Field]:
    return {
        **numbers("wave", "slot"),
        "time": s.DateTimeField(help_text="Start of the slot."),
        "observed": s.DateTimeField(help_text="When the image was observed, which the labels are of."),
        **numbers("quality"),
        "values": s.JSONField(help_text="Type -> [row, column, share (0 to 1)] of each covered cell."),
        "events": s.ListSerializer(child=type(_LABELLED)()),
        "left_out": type(_LABELS_LEFT_OUT)(),
    }


def _labels_about() -> dict[str, s.Field]:
    return {
        "rows": s.ListField(child=s.IntegerField(), help_text="First, and the end, which is not among them."),
        "columns": s.ListField(child=s.IntegerField()),
        "predicate": type(_LABEL_PREDICATE)(),
        "interpolation": s.CharField(help_text="The method; `auto` chooses one a gap."),
        "rotation": s.CharField(help_text="The law by which the Sun carries shapes."),
    }


_LABELS = component(
    "Labels",
    **_page_fields(),
    **numbers("wave", "step"),
    **_labels_about(),
    frames=listed("LabelFrame", **_label_fields()),
)
_IMAGE_LABELS = component("ImageLabels", **_labels_about(), **_label_fields())
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


def _series(name: str, hows: str, **fields: s.Field) -> s.Serializer:
    entry: dict[str, Any] = {
        **times("time"),
        **numbers("slot"),
        "shape": s.CharField(help_text=f"How the shape was got: {hows}."),
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
        truncated=s.BooleanField(help_text="Whether there is more than is in the series."),
        next=s.URLField(**NULL, help_text="Address of the next page."),
        series=listed(f"{name}Entry", **entry),
    )


_EVENT_SERIES = _series(
    "EventParameters", "carried or held", kb_archivid=s.CharField(), outline=s.CharField()
)
_TRACK_SERIES = _series("TrackParameters", "reported, interpolated or extrapolated", track=s.IntegerField())

_AWAY = (503, 504)
_OF_IMAGE = ("ETag", "X-Slot-Time", "X-Observation-Time")
images = operation("images", params.LIST, {200: _IMAGES}, *TAGGED, 400, *_AWAY, headers=("ETag", "Link"))
image = operation("image", params.IMAGE, {200: _RECORD}, *TAGGED, 400, 404, *_AWAY, headers=_OF_IMAGE)
picture = operation("image_picture", params.PICTURE, _PICTURE, *TAGGED, 400, 404, *_AWAY, headers=_OF_IMAGE)
heatmap = operation("image_heatmap", params.HEATMAP, _HEATMAPS, *TAGGED, 400, 404, *_AWAY, headers=_OF_IMAGE)
parameters = operation(
    "parameters",
    params.BULK,
    {
        (200, "application/json"): _BULK,
        (200, "application/x-npz"): OpenApiTypes.BINARY,
        (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
        (200, "application/zip"): OpenApiTypes.BINARY,
        **{(206, media): OpenApiTypes.BINARY for media in ("application/x-npz", "application/zip")},
    },
    *(*TAGGED, 416, 400, 406, *_AWAY),
    headers=("ETag", "Link", "X-Frame-Count"),
)
labels = operation(
    "labels",
    labels_params.LABELS,
    {(200, "application/json"): _LABELS, (200, "application/x-npz"): OpenApiTypes.BINARY},
    *(400, 406, *_AWAY),
    headers=("Link", "X-Frame-Count"),
)
image_labels = operation(
    "image_labels",
    labels_params.IMAGE_LABELS,
    {200: _IMAGE_LABELS},
    *(*TAGGED, 400, 404, *_AWAY),
    headers=_OF_IMAGE,
)
headers = operation(
    "headers",
    params.HEADERS,
    {
        (200, "application/json"): _HEADERS,
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/x-votable+xml"): OpenApiTypes.STR,
    },
    *(*TAGGED, 400, 406, *_AWAY),
    headers=("ETag", "Link"),
)
availability = operation(
    "availability", params.AVAILABILITY, {200: _AVAILABILITY}, *TAGGED, 400, *_AWAY, headers=["ETag"]
)
event_parameters = operation(
    "event_parameters",
    params.UNDER_SHAPE,
    {200: _EVENT_SERIES},
    *(*TAGGED, 400, 404, 422, *_AWAY),
    headers=("ETag", "Link"),
)
track_parameters = operation(
    "track_parameters",
    params.UNDER_SHAPE,
    {200: _TRACK_SERIES},
    *(*TAGGED, 400, 404, *_AWAY),
    headers=("ETag", "Link"),
)
