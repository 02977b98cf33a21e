"""What could not be stored is kept: its payload as it came, the reason, how often and where it was seen."""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import DataError, IntegrityError, InternalError, connection
from django.utils import timezone
from psycopg2.extras import execute_values

from ingest.edges import edges_of, is_edge, upsert_associations
from ingest.models import ImageRun, IngestRun, QuarantinedRecord
from ingest.rows import EventRow, rows_of
from ingest.sources.base import Record, Rejected
from ingest.upsert import Counts, upsert

#: What the database or the wire says to a row that it will never take (PostGIS uses InternalError).
_REFUSALS = (DataError, IntegrityError, InternalError, UnicodeEncodeError)

_UPSERT = """
INSERT INTO ingest_quarantinedrecord AS seen
    (payload_hash, payload, reason, times_seen, source, run_id, image_run_id)
    VALUES %s
    ON CONFLICT (payload_hash) DO UPDATE SET reason = EXCLUDED.reason, run_id = EXCLUDED.run_id,
        image_run_id = EXCLUDED.image_run_id,
        times_seen = seen.times_seen + EXCLUDED.times_seen, last_seen_at = now(), resolved_at = NULL
"""


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of a retry: records that are stored now, and those that were refused again."""

    stored: int = 0
    refused: int = 0


def quarantine(rejected: Sequence[Rejected], *, source: str, run: IngestRun | ImageRun | None = None) -> int:
    """Keep all of `rejected` and return how many they are; one seen before is counted on and open again."""
    pieces = [(_storable(piece.payload), _storable(piece.reason)) for piece in rejected]
    if not pieces:
        return 0
    times = Counter(payload for payload, _ in pieces)
    runs = tuple(run.pk if isinstance(run, kind) else None for kind in (IngestRun, ImageRun))
    rows = [
        (_hash(payload), payload, reason, times[payload], source, *runs)
        for payload, reason in dict(pieces).items()
    ]
    with connection.cursor() as cursor, connection.wrap_database_errors:
        # In one order everywhere, so that concurrent writers do not wait in a circle.
        execute_values(cursor.cursor, _UPSERT, sorted(rows, key=lambda row: row[0]), page_size=len(rows))
    return len(pieces)


def resolve(payload: str) -> None:
    """Mark what was quarantined with this payload as stored now, if anything was."""
    kept = QuarantinedRecord.objects.filter(payload_hash=_hash(_storable(payload)), resolved_at=None)
    kept.update(resolved_at=timezone.now())


def explain(payload: str, reason: str) -> None:
    """Give what was quarantined with this payload, if it is still open, another reason."""
    kept = QuarantinedRecord.objects.filter(payload_hash=_hash(_storable(payload)), resolved_at=None)
    kept.update(reason=_storable(reason))


def _storable(text: str) -> str:
    """The text with what PostgreSQL cannot hold (NUL, lone surrogates) spelled out as escapes."""
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()


def _hash(payload: str) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(payload.encode(), digest_size=16).digest()))


def upsert_or_refuse(rows: Sequence[EventRow]) -> tuple[Counts, list[Rejected]]:
    """Store what the database takes; halve the batch around what it refuses until only that is left.

    A refused row comes back as its attributes with the database's reason. Each part is its own
    transaction, or savepoint inside one. Raises django.db.OperationalError and its like as they come.
    """
    if not rows:
        return Counts(), []
    try:
        return upsert(rows), []
    except _REFUSALS as error:
        if len(rows) == 1:
            reason = str(error).strip().partition("\n")[0]
            return Counts(), [Rejected(rows[0].attributes, f"the database refused it: {reason}")]
    middle = len(rows) // 2
    first, first_refused = upsert_or_refuse(rows[:middle])
    second, second_refused = upsert_or_refuse(rows[middle:])
    return first + second, first_refused + second_refused


def retry(records: Iterable[QuarantinedRecord]) -> Retried:
    """Run quarantined records through the ingest again and mark those that are stored now.

    What is resolved already is passed over, and so are images: their runs are run again instead. What is no
    JSON object (a broken line, a piece of XML) cannot become a row: it is refused and keeps its reason, like
    all that fails again, with the newest reason.
    """
    stored = refused = 0
    for record in records:
        if record.resolved_at is not None or record.image_run_id is not None:
            continue
        reason = _store_again(record)
        if reason is None:
            record.resolved_at = timezone.now()
            record.save(update_fields=["resolved_at"])
            stored += 1
        else:
            record.reason = _storable(reason)
            record.save(update_fields=["reason"])
            refused += 1
    return Retried(stored, refused)


def _store_again(quarantined: QuarantinedRecord) -> str | None:
    """None, or the reason why the record still cannot be stored."""
    try:
        record: Record = json.loads(quarantined.payload)
    except ValueError:
        return quarantined.reason
    if not isinstance(record, dict):
        return quarantined.reason
    if is_edge(record):
        edges, rejected = edges_of([record], quarantined.source)
        upsert_associations(edges)
    else:
        rows, rejected = rows_of([record], quarantined.source)
        rejected += upsert_or_refuse(rows)[1]
    return rejected[0].reason if rejected else None
