"""Image parameters in bulk: any range, step, wavelengths, parameters and window of cells, in four forms."""

from collections.abc import Generator
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.caching import kept, mark_gzip, takes_gzip, zipped_parts
from api.paging import next_address, with_link
from api.ranges import ranged, whole
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import Json, Npz, Parquet, V1View, ZarrZip
from api.v1.cubes import npz_entries, zarr_entries
from api.v1.harvest import Harvest, harvest_of
from api.v1.tables import json_parts
from api.zips import zip_length, zip_parts, zip_unsent

_CUBES = {Npz.format: npz_entries, ZarrZip.format: zarr_entries}
_SUFFIXES = {Npz.format: "npz", ZarrZip.format: "zarr.zip", Parquet.format: "parquet", Json.format: "json"}
_TYPES = {form.format: form.media_type for form in (Json, Npz, Parquet, ZarrZip)}


class ParametersView(V1View):
    """The ten parameters of many images."""

    renderer_classes = (Json, Npz, Parquet, ZarrZip)
    table = params.BULK

    @schema.parameters
    def get(self, request: Request) -> HttpResponseBase:
        """As many frames as fit an answer; the header Link says where the rest begins."""
        question = params.bulk_question(self.values(request))
        form = request.accepted_renderer.format
        harvest = harvest_of(question, form)
        following = address_from(request, harvest.following)
        gzip = form == Json.format and takes_gzip(request)
        tag = harvest.tag(f"{form} gzip" if gzip else form)

        def make() -> HttpResponseBase:
            if form in _CUBES:
                return _cube(request, harvest, form, tag)
            parts = json_parts(harvest, following) if form == Json.format else _parquet(harvest)
            return whole(request, zipped_parts(parts) if gzip else parts, _TYPES[form])

        response = kept(request, tag, make)
        _describe(response, harvest, form, following)
        mark_gzip(response, used=gzip and response.status_code == 200)
        return response


def _cube(request: HttpRequest, harvest: Harvest, form: str, tag: str) -> HttpResponseBase:
    entries = _CUBES[form](harvest)
    length = zip_length((entry.name, entry.length) for entry in entries)
    return ranged(
        request,
        partial(zip_parts, entries),
        length=length,
        tag=tag,
        content_type=_TYPES[form],
        unsent=partial(zip_unsent, entries),
    )


def address_from(request: HttpRequest, start: datetime | None) -> str | None:
    """The address of the rest: the same question from the first slot that is not in this answer."""
    return None if start is None else next_address(request, start=f"{start:%Y-%m-%dT%H:%M:%S}")


def _parquet(harvest: Harvest) -> Generator[bytes, None, None]:
    from api.v1.parquet import parquet_parts  # noqa: PLC0415 - see there

    return parquet_parts(harvest)


def _describe(response: HttpResponseBase, harvest: Harvest, form: str, following: str | None) -> None:
    headers: dict[str, Any] = {"X-Frame-Count": len(harvest.frames)}
    if form != Json.format:
        name = f"aia-parameters-{harvest.question.start:%Y%m%dT%H%M%S}.{_SUFFIXES[form]}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    for name, value in headers.items():
        response[name] = str(value)
    with_link(response, following)
