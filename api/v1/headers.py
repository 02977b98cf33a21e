"""Headers of many images as a table: csv, json or VOTable."""

import csv
import io
from collections.abc import Generator, Iterable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.frames import told
from api.ranges import whole
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import Csv, Json, V1View, VoTable, json_response
from api.v1.images import next_page
from api.v1.images_rows import DESCRIPTIONS, TABLE
from api.v1.listing import CONTENT_TYPES
from images import queries
from images.models import ImageHeader

_FETCHED_AT_ONCE = 1000
#: What the IVOA's VOUnits wants instead.
_VO_UNITS = {"angstrom": "0.1nm"}


class HeadersView(V1View):
    """Header values of images by time, wavelength and quality."""

    renderer_classes = (Json, Csv, VoTable)
    table = params.HEADERS

    @schema.headers
    def get(self, request: Request) -> HttpResponseBase:
        """A page of headers ordered by observation, or all of them as csv."""
        values = self.values(request)
        form = request.accepted_renderer.format
        found = queries.images(params.criteria_of(values))
        if form == Csv.format and values["limit"] is None:
            rows = found.iterator(_FETCHED_AT_ONCE)
            return whole(request, _lines(rows), CONTENT_TYPES[form])
        limit = values["limit"] or params.DEFAULT_LIMIT
        page = list(found[: limit + 1])
        following = next_page(request, page[limit - 1]) if len(page) > limit else None
        response = _written(page[:limit], form, following)
        if following is not None:
            response["Link"] = f'<{following}>; rel="next"'
        return response


def _written(page: list[ImageHeader], form: str, following: str | None) -> HttpResponse:
    if form == Csv.format:
        return HttpResponse("".join(_lines(page)), content_type=CONTENT_TYPES[form])
    if form == VoTable.format:
        return HttpResponse(_votable(page), content_type=VoTable.media_type)
    rows = [_row(image) for image in page]
    return json_response(
        {
            "returned": len(rows),
            "truncated": following is not None,
            "next": following,
            "units": {name: unit for name, (unit, _) in DESCRIPTIONS.items() if unit},
            "headers": rows,
        }
    )


def _row(image: ImageHeader) -> dict[str, Any]:
    return {name: getattr(image, column) for name, column in TABLE.items()}


def _cells(image: ImageHeader) -> list[Any]:
    row = _row(image)
    row["observed"] = told(image.observed)
    return [*row.values()]


def _lines(images: Iterable[ImageHeader]) -> Generator[str]:
    """CSV (RFC 4180), a chunk of lines at a time; a missing value is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(TABLE)
    for number, image in enumerate(images, 1):
        writer.writerow(_cells(image))
        if number % _FETCHED_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _votable(images: list[ImageHeader]) -> bytes:
    """IVOA VOTable 1.4, with units and meanings; NaN is a missing number."""
    # Imported late: 30 MB of memory that few web processes need.
    from astropy.io.votable import writeto  # noqa: PLC0415
    from astropy.io.votable.tree import VOTableFile  # noqa: PLC0415
    from astropy.table import Table  # noqa: PLC0415

    columns: dict[str, list[Any]] = {name: [] for name in TABLE}
    for image in images:
        for name, value in zip(TABLE, _cells(image), strict=True):
            columns[name].append(float("nan") if value is None else value)
    kinds = [_kind(name) for name in TABLE]
    table = Table(list(columns.values()), names=list(TABLE), dtype=kinds)
    for name, (unit, meaning) in DESCRIPTIONS.items():
        table[name].description = meaning
        if unit:
            table[name].unit = _VO_UNITS.get(unit, unit)
    buffer = io.BytesIO()
    writeto(VOTableFile.from_table(table), buffer)
    return buffer.getvalue()


def _kind(name: str) -> str:
    whole = {"wave": "i2", "slot": "i4", "QUALITY": "i8", "NAXIS1": "i4", "observed": "U27"}
    return whole.get(name, "f8")
