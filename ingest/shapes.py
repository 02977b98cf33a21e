"""The rows of events_trackshape: partitions by month, written by COPY, deleted by stretches of time."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from django.db import connection
from psycopg2.extras import execute_values

from events.domain.interpolation import Shape

#: A track, and a stretch of time: from the first, which belongs to it, to the second, which does not.
Stretch = tuple[int, datetime, datetime]
_TABLE = "events_trackshape"
_COLUMNS = "track_id, time, event_type, method, origin, repaired, report_id, area, hpc"
#: Of the advisory lock under which partitions are made: "parts" in ASCII.
_PARTITIONS = 0x7061727473
_DELETE = f"""
DELETE FROM {_TABLE} AS shape USING (VALUES %s) AS stretch (track_id, first_time, end_time)
WHERE shape.track_id = stretch.track_id AND shape.time >= stretch.first_time AND shape.time < stretch.end_time
    AND shape.time >= '{{first}}' AND shape.time < '{{end}}'
"""  # noqa: S608 - as in all of these, the words are our own


def delete(stretches: Sequence[Stretch]) -> int:
    """Delete the shapes in these stretches; how many."""
    if not stretches:
        return 0
    first, end = min(s[1] for s in stretches), max(s[2] for s in stretches)
    # As constants, so that the planner looks at the partitions of these months alone.
    statement = _DELETE.format(first=first.isoformat(), end=end.isoformat())
    with connection.cursor() as cursor, connection.wrap_database_errors:
        template = "(%s::bigint, %s::timestamptz, %s::timestamptz)"
        execute_values(cursor.cursor, statement, stretches, template, page_size=len(stretches))
        return cursor.rowcount


def write(shapes: Sequence[tuple[int, str, Shape]]) -> None:
    """Store shapes with the id and type of their track, none of which may be stored yet."""
    if not shapes:
        return
    make_partitions(shape.time for _, _, shape in shapes)
    polygons = np.array([shape.hpc for _, _, shape in shapes])
    wkb = shapely.to_wkb(polygons, hex=True)
    area = shapely.area(polygons).tolist()
    lines = [
        "\t".join(
            (
                str(track), shape.time.isoformat(), event_type, shape.method, shape.origin,
                str(shape.repaired), "\\N" if shape.report is None else str(shape.report), repr(area[n]),
                wkb[n],
            )
        )
        for n, (track, event_type, shape) in enumerate(shapes)
    ]  # fmt: skip
    body = "\n".join([*lines, ""]).encode()
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.copy_expert(f"COPY {_TABLE} ({_COLUMNS}) FROM STDIN", io.BytesIO(body), size=len(body))


def make_partitions(times: Iterable[datetime]) -> None:
    """See to it that every month of these times has its partition.

    Attached, not created in place: that lets others read and write the table. One transaction at a time makes
    them, and the next one looks again when it is its turn.
    """
    months = {(time.year, time.month) for time in (time.astimezone(UTC) for time in set(times))}
    if not _missing(months):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PARTITIONS])
        for year, month in sorted(_missing(months)):
            name, start = _name(year, month), datetime(year, month, 1, tzinfo=UTC)
            end = (start + timedelta(days=31)).replace(day=1)
            cursor.execute(f"CREATE TABLE {name} (LIKE {_TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            cursor.execute(
                f"ALTER TABLE {_TABLE} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [start, end]
            )


def _missing(months: set[tuple[int, int]]) -> set[tuple[int, int]]:
    with connection.cursor() as cursor:
        # From the catalogue itself: what a session remembers of names may be older than its locks.
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = %s::regclass",
            [_TABLE],
        )
        there = {name for (name,) in cursor.fetchall()}
    return {month for month in months if _name(*month) not in there}


def _name(year: int, month: int) -> str:
    return f"{_TABLE}_{year:04}_{month:02}"
