"""The Sun at one instant: all that is alive then, what is tracked once, with the shape that it has then.

Shapes of tracks are stored on the slots of the cadence. Between two slots a track has by default that of the
nearer one, carried to the instant by the Sun's rotation: half a cadence at most, in which a region hardly
changes; of a report in between, which is stored on the slot after it, from when it holds. Only what cannot be
had so, and every shape where the question is `exact`, is made of the track's reports, which takes
milliseconds each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import shapely
from django.db import connection
from shapely.geometry.base import BaseGeometry

from events.domain import interpolation
from events.domain.carrying import Geometries, carried_to
from events.domain.tracks import StateCriteria
from events.domain.vocabulary import METHODS_OBSERVED_AT_END
from events.models import TrackShape
from events.sightings import shape_settings, sightings_around

#: Types that the Sun's rotation does not carry along: what leaves the Sun or runs over it (CMEs, waves), and
#: what is in no place (nothing reported, hypotheses).
NOT_CARRIED = frozenset({"CE", "CW", "HY", "NR"})
HELD, ROTATION = "held", "rotation"
_Origin = TrackShape.Origin
_BEGIN, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Present:
    """Something that is alive at the instant.

    `kb_archivid`: of its latest report that starts at or before the instant; `before`, `after`: the starts of
    that and of the track's next report. `shape`: hpc, arcsec, seen from the Earth at the instant; a point is
    all that some methods report. Without a shape (it is behind the limb, or its place is not known) `method`
    and `origin` are None, too; else they are as those of a track's shapes.
    """

    number: int
    kb_archivid: str
    event_type: str
    frm_name: str
    track: int | None
    before: datetime
    after: datetime | None
    method: str | None = None
    origin: str | None = None
    repaired: bool = False
    shape: BaseGeometry | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is alive, by type and kb_archivid, and how many the conditions on their shapes left out.

    `stored_for`: the slot whose stored shapes were taken; None where all were made of reports. `exact`: no
    track's shape was carried from a slot.
    """

    items: list[Present]
    stored_for: datetime | None
    exact: bool
    extrapolated: int
    beyond_gap: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One of them as it was found, with the shape of its latest report where it has none of its own.

    `holds`: when the report's shape does.
    """

    item: Present
    reported: BaseGeometry | None
    holds: datetime


class _Slots(NamedTuple):
    """The slots around an instant that is none: before it, after it, and the next one."""

    earlier: datetime
    later: datetime
    beyond: datetime

    def nearest(self, time: datetime) -> datetime:
        return min(self.earlier, self.later, key=lambda slot: abs(slot - time))


def state_at(criteria: StateCriteria) -> State:
    """Everything that is alive at the instant, both ends of its time included.

    Three statements at most, however much there is; two where all shapes are stored.
    """
    time = criteria.time
    settings = shape_settings()
    on_slot = not (time - settings.epoch) % settings.step
    # In the original's mode nothing rotates between reports: there, nothing is carried either.
    slots = None if on_slot or criteria.exact or settings.mode == "gsu" else _slots(time)
    rows = [*_with_track_shapes(_tracked(criteria, slots), time), *_untracked(criteria)]
    items = _with_carried_shapes(rows, time)
    items.sort(key=lambda item: (item.event_type, item.kb_archivid))
    near = [item for item in items if not _is_beyond_gap(item, criteria)]
    kept = [item for item in near if criteria.extrapolate or not _is_extrapolated(item)]
    stored_for = slots.nearest(time) if slots else time if on_slot else None
    left_out = {"extrapolated": len(near) - len(kept), "beyond_gap": len(items) - len(near)}
    return State(kept, stored_for, exact=slots is None, **left_out)


def _slots(time: datetime) -> _Slots | None:
    """The slots around `time`; None where the calendar ends before one of them."""
    settings = shape_settings()
    if not _BEGIN + settings.step <= time <= _END - 2 * settings.step:
        return None
    later = interpolation.aligned(time, settings.step, settings.epoch)
    return _Slots(later - settings.step, later, later + settings.step)


def _is_extrapolated(item: Present) -> bool:
    """Whether a track is over its last report, or before its first was observed.

    What has one report only is in no track that could go on.
    """
    return item.track is not None and item.origin == _Origin.EXTRAPOLATED


def _is_beyond_gap(item: Present, criteria: StateCriteria) -> bool:
    """Whether a track's reports are further from one another, or from the instant, than was asked."""
    if criteria.max_gap is None or item.track is None or item.before == criteria.time:
        return False
    return (item.after or criteria.time) - item.before > criteria.max_gap


# --- what is alive

_REPORTED_SHAPE = "ST_AsBinary(coalesce(event.hpc_boundcc, event.hpc_bbox, event.hpc_coord))"
# Each of the inner look-ups is one step into an index by track and time.
_TRACKS = f"""
    SELECT event.id, event.kb_archivid, alive.event_type, alive.frm_name, alive.id,
           before.event_starttime, after.event_starttime, shape.method, shape.origin,
           coalesce(shape.repaired, false),
           ST_AsBinary(shape.hpc), CASE WHEN shape.hpc IS NULL THEN {_REPORTED_SHAPE} END, shape.holds
    FROM events_track AS alive
    CROSS JOIN LATERAL (
        SELECT event_id, event_starttime FROM events_trackreport WHERE track_id = alive.id
        AND event_starttime <= %(time)s ORDER BY event_starttime DESC, position DESC LIMIT 1
    ) AS before
    JOIN events_event AS event ON event.id = before.event_id
    LEFT JOIN LATERAL (
        SELECT event_starttime FROM events_trackreport WHERE track_id = alive.id
        AND event_starttime > %(time)s ORDER BY event_starttime LIMIT 1
    ) AS after ON true
    LEFT JOIN LATERAL ({{shape}}) AS shape ON true
    WHERE alive.period @> %(time)s::timestamptz AND {{conditions}}
"""  # noqa: S608 - here and below, the words are our own
_STORED = """
    SELECT method, origin, repaired, hpc, time AS holds FROM events_trackshape
    WHERE track_id = alive.id AND time = %(time)s
"""
# Whether the track is interpolated at the instant is seen by its shapes on the slots around it: a report that
# holds between them is the shape of the later one, and nearer than the earlier once it holds. Left to the
# interpolation are several reports between two slots, of which only the last is stored; slots of different
# methods, since the shape may jump in between; and a track that has no shape on one of the slots: it begins,
# ends, passes the limb, or waits to be interpolated.
_NEAR = """
    SELECT CASE WHEN seen.observed = %(time)s THEN 'reported'
                WHEN is_later THEN coalesce(nullif(later.method, 'reported'), 'rotation')
                ELSE coalesce(nullif(earlier.method, 'reported'), 'rotation') END AS method,
           CASE WHEN later.origin <> 'reported' THEN later.origin
                WHEN seen.observed = %(time)s THEN 'reported'
                WHEN seen.observed > %(time)s AND earlier.origin <> 'extrapolated' THEN 'interpolated'
                WHEN seen.observed < %(time)s AND EXISTS (
                    SELECT FROM events_trackshape AS beyond WHERE beyond.track_id = alive.id
                    AND beyond.time = %(beyond)s AND beyond.origin <> 'extrapolated'
                ) THEN 'interpolated'
                ELSE 'extrapolated' END AS origin,
           CASE WHEN is_later THEN later.repaired ELSE earlier.repaired END AS repaired,
           CASE WHEN is_later THEN later.hpc ELSE earlier.hpc END AS hpc,
           CASE WHEN is_later THEN coalesce(seen.observed, later.time)
                ELSE coalesce(past.observed, earlier.time) END AS holds
    FROM events_trackshape AS earlier
    JOIN events_trackshape AS later ON later.track_id = alive.id AND later.time = %(later)s
    LEFT JOIN events_trackreport AS seen ON seen.event_id = later.report_id
    LEFT JOIN events_trackreport AS past ON past.event_id = earlier.report_id
    CROSS JOIN LATERAL (
        SELECT later.time = %(nearest)s OR coalesce(seen.observed <= %(time)s, false) AS is_later
    ) AS chosen
    WHERE earlier.track_id = alive.id AND earlier.time = %(earlier)s
      AND (earlier.method = later.method OR 'reported' IN (earlier.method, later.method))
      AND NOT EXISTS (
        SELECT FROM events_trackreport AS other WHERE other.track_id = alive.id
        AND other.observed > %(earlier)s AND other.observed <= %(later)s AND other.event_id <> seen.event_id
    )
"""
_EVENTS = f"""
    SELECT alive.id, alive.kb_archivid, alive.event_type, alive.frm_name, NULL, alive.event_starttime, NULL,
           NULL, NULL, false, NULL, {_REPORTED_SHAPE.replace("event.", "alive.")},
           CASE WHEN alive.frm_name = ANY(%(at_end)s) THEN alive.event_endtime ELSE alive.event_starttime END
    FROM events_event AS alive
    WHERE alive.period @> %(time)s::timestamptz AND {{conditions}}
      AND NOT EXISTS (SELECT 1 FROM events_trackreport WHERE event_id = alive.id)
"""  # noqa: S608


def _tracked(criteria: StateCriteria, slots: _Slots | None) -> list[_Row]:
    """Tracks with the stored shape of the instant, or of one of the slots around it."""
    if slots is None:
        return _rows(_TRACKS, criteria, {"shape": _STORED})
    values = slots._asdict() | {"nearest": slots.nearest(criteria.time)}
    return _rows(_TRACKS, criteria, {"shape": _NEAR}, values)


def _untracked(criteria: StateCriteria) -> list[_Row]:
    """Events of types that are not tracked, and such that wait to be tracked."""
    return _rows(_EVENTS, criteria, {})


def _rows(
    statement: str, criteria: StateCriteria, parts: dict[str, str], values: dict[str, datetime] | None = None
) -> list[_Row]:
    conditions = ["true"]
    if criteria.types is not None:
        conditions.append("alive.event_type = ANY(%(types)s)")
    if criteria.frm_name is not None:
        conditions.append("alive.frm_name = ANY(%(methods)s)")
    asked: dict[str, Any] = {
        "time": criteria.time,
        "types": list(criteria.types or ()),
        "methods": list(criteria.frm_name or ()),
        "at_end": list(METHODS_OBSERVED_AT_END),
    }
    with connection.cursor() as cursor:
        sql = statement.format(conditions=" AND ".join(conditions), **parts)
        cursor.execute(sql, asked | (values or {}))
        found = cursor.fetchall()
    own, reported = (shapely.from_wkb([row[k] and bytes(row[k]) for row in found]) for k in (10, 11))
    own = _at_the_instant(own, [row[12] for row in found], criteria.time)
    # A track whose reports have no area, but points, has them for its reports' starts.
    return [
        _Row(Present(*(list(row[:7]) if shape is None else [*row[:10], shape])), as_sent, row[12] or row[5])
        for row, shape, as_sent in zip(found, own, reported, strict=True)
    ]


# --- their shapes


def _at_the_instant(stored: Geometries, holds: Sequence[datetime | None], time: datetime) -> Geometries:
    """Stored shapes, each carried from when it holds.

    None of what gets out of sight or lies beside the disk, and of what the limb squeezes until it crosses
    itself: these have to be made of the reports.
    """
    moving = ~shapely.is_missing(stored) & np.array([start != time for start in holds], dtype=np.bool_)
    starts = [start for start, moves in zip(holds, moving, strict=True) if start is not None and moves]
    moved = carried_to(list(stored[moving]), starts, time)
    # To be made valid, a ring gets or loses vertices.
    torn = shapely.get_num_coordinates(moved.shapes) != shapely.get_num_coordinates(stored[moving])
    torn |= shapely.get_type_id(moved.shapes) != shapely.GeometryType.POLYGON
    shapes: Geometries = stored.copy()
    moved.shapes[moved.hidden | moved.held | torn] = None
    shapes[moving] = moved.shapes
    return shapes


def _with_track_shapes(rows: Sequence[_Row], time: datetime) -> list[_Row]:
    """The tracks with those shapes, too, that are not stored: made of the reports around the instant.

    A track without any area in its reports keeps its row; one that is behind the limb has no shape any more.
    """
    missing = [row.item.track for row in rows if row.item.shape is None and row.item.track is not None]
    settings = shape_settings()
    reports = sightings_around(time, missing) if missing else {}
    made = {
        track: interpolation.shapes_at(sightings, [time], settings) for track, sightings in reports.items()
    }
    completed = []
    for row in rows:
        shapes = made.get(row.item.track or 0)
        item = row.item
        if shapes:
            (shape,) = shapes
            item = replace(
                item, method=shape.method, origin=shape.origin, repaired=shape.repaired, shape=shape.hpc
            )
        completed.append(row if shapes is None else _Row(item, None, time))
    return completed


def _with_carried_shapes(rows: Sequence[_Row], time: datetime) -> list[Present]:
    """All of them; those without a shape have that of their report, carried where the Sun carries it."""
    waiting = [row for row in rows if row.item.shape is None and row.reported is not None]
    carried = carried_to([row.reported for row in waiting], [row.holds for row in waiting], time)
    shapes = {
        row.item.number: _carried(row, shape, time, hidden=hidden, held=held)
        for row, shape, hidden, held in zip(waiting, *carried, strict=True)
    }
    return [shapes.get(row.item.number, row.item) for row in rows]


def _carried(row: _Row, shape: BaseGeometry, time: datetime, *, hidden: bool, held: bool) -> Present:
    if row.holds == time:
        method, origin = _Origin.REPORTED, _Origin.REPORTED
        return replace(row.item, method=method.value, origin=origin.value, shape=row.reported)
    if held or row.item.event_type in NOT_CARRIED:
        return replace(row.item, method=HELD, origin=_Origin.REPORTED.value, shape=row.reported)
    if hidden:
        return row.item
    return replace(row.item, method=ROTATION, origin=_Origin.EXTRAPOLATED.value, shape=shape)
