"""The Sun at one instant, over four million events: instants on the cadence and off it, beside their floor.

The tracks are made of the seeded events by SQL, since these were drawn without any motion and no tracker
would find one: every n-th report of a method is the next of the same track, n being how many last at a time.
So at an instant there are as many tracks and reports as in the set itself; only the shapes between reports
go further than on the Sun. Shapes are then made, and stored, by the ingest's own step for a stretch of it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from benchmarks import servers
from benchmarks.dataset import EVENTS, FIRST, KINDS, YEARS
from benchmarks.hek import over_statements
from benchmarks.load import Rate, measure, over_http
from benchmarks.read import statements
from events.domain.vocabulary import METHODS_OBSERVED_AT_END
from ingest.tracking import TRACKABLE

#: The questions: shapes read as stored, carried from the nearest slot, and made of the reports.
ON, OFF, EXACT = "on the cadence", "off the cadence", "off the cadence, exact"
#: The median that a state should have at most, ms, unless it is asked to be exact.
GOAL = 25.0
REQUESTS = 200
ROUNDS = 3
#: Reports of a track: ten days of one every four hours.
LENGTH = 60
#: Shapes are stored for this long, from the middle of the set on.
STORED = timedelta(days=30)
CADENCE = timedelta(minutes=6)
_START = FIRST + timedelta(days=YEARS * 365 // 2)

_TRACKS = """
    CREATE TEMPORARY TABLE place AS
    SELECT event.id, event_type, frm_name, event_starttime, event_endtime, ar_noaanum, hpc_bbox,
           first_value(event.id) OVER track AS track_id, row_number() OVER track - 1 AS position
    FROM (
        SELECT *, row_number() OVER (PARTITION BY event_type, frm_name ORDER BY event_starttime, id) - 1 AS n
        FROM events_event WHERE event_type = ANY(%(types)s) AND source = 'benchmark'
    ) AS event
    JOIN unnest(%(codes)s, %(methods)s, %(lanes)s) AS kind (code, method, lanes)
      ON code = event_type AND method = frm_name
    WINDOW track AS (
        PARTITION BY event_type, frm_name, mod(n, lanes),
                     n / lanes / CASE WHEN lanes > 1 THEN %(length)s ELSE 1 END
        ORDER BY n
    );
    INSERT INTO events_track (id, event_type, frm_name, event_starttime, event_endtime, report_count,
                              ar_noaanums, hpc_bbox)
    SELECT track_id, min(event_type), min(frm_name), min(event_starttime), max(event_endtime), count(*),
           coalesce(array_agg(DISTINCT ar_noaanum) FILTER (WHERE ar_noaanum IS NOT NULL), '{}'),
           ST_Envelope(ST_Collect(hpc_bbox))
    FROM place GROUP BY track_id;
    INSERT INTO events_trackreport (event_id, track_id, position, event_starttime, observed, skipped)
    SELECT id, track_id, position, event_starttime,
           CASE WHEN frm_name = ANY(%(at_end)s) THEN event_endtime ELSE event_starttime END, '' FROM place;
    DROP TABLE place;
"""


@dataclass(frozen=True)
class Result:
    """What one kind of question came to, ours and the same SQL thrown away, median of the rounds."""

    name: str
    events: float
    ours: Rate
    floor: Rate


def run(dsn: str) -> list[Result]:
    """Measure against the database of `dsn`, which Django uses, too; the set must be loaded."""
    _prepare()
    questions = {
        ON: list(_instants(on_slots=True)),
        OFF: list(_instants(on_slots=False)),
        EXACT: [f"{path}&exact=true" for path in _instants(on_slots=False)],
    }
    with servers.ours() as port:
        return [_measured(name, paths, port, dsn) for name, paths in questions.items()]


def table(results: list[Result]) -> str:
    """Markdown: a row a question, and its floor below it."""
    lines = [
        "| instants | alive | requests/s | median ms | 95 % ms | kB each | goal, median ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        goal = "" if result.name == EXACT else f"{GOAL:.0f}"
        lines.append(f"| **{result.name}** | {result.events:.0f} | {_rate(result.ours)} | {goal} |")
        lines.append(f"| the same SQL, thrown away | | {_rate(result.floor)} | |")
    return "\n".join(lines)


def _rate(rate: Rate) -> str:
    return f"{rate.per_second:.0f} | {rate.median_ms:.1f} | {rate.p95_ms:.1f} | {rate.bytes_each / 1000:.0f}"


def _measured(name: str, paths: list[str], port: int, dsn: str) -> Result:
    sql = [statements(path) for path in paths[: REQUESTS // 4]]
    pairs = [(measure(over_http(port, paths)), measure(over_statements(dsn, sql))) for _ in range(ROUNDS)]
    pairs.sort(key=lambda pair: pair[0].median_ms)
    ours, floor = pairs[len(pairs) // 2]
    return Result(name, _alive(paths), ours, floor)


def _alive(paths: list[str]) -> float:
    """How many things an answer holds on average."""
    client = Client(SERVER_NAME="127.0.0.1")
    return sum(client.get(path).json()["returned"] for path in paths[:20]) / 20


def _instants(*, on_slots: bool) -> Iterator[str]:
    """Addresses of seeded instants in the time of which shapes are stored."""
    rng = random.Random(20140101)
    for _ in range(REQUESTS):
        time = _START + rng.randrange(int(STORED / CADENCE)) * CADENCE
        if not on_slots:
            time += timedelta(seconds=rng.randrange(1, 360))
        yield f"/api/v1/state?time={time:%FT%T}"


# --- tracks and shapes


def _prepare() -> None:
    """Tracks of all trackable reports of the set, shapes of a stretch of time; once a database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM events_track WHERE event_starttime BETWEEN %s AND %s)",
            (_START, _START + STORED),
        )
        if cursor.fetchone()[0]:
            return
        cursor.execute(_TRACKS, _lanes())
        for name in ("events_track", "events_trackreport"):
            cursor.execute(f"VACUUM (ANALYZE) {name}")
    window = {"start": f"{_START:%F}", "end": f"{_START + STORED:%F}"}
    call_command("interpolate_tracks", again=True, **window)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) events_trackshape")


def _lanes() -> dict[str, Any]:
    """How many tracks of each method there are at a time: as many as reports last at once, one at least."""
    kinds = [kind for kind in KINDS if kind.code in TRACKABLE]
    per_second = EVENTS / (YEARS * 365.25 * 86_400)
    return {
        "types": sorted({kind.code for kind in kinds}),
        "at_end": list(METHODS_OBSERVED_AT_END),
        "codes": [kind.code for kind in kinds],
        "methods": [kind.frm for kind in kinds],
        "lanes": [max(1, round(kind.share * per_second * kind.duration)) for kind in kinds],
        "length": LENGTH,
    }
