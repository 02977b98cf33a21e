"""A list in its four forms, page by page or all of it: of events, of tracks."""

import csv
import io
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from api.paging import next_address, with_link
from api.ranges import whole
from api.render import Columns, page_lines, stream_lines, stream_tuples
from api.v1.answers import Csv, GeoJsonForm, Json, NdJson, json_head
from api.v1.params import DEFAULT_LIMIT, FIRST, LAST
from events.domain.criteria import EventCriteria
from events.domain.tracks import TrackCriteria
from events.statements import Statement


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list was asked, and how its rows are got.

    `name` is the key of the list in JSON, `head` what the answer says of itself beside the rows. `limit` is
    None where the client gave none. `statement` gives the SQL of the first n rows (None: of all) after the
    place where the question goes on; `cursor` the place just after a row.
    """

    name: str
    head: Mapping[str, Any]
    limit: int | None
    columns: Columns
    features: Columns
    statement: Callable[[int | None, Columns], Statement]
    cursor: Callable[[Mapping[str, Any]], str]
    #: What is done to the rows of a page of JSON before they are sent.
    finish: Callable[[list[str]], list[str]] = list

    def lines(self, columns: Columns) -> list[str]:
        """The rows of a page, and one row more, which tells whether there is a next one."""
        return page_lines(self.statement(self.page_size + 1, columns), columns)

    @property
    def page_size(self) -> int:
        """Rows in a page."""
        return self.limit or DEFAULT_LIMIT


def window_and_box(criteria: EventCriteria | TrackCriteria) -> dict[str, Any]:
    """What an answer is complete for in time and space, in the parameters' words; null where not asked."""
    window, area = criteria.window, criteria.area
    return {
        "time_relation": criteria.temporal if window else None,
        "start": window.start if window and window.start > FIRST else None,
        "end": window.end if window and window.end < LAST else None,
        "box_relation": criteria.spatial if area else None,
        "bbox": area.bounds if area else None,
    }


def list_response(request: HttpRequest, listing: Listing, form: str) -> HttpResponseBase:
    """The answer in the form of this name."""
    if form in (Json.format, GeoJsonForm.format):
        return _page(request, listing, geojson=form == GeoJsonForm.format)
    if listing.limit is None:
        return _stream(request, listing, form)
    return _page_of_lines(request, listing, form)


# --- one page


def _page(request: HttpRequest, listing: Listing, *, geojson: bool) -> HttpResponse:
    """JSON or GeoJSON: the rows in one list, and beside them what was asked and where to go on."""
    lines = listing.lines(listing.features if geojson else listing.columns)
    following = _next(request, listing, lines)
    kept = lines[: listing.page_size]
    head = {"returned": len(kept), "truncated": following is not None, "next": following, **listing.head}
    if geojson:
        features = ",".join(f'{{"type":"Feature",{line[1:]}' for line in kept)
        text = f'{json_head({"type": "FeatureCollection"} | head)},"features":[{features}]}}'
    else:
        text = f'{json_head(head)},"{listing.name}":[{",".join(listing.finish(kept))}]}}'
    media = GeoJsonForm if geojson else Json
    return with_link(HttpResponse(text, content_type=media.media_type), following)


def _page_of_lines(request: HttpRequest, listing: Listing, form: str) -> HttpResponse:
    """CSV or NDJSON of at most `limit` rows; the header Link says where to go on."""
    lines = listing.lines(listing.columns)
    kept = lines[: listing.page_size]
    if form == NdJson.format:
        text = "".join(f"{line}\n" for line in kept)
    else:
        text = csv_text([listing.columns.keys, *(orjson.loads(line).values() for line in kept)])
    return with_link(HttpResponse(text, content_type=CONTENT_TYPES[form]), _next(request, listing, lines))


def _next(request: HttpRequest, listing: Listing, lines: list[str]) -> str | None:
    """The address of the next page: the same question, after the last row of this one."""
    if len(lines) <= listing.page_size:
        return None
    last = orjson.loads(lines[listing.page_size - 1])
    return next_address(request, cursor=listing.cursor(last.get("properties", last)))


# --- all of it

#: Of the forms that are not one JSON object.
CONTENT_TYPES = {Csv.format: "text/csv; charset=utf-8; header=present", NdJson.format: NdJson.media_type}


def _stream(request: HttpRequest, listing: Listing, form: str) -> HttpResponseBase:
    """CSV or NDJSON of everything."""
    statement = listing.statement(None, listing.columns)
    if form == NdJson.format:
        parts = stream_lines(statement, listing.columns)
    else:
        parts = _csv_parts(statement, listing.columns)
    return whole(request, parts, CONTENT_TYPES[form])


def _csv_parts(statement: Statement, columns: Columns) -> Generator[str]:
    names = [columns.keys]
    for chunk in stream_tuples(statement):
        yield csv_text([*names, *chunk])
        names = []
    yield csv_text(names)


def csv_text(lines: Iterable[Iterable[Any]]) -> str:
    """RFC 4180; what is missing is an empty field, a list its values with a blank between."""
    text = io.StringIO()
    csv.writer(text).writerows([_field(value) for value in line] for line in lines)
    return text.getvalue()


def _field(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, list) else value
