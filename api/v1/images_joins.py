"""Events and tracks on images: where an event lies on its image, and the parameters under a shape.

An event's image is that of the instant at which its shape holds: its start, or the end for methods that
report what their last image showed (`events.domain.vocabulary.observed_at`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import shapely
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from shapely.geometry.base import BaseGeometry

from api.errors import NoPositionError, NotFoundError
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import V1View, json_response
from api.v1.images_rows import answering
from api.v1.params import key_of
from events.domain.carrying import carried_to
from events.domain.criteria import TimeWindow
from events.domain.vocabulary import observed_at
from events.models import Event, Track
from events.queries import event_of, event_with_number, events_named
from events.tracks import track_of_archivid, track_of_number
from events.trackshapes import shapes_of
from images import queries
from images.domain import cells
from images.domain.criteria import TOLERANCE
from images.domain.sampling import covered_by, spread
from images.domain.settings import PARAMETERS
from images.domain.slots import CADENCE
from images.models import ImageHeader
from images.store import parameter_store

#: Digits after the point of pixels and areas.
_DECIMALS = 3


# --- events with their images


def with_images(lines: Sequence[str], wave: int) -> list[str]:
    """Rows of events (JSON), each with `image`: the one nearest to its instant, or null; and the event on it.

    `instant` is when the event's shape holds. `pixels` is the outline, or else the box, as GeoJSON in pixels
    of the image at full size: x = column, y = row from the north, both from 0 at the centre of the corner
    pixel. `cells` are the [row, column] that it touches. In the ten minutes at most between both instants the
    Sun turns by less than three pixels, which is let go.
    """
    rows = [orjson.loads(line) for line in lines]
    events = events_named([row["kb_archivid"] for row in rows])
    instants = [_instant(events[row["kb_archivid"]]) for row in rows]
    images = queries.nearest(wave, instants)
    for row, instant, image in zip(rows, instants, images, strict=True):
        row["image"] = None if image is None else _placed(events[row["kb_archivid"]], instant, image)
    return [orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY).decode() for row in rows]


def _instant(event: Event) -> datetime:
    """When the event's shape holds."""
    return observed_at(event.frm_name, event.event_starttime, event.event_endtime)


def _placed(event: Event, instant: datetime, image: ImageHeader) -> dict[str, Any]:
    shape, name = _shape(event)
    record = {**answering(image, instant), "instant": instant, "shape": name, "pixels": None, "cells": None}
    if shape is None:
        return record
    placed = cells.in_pixels(shape, image.wcs)
    if np.isfinite(shapely.get_coordinates(placed)).all():
        record["pixels"] = orjson.Fragment(shapely.to_geojson(shapely.set_precision(placed, 10**-_DECIMALS)))
        record["cells"] = np.argwhere(cells.mask(placed)).tolist()
    return record


def _shape(event: Event) -> tuple[BaseGeometry | None, str | None]:
    """The event's area: its outline, else its box, else nothing; and which."""
    for name in ("hpc_boundcc", "hpc_bbox"):
        column = getattr(event, name)
        if column is not None:
            shape = shapely.from_wkb(bytes(column.wkb))
            if not shape.is_empty:
                return shapely.make_valid(shape), name
    return None, None


# --- parameters under a shape


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
        self, request: HttpRequest, name: dict[str, Any], values: dict[str, Any], life: TimeWindow, under: Any
    ) -> HttpResponse:
        """The series of the images of a life; `under` gives the shapes on a list of images."""
        slots, following = _slots(values, life)
        images = list(queries.headers_of(values["wave"], slots))
        body = {
            **name,
            "wave": values["wave"],
            "parameters": _names(values),
            "quantiles": params.quantiles_of(values),
            "units": {"area": "arcsec2"},
            "truncated": following is not None,
            "next": following and _next(request, following),
            "series": [_values(one, values) for one in under(images)],
        }
        response = json_response(body)
        if body["next"]:
            response["Link"] = f'<{body["next"]}>; rel="next"'
        return response


def _names(values: dict[str, Any]) -> list[str]:
    return [PARAMETERS[number - 1] for number in _numbers(values)]


def _numbers(values: dict[str, Any]) -> Sequence[int]:
    return values["parameter"] or range(1, len(PARAMETERS) + 1)


def _slots(values: dict[str, Any], life: TimeWindow) -> tuple[list[int], datetime | None]:
    """The slots of the images that were observed in a life, and the time from which on there are more.

    What lived between two images has the one nearest to its start.
    """
    wave = values["wave"]
    start, end = max(values["start"] or life.start, life.start), min(values["end"] or life.end, life.end)
    if end < start:
        return [], None
    found = queries.observed_in(wave, start, end, step=values["step"], most=values["limit"] + 1)
    observed = list(found)
    if not observed and life.end - life.start < CADENCE and (start, end) == (life.start, life.end):
        nearest = queries.nearest(wave, [life.start], TOLERANCE)[0]
        return ([nearest.slot], None) if nearest else ([], None)
    kept = observed[: values["limit"]]
    more = observed[values["limit"]].observed if len(observed) > values["limit"] else None
    return [image.slot for image in kept], more


def _next(request: HttpRequest, start: datetime) -> str:
    query = request.GET.copy()
    query["start"] = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _values(under: _Under, values: dict[str, Any]) -> dict[str, Any]:
    """What lies under one shape: cells, area, and how each parameter is spread over them."""
    image = under.image
    cover = covered_by(under.shape, image.wcs)
    frame = parameter_store().frame(image.wave, image.slot)
    spreads = {}
    for number in _numbers(values):
        found = spread(frame[:, :, number - 1], cover, params.quantiles_of(values))
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
    def get(self, request: Request, key: str) -> HttpResponse:
        """At every image of its life: mean, quantiles, and the area of the cells that it covers."""
        values = self.values(request)
        event = _event(key)
        shape, column = _shape(event)
        if shape is None:
            raise NoPositionError(f"{event.kb_archivid} has neither outline nor box.")

        def under(images: list[ImageHeader]) -> Iterable[_Under]:
            for image in images:
                moved = carried_to([shape], [_instant(event)], image.observed)
                if moved.hidden[0]:
                    continue  # behind the limb there is nothing to see
                yield _Under(image, moved.shapes[0], "held" if moved.held[0] else "carried")

        name = {"kb_archivid": event.kb_archivid, "outline": column}
        life = TimeWindow(event.event_starttime, event.event_endtime)
        return self.answer(request, name, values, life, under)


def _event(key: str) -> Event:
    name = key_of(key)
    known = "\0" not in key
    found = event_with_number(name) if isinstance(name, int) else event_of(name)
    event = found.first() if known else None
    if event is None:
        raise NotFoundError(f"There is no event {key[:200]!r}.")
    return event


class TrackParametersView(_UnderShapeView):
    """Parameters under the moving shape of a track."""

    @schema.track_parameters
    def get(self, request: Request, key: str) -> HttpResponse:
        """At every image of its life: mean, quantiles, and the area of the cells under its shape then."""
        values = self.values(request)
        track = _track(key)

        def under(images: list[ImageHeader]) -> Iterable[_Under]:
            instants = [image.observed for image in images]
            by_time = {image.observed: image for image in images}
            for _, shapes in shapes_of([track], lambda _: instants):
                for shape in shapes:
                    yield _Under(by_time[shape.time], shape.hpc, shape.origin)

        life = TimeWindow(track.event_starttime, track.event_endtime)
        return self.answer(request, {"track": track.pk}, values, life, under)


def _track(key: str) -> Track:
    name = key_of(key)
    tracks = track_of_number(name) if isinstance(name, int) else track_of_archivid(name)
    track = tracks.first() if "\0" not in key else None
    if track is None:
        raise NotFoundError(f"There is no track of a report {key[:200]!r}.")
    return track
