"""One image parameter along the track of an event, as the original's page of an event drew it."""

from typing import Any

import numpy as np
import shapely

from api.found import find_event
from api.frames import told
from events.models import Event
from events.tracks import reports_of, track_of_number
from images.domain import cells
from images.models import ImageHeader
from images.queries import nearest
from images.store import parameter_store

#: Digits after the point of a value; the original stored four.
_DECIMALS = 4


def track_series(key: str, wave: int, parameter: int) -> list[dict[str, Any]]:
    """The mean of a parameter (1 to 10) over the cells that each report's box touches, by time.

    The reports are those of the track of the event `key` (kb_archivid, or our number), or the event alone;
    `time` is the instant at which the report's box holds; the image is the one nearest to it. Reports without
    box or image are left out. Raises NotFoundError where there is no such event.
    """
    reports = [event for event in _reports(key) if event.hpc_bbox is not None]
    images = nearest(wave, [event.instant for event in reports])
    return [
        {"time": told(event.instant), "value": _mean(event, image, parameter)}
        for event, image in zip(reports, images, strict=True)
        if image is not None
    ]


def _reports(key: str) -> list[Event]:
    event = find_event(key)
    track = track_of_number(event.pk).first()
    return [event] if track is None else [report.event for report in reports_of(track)]


def _mean(event: Event, image: ImageHeader, parameter: int) -> float | None:
    box = shapely.from_wkb(bytes(event.hpc_bbox.wkb))
    covered = cells.mask(cells.in_pixels(box, image.wcs))
    values = parameter_store().frame(image.wave, image.slot, image.frame_hash)[:, :, parameter - 1][covered]
    known = values[np.isfinite(values)].astype(np.float64)
    return round(float(known.mean()), _DECIMALS) if known.size else None
