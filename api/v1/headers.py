"""Headers of many images as a table: csv, json or VOTable."""

import csv
import io
from collections.abc import Generator, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.caching import REVALIDATED, revalidated
from api.frames import told
from api.paging import cursor_after_image, next_address, with_link
from api.ranges import whole
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import Csv, Json, V1View, VoTable, json_response
from api.v1.images_rows import DESCRIPTIONS, TABLE
from api.v1.listing import CONTENT_TYPES
from images import queries

#: The values of one image, in the order of `TABLE`.
Row = tuple[Any, ...]
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
        found = queries.images(params.criteria_of(values)).values_list(*TABLE.values())
        if form == Csv.format and values["limit"] is None:
            response = whole(request, _streamed(found), CONTENT_TYPES[form])
            response["Cache-Control"] = REVALIDATED
            return response
        limit = values["limit"] or params.DEFAULT_LIMIT
        rows = list(found[: limit + 1])
        following = None
        if len(rows) > limit:
            last = dict(zip(TABLE, rows[limit - 1], strict=True))
            following = next_address(request, cursor=cursor_after_image(last["observed"], last["wave"]))
        return revalidated(request, with_link(_written(rows[:limit], form, following), following))


def _written(rows: list[Row], form: str, following: str | None) -> HttpResponse:
    if form == Csv.format:
        return HttpResponse("".join(_lines(rows)), content_type=CONTENT_TYPES[form])
    if form == VoTable.format:
        return HttpResponse(_votable(rows), content_type=VoTable.media_type)
    return json_response(
        {
            "returned": len(rows),
            "truncated": following is not None,
            "next": following,
            "units": {name: unit for name, (unit, _) in DESCRIPTIONS.items() if unit},
            "headers": [dict(zip(TABLE, row, strict=True)) for row in rows],
        }
    )


def _cells(row: Row) -> list[Any]:
    return [told(value) if isinstance(value, datetime) else value for value in row]


def _streamed(found: QuerySet[Any, Row]) -> Generator[str]:
    # Inside a transaction, since PostgreSQL would compute all of a cursor's rows first outside of one.
    with transaction.atomic():
        yield from _lines(found.iterator(_FETCHED_AT_ONCE))


def _lines(rows: Iterable[Row]) -> Generator[str]:
    """CSV (RFC 4180), a chunk of lines at a time; a missing value is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(TABLE)
    for number, row in enumerate(rows, 1):
        writer.writerow(_cells(row))
        if number % _FETCHED_AT_ONCE == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _votable(rows: list[Row]) -> bytes:
    """IVOA VOTable 1.4, with units and meanings; NaN is a missing number."""
    # Imported late: 30 MB of memory that few web processes need.
    from astropy.io.votable import writeto  # noqa: PLC0415
    from astropy.io.votable.tree import VOTableFile  # noqa: PLC0415
    from astropy.table import Table  # noqa: PLC0415

    columns: dict[str, list[Any]] = {name: [] for name in TABLE}
    for row in rows:
        for name, value in zip(TABLE, _cells(row), strict=True):
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
