"""What is to be tracked, and whose shapes are to be made, as it stands in PostgreSQL.

Whoever changes an event or an association orders its tracking in the same transaction; so nothing that is
stored goes untracked, whatever happens to a process or a message. An order is the day (UTC) on which a report
of a type by a method starts, or started before it was revised. A day may be ordered many times: orders are
only added, and those that a tracker has read are deleted by it, so an order that comes while it works stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Min
from psycopg2.extras import execute_values

from events.domain.criteria import TimeWindow
from ingest.models import EdgeOrder, ShapeOrder, TrackingOrder
from ingest.tracking import TRACKABLE

#: Edge types of HEK that tell what became of a report.
EDGE_TYPES = ("is_followed_by", "splits_into")
_TYPES = ", ".join(f"'{code}'" for code in TRACKABLE)

_RESOLVE = f"""
WITH taken AS (DELETE FROM ingest_edgeorder RETURNING association_id)
INSERT INTO ingest_trackingorder (event_type, frm_name, day)
    SELECT DISTINCT event_type, frm_name, (event_starttime AT TIME ZONE 'UTC')::date
    FROM taken JOIN events_association AS association ON association.id = association_id
    CROSS JOIN LATERAL (VALUES (first_ivorn), (second_ivorn)) AS ends (kb_archivid)
    JOIN events_event USING (kb_archivid)
    WHERE event_type IN ({_TYPES})
"""  # noqa: S608 - as in all of these, the words are our own

_AGAIN = """
INSERT INTO ingest_trackingorder (event_type, frm_name, day)
    SELECT DISTINCT event_type, frm_name, (event_starttime AT TIME ZONE 'UTC')::date AS day FROM events_event
    WHERE event_type = ANY(%(types)s)
        AND event_starttime >= %(first)s::timestamp AT TIME ZONE 'UTC'
        AND event_starttime < (%(last)s::timestamp + interval '1 day') AT TIME ZONE 'UTC'
"""

_SHAPES_AGAIN = """
INSERT INTO ingest_shapeorder (track_id, event_type, frm_name, first_time, last_time)
    SELECT id, event_type, frm_name, event_starttime, event_endtime FROM events_track
    WHERE event_type = ANY(%(types)s)
        AND event_starttime < coalesce(%(end)s::timestamptz, 'infinity')
        AND event_endtime >= coalesce(%(start)s::timestamptz, '-infinity')
    ON CONFLICT (track_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """What is tracked together: the reports of one type by one method."""

    event_type: str
    frm_name: str

    def __str__(self) -> str:
        return f"{self.event_type} {self.frm_name or '(no method)'}"


#: A report that changed: type, method, and the day of its start as YYYY-MM-DD.
Changed = tuple[str, str, str]


def order_reports(cursor: CursorWrapper, changed: Iterable[Changed]) -> None:
    """Order the tracking of these, of which types that are not tracked are left out."""
    rows = sorted({row for row in changed if row[0] in TRACKABLE})
    if rows:
        with connection.wrap_database_errors:
            execute_values(
                cursor.cursor,
                "INSERT INTO ingest_trackingorder (event_type, frm_name, day) VALUES %s",
                rows,
                page_size=len(rows),
            )


def order_edges(associations: Sequence[int]) -> None:
    """Order the tracking of what these associations (their ids) are about."""
    EdgeOrder.objects.bulk_create(EdgeOrder(association_id=pk) for pk in associations)


def resolve_edges() -> None:
    """Make orders of days of the orders of associations.

    One statement, and so one view of the database: a report that is committed later has its own order, and
    what tracks that sees the association.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE)


def order_again(days: tuple[date, date], types: Sequence[str]) -> int:
    """Order reports that start on `days` (both included), of `types` (none: all); how many days of groups."""
    wanted = [code for code in TRACKABLE if not types or code in types]
    with connection.cursor() as cursor:
        cursor.execute(_AGAIN, {"types": wanted, "first": days[0], "last": days[1]})
        return cursor.rowcount


def order_shapes_again(window: TimeWindow | None, types: Sequence[str]) -> int:
    """Order the shapes of all tracks of `types` (none: all) that live in the window; how many were not yet.

    What is stored and as it should be will stay; what was made under other settings is made again.
    """
    start, end = (window.start, window.end) if window else (None, None)
    with connection.cursor() as cursor:
        cursor.execute(_SHAPES_AGAIN, {"types": list(types or TRACKABLE), "start": start, "end": end})
        return cursor.rowcount


def groups_waiting() -> list[Group]:
    """What has reports to be tracked, the earliest first."""
    return _groups(TrackingOrder, "day")


def groups_without_shapes() -> list[Group]:
    """What has tracks whose shapes are to be made, the earliest first."""
    return _groups(ShapeOrder, "first_time")


def _groups(orders: type[TrackingOrder] | type[ShapeOrder], when: str) -> list[Group]:
    names = orders.objects.values("event_type", "frm_name").annotate(first=Min(when))
    return [
        Group(row["event_type"], row["frm_name"]) for row in names.order_by("first", "event_type", "frm_name")
    ]


def is_tracking_due() -> bool:
    """Whether there is anything to track."""
    return TrackingOrder.objects.exists() or EdgeOrder.objects.exists()


def tracks_without_shapes() -> int:
    """Number of tracks whose shapes are to be made."""
    return ShapeOrder.objects.count()


def take(group: Group, within: tuple[date, date], most: timedelta) -> tuple[list[int], list[date]]:
    """Ids of orders of a group, and their days: `within` (both included), from the first one `most` long."""
    waiting = TrackingOrder.objects.filter(
        event_type=group.event_type, frm_name=group.frm_name, day__range=within
    )
    first = waiting.order_by("day").values_list("day", flat=True).first()
    if first is None:
        return [], []
    last = first + min(most - timedelta(days=1), date.max - first)
    taken = list(waiting.filter(day__lte=last).values_list("pk", "day"))
    return [pk for pk, _ in taken], sorted({day for _, day in taken})
