"""Reports of things that the Sun carries along, stored as the ingest does it, and all that became of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np

from events.domain.rotation import synodic_rate
from events.models import Event, Track, TrackEdge, TrackReport, TrackShape
from ingest.edges import edges_of, upsert_associations
from ingest.rows import rows_of
from ingest.upsert import Counts, upsert

START = datetime(2014, 1, 1, tzinfo=UTC)
H = timedelta(hours=1)
DAY = timedelta(days=1)

Record = dict[str, Any]


def report(
    name: str, start: datetime = START, longitude: float = 0.0, latitude: float = 15.0, **values: Any
) -> Record:
    """A square of 5 degrees with its centre here (Stonyhurst) at its start, seen for 4 hours."""
    w, e, s, n = longitude - 2.5, longitude + 2.5, latitude - 2.5, latitude + 2.5
    return {
        "kb_archivid": f"ivo://test/{name}",
        "event_type": "AR",
        "frm_name": "Square Finder",
        "event_starttime": f"{start:%FT%T}",
        "event_endtime": f"{start + 4 * H:%FT%T}",
        "hgs_coord": f"POINT({longitude} {latitude})",
        "hgs_boundcc": f"POLYGON(({w} {s},{e} {s},{e} {n},{w} {n},{w} {s}))",
        **values,
    }


def carried(
    name: str, hours: Iterable[float], longitude: float = -40.0, latitude: float = 15.0, **values: Any
) -> list[Record]:
    """Reports `<name>_<hour>` of one thing so many hours after START, when it was at `longitude`."""
    rate = float(synodic_rate(latitude)) / 24
    return [
        report(f"{name}_{hour:g}", START + hour * H, longitude + rate * hour, latitude, **values)
        for hour in hours
    ]


def follows(first: str, second: str, edge_type: str = "is_followed_by", **values: Any) -> Record:
    """HEK's association of two reports."""
    ends = {"first_ivorn": f"ivo://test/{first}", "second_ivorn": f"ivo://test/{second}"}
    return {**ends, "edge_type": edge_type, "strength": 1.0, **values}


def store(records: Sequence[Record], edges: Sequence[Record] = ()) -> Counts:
    """As a batch of the ingest; every record must be good."""
    rows, rejected = rows_of(records, "test")
    known, refused = edges_of(edges, "test")
    assert not rejected
    assert not refused
    counts = upsert(rows)
    upsert_associations(known)
    return counts


def a_month(seed: int) -> tuple[list[Record], list[Record]]:
    """Things on the Sun over two months by two methods, a third of the reports missing, and associations.

    A method names some of its things; HEK knows of some pairs of reports.
    """
    rng = np.random.default_rng(seed)
    records, edges = [], []
    for thing in range(10):
        born, life = rng.integers(0, 60 * 24, 2) // [1, 6]
        hours = [h for h in range(int(born), int(born + life), 4) if rng.random() > 0.33][:25]
        values = {"frm_name": ("Square Finder", "Other Finder")[thing % 2]}
        if thing % 3 == 0:
            values["frm_specificid"] = f"thing {thing}"
        place = {"longitude": rng.uniform(-60, 0) - 0.55 * born, "latitude": rng.choice([-15.0, 12.0, 15.0])}
        made = carried(f"T{thing}", hours, **place, **values)
        records += [{**r, "hgs_coord": "", "hgs_boundcc": ""} if rng.random() < 0.03 else r for r in made]
        names = [r["kb_archivid"].removeprefix("ivo://test/") for r in made]
        edges += [follows(a, b) for a, b in pairwise(names) if rng.random() < 0.2]
    return records, edges


def names() -> dict[int, str]:
    """Event -> its name."""
    return {
        pk: name.removeprefix("ivo://test/") for pk, name in Event.objects.values_list("pk", "kb_archivid")
    }


def tracks() -> list[list[str]]:
    """The names of the reports of every track, in its order; tracks by their first reports."""
    name_of = names()
    found: dict[int, list[str]] = {}
    for track, event in TrackReport.objects.order_by("track", "position").values_list("track", "event"):
        found.setdefault(track, []).append(name_of[event])
    return sorted(found.values())


def graph() -> set[tuple[Any, ...]]:
    """All edges by names."""
    name_of = names()
    rows = TrackEdge.objects.values_list("first", "second", "kind", "source", "probability")
    return {(name_of[first], name_of[second], *rest) for first, second, *rest in rows}


def trajectories() -> tuple[Any, ...]:
    """All that tracking and interpolation have written, without our numbers."""
    name_of = names()
    lives = {
        (name_of[t.pk], t.event_type, t.frm_name, t.event_starttime, t.event_endtime, t.report_count,
         tuple(t.ar_noaanums), t.hpc_bbox and t.hpc_bbox.wkt)
        for t in Track.objects.all()
    }  # fmt: skip
    places = {
        (name_of[r.event_id], name_of[r.track_id], r.position, r.event_starttime, r.observed, r.skipped)
        for r in TrackReport.objects.all()
    }  # fmt: skip
    shapes = {
        (name_of[s.track_id], s.time, s.event_type, s.method, s.origin, s.repaired, s.area,
         s.report_id and name_of[s.report_id], s.hpc.wkt)
        for s in TrackShape.objects.all()
    }  # fmt: skip
    return lives, places, graph(), shapes
