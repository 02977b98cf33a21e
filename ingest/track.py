"""Tracking as a step of the database: which reports are of one thing, kept up to date.

What is to be tracked stands in PostgreSQL (ingest.orders). A piece of work is one group (the reports of a
type by a method) and a run of days; it is one transaction, so a tracker that is stopped leaves what it has
finished, and the next one goes on. The pure core (ingest.tracking) decides an edge by reports at most HORIZON
from its first one. So the edges decided anew are those whose first report starts less than HORIZON from an
ordered day, the core is shown the reports of another HORIZON on both sides, and what comes out depends on
neither the order in which reports came nor how time was cut.

Locks: one tracker a group, and no shapes of the group are made meanwhile (ingest.interpolate).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction

from ingest import chains, orders
from ingest.models import TrackingOrder
from ingest.orders import Group
from ingest.tracking import HORIZON, Report, track_window

#: Days of one piece of work: many times the horizon, so that little is read twice, and few enough for the
#: reports of the busiest method to fit into memory (at most some 80,000, 6 kB each).
DAYS = timedelta(days=366)
_DAY = timedelta(days=1)
#: All days that there are.
ALWAYS = (date.min, date.max)


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished piece of work: what was tracked, by how many reports, and what that changed."""

    group: Group
    first: date
    last: date
    reports: int
    changes: chains.Changes


def _silent(_: Piece) -> None:
    pass


def track_pending(
    types: Sequence[str] = (),
    within: tuple[date, date] = ALWAYS,
    tell: Callable[[Piece], None] = _silent,
    is_enough: Callable[[], bool] = lambda: False,
) -> chains.Changes:
    """Track what is ordered until nothing is, or it `is_enough`; what changed.

    Of `types` (none: all), and reports that start on days `within`, both included. `tell` is called after
    every piece. A group that another process is tracking is left to it. Raises
    django.db.Error; what was finished stays.
    """
    orders.resolve_edges()
    total = chains.Changes()
    for group in orders.groups_waiting():
        if types and group.event_type not in types:
            continue
        while not is_enough() and (piece := _next_piece(group, within)) is not None:
            total += piece.changes
            tell(piece)
    return total


def _next_piece(group: Group, within: tuple[date, date]) -> Piece | None:
    """Track the earliest days that are ordered of a group; None if there are none, or others do."""
    with transaction.atomic():
        if not _try_lock(group):
            return None
        # The orders are read first: whoever adds one later has changed what may be read already.
        taken, days = orders.take(group, within, DAYS)
        if not taken:
            return None
        lock_shapes(group)
        piece = track_days(group, days)
        TrackingOrder.objects.filter(pk__in=taken).delete()
    return piece


def track_days(group: Group, days: Sequence[date]) -> Piece:
    """Track the reports of a group that start on these days (ascending), and write what has changed.

    Inside a transaction, under the group's locks.
    """
    begin, end = _at(days[0]), _after(_at(days[-1]), _DAY)
    start, stop = _before(begin, HORIZON), _after(end, HORIZON)
    reports = chains.read_reports(group, _before(start, HORIZON), _after(stop, HORIZON))
    found, passed_over = track_window(reports, start, stop, chains.read_known(reports))
    own = {report.id for report in reports if start <= report.start < stop}
    changes, ends = chains.write_edges(own, {report.id for report in reports}, found)
    skipped = {passed.report: passed.why for passed in passed_over}
    fresh = _of_days(reports, set(days))
    changes += chains.write_tracks(group, (start, stop), own=own, ends=ends, skipped=skipped, fresh=fresh)
    return Piece(group, days[0], days[-1], len(fresh), changes)


def _of_days(reports: Sequence[Report], days: set[date]) -> set[int]:
    return {report.id for report in reports if report.start.astimezone(UTC).date() in days}


def _at(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _before(moment: datetime, span: timedelta) -> datetime:
    """So much earlier, or the first instant that there is."""
    first = datetime.min.replace(tzinfo=UTC)
    return first + max(moment - first - span, timedelta(0))


def _after(moment: datetime, span: timedelta) -> datetime:
    """So much later, or the last instant that there is."""
    last = datetime.max.replace(tzinfo=UTC)
    return last - max(last - moment - span, timedelta(0))


# --- locks: of the transaction, so that none outlives its process


def _try_lock(group: Group) -> bool:
    return _lock("pg_try_advisory_xact_lock", "track", group)


def lock_shapes(group: Group) -> None:
    """Wait until nobody makes shapes of the group, and keep others from it until the transaction ends."""
    _lock("pg_advisory_xact_lock", "shapes", group)


def share_shapes(group: Group) -> bool:
    """Whether shapes of the group may be made now, beside others who do: nobody is tracking it."""
    return _lock("pg_try_advisory_xact_lock_shared", "shapes", group)


def _lock(function: str, what: str, group: Group) -> bool:
    text = "|".join((what, group.event_type, group.frm_name))
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [key])
        return cursor.fetchone() != (False,)
