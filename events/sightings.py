"""Reports of tracks as the interpolation sees them: one way from rows to `Sighting`s for all who ask.

Shapes that are stored and shapes that are computed when they are asked for agree exactly, because both are
made here of the same reports and under the same settings. A track lives until the latest end of its reports,
so its last sighting bears that end. Reports without an area are left out: they have no shape to interpolate.

A report's shape holds when it was observed (TrackReport.observed; which methods' at the end of the report's
interval: METHODS_OBSERVED_AT_END of `events.domain.vocabulary`). In the original's mode it is at its start.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from django.conf import settings
from django.db import connection

from events.domain.interpolation import Settings, Sighting
from events.domain.interpolation.rings import usable

#: arcsec2 (or deg2): what has less is no area.
_LEAST_AREA = 1e-6
_OUTLINE = f"ST_Area(event.hpc_boundcc) >= {_LEAST_AREA}"
_HPC = f"CASE WHEN {_OUTLINE} THEN event.hpc_boundcc ELSE event.hpc_bbox END"
_HGS = "CASE WHEN event.hpc_bbox IS NULL THEN coalesce(event.hgs_boundcc, event.hgs_bbox) END"
#: Box or outline, whichever has an area; hgs where there is no hpc.
_HAS_AREA = (
    f"({_OUTLINE} OR ST_Area(event.hpc_bbox) >= {_LEAST_AREA}"
    f" OR (event.hpc_bbox IS NULL AND ST_Area(coalesce(event.hgs_boundcc, event.hgs_bbox)) >= {_LEAST_AREA}))"
)
_COLUMNS = f"""
    event.id, event.event_starttime, event.event_endtime, ST_AsBinary({_HPC}) AS hpc,
    ST_AsBinary({_HGS}) AS hgs,
    NOT coalesce({_OUTLINE}, event.hpc_bbox IS NULL AND event.hgs_boundcc IS NOT NULL) AS is_box,
    report.observed
"""
_ALL = f"""
SELECT track.id, track.event_endtime, report.interpolated_from::text, event.content_hash::text, {_COLUMNS}
FROM events_track AS track
JOIN events_trackreport AS report ON report.track_id = track.id
JOIN events_event AS event ON event.id = report.event_id
WHERE track.id = ANY(%(tracks)s) AND {_HAS_AREA}
ORDER BY track.id, report.position
"""  # noqa: S608 - as in all of these, the words are our own

#: By what `{{holds}}` says. One more than needed on each side: the other of two that hold together.
_AROUND = f"""
SELECT track.id, track.event_endtime, near.*
FROM events_track AS track CROSS JOIN LATERAL (
    (SELECT {_COLUMNS} FROM events_trackreport AS report JOIN events_event AS event ON event.id = event_id
        WHERE report.track_id = track.id AND report.{{holds}} <= %(time)s AND {_HAS_AREA}
        ORDER BY report.{{holds}} DESC, event.event_starttime DESC, event.event_endtime DESC, event.id DESC
        LIMIT 2)
    UNION ALL
    (SELECT {_COLUMNS} FROM events_trackreport AS report JOIN events_event AS event ON event.id = event_id
        WHERE report.track_id = track.id AND report.{{holds}} > %(time)s AND {_HAS_AREA}
        ORDER BY report.{{holds}}, event.event_starttime DESC, event.event_endtime DESC, event.id DESC
        LIMIT 2)
) AS near
WHERE track.id = ANY(%(tracks)s)
ORDER BY track.id, near.{{holds}}, near.event_starttime, near.event_endtime, near.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Kept:
    """A report as it is stored: its sighting, its content, and what its stored shapes were made of."""

    sighting: Sighting
    content_hash: str
    interpolated_from: UUID | None


def shape_settings() -> Settings:
    """How shapes are interpolated here, stored or not: ISD_SHAPE_CADENCE, _METHOD and _MODE."""
    return Settings(
        method=settings.ISD_SHAPE_METHOD, mode=settings.ISD_SHAPE_MODE, step=settings.ISD_SHAPE_CADENCE
    )


def sightings_of(tracks: Iterable[int]) -> dict[int, list[Sighting]]:
    """All sightings of tracks, in time. A track without an area in any report, or that is not, is left out.

    One statement.
    """
    return {track: [kept.sighting for kept in reports] for track, reports in kept_of(tracks).items()}


def kept_of(tracks: Iterable[int]) -> dict[int, list[Kept]]:
    """`sightings_of` with what the writer of shapes wants to know beside it."""
    found: dict[int, list[Kept]] = defaultdict(list)
    rows = _rows(_ALL, {"tracks": list(tracks)})
    shapes = _sightings([(track, end, *row) for track, end, _, _, *row in rows])
    for (track, _, made_of, content, *_), sighting in zip(rows, shapes, strict=True):
        if _has_shape(sighting):
            found[track].append(Kept(sighting, content, UUID(made_of) if made_of else None))
    return dict(found)


def sightings_around(time: datetime, tracks: Iterable[int]) -> dict[int, list[Sighting]]:
    """The sightings on which the tracks' shapes at `time` depend: of them it makes what it does of all.

    One statement, which reads at most four reports of a track.
    """
    found: dict[int, list[Sighting]] = defaultdict(list)
    statement = _AROUND.format(holds="event_starttime" if _is_original() else "observed")
    rows = _rows(statement, {"tracks": list(tracks), "time": time})
    for (track, *_), sighting in zip(rows, _sightings(rows), strict=True):
        if _has_shape(sighting):
            found[track].append(sighting)
    return dict(found)


def _is_original() -> bool:
    """Whether shapes are to be as the original database made them, which hold at the start."""
    return shape_settings().mode == "gsu"


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _sightings(rows: Sequence[Sequence[Any]]) -> list[Sighting]:
    """Sightings of rows (track, the track's end, the event's columns), which are in the tracks' order."""
    original = _is_original()
    hpc, hgs = (shapely.from_wkb([row[k] and bytes(row[k]) for row in rows]) for k in (5, 6))
    return [
        Sighting(
            id=row[2],
            start=row[3],
            end=max(row[1], row[4]) if _is_last(rows, n) else row[4],
            hpc=hpc[n],
            hgs=hgs[n],
            is_box=row[7],
            observed=None if original else row[8],
        )
        for n, row in enumerate(rows)
    ]


def _has_shape(sighting: Sighting) -> bool:
    """What the database takes for an area is one to the interpolation too."""
    return usable(sighting.hpc if sighting.hpc is not None else sighting.hgs) is not None


def _is_last(rows: Sequence[Sequence[Any]], n: int) -> bool:
    """Whether a row is the last of its track."""
    return n + 1 == len(rows) or rows[n + 1][0] != rows[n][0]
