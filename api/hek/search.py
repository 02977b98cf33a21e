"""Answers to searches: reports' own JSON from PostgreSQL, made HEK's records by `api.hek.records`."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any

import orjson
from django.contrib.gis.db.models.functions import AsWKT
from django.db import connection, transaction
from django.db.models import Case, Func, QuerySet, TextField, Value, When
from django.db.models.functions import Cast
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from api.hek.params import Returned, Search
from api.hek.records import DERIVED, Row, empty_value, record_of
from api.hek.xml import CONTENT_TYPE as XML
from api.hek.xml import search_xml_pieces
from events.domain.conditions import AttributeFilter
from events.domain.criteria import EventCriteria
from events.domain.vocabulary import ATTRIBUTES, GEOMETRY_COLUMNS, record_keys
from events.models import Event
from events.queries import associations_touching, contained_and_containing, containments, ordered
from events.statements import page_statement

JSON = "application/json"
JSONP = "application/javascript"
#: Records that are made and sent together.
_AT_ONCE = 100
#: Put before the statement of a short page, for which to start a worker takes longer than to answer it.
_SERIALLY = "SET LOCAL max_parallel_workers_per_gather = 0; "
_EDGE = (
    "first_id",
    "second_id",
    "first_ivorn",
    "second_ivorn",
    "first_event_type",
    "second_event_type",
    "reported_by",
    "edge_type",
    "strength",
)


def search_response(search: Search, *, whole: bool) -> HttpResponseBase:
    """The answer; a long one is sent while the rest of it is read, unless all of it is wanted at once.

    The first rows are read before: what fails until then still gets its own status. What fails later
    breaks the connection off, so that no part is taken for the whole.
    """
    found = _Found(search)
    at_once = whole or found.is_all_there
    if search.form == "xml":
        pieces = search_xml_pieces(found.records(), found.edges(), lambda: found.overmax)
        media = XML
    else:
        parts = (_json(found),) if at_once else _json_pieces(found)
        pieces = wrapped(parts, search.callback)
        media = JSONP if search.callback else JSON
    if at_once:
        return HttpResponse(b"".join(pieces), content_type=media)
    return StreamingHttpResponse(_Streamed(pieces, found.close), content_type=media)


class _Streamed:
    """The pieces. `close`, which the server calls, too, when the client has gone, ends the reading."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


def wrapped(pieces: Iterable[bytes], callback: str | None) -> Iterator[bytes]:
    """JSON as the argument of a call, where a page asked for that."""
    if callback:
        yield f"{callback}( ".encode()
    yield from pieces
    if callback:
        yield b" );"


def _json(found: "_Found") -> bytes:
    return orjson.dumps({"result": [*found.records()], **_tail(found)})


def _json_pieces(found: "_Found") -> Generator[bytes]:
    """The same, some records at a time."""
    lead = b'{"result":['
    for rows in found.chunks():
        records = memoryview(orjson.dumps([found.record(row) for row in rows]))
        yield b"".join((lead, records[1:-1]))  # without the brackets of its own list
        lead = b","
    yield b"]," + orjson.dumps(_tail(found))[1:]


def _tail(found: "_Found") -> dict[str, Any]:
    """What stands behind the records; known when all have been taken."""
    return {"association": [*found.edges()], "overmax": found.overmax, **_about(found.search)}


def _about(search: Search) -> dict[str, Any]:
    """What the answer is complete for; keys that HEK does not have and its clients do not look at."""
    criteria, page = search.criteria, search.page
    window, region = criteria.window, criteria.region
    return {
        "page": search.number,
        "result_limit": search.limit,
        "predicate": {
            "event_type": criteria.types,
            "event_starttime": window and window.start,
            "event_endtime": window and window.end,
            "time_relation": criteria.temporal,
            "frame": region and region.frame,
            "box": region and region.area.bounds,
            "filters": [_in_words(condition) for condition in criteria.filters],
            "contained_in": search.around and search.around.types,
            "sort_by": page.attribute or page.sort.value,
            "sort_order": "DESC" if page.descending else "ASC",
        },
    }


def _in_words(condition: AttributeFilter) -> str:
    prefix = f"{condition.event_type}." if condition.event_type else ""
    value = condition.value
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, datetime):
        value = f"{value:%Y-%m-%dT%H:%M:%S}"
    return f"{prefix}{condition.name} {condition.relation} {value}"


# --- what is found


class _Found:
    """The rows of a page as they come: the first are there, the others are read when they are taken.

    What touches them, and whether there is a next page, is known when all have been taken.
    """

    def __init__(self, search: Search) -> None:
        """Read the first rows."""
        self.search = search
        self.overmax = False
        self._archivids: list[str] = []
        self._rest = _chunks(search)
        self._first = next(self._rest, [])
        self.close = self._rest.close

    @property
    def is_all_there(self) -> bool:
        """Whether the first rows are all."""
        return self.search.limit <= _AT_ONCE or len(self._first) <= _AT_ONCE

    def chunks(self) -> Iterator[list[Row]]:
        """The rows of the page, some at a time, without the one more that tells of a next page."""
        for rows in chain([self._first], self._rest):
            kept = rows[: self.search.limit - len(self._archivids)]
            self.overmax = len(kept) < len(rows)
            self._archivids += [row[0] for row in kept]
            if kept:
                yield kept

    def record(self, row: Row) -> dict[str, Any]:
        """A row as HEK's record."""
        record = orjson.loads(row[2]) if self.search.as_reported else record_of(row)
        if self.search.returned is None:
            return record
        names = returned_names(self.search.returned, row[1])
        return {name: record[name] if name in record else empty_value(name) for name in names}

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows as HEK's records; each is made when it is taken."""
        for rows in self.chunks():
            yield from map(self.record, rows)

    def edges(self) -> Iterator[dict[str, Any]]:
        """The edges at either end of which a row that was taken stands; read when the first is taken."""
        if not self._archivids:
            return
        yield from map(_edge, associations_touching(self._archivids, _EDGE))
        if self.search.around is not None:
            yield from _containments(self.search.criteria, self.search.around, self._archivids)


def _chunks(search: Search) -> Generator[list[Row]]:
    """The rows of the page and one more, which tells whether there is a next page."""
    page = replace(search.page, limit=search.limit + 1)
    if search.around is None:
        sql, values = page_statement(search.criteria, page, record_rows)
    else:
        events = contained_and_containing(search.criteria, search.around)
        sql, values = record_rows(ordered(events, page)).query.sql_with_params()
    if search.limit <= _AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(_SERIALLY + sql, values)
            rows = cursor.fetchall()
        yield rows
        return
    # In a transaction a server-side cursor computes no more than is fetched, and that serially, too.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, values)
        while rows := cursor.fetchmany(_AT_ONCE + 1):
            yield rows


def _containments(
    inside: EventCriteria, around: EventCriteria, archivids: list[str]
) -> Iterator[dict[str, Any]]:
    (outer,), (inner,) = around.types or ("",), inside.types or ("",)
    common = {
        **dict.fromkeys(_EDGE),
        "first_event_type": outer,
        "second_event_type": inner,
        "edge_type": "contains",
        "strength": 1.0,
    }
    for first, second in containments(inside, around, archivids):
        yield _edge({**common, "first_ivorn": first, "second_ivorn": second})


def _edge(values: Mapping[str, Any]) -> dict[str, Any]:
    """An edge; only its numbers can be null."""
    numbers = ("first_id", "second_id", "strength")
    return {name: value if name in numbers else value or "" for name, value in values.items()}


@cache
def returned_names(returned: Returned, event_type: str) -> tuple[str, ...]:
    """The keys that `return` asks for in a record of this type."""
    keys: tuple[str, ...] = ()
    if returned.group is not None:
        required = returned.group == "required"
        keys = tuple(
            name
            for name in record_keys(event_type)
            if event_type in ATTRIBUTES[name].event_types
            and (event_type in ATTRIBUTES[name].required_for) is required
        )
    return tuple(dict.fromkeys((*keys, *returned.names)))


def record_rows(events: QuerySet[Event]) -> QuerySet[Any, Any]:
    """What `record_of` makes records of: id, type, attributes; the shapes where the archive derived none."""
    shapes = Func(*(AsWKT(name) for name in GEOMETRY_COLUMNS), function="json_build_array")
    return events.annotate(
        c0=Cast("attributes", TextField()),
        c1=Case(
            When(attributes__has_any_keys=list(DERIVED), then=Value(None)),
            default=Cast(shapes, TextField()),
            output_field=TextField(),
        ),
    ).values_list("kb_archivid", "event_type", "c0", "c1")
