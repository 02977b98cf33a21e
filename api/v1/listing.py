"""The list of events in its four forms."""

import csv
import io
from collections.abc import Generator, Iterator
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from api.paging import cursor_after
from api.render import Columns, page_lines, stream_lines, stream_tuples
from api.v1 import rows
from api.v1.answers import Csv, GeoJsonForm, Json, NdJson, json_head
from api.v1.params import DEFAULT_LIMIT, FIRST, LAST, EventsQuestion
from events.domain.criteria import EventCriteria, Page


def list_response(request: HttpRequest, question: EventsQuestion, form: str) -> HttpResponseBase:
    """The answer to `question` in the form of this name."""
    if form in (Json.format, GeoJsonForm.format):
        return _page(request, question, geojson=form == GeoJsonForm.format)
    if question.limit is None:
        return _stream(request, question, form)
    return _page_of_lines(request, question, form)


# --- one page


def _page(request: HttpRequest, question: EventsQuestion, *, geojson: bool) -> HttpResponse:
    """JSON or GeoJSON: the events in one list, and beside them what was asked and where to go on."""
    limit = question.limit or DEFAULT_LIMIT
    columns = rows.feature_columns(question.criteria.geometry) if geojson else rows.columns(question.frame)
    lines = page_lines(question.criteria, _one_more_than(limit, question), columns)
    following = _next(request, lines, limit)
    kept = lines[:limit]
    head = {
        "returned": len(kept),
        "truncated": following is not None,
        "next": following,
        "predicate": _predicate(question),
        "frame": question.frame,
        "units": rows.units(question.frame),
    }
    if geojson:
        features = ",".join(f'{{"type":"Feature",{line[1:]}' for line in kept)
        text = f'{json_head({"type": "FeatureCollection"} | head)},"features":[{features}]}}'
    else:
        text = f'{json_head(head)},"events":[{",".join(kept)}]}}'
    media = GeoJsonForm if geojson else Json
    return _with_link(HttpResponse(text, content_type=media.media_type), following)


def _page_of_lines(request: HttpRequest, question: EventsQuestion, form: str) -> HttpResponse:
    """CSV or NDJSON of at most `limit` events; the header Link says where to go on."""
    limit = question.limit or DEFAULT_LIMIT
    columns = rows.columns(question.frame)
    lines = page_lines(question.criteria, _one_more_than(limit, question), columns)
    kept = lines[:limit]
    if form == NdJson.format:
        text = "".join(f"{line}\n" for line in kept)
    else:
        text = _csv_text([columns.keys, *(orjson.loads(line).values() for line in kept)])
    return _with_link(HttpResponse(text, content_type=_CONTENT_TYPES[form]), _next(request, lines, limit))


def _one_more_than(limit: int, question: EventsQuestion) -> Page:
    """The page and one event more, which tells whether there is a next one."""
    return Page(limit + 1, after=question.after)


def _next(request: HttpRequest, lines: list[str], limit: int) -> str | None:
    """The address of the next page: the same question, after the last event of this one."""
    if len(lines) <= limit:
        return None
    last = orjson.loads(lines[limit - 1])
    last = last.get("properties", last)
    query = request.GET.copy()
    query["cursor"] = cursor_after(last["event_starttime"], last["kb_archivid"])
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _with_link(response: HttpResponse, following: str | None) -> HttpResponse:
    if following is not None:
        response["Link"] = f'<{following}>; rel="next"'
    return response


def _predicate(question: EventsQuestion) -> dict[str, Any]:
    """What the answer is complete for, in the words of the parameters; null where it was not asked."""
    criteria = question.criteria
    window, area = criteria.window, criteria.area
    return {
        "time_relation": criteria.temporal if window else None,
        "start": window.start if window and window.start > FIRST else None,
        "end": window.end if window and window.end < LAST else None,
        "box_relation": criteria.spatial if area else None,
        "bbox": area.bounds if area else None,
        "geometry": criteria.geometry,
        "event_type": criteria.types,
        "frm_name": criteria.frm_name,
        "ar_noaanum": criteria.ar_noaanum,
        "min_goes_flux": criteria.min_goes_flux,
    }


# --- all of it

#: Of the forms that are not one JSON object.
_CONTENT_TYPES = {Csv.format: "text/csv; charset=utf-8; header=present", NdJson.format: NdJson.media_type}


def _stream(request: HttpRequest, question: EventsQuestion, form: str) -> HttpResponseBase:
    """CSV or NDJSON of everything. When the database fails on the way the connection breaks off, visibly."""
    if request.method == "HEAD":  # a server may well exhaust the body before it leaves it out
        return HttpResponse(content_type=_CONTENT_TYPES[form])
    asked = question.criteria, Page(None, after=question.after), rows.columns(question.frame)
    parts = stream_lines(*asked) if form == NdJson.format else _csv_parts(*asked)
    return StreamingHttpResponse(_Begun(parts), content_type=_CONTENT_TYPES[form])


class _Begun:
    """The same parts, the first one already made: what fails at once still gets its own status.

    `close`, which the server calls when the client has gone, ends the transaction behind the parts even
    where none was taken; a generator would not hear of it.
    """

    def __init__(self, parts: Generator[str]) -> None:
        self._parts = parts
        self._first = next(parts, "")
        self.close = parts.close

    def __iter__(self) -> Iterator[str]:
        yield self._first
        yield from self._parts


def _csv_parts(criteria: EventCriteria, page: Page, columns: Columns) -> Generator[str]:
    names = [columns.keys]
    for chunk in stream_tuples(criteria, page, columns):
        yield _csv_text([*names, *chunk])
        names = []
    yield _csv_text(names)


def _csv_text(lines: Any) -> str:
    """RFC 4180; a missing value is an empty field."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()
