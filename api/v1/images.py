"""The addresses of images: the list, the one that answers a time, its picture and its heat maps."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.caching import identity_of, kept, revalidated, tag_of, version_of
from api.errors import NotFoundError
from api.frames import find_image, image_at, tell_times, told
from api.paging import cursor_after_image, next_address, with_link
from api.params import read
from api.pictures import CONTENT_TYPES, coloured, encoded, heatmap_picture, with_legend
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import V1View, json_response
from api.v1.images_rows import answering, full_record, image_row
from images import queries
from images.domain.settings import PARAMETERS
from images.domain.slots import WAVES, start_of
from images.files import picture_folder
from images.models import ImageHeader
from images.store import parameter_store


class ImagesView(V1View):
    """Images by time, wavelength and quality; or of each wavelength the one that answers a time."""

    table = params.LIST

    @schema.images
    def get(self, request: Request) -> HttpResponseBase:
        """A page of images ordered by observation, or one image a wavelength."""
        values = self.values(request)
        params.check_one_way(values, request.query_params.get)
        return revalidated(request, _answering(values) if values["time"] else _page(request, values))


def _answering(values: dict[str, Any]) -> HttpResponse:
    time, within = values["time"], timedelta(seconds=values["tolerance"])
    waves = values["wave"] or WAVES
    found = {wave: find_image(wave, time, values["match"], within) for wave in waves}
    body = {
        "time": time,
        "match": values["match"],
        "tolerance": values["tolerance"],
        "images": [answering(image, time) for image in found.values() if image],
        "missing": [wave for wave, image in found.items() if image is None],
    }
    return json_response(body)


def _page(request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
    criteria, limit = params.criteria_of(values), values["limit"]
    found = list(queries.images(criteria)[: limit + 1])
    kept_rows = found[:limit]
    following = None
    if len(found) > limit:
        last = kept_rows[-1]
        following = next_address(request, cursor=cursor_after_image(last.observed, last.wave))
    body = {
        "returned": len(kept_rows),
        "truncated": following is not None,
        "next": following,
        "images": [image_row(image) for image in kept_rows],
    }
    return with_link(json_response(body), following)


class _OneImage(V1View):
    """A view of one image, which the address names by wavelength and slot or time."""

    def get(self, request: Request, wave: str, key: str, **address: str) -> HttpResponseBase:
        """The image itself, or something of it."""
        values = read(request.query_params, self.table, strict=True) | address
        image = named_image(params.wave_in_address(wave), params.key_of(key), values)
        response = self._kept(request, image, values)
        tell_times(response, image)
        return response

    def _kept(self, request: HttpRequest, image: ImageHeader, values: dict[str, Any]) -> HttpResponseBase:
        """What shows the version that the address names can be kept for ever."""
        words = [(name, str(value)) for name, value in sorted(values.items()) if name != "version"]
        tag = tag_of(type(self).__name__, identity_of(image), words)
        immutable = values["version"] == version_of(image)
        return kept(request, tag, lambda: self.answer(image, values), immutable=immutable)

    def answer(self, image: ImageHeader, values: dict[str, Any]) -> HttpResponse:
        """What is shown of the image."""
        raise NotImplementedError


def named_image(wave: int, key: int | datetime, values: dict[str, Any]) -> ImageHeader:
    """The image that an address means. Raises NotFoundError."""
    if isinstance(key, int):
        image = queries.header_at(wave, key)
        if image is None:
            raise NotFoundError(f"There is no image of {wave} angstrom in slot {key}.")
        return image
    return image_at(wave, key, values["match"], timedelta(seconds=values["tolerance"]))


class ImageView(_OneImage):
    """All that is known of one image."""

    table = params.IMAGE

    @schema.image
    def get(self, request: Request, wave: str, key: str) -> HttpResponseBase:
        """Header, coordinate system, quality, provenance and neighbours."""
        return super().get(request, wave, key)

    def _kept(self, request: HttpRequest, image: ImageHeader, values: dict[str, Any]) -> HttpResponseBase:
        return revalidated(request, self.answer(image, values))

    def answer(self, image: ImageHeader, values: dict[str, Any]) -> HttpResponse:
        """The record."""
        around = queries.neighbours(image.wave, start_of(image.slot))
        record = full_record(image, around.before, around.after)
        return json_response(record | {"matched": told(image.observed), "match": values["match"]})


class _Pictured(_OneImage):
    """A view whose answer is a picture: the form stands in the address."""

    negotiates = False


class PictureView(_Pictured):
    """An image as JPEG, row 0 in the north."""

    table = params.PICTURE

    @schema.picture
    def get(self, request: Request, wave: str, key: str) -> HttpResponseBase:
        """In grey, or in the usual colours of its channel."""
        return super().get(request, wave, key)

    def answer(self, image: ImageHeader, values: dict[str, Any]) -> HttpResponse:
        """The stored picture, or the same in colour."""
        jpeg = picture_folder().read(image.wave, image.slot, int(values["size"]))
        body = coloured(jpeg, image.wave) if values["colour"] == "aia" else jpeg
        return HttpResponse(body, content_type=CONTENT_TYPES["jpg"])


class HeatmapView(_Pictured):
    """One parameter over the grid as a picture."""

    table = params.HEATMAP

    @schema.heatmap
    def get(self, request: Request, wave: str, key: str, form: str) -> HttpResponseBase:
        """Cells as flat squares in the colours of a ramp, which spans the image's own values."""
        return super().get(request, wave, key, form=form)

    def answer(self, image: ImageHeader, values: dict[str, Any]) -> HttpResponse:
        """The heat map, with a legend if it is wanted."""
        number, ramp = values["parameter"], values["ramp"]
        plane = parameter_store().frame(image.wave, image.slot, image.frame_hash)[:, :, number - 1]
        picture = heatmap_picture(plane, int(values["size"]), ramp)
        if values["legend"]:
            picture = with_legend(picture, plane, ramp, PARAMETERS[number - 1].replace("_", " "))
        return HttpResponse(encoded(picture, values["form"]), content_type=CONTENT_TYPES[values["form"]])
