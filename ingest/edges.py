"""Associations: HEK's edges between two reports, from a flat record to the table.

An edge is known by its two ends and its verb; what else it says (numbers, strength, who) is the newest told.
"""

import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.db import connection, transaction
from psycopg2.extras import execute_values

from ingest.orders import EDGE_TYPES, order_edges
from ingest.sources.base import Record, Rejected

_BIGINT = range(-(2**63), 2**63)


class EdgeError(ValueError):
    """A record tells of no usable edge."""


class Edge(NamedTuple):
    """One edge in the order of the columns; texts are never None, and the first three never empty."""

    first_ivorn: str
    second_ivorn: str
    edge_type: str
    first_event_type: str
    second_event_type: str
    first_id: int | None
    second_id: int | None
    strength: float | None
    reported_by: str
    source: str


_COLUMNS = ", ".join(Edge._fields)
_TOLD = Edge._fields[3:]
_UPSERT = f"""
INSERT INTO events_association AS stored ({_COLUMNS}) VALUES %s
    ON CONFLICT (first_ivorn, second_ivorn, edge_type)
    DO UPDATE SET ({", ".join(_TOLD)}) = ROW({", ".join(f"EXCLUDED.{name}" for name in _TOLD)})
    WHERE ROW({", ".join(f"stored.{name}" for name in _TOLD[:-1])})
        IS DISTINCT FROM ROW({", ".join(f"EXCLUDED.{name}" for name in _TOLD[:-1])})
    RETURNING id, edge_type
"""  # noqa: S608 - the names are our own


def edges_of(records: Iterable[Record], source: str) -> tuple[list[Edge], list[Rejected]]:
    """The edges among `records` (values as in a cosec=2 answer, or text), and the rest with the reason."""
    edges, rejected = [], []
    for record in records:
        try:
            edges.append(_edge(record, source))
        except EdgeError as error:
            rejected.append(Rejected(json.dumps(record, default=repr), f"association: {error}"))
    return edges, rejected


def is_edge(record: Record) -> bool:
    """Whether a record tells of an edge and not of an event."""
    return "first_ivorn" in record and "event_type" not in record


def _edge(record: Record, source: str) -> Edge:
    return Edge(
        first_ivorn=_text(record, "first_ivorn", needed=True),
        second_ivorn=_text(record, "second_ivorn", needed=True),
        edge_type=_text(record, "edge_type", needed=True),
        first_event_type=_text(record, "first_event_type").upper(),
        second_event_type=_text(record, "second_event_type").upper(),
        first_id=_integer(record, "first_id"),
        second_id=_integer(record, "second_id"),
        strength=_strength(record.get("strength")),
        reported_by=_text(record, "reported_by"),
        source=source,
    )


def _text(record: Record, name: str, *, needed: bool = False) -> str:
    value = record.get(name)
    if not isinstance(value, str | None):
        raise EdgeError(f"{name} is no text")
    text = (value or "").strip()
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise EdgeError(f"{name} has characters that are no text")
    if needed and not text:
        raise EdgeError(f"{name} is missing")
    return text


def _integer(record: Record, name: str) -> int | None:
    value: Any = record.get(name)
    if value is None or value == "":
        return None
    with suppress(ValueError):
        if isinstance(value, int | str) and not isinstance(value, bool) and int(value) in _BIGINT:
            return int(value)
    raise EdgeError(f"{name} is no number of a report")


def _strength(value: Any) -> float | None:
    if value is None or value == "":
        return None
    with suppress(ValueError, OverflowError):
        if isinstance(value, int | float | str) and math.isfinite(float(value)):
            return float(value)
    raise EdgeError("strength is no number")


def upsert_associations(edges: Sequence[Edge]) -> int:
    """Store edges; how many were new or tell something new. Of repeats in one batch the last one counts.

    In the same transaction what they are about is ordered to be tracked.
    """
    last = {edge[:3]: edge for edge in edges}
    if not last:
        return 0
    with transaction.atomic(), connection.cursor() as cursor, connection.wrap_database_errors:
        # In one order everywhere, so that concurrent writers do not wait in a circle.
        rows = [last[key] for key in sorted(last)]
        changed = execute_values(cursor.cursor, _UPSERT, rows, page_size=len(rows), fetch=True)
        order_edges([pk for pk, edge_type in changed if edge_type in EDGE_TYPES])
    return len(changed)
