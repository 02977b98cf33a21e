"""From a question to bytes: PostgreSQL writes the JSON, Python passes it through.

docs/benchmarks.md holds what that saves over serializer objects.
"""

from collections.abc import Generator, Mapping
from typing import Any, cast

import orjson
from django.contrib.gis.db.models.functions import AsWKT
from django.db import connection, transaction
from django.db.models import F, Func, QuerySet, TextField

from events.domain.criteria import EventCriteria, Page
from events.statements import Statement, page_statement

Params = tuple[Any, ...]
_FETCHED_AT_ONCE = 1000


def json_bytes(value: Any, option: int = 0) -> bytes:
    """JSON by orjson; whole numbers beyond its 64 bits, which jsonb makes of large doubles, as doubles."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        return orjson.dumps(_as_doubles(value), option=option)


def _as_doubles(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _as_doubles(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_doubles(one) for one in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value


class Rfc3339(Func):
    """A time as text: 2014-08-30T20:36:43Z, with a fraction only where the time has one."""

    template = (
        "rtrim(rtrim(to_char(%(expressions)s AT TIME ZONE 'UTC',"
        " 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '0'), '.') || 'Z'"
    )
    output_field = TextField()


def wkt(column: str) -> Func:
    """A geometry column as WKT; NULL stays null."""
    return cast(Func, AsWKT(column, output_field=TextField()))


class GeoJson(Func):
    """A geometry as a GeoJSON object (no `crs`: coordinates are in the units of the column's frame)."""

    template = "ST_AsGeoJSON(%(expressions)s, 9, 0)::json"
    output_field = TextField()  # of all fields the one that leaves the value as it comes


class Columns:
    """The keys of a row, in this order, and the column or expression that gives each."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.keys = tuple(columns)
        # Aliases, since Django cannot give an expression the name of a column of the table.
        self._aliased = {
            f"c{n}": F(column) if isinstance(column, str) else column
            for n, column in enumerate(columns.values())
        }
        self._names = ",".join(map(connection.ops.quote_name, self.keys))

    def __call__(self, rows: QuerySet[Any]) -> QuerySet[Any, Any]:
        """Events, or whatever has these columns, as rows of them, under aliases."""
        return rows.annotate(**self._aliased).values(*self._aliased)

    def statement(self, rows: QuerySet[Any]) -> Statement:
        """The SQL of these rows, and its parameters."""
        return self(rows).query.sql_with_params()

    def table(self, sql: str) -> str:
        """The SQL of rows of these columns as a table `r`, under the keys."""
        return f"({sql}) r({self._names})"


def page_json(criteria: EventCriteria, page: Page, columns: Columns) -> str:
    """The page as the text of a JSON array of objects."""
    return _json_rows(*page_statement(criteria, page, columns), columns)


def events_json(events: QuerySet[Any], columns: Columns) -> str:
    """These events, or rows of another table, as the text of a JSON array of objects."""
    return _json_rows(*columns.statement(events), columns)


def _json_rows(sql: str, params: Params, columns: Columns) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(json_agg(r), '[]')::text FROM {columns.table(sql)}", params)  # noqa: S608 - rendered by Django
        return cursor.fetchone()[0]


def page_lines(statement: Statement, columns: Columns) -> list[str]:
    """The rows of a statement that gives these columns, each as the text of a JSON object."""
    with connection.cursor() as cursor:
        cursor.execute(*_each_as_json(statement, columns))
        return [line for (line,) in cursor.fetchall()]


def stream_lines(statement: Statement, columns: Columns) -> Generator[str]:
    """The same, a line each, from a server-side cursor: of however many, few are held at a time."""
    for chunk in _stream(*_each_as_json(statement, columns)):
        yield "".join(f"{line}\n" for (line,) in chunk)


def stream_tuples(statement: Statement) -> Generator[list[tuple[Any, ...]]]:
    """The rows as chunks of tuples, from a server-side cursor."""
    yield from _stream(*statement)


def _each_as_json(statement: Statement, columns: Columns) -> Statement:
    sql, params = statement
    return f"SELECT row_to_json(r)::text FROM {columns.table(sql)}", params  # noqa: S608 - rendered by Django


def _stream(sql: str, params: Params) -> Generator[list[tuple[Any, ...]]]:
    # Inside a transaction, since PostgreSQL would compute all of a cursor's rows first outside of one.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        while chunk := cursor.fetchmany(_FETCHED_AT_ONCE):
            yield chunk
