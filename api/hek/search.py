"""Answers to searches: reports' own JSON from PostgreSQL, made HEK's records by `api.hek.records`."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

import orjson
from django.contrib.gis.db.models.functions import AsWKT
from django.db import connection
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
    """The answer; a long one is sent while its records are made, unless all of it is wanted at once.

    The database is asked before: what fails there still gets its own status.
    """
    found = _found(search)
    if search.form == "xml":
        pieces = search_xml_pieces(found.records(), found.edges, found.overmax)
        media = XML
    else:
        pieces = wrapped(_json_pieces(found), search.callback)
        media = JSONP if search.callback else JSON
    if whole or len(found.rows) <= _AT_ONCE:
        return HttpResponse(b"".join(pieces), content_type=media)
    return StreamingHttpResponse(pieces, content_type=media)


def wrapped(pieces: Iterable[bytes], callback: str | None) -> Iterator[bytes]:
    """JSON as the argument of a call, where a page asked for that."""
    if callback:
        yield f"{callback}( ".encode()
    yield from pieces
    if callback:
        yield b" );"


def _json_pieces(found: "_Found") -> Generator[bytes]:
    records = found.records()
    lead = b'{"result":['
    while some := list(islice(records, _AT_ONCE)):
        yield lead + b",".join(map(orjson.dumps, some))
        lead = b","
    if not found.rows:
        yield lead
    tail = {"association": found.edges, "overmax": found.overmax, **_about(found.search)}
    yield b"]," + orjson.dumps(tail)[1:]


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


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of a page, the edges that touch them, and whether there is a next page."""

    search: Search
    rows: list[Row]
    edges: list[dict[str, Any]]
    overmax: bool

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows as HEK's records; each is made when it is taken."""
        returned = self.search.returned
        for row in self.rows:
            record = orjson.loads(row[2]) if self.search.as_reported else record_of(row)
            if returned is not None:
                names = returned_names(returned, row[1])
                record = {name: record[name] if name in record else empty_value(name) for name in names}
            yield record


def _found(search: Search) -> _Found:
    rows = _rows(search)
    kept = rows[: search.limit]
    return _Found(search, kept, _edges(search, [row[0] for row in kept]), len(rows) > search.limit)


def _rows(search: Search) -> list[Row]:
    """Those of the page and one more, which tells whether there is a next page."""
    page = replace(search.page, limit=search.limit + 1)
    if search.around is None:
        statement = page_statement(search.criteria, page, record_rows)
    else:
        events = contained_and_containing(search.criteria, search.around)
        statement = record_rows(ordered(events, page)).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall()


def _edges(search: Search, archivids: list[str]) -> list[dict[str, Any]]:
    """The edges at either end of which an event of the page stands."""
    if not archivids:
        return []
    edges = [_edge(edge) for edge in associations_touching(archivids).values(*_EDGE)]
    if search.around is not None:
        edges += _containments(search.criteria, search.around, archivids)
    return edges


def _containments(inside: EventCriteria, around: EventCriteria, archivids: list[str]) -> list[dict[str, Any]]:
    (outer,), (inner,) = around.types or ("",), inside.types or ("",)
    common = {
        **dict.fromkeys(_EDGE),
        "first_event_type": outer,
        "second_event_type": inner,
        "edge_type": "contains",
        "strength": 1.0,
    }
    pairs = containments(inside, around, archivids)
    return [_edge({**common, "first_ivorn": first, "second_ivorn": second}) for first, second in pairs]


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
