"""One image parameter along the track of an event, as the original's page of an event drew it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from api.found import find_event
from api.frames import told
from events.models import Event, Track
from events.tracks import track_of_number
from events.trackshapes import shapes_of
from images.domain import cells
from images.domain.slots import start_of
from images.models import ImageHeader
from images.queries import in_range, nearest, observed_in
from images.store import parameter_store

#: Values in a series: of more images every so-many-th is taken, so that a curve over weeks stays one.
MOST_VALUES = 1_000
#: Digits after the point of a value; the original stored four.
_DECIMALS = 4


def track_series(key: str, wave: int, parameter: int) -> list[dict[str, Any]]:
    """The mean of a parameter (1 to 10) over the cells that the box of the event touches, image by image.

    Along the track of the event `key` (kb_archivid, or our number), with the box of the shape that it has in
    the slot of each image; an event without a track has its own box, on the image nearest to its instant.
    `time` is when the image was observed. Raises NotFoundError where there is no such event.
    """
    event = find_event(key)
    track = track_of_number(event.pk).first()
    return [
        {"time": told(image.observed), "value": _mean(box, image, parameter)}
        for box, image in (_alone(event, wave) if track is None else _along(track, wave))
    ]


def _along(track: Track, wave: int) -> Iterator[tuple[BaseGeometry, ImageHeader]]:
    """A track's boxes in the slots of the images of its life, so that stored shapes need only be read."""
    life = track.event_starttime, track.event_endtime
    step = max(1, -(-in_range(wave, *life).count() // MOST_VALUES))
    images = {start_of(image.slot): image for image in observed_in(wave, *life, step=step)}
    for _, shapes in shapes_of([track], lambda _: [*images]):
        for shape in shapes:
            yield shapely.box(*shape.hpc.bounds), images[shape.time]


def _alone(event: Event, wave: int) -> Iterator[tuple[BaseGeometry, ImageHeader]]:
    (image,) = nearest(wave, [event.instant])
    if image is not None and event.hpc_bbox is not None:
        yield shapely.from_wkb(bytes(event.hpc_bbox.wkb)), image


def _mean(box: BaseGeometry, image: ImageHeader, parameter: int) -> float | None:
    covered = cells.mask(cells.in_pixels(box, image.wcs))
    values = parameter_store().frame(image.wave, image.slot, image.frame_hash)[:, :, parameter - 1][covered]
    known = values[np.isfinite(values)].astype(np.float64)
    return round(float(known.mean()), _DECIMALS) if known.size else None
