"""Tracking and interpolation through the database: a simulated year of regions, coronal holes and filaments.

The year lies outside the years of the other benchmarks' events, in the same tables. Reports are ingested a
month, a quarter and a year long, and tracked from nothing each time by two processes; then the shapes of some
tracks are made, and the same without the database.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from events.domain.criteria import TimeWindow
from events.domain.interpolation import Sighting, grid, shapes_at
from events.models import Event, Track, TrackShape
from events.sightings import shape_settings, sightings_of
from ingest.interpolate import interpolate_pending
from ingest.models import IngestRun, ShapeOrder
from ingest.orders import order_again, order_shapes_again
from ingest.pipeline import ingest_window
from ingest.sources import get_source
from ingest.sources.simulator.answers import json_pieces
from ingest.sources.simulator.catalogue import SimulatedCatalogue
from ingest.sources.simulator.sun import Sun
from ingest.track import track_pending

YEAR = 2036
TYPES = ("AR", "CH", "FI")
SEED = 1
PROCESSES = 2
#: Shapes are made of the tracks that live in so many first days of the year, for all of their lives.
DAYS_OF_SHAPES = 3
MONTHS = {"a month": 1, "a quarter": 3, "a year": 12}
#: Nothing else in the tables is later than this.
BEFORE = datetime(YEAR - 1, 1, 1, tzinfo=UTC)
DAYS = (BEFORE.date(), date(YEAR + 1, 12, 31))


@dataclass(frozen=True)
class Tracked:
    """A length of time, tracked from nothing."""

    reports: int
    tracks: int
    edges: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """Everything: lengths of time by name, seconds for one day again, shapes and seconds by who made them."""

    lengths: dict[str, Tracked]
    again: float
    shapes: dict[str, tuple[int, float]]


def run(workdir: Path) -> Result:
    """Measure; what was written is removed."""
    workdir.mkdir(parents=True, exist_ok=True)
    _clean_up()
    try:
        lengths, loaded = {}, 0
        for name, months in MONTHS.items():
            for month in range(loaded + 1, months + 1):
                ingest_window(get_source("archive", path=_archive(workdir, month)), None, ())
            loaded = months
            lengths[name] = _tracked()
            print(f"{name}: {lengths[name]}", file=sys.stderr)
        order_again((date(YEAR, 6, 15), date(YEAR, 6, 15)), TYPES)
        again = _timed(partial(track_pending, TYPES, DAYS))[1]
        return Result(lengths, again, dict(_shapes()))
    finally:
        _clean_up()


def _archive(workdir: Path, month: int) -> Path:
    """A month of the simulated Sun as an answer of HEK."""
    path = workdir / f"trajectories-{YEAR}-{month:02}-{SEED}.json"
    if not path.exists():
        start, end = _month(month)
        catalogue = SimulatedCatalogue(Sun(SEED))
        entries = (
            entry for entry in catalogue.entries(start, end)
            if entry.event_type in TYPES and entry.start >= f"{start:%FT%T}"
        )  # fmt: skip
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.writelines(json_pieces(catalogue, entries, overmax=False))
        partial.replace(path)
    return path


def _month(month: int) -> tuple[datetime, datetime]:
    return datetime(YEAR, month, 1, tzinfo=UTC), datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _tracked() -> Tracked:
    """All that is there, from nothing, by PROCESSES processes."""
    with connection.cursor() as cursor:
        _remove_tracks(cursor)
        cursor.execute("VACUUM (ANALYZE) events_event")
    order_again(DAYS, TYPES)
    seconds = _side_by_side(partial(track_pending, TYPES, DAYS))
    ours = Track.objects.filter(event_starttime__gte=BEFORE)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM events_trackedge JOIN events_event AS event ON event.id = first_id"
            " WHERE event_starttime >= %s",
            [BEFORE],
        )
        edges = cursor.fetchone()[0]
    return Tracked(Event.objects.filter(event_starttime__gte=BEFORE).count(), ours.count(), edges, seconds)


def _shapes() -> Iterator[tuple[str, tuple[int, float]]]:
    """Shapes and seconds: of some tracks, by the core alone and through the database."""
    window = TimeWindow(datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR, 1, 1 + DAYS_OF_SHAPES, tzinfo=UTC))
    ShapeOrder.objects.filter(first_time__gte=BEFORE).delete()
    order_shapes_again(window, TYPES)
    sightings = sightings_of(ShapeOrder.objects.values_list("track_id", flat=True))
    how = shape_settings()

    def slots(track: list[Sighting]) -> list[datetime]:
        # As the database has them: a report that holds at its end is stored on the slot after it.
        return grid(track[0].start, max(one.end for one in track) + how.step, how.step, how.epoch)

    def core() -> int:
        return sum(len(shapes_at(track, slots(track), how)) for track in sightings.values())

    shapes_at(*next((track, slots(track)) for track in sightings.values()), how)  # compiles what is compiled
    yield "the core alone, one process", _timed(core)
    made, seconds = _timed(partial(interpolate_pending, TYPES, window))
    yield "**ours**: into the database, one process", (made.written, seconds)
    with connection.cursor() as cursor:
        _remove_shapes(cursor)
        cursor.execute(
            "UPDATE events_trackreport SET interpolated_from = NULL WHERE event_starttime >= %s", [BEFORE]
        )
    order_shapes_again(window, TYPES)
    seconds = _side_by_side(partial(interpolate_pending, TYPES, window))
    yield f"**ours**: into the database, {PROCESSES} processes", (_stored(), seconds)


def _stored() -> int:
    """How many shapes there are now."""
    return TrackShape.objects.filter(time__gte=BEFORE).count()


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def _side_by_side(work: Callable[[], Any]) -> float:
    """Seconds until PROCESSES processes, each with its connection, have no more work."""
    connection.close()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work) for _ in range(PROCESSES)]
    begin = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - begin
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process failed")
    return seconds


def _clean_up() -> None:
    with connection.cursor() as cursor:
        _remove_tracks(cursor)
        for column in ("first_ivorn", "second_ivorn"):
            cursor.execute(
                "DELETE FROM ingest_edgeorder USING events_association AS edge, events_event"
                f" WHERE edge.id = association_id AND kb_archivid = {column} AND event_starttime >= %s",
                [BEFORE],
            )
            cursor.execute(
                f"DELETE FROM events_association USING events_event WHERE kb_archivid = {column}"
                " AND event_starttime >= %s",
                [BEFORE],
            )
        for table in ("events_eventversion", "events_trackreport"):
            cursor.execute(
                f"DELETE FROM {table} USING events_event AS event"
                " WHERE event.id = event_id AND event.event_starttime >= %s",
                [BEFORE],
            )
        cursor.execute("DELETE FROM events_event WHERE event_starttime >= %s", [BEFORE])
        cursor.execute("DELETE FROM ingest_trackingorder WHERE day >= %s", [BEFORE.date()])
    IngestRun.objects.filter(origin__contains=f"trajectories-{YEAR}-").delete()


def _remove_tracks(cursor: Any) -> None:
    _remove_shapes(cursor)
    cursor.execute(
        "DELETE FROM events_trackedge USING events_event AS event"
        " WHERE event.id = first_id AND event.event_starttime >= %s",
        [BEFORE],
    )
    cursor.execute("DELETE FROM events_trackreport WHERE event_starttime >= %s", [BEFORE])
    cursor.execute("DELETE FROM events_track WHERE event_starttime >= %s", [BEFORE])
    cursor.execute("DELETE FROM ingest_shapeorder WHERE first_time >= %s", [BEFORE])


def _remove_shapes(cursor: Any) -> None:
    cursor.execute("DELETE FROM events_trackshape WHERE time >= %s", [BEFORE])


def table(result: Result) -> str:
    """Times, rates and goals as Markdown tables."""
    lines = [
        "| what is tracked, from nothing | reports | tracks | edges | s | reports/s | goal |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for name, one in result.lengths.items():
        goal = "below 60 s" if name == "a year" else ""
        lines.append(
            f"| {name} | {one.reports:,} | {one.tracks:,} | {one.edges:,} | {one.seconds:.1f}"
            f" | {one.reports / one.seconds:,.0f} | {goal} |"
        )
    again = f"One day of the year again (nothing changes): {result.again:.1f} s by one."
    lines += [
        "",
        f"AR, CH and FI of the simulated Sun, {PROCESSES} processes. {again}",
        "",
        f"| shapes of the tracks that live in {DAYS_OF_SHAPES} days | shapes | s | shapes/s | goal, a core |",
        "|---|---:|---:|---:|---|",
    ]
    for name, (shapes, seconds) in result.shapes.items():
        lines.append(f"| {name} | {shapes:,} | {seconds:.1f} | {shapes / seconds:,.0f} | 3,000 |")
    return "\n".join([*lines, "", f"Measured {datetime.now(UTC):%F}."])
