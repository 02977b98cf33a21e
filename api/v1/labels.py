"""Labels: how much of each cell of an image lies under events of each type.

They are made of the Sun at the time at which the image was observed (`events.state`), when they are asked
for: a report that comes late changes them, so no answer may be kept unasked.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import orjson
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from numpy.typing import NDArray
from rest_framework.request import Request
from shapely.geometry.base import BaseGeometry

from api.caching import REVALIDATED, revalidated
from api.frames import tell_times
from api.paging import with_link
from api.params import read
from api.ranges import Begun, whole
from api.v1 import images_schema as schema
from api.v1 import labels_params as params
from api.v1.answers import Json, Npz, V1View, json_head, json_response
from api.v1.cubes import npy, npy_head
from api.v1.images import named_image
from api.v1.images_params import key_of, wave_in_address
from api.v1.labels_params import LabelsQuestion, Whom
from api.v1.parameters import address_from
from api.v1.tracks_rows import rotation_law
from api.zips import Entry, zip_length, zip_parts
from events.sightings import shape_settings
from events.state import Present, State, state_at
from images import queries
from images.domain.labels import shares
from images.domain.slots import start_of
from images.models import ImageHeader

_OPTIONS = orjson.OPT_UTC_Z


class LabelsView(V1View):
    """Labels of many images of one wavelength."""

    renderer_classes = (Json, Npz)
    table = params.LABELS

    @schema.labels
    def get(self, request: Request) -> HttpResponseBase:
        """The images whose parameters the same window and step give; the header Link says where to go on."""
        question = params.labels_question(request.query_params)
        form = request.accepted_renderer.format
        images, following = _images(question)
        address = address_from(request, following)
        if form == Npz.format:
            response = _npz(request, question, images)
        else:
            response = whole(request, _json_parts(question, images, address), Json.media_type)
        response["Cache-Control"] = REVALIDATED
        response["X-Frame-Count"] = str(len(images))
        return with_link(response, address)


class ImageLabelsView(V1View):
    """Labels of one image, which the address names by wavelength and slot or time."""

    table = params.IMAGE_LABELS

    @schema.image_labels
    def get(self, request: Request, wave: str, key: str) -> HttpResponseBase:
        """The share of each covered cell, by type, and the events that lie there."""
        values = read(request.query_params, self.table, strict=True)
        whom = params.whom_of(request.query_params, values)
        image = named_image(wave_in_address(wave), key_of(key), values)
        body = _about(whom) | _told(_labelled(image, whom), whom)
        response = revalidated(request, json_response(body))
        tell_times(response, image)
        return response


def _images(question: LabelsQuestion) -> tuple[list[ImageHeader], datetime | None]:
    """The images that are labelled, in time, and the time at which the next answer starts."""
    asked, most = question.frames, question.limit
    found = queries.held(asked.waves, asked.start, asked.end, step=asked.step, most=most + 1)
    images = list(queries.headers_of(question.wave, [frame.slot for frame in found[:most]]))
    return images, start_of(found[most].slot) if len(found) > most else None


# --- making


@dataclass(frozen=True, slots=True)
class _Labelled:
    """An image, the Sun as it was then, and the share of each cell by (type, row, column)."""

    image: ImageHeader
    sun: State
    shares: NDArray[np.float64]


def _labelled(image: ImageHeader, whom: Whom) -> _Labelled:
    """The labels of one image, of the cells that were asked for. Three statements at most."""
    sun = state_at(whom.at(image.observed))
    shapes: dict[str, list[BaseGeometry]] = {kind: [] for kind in whom.types}
    for item in sun.items:
        if item.shape is not None:
            shapes[item.event_type].append(item.shape)
    planes = [shares(shapes[kind], image.wcs)[whom.rows, whom.columns] for kind in whom.types]
    return _Labelled(image, sun, np.stack(planes))


# --- json


def _json_parts(
    question: LabelsQuestion, images: Sequence[ImageHeader], following: str | None
) -> Generator[bytes, None, None]:
    """One object: what was asked, then the images one by one. The first part has the first of them."""
    head = {
        "returned": len(images),
        "truncated": following is not None,
        "next": following,
        "wave": question.wave,
        "step": question.frames.step,
        **_about(question.whom),
    }
    before = f'{json_head(head)},"frames":['.encode()
    for image in images:
        labels = _told(_labelled(image, question.whom), question.whom)
        yield before + orjson.dumps(labels, option=_OPTIONS)
        before = b","
    yield (b"" if images else before) + b"]}"


def _about(whom: Whom) -> dict[str, Any]:
    """Of what the labels are complete, for which cells, and how the shapes were made."""
    settings = shape_settings()
    return {
        "rows": [whom.rows.start, whom.rows.stop],
        "columns": [whom.columns.start, whom.columns.stop],
        "predicate": {
            "event_type": whom.types,
            "frm_name": whom.frm_name,
            "extrapolate": whom.extrapolate,
            "max_gap": None if whom.max_gap is None else whom.max_gap.total_seconds(),
        },
        "interpolation": settings.method,
        "rotation": rotation_law(settings),
    }


def _told(labelled: _Labelled, whom: Whom) -> dict[str, Any]:
    """The labels of one image: of each type [row, column, share] of the covered cells, and the events."""
    image, sun = labelled.image, labelled.sun
    placed = [item for item in sun.items if item.shape is not None]
    return {
        "wave": image.wave,
        "slot": image.slot,
        "time": start_of(image.slot),
        "observed": image.observed,
        "quality": image.quality,
        "values": {
            kind: _covered(plane, whom) for kind, plane in zip(whom.types, labelled.shares, strict=True)
        },
        "events": [_event(item) for item in placed],
        "left_out": {
            "extrapolated": sun.extrapolated,
            "max_gap": sun.beyond_gap,
            "no_shape": len(sun.items) - len(placed),
        },
    }


def _covered(plane: NDArray[np.float64], whom: Whom) -> list[tuple[int, int, float]]:
    """Row and column in the whole grid, and the share, of the cells that are covered."""
    rows, columns = np.nonzero(plane)
    places = (rows + whom.rows.start).tolist(), (columns + whom.columns.start).tolist()
    return list(zip(*places, plane[rows, columns].tolist(), strict=True))


def _event(item: Present) -> dict[str, Any]:
    return {
        "kb_archivid": item.kb_archivid,
        "event_type": item.event_type,
        "track": item.track,
        "origin": item.origin,
    }


# --- npz


def _npz(request: HttpRequest, question: LabelsQuestion, images: Sequence[ImageHeader]) -> HttpResponseBase:
    """The arrays; their length is told, so that who was cut off notices. Nothing promises the same again."""
    wanted = request.method != "HEAD"
    # Begun here, not only in the file, so that what fails at once fails before anything was sent.
    planes = Begun(_planes(images, question.whom)) if wanted else ()
    entries = _entries(question, images, planes)
    response = StreamingHttpResponse(zip_parts(entries) if wanted else (), content_type=Npz.media_type)
    response["Content-Length"] = str(zip_length((entry.name, entry.length) for entry in entries))
    name = f"aia-{question.wave}-labels-{question.frames.start:%Y%m%dT%H%M%S}.npz"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _entries(question: LabelsQuestion, images: Sequence[ImageHeader], planes: Iterable[bytes]) -> list[Entry]:
    """`labels` over (time, event_type, row, column), its coordinates, and what is told of each time."""
    whom = question.whom
    small = {
        "time": np.array([_plain(start_of(image.slot)) for image in images], dtype="M8[s]"),
        "event_type": np.array(whom.types),
        "row": np.arange(whom.rows.start, whom.rows.stop, dtype=np.int16),
        "column": np.arange(whom.columns.start, whom.columns.stop, dtype=np.int16),
        "wave": np.array(question.wave, dtype=np.int16),
        "observed": np.array([_plain(image.observed) for image in images], dtype="M8[us]"),
        "quality": np.array([image.quality for image in images], dtype=np.uint32),
        "provenance": np.array(orjson.dumps(_about(whom)).decode()),
    }
    shape = (len(images), *whom.shape)
    head = npy_head(shape)
    length = len(head) + 4 * int(np.prod(shape))
    labels = Entry("labels.npy", length, lambda: chain((head,), planes))
    return [*(Entry.of(f"{name}.npy", npy(array)) for name, array in small.items()), labels]


def _planes(images: Iterable[ImageHeader], whom: Whom) -> Generator[bytes, None, None]:
    """The numbers of one image after the other."""
    for image in images:
        yield _labelled(image, whom).shares.astype("<f4").tobytes()


def _plain(time: datetime) -> datetime:
    """The same time, UTC, as numpy takes it."""
    return time.replace(tzinfo=None)
