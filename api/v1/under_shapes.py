"""The parameters under the shape of an event or a track, image by image over its life."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from shapely.geometry.base import BaseGeometry

from api.caching import revalidated
from api.errors import NoPositionError
from api.found import find_event, find_track
from api.paging import next_address, with_link
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import V1View, json_response
from api.v1.images_on_events import shape_of
from api.v1.images_rows import units_of
from api.v1.params import window_between
from events.domain.carrying import carried_to
from events.domain.criteria import TimeWindow
from events.trackshapes import shapes_of
from images import queries
from images.domain.criteria import TOLERANCE
from images.domain.sampling import covered_by, spread
from images.domain.settings import PARAMETERS
from images.domain.slots import CADENCE
from images.models import ImageHeader
from images.store import parameter_store

#: Digits after the point of areas.
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class _Under:
    """An image, and the shape that lies on it (hpc, arcsec) and how it was got."""

    image: ImageHeader
    shape: BaseGeometry
    how: str


class _UnderShapeView(V1View):
    """Parameters under the shape of something, image by image."""

    table = params.UNDER_SHAPE

    def answer(
        self,
        request: HttpRequest,
        name: dict[str, Any],
        values: dict[str, Any],
        life: TimeWindow,
        under: Callable[[list[ImageHeader]], Iterable[_Under]],
    ) -> HttpResponseBase:
        """The series of the images of a life; `under` gives the shapes on a list of images."""
        numbers, quantiles = params.numbers_of(values), params.quantiles_of(values)
        images, more = _images(values, life)
        following = None if more is None else next_address(request, start=_unabridged(more))
        body = {
            **name,
            "wave": values["wave"],
            "parameters": [PARAMETERS[number - 1] for number in numbers],
            "quantiles": quantiles,
            "units": {"area": "arcsec2", **units_of(numbers)},
            "truncated": following is not None,
            "next": following,
            "series": [_values(one, numbers, quantiles) for one in under(images)],
        }
        return revalidated(request, with_link(json_response(body), following))


def _unabridged(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _images(values: dict[str, Any], life: TimeWindow) -> tuple[list[ImageHeader], datetime | None]:
    """The images that were observed in a life and in [start, end), and the time from which on there are more.

    What lived between two images has the one nearest to its start. Raises ParameterError.
    """
    asked = window_between(values["start"], values["end"])
    start = life.start if asked is None else max(asked.start, life.start)
    before = None if asked is None else asked.end
    limit = values["limit"]
    found = queries.observed_in(
        values["wave"], start, life.end, before=before, step=values["step"], most=limit + 1
    )
    if not found and life.end - life.start < CADENCE and (asked is None or _holds(asked, life)):
        nearest = queries.nearest(values["wave"], [life.start], TOLERANCE)[0]
        return ([nearest] if nearest else []), None
    return found[:limit], found[limit].observed if len(found) > limit else None


def _holds(asked: TimeWindow, life: TimeWindow) -> bool:
    return asked.start <= life.start and life.end < asked.end


def _values(under: _Under, numbers: Sequence[int], quantiles: Sequence[float]) -> dict[str, Any]:
    """What lies under one shape: cells, area, and how each parameter is spread over them."""
    image = under.image
    cover = covered_by(under.shape, image.wcs)
    frame = parameter_store().frame(image.wave, image.slot, image.frame_hash)
    spreads = {}
    for number in numbers:
        found = spread(frame[:, :, number - 1], cover, quantiles)
        spreads[PARAMETERS[number - 1]] = {"mean": found.mean, "quantiles": found.quantiles}
    return {
        "time": image.observed,
        "slot": image.slot,
        "shape": under.how,
        "cells": cover.count,
        "area": round(cover.area, _DECIMALS),
        "values": spreads,
    }


class EventParametersView(_UnderShapeView):
    """Parameters under one event as the Sun carries it through its life, from when its shape holds."""

    @schema.event_parameters
    def get(self, request: Request, key: str) -> HttpResponseBase:
        """At every image of its life: mean, quantiles, and the area of the cells that it covers."""
        values = self.values(request)
        event = find_event(key)
        shape, column = shape_of(event)
        if shape is None:
            raise NoPositionError(f"{event.kb_archivid} has neither outline nor box.")

        def under(images: list[ImageHeader]) -> Iterable[_Under]:
            for image in images:
                moved = carried_to([shape], [event.instant], image.observed)
                if moved.hidden[0]:
                    continue  # behind the limb there is nothing to see
                yield _Under(image, moved.shapes[0], "held" if moved.held[0] else "carried")

        name = {"kb_archivid": event.kb_archivid, "outline": column}
        life = TimeWindow(event.event_starttime, event.event_endtime)
        return self.answer(request, name, values, life, under)


class TrackParametersView(_UnderShapeView):
    """Parameters under the moving shape of a track."""

    @schema.track_parameters
    def get(self, request: Request, key: str) -> HttpResponseBase:
        """At every image of its life: mean, quantiles, and the area of the cells under its shape then."""
        values = self.values(request)
        track = find_track(key)

        def under(images: list[ImageHeader]) -> Iterable[_Under]:
            by_time = {image.observed: image for image in images}
            for _, shapes in shapes_of([track], lambda _: [*by_time]):
                for shape in shapes:
                    yield _Under(by_time[shape.time], shape.hpc, shape.origin)

        life = TimeWindow(track.event_starttime, track.event_endtime)
        return self.answer(request, {"track": track.pk}, values, life, under)
