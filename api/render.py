"""From a QuerySet to bytes: PostgreSQL writes the JSON, Python passes it through.

docs/benchmarks.md holds what that saves over serializer objects.
"""

from typing import Any

from django.db import connections
from django.db.models import QuerySet


def json_rows(rows: QuerySet[Any, dict[str, Any]]) -> str:
    """The rows of a `.values(...)` QuerySet as the text of a JSON array, keys in the order of the values."""
    sql, params = rows.query.sql_with_params()
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT coalesce(json_agg(r), '[]')::text FROM ({sql}) r", params)  # noqa: S608 - rendered by Django
        return cursor.fetchone()[0]
