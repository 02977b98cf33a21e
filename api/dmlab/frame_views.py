"""The addresses of AIA images, their heat maps, parameters and headers: one image, or a range of them."""

from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Any, ClassVar
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from api.caching import identity_of, kept, mark_gzip, tag_of, takes_gzip, zipped, zipped_parts
from api.dmlab import frame_params, rows
from api.dmlab.cells import json_cells, xml_cells
from api.dmlab.params import values_of
from api.dmlab.series import track_series
from api.dmlab.views import TYPES, DmlabView
from api.frames import image_of, tell_times
from api.paging import next_address, with_link
from api.params import Parameter
from api.pictures import CONTENT_TYPES, encoded, heatmap_picture, tripled
from api.ranges import whole
from images.domain.slots import start_of
from images.files import picture_folder
from images.models import ImageHeader
from images.queries import range_page
from images.store import parameter_store

_JPEG = CONTENT_TYPES["jpg"]
#: The six values of a header in the order in which a client reads them by position.
_HEADER = {"X0": "x0", "Y0": "y0", "DSUN": "dsun", "R_SUN": "r_sun", "CDELT": "cdelt", "QUALITY": "quality"}


class FrameView(DmlabView):
    """A view that answers with one image or something of it."""

    table: ClassVar[tuple[Parameter, ...]] = frame_params.FRAME

    def get(self, request: HttpRequest, **address: str) -> HttpResponseBase:
        """What the image that answers the time has to show; its true times stand in the headers."""
        values = self.asked(request) | address
        image = image_of(values, values["starttime"])
        gzip = self.compresses and takes_gzip(request)
        words = [values[name] for name in sorted({*values} - {"starttime", "match", "tolerance"})]
        response = kept(
            request,
            tag_of(type(self).__name__, identity_of(image), words, gzip),
            lambda: self._made(image, values, gzip=gzip),
        )
        tell_times(response, image)
        if self.compresses:
            mark_gzip(response, used=gzip and response.status_code == HTTPStatus.OK)
        return response

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        """The values of the parameters. Raises ParameterError."""
        return values_of(request.GET, self.table)

    #: Whether the body is text, which gzip makes smaller.
    compresses = True

    def body(self, image: ImageHeader, values: dict[str, Any]) -> bytes:
        """What is shown."""
        raise NotImplementedError

    @property
    def content_type(self) -> str:
        """Of the body."""
        return TYPES[self.form]

    def _made(self, image: ImageHeader, values: dict[str, Any], *, gzip: bool) -> HttpResponse:
        body = self.body(image, values)
        return HttpResponse(zipped(body) if gzip else body, content_type=self.content_type)


class PictureView(FrameView):
    """images/SDO/AIA/{size}/: the image as grey JPEG, row 0 in the north; colour=1 gives three channels."""

    table = frame_params.PICTURE
    compresses = False
    content_type = _JPEG

    def body(self, image: ImageHeader, values: dict[str, Any]) -> bytes:
        """The stored picture."""
        jpeg = picture_folder().read(image.wave, image.slot, frame_params.SIZES[values["size"]])
        return tripled(jpeg) if values["colour"] == "1" else jpeg


class HeatmapView(FrameView):
    """images/SDO/AIA/param/64/{size}/: one parameter as a picture of 64 x 64 flat squares."""

    table = frame_params.HEATMAP
    compresses = False
    content_type = _JPEG

    def body(self, image: ImageHeader, values: dict[str, Any]) -> bytes:
        """The heat map, scaled to the image's own values."""
        plane = parameter_store().frame(image.wave, image.slot, image.frame_hash)[:, :, values["param"] - 1]
        return encoded(heatmap_picture(plane, frame_params.SIZES[values["size"]]))


class CellsView(FrameView):
    """params/SDO/AIA/[json/]64/full/: ten parameters of 64 x 64 cells."""

    table = frame_params.CELLS

    def body(self, image: ImageHeader, values: dict[str, Any]) -> bytes:
        """All cells, x (the column) running slower than y (the row)."""
        frame = parameter_store().frame(image.wave, image.slot, image.frame_hash)
        if self.form == "json":
            return json_cells(frame)
        return b"<image>\n".join(
            (rows.DECLARATION.encode(), xml_cells(frame, values["format"]) + b"</image>\n")
        )

    def asked(self, request: HttpRequest) -> dict[str, Any]:
        """With the form of the XML, which a setting says where the client does not: old programs cannot."""
        if self.form == "json":
            return values_of(request.GET, frame_params.FRAME)
        values = super().asked(request)
        return values | {"format": values["format"] or settings.ISD_DMLAB_XML}


class HeaderView(FrameView):
    """header/SDO/AIA/{xml,json}/: six numbers and nothing else, since a client breaks on a seventh."""

    def body(self, image: ImageHeader, values: dict[str, Any]) -> bytes:  # noqa: ARG002 - nothing is chosen here
        """The values under the old service's meanings: they do not describe our pixels."""
        six = {name: getattr(image, column) for name, column in _HEADER.items()}
        if self.form == "json":
            return orjson.dumps(six)
        elements = "".join(f"<{name}>{value!r}</{name}>" for name, value in six.items())
        return f"{rows.DECLARATION}<header>{elements}</header>\n".encode()


class RangeView(DmlabView):
    """params/SDO/AIA/[json/]64/full/range/: the parameters of a range of images, a stream of frames."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponseBase:
        """Every `step`-th image of [starttime, endtime), of these `limit` from `offset` on."""
        asked = frame_params.range_question(request.GET, xml=self.form == "xml")
        page = range_page(
            asked.wave, asked.start, asked.end, step=asked.step, offset=asked.offset, limit=asked.limit
        )
        gzip = takes_gzip(request)
        write = _json_frames if self.form == "json" else _xml_frames(asked.form or "flat")
        parts = write(asked.wave, page.frames)
        response = whole(request, zipped_parts(parts) if gzip else parts, TYPES[self.form])
        mark_gzip(response, used=gzip)
        response["Cache-Control"] = "no-cache"
        response["X-Total-Count"] = str(page.total)
        after = asked.offset + len(page.frames)
        more = page.frames and after < page.total
        return with_link(response, next_address(request, offset=after) if more else None)


Frames = Generator[bytes, None, None]
Wanted = list[tuple[int, UUID | None]]


def _xml_frames(form: str) -> Callable[[int, Wanted], Frames]:
    def write(wave: int, wanted: Wanted) -> Frames:
        opening = f"{rows.DECLARATION}<frames>\n".encode()
        for (slot, _), frame in zip(wanted, parameter_store().frames(wave, wanted), strict=True):
            yield b"%s<frame><timestamp>%s</timestamp>\n%s</frame>\n" % (
                opening,
                _stamp(slot),
                xml_cells(frame, form),
            )
            opening = b""
        yield opening + b"</frames>\n"

    return write


def _json_frames(wave: int, wanted: Wanted) -> Frames:
    before = b"["
    for (slot, _), frame in zip(wanted, parameter_store().frames(wave, wanted), strict=True):
        yield b'%s{"timestamp":"%s","cells":%s}' % (before, _stamp(slot), json_cells(frame))
        before = b","
    yield b"]" if wanted else b"[]"


def _stamp(slot: int) -> bytes:
    """The start of the slot, as the clients write times."""
    return f"{start_of(slot):%Y-%m-%dT%H:%M:%S}".encode()


class TrackSeriesView(DmlabView):
    """params/SDO/AIA/param/track/ts: one parameter along the track of an event."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """A bare array, which is empty where there are no images; its reader takes nothing else."""
        values = values_of(request.GET, frame_params.TRACK_SERIES)
        return self.answer(orjson.dumps(track_series(values["id"], values["wave"], values["param"])))
