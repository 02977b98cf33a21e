"""The tracker's rows: reports and associations out of the database; edges, tracks and their reports into it.

Everything is written as a difference: what is as it should be is not touched. A track is a maximal chain of
"follows" edges; those whose chains may have changed are made anew from the edges that are stored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import shapely
from django.db import connection
from psycopg2.extras import execute_values

from events.domain.vocabulary import observed_at
from ingest.orders import EDGE_TYPES, Group
from ingest.tracking import TRACKABLE, Edge, KnownEdge, Report, chains

#: A box that the ingest drew around a point (docs/geometry.md) is no shape: the tracker has rules for points.
_REPORTS = """
SELECT id, kb_archivid, event_starttime, event_endtime,
    ST_AsBinary(CASE WHEN hgs_boundcc IS NOT NULL THEN hgs_boundcc
        WHEN geometry_notes->>'hpc_bbox' LIKE 'computed:point%%' THEN NULL ELSE hgs_bbox END),
    ST_X(hgs_coord), ST_Y(hgs_coord), frm_specificid, ar_noaanum,
    (attributes->>'area_atdiskcenter')::float8, (attributes->>'intensmean')::float8
FROM events_event
WHERE event_type = %s AND frm_name = %s AND event_starttime BETWEEN %s AND %s
"""
_KNOWN = """
SELECT first_ivorn, second_ivorn, edge_type, strength FROM events_association
WHERE first_ivorn = ANY(%s) AND edge_type = ANY(%s)
"""
_EDGES = """
SELECT id, first_id, second_id, kind, source, probability FROM events_trackedge WHERE first_id = ANY(%(ids)s)
UNION
SELECT id, first_id, second_id, kind, source, probability FROM events_trackedge WHERE second_id = ANY(%(ids)s)
"""
_TOUCHED = """
SELECT id, event_starttime, event_endtime FROM events_track
WHERE id IN (SELECT track_id FROM events_trackreport WHERE event_id = ANY(%(ids)s))
UNION
SELECT id, event_starttime, event_endtime FROM events_track
WHERE event_type = %(event_type)s AND frm_name = %(frm_name)s
    AND period && tstzrange(%(start)s, %(end)s, '[)')
"""
_MEMBERS = """
WITH wanted AS (
    SELECT unnest(%(ids)s::bigint[]) AS id
    UNION
    SELECT event_id FROM events_trackreport WHERE track_id = ANY(%(tracks)s)
)
SELECT event.id, event.event_type, event.event_starttime, event.event_endtime, event.frm_name,
    report.track_id, report.position, report.event_starttime, report.observed, report.skipped,
    report.interpolated_from::text
FROM wanted JOIN events_event AS event USING (id)
LEFT JOIN events_trackreport AS report ON report.event_id = event.id
ORDER BY event.event_starttime, event.kb_archivid
"""
_FOLLOWS = "SELECT first_id, second_id FROM events_trackedge WHERE kind = 'follows' AND first_id = ANY(%s)"

#: What a track says of its reports. Its envelope is of outlines, else boxes, else points.
_TRACKS = """
INSERT INTO events_track AS stored
    (id, event_type, frm_name, event_starttime, event_endtime, report_count, ar_noaanums, hpc_bbox)
SELECT first.id, first.event_type, first.frm_name, first.event_starttime, made.last, made.reports,
    made.numbers, made.box
FROM (
    SELECT track_id, max(event_endtime) AS last, count(*) AS reports,
        coalesce(array_agg(DISTINCT ar_noaanum) FILTER (WHERE ar_noaanum IS NOT NULL), '{}') AS numbers,
        ST_MakeEnvelope(
            min(ST_XMin(shape)), min(ST_YMin(shape)), max(ST_XMax(shape)), max(ST_YMax(shape))) AS box
    FROM events_trackreport AS report JOIN events_event AS event ON event.id = report.event_id
    CROSS JOIN LATERAL (SELECT coalesce(hpc_boundcc, hpc_bbox, hpc_coord) AS shape) AS drawn
    WHERE track_id = ANY(%s) GROUP BY track_id
) AS made JOIN events_event AS first ON first.id = made.track_id
ON CONFLICT (id) DO UPDATE SET event_type = EXCLUDED.event_type, frm_name = EXCLUDED.frm_name,
    event_starttime = EXCLUDED.event_starttime, event_endtime = EXCLUDED.event_endtime,
    report_count = EXCLUDED.report_count, ar_noaanums = EXCLUDED.ar_noaanums, hpc_bbox = EXCLUDED.hpc_bbox,
    updated_at = now()
    WHERE (stored.event_type, stored.frm_name, stored.event_starttime, stored.event_endtime,
        stored.report_count, stored.ar_noaanums, stored.hpc_bbox)
    IS DISTINCT FROM (EXCLUDED.event_type, EXCLUDED.frm_name, EXCLUDED.event_starttime,
        EXCLUDED.event_endtime, EXCLUDED.report_count, EXCLUDED.ar_noaanums, EXCLUDED.hpc_bbox)
"""
_SHAPE_ORDERS = """
INSERT INTO ingest_shapeorder (track_id, event_type, frm_name, first_time, last_time) VALUES %s
ON CONFLICT (track_id) DO UPDATE SET event_type = EXCLUDED.event_type, frm_name = EXCLUDED.frm_name,
    first_time = least(ingest_shapeorder.first_time, EXCLUDED.first_time),
    last_time = greatest(ingest_shapeorder.last_time, EXCLUDED.last_time)
"""


class _Place(NamedTuple):
    """Where a report stands: a row of events_trackreport without the event's id."""

    track: int
    position: int
    start: datetime
    observed: datetime
    skipped: str
    interpolated_from: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What was written: edges added and removed, reports whose place changed, tracks there were and are."""

    edges_added: int = 0
    edges_removed: int = 0
    places: int = 0
    tracks_removed: int = 0
    tracks: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            self.edges_added + other.edges_added,
            self.edges_removed + other.edges_removed,
            self.places + other.places,
            self.tracks_removed + other.tracks_removed,
            self.tracks + other.tracks,
        )


# --- reading


def read_reports(group: Group, start: datetime, end: datetime) -> list[Report]:
    """The reports of a group that start from `start` to `end`, both included."""
    rows = _fetch(_REPORTS, [group.event_type, group.frm_name, start, end])
    shapes = shapely.from_wkb([row[4] and bytes(row[4]) for row in rows])
    return [
        Report(
            id=row[0], kb_archivid=row[1], event_type=group.event_type, method=group.frm_name,
            start=row[2], end=row[3], shape=shape, point=None if row[5] is None else (row[5], row[6]),
            specific_id=row[7], noaa=row[8], area=row[9], intensity=row[10],
        )
        for row, shape in zip(rows, shapes, strict=True)
    ]  # fmt: skip


def read_known(reports: Iterable[Report]) -> list[KnownEdge]:
    """HEK's associations between any two of the reports."""
    ids = {report.kb_archivid: report.id for report in reports}
    return [
        KnownEdge(ids[first], ids[second], edge_type, strength)
        for first, second, edge_type, strength in _fetch(_KNOWN, [list(ids), list(EDGE_TYPES)])
        if second in ids
    ]


# --- edges


def write_edges(own: set[int], shown: set[int], found: Sequence[Edge]) -> tuple[Changes, set[int]]:
    """Make the stored edges those that were found; what was changed, and the reports at the changed ends.

    `own`: the reports whose edges to later ones are decided, which `found` are. `shown`: all reports that the
    tracker was shown. An edge into `own` from a report that it was not shown goes: that report was revised.
    So does one that says of a report otherwise than `found` what it follows: it is about to be decided anew.
    """
    wanted = {(edge.first, edge.second): edge for edge in found}
    followed = {edge.second: edge.first for edge in found if edge.kind == "follows"}
    stale: list[int] = []
    ends: set[int] = set()
    for pk, first, second, kind, *rest in _fetch(_EDGES, {"ids": list(own | followed.keys())}):
        edge = wanted.get((first, second))
        if edge is not None and [kind, *rest] == [edge.kind, edge.source, edge.probability]:
            del wanted[first, second]
        elif first in own or first not in shown or (
            kind == "follows" and followed.get(second, first) != first
        ):  # fmt: skip
            stale.append(pk)
            ends |= {first, second}
    for pair in wanted:
        ends.update(pair)
    if stale:
        _run("DELETE FROM events_trackedge WHERE id = ANY(%s)", [stale])
    _insert(
        "INSERT INTO events_trackedge (first_id, second_id, kind, source, probability) VALUES %s",
        [(e.first, e.second, e.kind, e.source, e.probability) for e in wanted.values()],
    )
    return Changes(edges_added=len(wanted), edges_removed=len(stale)), ends


# --- tracks


def write_tracks(
    group: Group,
    window: tuple[datetime, datetime],
    *,
    own: set[int],
    ends: set[int],
    skipped: Mapping[int, str],
    fresh: set[int],
) -> Changes:
    """Make the tracks of the reports `own` and `ends`, and all that live in the window, of the stored edges.

    `skipped`: why the tracker could not use some of `own`. `fresh`: reports that may have changed themselves;
    the shapes of their tracks are ordered, and those of tracks that got or lost a report.
    """
    ids = list(own | ends)
    values = {"ids": ids, "start": window[0], "end": window[1]}
    group_values = {"event_type": group.event_type, "frm_name": group.frm_name}
    touched = {pk: life for pk, *life in _fetch(_TOUCHED, {**values, **group_values})}
    members = _fetch(_MEMBERS, {"ids": ids, "tracks": list(touched)})
    before = {row[0]: _Place(*row[5:]) for row in members if row[5] is not None}
    after = _places(members, before, own, skipped)
    moved = {pk for pk in before.keys() | after.keys() if before.get(pk) != after.get(pk)}
    _write_places({pk: after.get(pk) for pk in moved})
    alive = {place.track for place in after.values()}
    gone = touched.keys() - alive
    if gone:
        _run("DELETE FROM events_track WHERE id = ANY(%s)", [list(gone)])
    _run(_TRACKS, [list(alive)])
    changed = {place.track for pk in moved for place in (before.get(pk), after.get(pk)) if place}
    changed |= gone | {after[pk].track for pk in fresh & after.keys()}
    _order_shapes(group, changed, touched)
    return Changes(places=len(moved), tracks_removed=len(gone), tracks=len(alive))


def _places(
    members: Sequence[tuple[Any, ...]],
    before: Mapping[int, _Place],
    own: set[int],
    skipped: Mapping[int, str],
) -> dict[int, _Place]:
    """Where each report belongs. `members` are in time; what was revised to be no longer tracked has none."""
    times = {
        pk: (start, observed_at(frm_name, start, end))
        for pk, event_type, start, end, frm_name, *_ in members
        if event_type in TRACKABLE
    }
    follows = [
        Edge(first, second, "follows", "", 1.0)
        for first, second in _fetch(_FOLLOWS, [list(times)])
        if second in times
    ]
    places = {}
    for track in chains(list(times), follows):
        for position, pk in enumerate(track):
            old = before.get(pk)
            place = _Place(track[0], position, *times[pk], "", None)
            if old is not None:
                # Where shapes are stored under the track's old id, none of them is of the new one.
                made_of = old.interpolated_from if old.track == track[0] else None
                place = place._replace(skipped=old.skipped, interpolated_from=made_of)
            places[pk] = place._replace(skipped=skipped.get(pk, "")) if pk in own else place
    return places


def _write_places(places: Mapping[int, _Place | None]) -> None:
    """Rows for these reports, or none; deleted first, since no two may have one place even for a moment."""
    if not places:
        return
    _run("DELETE FROM events_trackreport WHERE event_id = ANY(%s)", [list(places)])
    _insert(
        "INSERT INTO events_trackreport"
        " (event_id, track_id, position, event_starttime, observed, skipped, interpolated_from) VALUES %s",
        [(pk, *place) for pk, place in places.items() if place is not None],
        "(%s, %s, %s, %s, %s, %s, %s::uuid)",
    )


def _order_shapes(group: Group, tracks: set[int], before: Mapping[int, Sequence[datetime]]) -> None:
    """Order the shapes of tracks, for all the time that they lived before and live now."""
    lives: dict[int, list[datetime]] = defaultdict(list)
    for pk in tracks & before.keys():
        lives[pk] += before[pk]
    now = _fetch(
        "SELECT id, event_starttime, event_endtime FROM events_track WHERE id = ANY(%s)", [list(tracks)]
    )
    for pk, *life in now:
        lives[pk] += life
    rows = [
        (pk, group.event_type, group.frm_name, min(life), max(life)) for pk, life in sorted(lives.items())
    ]
    _insert(_SHAPE_ORDERS, rows)


# --- statements


def _fetch(statement: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _run(statement: str, values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _insert(statement: str, rows: Sequence[tuple[Any, ...]], template: str | None = None) -> None:
    if rows:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            execute_values(cursor.cursor, statement, rows, template=template, page_size=1000)
