"""Rows into PostgreSQL: COPY to a staging table, then set-based statements that change only what differs.

Which content of an event is the current one
    A content replaces the stored one if its (revision, kb_archivdate) is greater, no date being the least.
    At a tie the later arrival wins (HEK edits records in place), unless it was superseded before: an old
    file read again never brings an old content back. Within one batch a tie is won by the greater
    content_hash. So contents that differ in revision or date end in the same state in whatever order and
    batches they arrive. Whatever is not current is kept in EventVersion, once a content.

Counts
    `created`: events that were not there. `updated`: events whose current content changed.
    `unchanged`: all other rows: repeats, and contents that only became an earlier version.

Locks
    Rows are locked in the order of kb_archivid, and every insert comes before the first lock on a row that
    was there, so writers of overlapping batches wait for one another but never in a circle. That holds as
    long as a transaction stores one batch.

What is stored is ordered to be tracked (ingest.orders), where it is and where it was before.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from ingest.orders import order_reports
from ingest.rows import COLUMNS, EventRow

#: Length of the day in a time as text.
_DAY = len("2010-05-01")
_NAMES = ", ".join(COLUMNS)
_STAGED = ", ".join(f"{name}::jsonb" if name == "attributes" else name for name in COLUMNS)
_CHANGED = ", ".join(
    f"{name} = staging.{'attributes::jsonb' if name == 'attributes' else name}" for name in COLUMNS
)
_NEWEST_FIRST = "revision DESC, kb_archivdate DESC NULLS LAST, content_hash DESC"

# Attributes are staged as text and become jsonb once, on their way into the table; lz4 instead of the default
# compression halves the price of the detour.
_STAGE = f"""
CREATE TEMP TABLE staging ON COMMIT DROP AS SELECT {_NAMES} FROM events_event WITH NO DATA;
ALTER TABLE staging ALTER attributes TYPE text, ALTER attributes SET COMPRESSION lz4
"""  # noqa: S608 - as in all of these, the names are our own

# The outer select is where attributes are parsed: after the sort, which then moves small rows.
_INSERT = f"""
INSERT INTO events_event ({_NAMES})
    SELECT {_STAGED} FROM (
        SELECT DISTINCT ON (kb_archivid) * FROM staging ORDER BY kb_archivid, {_NEWEST_FIRST}
    ) AS newest
    ON CONFLICT (kb_archivid) DO NOTHING
"""  # noqa: S608

# Once a row is locked, it is read as it is then: what was tracked where it lay must be tracked again.
_LOCK = """
SELECT event_type, frm_name, to_char(event_starttime AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM events_event
    WHERE kb_archivid IN (SELECT kb_archivid FROM staging) ORDER BY kb_archivid FOR NO KEY UPDATE
"""

# A stored content that is itself staged was inserted just now, as the newest of its batch: no tie replaces
# it. All parts of the statement see the table as it was, so `superseded` saves what the UPDATE overwrites.
_REPLACE = f"""
WITH compared AS (
    SELECT event.id, staging.kb_archivid, staging.content_hash, staging.revision, staging.kb_archivdate,
        (staging.revision, coalesce(staging.kb_archivdate, '-infinity'))
            > (event.revision, coalesce(event.kb_archivdate, '-infinity'))
        OR (staging.revision = event.revision
            AND staging.kb_archivdate IS NOT DISTINCT FROM event.kb_archivdate
            AND NOT EXISTS (
                SELECT FROM events_eventversion AS version
                WHERE version.event_id = event.id AND version.content_hash = staging.content_hash)
            AND NOT EXISTS (
                SELECT FROM staging AS own
                WHERE own.kb_archivid = event.kb_archivid AND own.content_hash = event.content_hash)
        ) AS newer
    FROM staging JOIN events_event AS event USING (kb_archivid)
    WHERE staging.content_hash <> event.content_hash
), winner AS (
    SELECT DISTINCT ON (id) id, kb_archivid, content_hash FROM compared
    WHERE newer ORDER BY id, {_NEWEST_FIRST}
), superseded AS (
    INSERT INTO events_eventversion (event_id, revision, kb_archivdate, content_hash, attributes, source)
        SELECT id, revision, kb_archivdate, event.content_hash, attributes, source
        FROM winner JOIN events_event AS event USING (id)
        ON CONFLICT DO NOTHING
), stale AS (
    INSERT INTO events_eventversion (event_id, revision, kb_archivdate, content_hash, attributes, source)
        SELECT id, staging.revision, staging.kb_archivdate, content_hash, attributes::jsonb, source
        FROM compared JOIN staging USING (kb_archivid, content_hash)
        WHERE (id, content_hash) NOT IN (SELECT id, content_hash FROM winner)
        ON CONFLICT DO NOTHING
)
UPDATE events_event AS event SET {_CHANGED}, updated_at = now()
    FROM winner JOIN staging USING (kb_archivid, content_hash) WHERE event.id = winner.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a number of rows; the three add up to it."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged
        )


def upsert(rows: Sequence[EventRow]) -> Counts:
    """Store one batch, all or nothing; what is stored already costs one look and no write.

    Raises django.db.Error (DataError, IntegrityError, ...) if the database refuses a row, and
    UnicodeEncodeError for text that is no Unicode; nothing is stored then.
    """
    contents = {(row.kb_archivid, row.content_hash): row for row in rows}
    with transaction.atomic(), connection.cursor() as cursor:
        stored = _stored(cursor, [kb_archivid for kb_archivid, _ in contents])
        fresh = [row for content, row in contents.items() if content not in stored]
        created, updated = _write(cursor, fresh) if fresh else (0, 0)
    return Counts(created, updated, len(rows) - created - updated)


def _stored(cursor: CursorWrapper, kb_archivids: list[str]) -> set[tuple[str, str]]:
    """The current (kb_archivid, content_hash) of those events that exist."""
    cursor.execute(
        "SELECT kb_archivid, content_hash::text FROM events_event WHERE kb_archivid = ANY(%s)", [kb_archivids]
    )
    return set(cursor.fetchall())


def _write(cursor: CursorWrapper, fresh: list[EventRow]) -> tuple[int, int]:
    """Number of events created and updated by contents that are not the stored ones."""
    cursor.execute(_STAGE)
    _copy(cursor, fresh)
    cursor.execute(_INSERT)
    created, updated = cursor.rowcount, 0
    changed = {(row.event_type, row.frm_name, row.event_starttime[:_DAY]) for row in fresh}
    if created < len(fresh):
        cursor.execute(_LOCK)
        changed.update(cursor.fetchall())
        cursor.execute(_REPLACE)
        updated = cursor.rowcount
    order_reports(cursor, changed)
    # The commit would drop it, but another batch may follow in the same transaction.
    cursor.execute("DROP TABLE staging")
    return created, updated


def _copy(cursor: CursorWrapper, rows: Iterable[Sequence[Any]]) -> None:
    body = "".join(["\t".join([_field(value) for value in row]) + "\n" for row in rows]).encode()
    with connection.wrap_database_errors:  # Django wraps the errors of execute only
        # All in one piece: psycopg2 asks for every piece under Python's lock, which other threads want.
        cursor.cursor.copy_expert(f"COPY staging ({_NAMES}) FROM STDIN", io.BytesIO(body), size=len(body))


def _field(value: object) -> str:
    r"""One value in COPY's text format; NULL is \N."""
    if value is None:
        return "\\N"
    text = value if isinstance(value, str) else str(value)
    # Most values need no escape, and looking first is several times cheaper than str.translate.
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text
