"""Events on images: each with the image of the instant at which its shape holds, and its place on it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry

from api.v1.images_rows import answering
from events.models import Event
from events.queries import events_named
from images import queries
from images.domain import cells
from images.models import ImageHeader

#: Digits after the point of pixels.
_DECIMALS = 3


def with_images(lines: Sequence[str], wave: int) -> list[str]:
    """Rows of events (JSON), each with `image`: the one nearest to its instant, or null; and the event on it.

    `instant` is when the event's shape holds. `pixels` is the outline, or else the box, as GeoJSON in pixels
    of the image at full size: x = column, y = row from the north, both from 0 at the centre of the corner
    pixel. `cells` are the [row, column] that it touches. In the ten minutes at most between both instants the
    Sun turns by less than three pixels, which is let go.
    """
    rows = [orjson.loads(line) for line in lines]
    events = events_named([row["kb_archivid"] for row in rows])
    instants = [events[row["kb_archivid"]].instant for row in rows]
    images = queries.nearest(wave, instants)
    for row, instant, image in zip(rows, instants, images, strict=True):
        row["image"] = None if image is None else _placed(events[row["kb_archivid"]], instant, image)
    return [orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY).decode() for row in rows]


def _placed(event: Event, instant: datetime, image: ImageHeader) -> dict[str, Any]:
    shape, name = shape_of(event)
    record = {**answering(image, instant), "instant": instant, "shape": name, "pixels": None, "cells": None}
    if shape is None:
        return record
    placed = cells.in_pixels(shape, image.wcs)
    if not placed.is_empty:
        record["pixels"] = orjson.Fragment(shapely.to_geojson(shapely.set_precision(placed, 10**-_DECIMALS)))
        record["cells"] = np.argwhere(cells.mask(placed)).tolist()
    return record


def shape_of(event: Event) -> tuple[BaseGeometry | None, str | None]:
    """The event's area: its outline, else its box, else nothing; and which."""
    for name in ("hpc_boundcc", "hpc_bbox"):
        column = getattr(event, name)
        if column is not None:
            shape = shapely.from_wkb(bytes(column.wkb))
            if not shape.is_empty:
                return shapely.make_valid(shape), name
    return None, None
