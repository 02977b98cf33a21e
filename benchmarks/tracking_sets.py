"""Reports with known truth for the tracking: recorded by HEK and NOAA, and of the simulated Sun."""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely
from django.conf import settings

from ingest.sources.simulator.patrols import PATROLS, Patrol, Watch
from ingest.sources.simulator.records import records_of
from ingest.sources.simulator.sightings import Sighting
from ingest.sources.simulator.sun import LONGEST_LIFE_DAYS, Sun, day_at
from ingest.tracking import Report, Settings

REAL_DATA = Path(os.environ.get("ISD_REAL_DATA", settings.BASE_DIR.parent / "shared" / "data"))
#: The simulated maximum: two regions and more in each other's way.
MAXIMUM, CROWDED, DROPPED, MERGED = datetime(2014, 4, 1, tzinfo=UTC), 4.0, 0.3, 0.5
Links = set[tuple[int, int]]


@dataclass(frozen=True)
class Scene:
    """Reports, the thing that each is of (by id), and the true links: consecutive reports of one thing."""

    reports: list[Report]
    thing: Mapping[int, object]
    links: Links


def spoca() -> Scene:
    """The recorded SPoCA regions; associations are the truth, specific ids and NOAA numbers are hidden."""
    answer = json.loads((REAL_DATA / "hek" / "ar_spoca_201803.json").read_text("utf-8"))
    reports = [report_of(number, record) for number, record in enumerate(answer["result"])]
    ids = {report.kb_archivid: report.id for report in reports}
    links = {
        (ids[edge["first_ivorn"]], ids[edge["second_ivorn"]])
        for edge in answer["association"]
        if edge["edge_type"] == "is_followed_by"
    }
    names = {number: record["frm_specificid"] for number, record in enumerate(answer["result"])}
    return Scene(reports, names, links)


def noaa() -> Scene:
    """NOAA's regions, a point a day, the number hidden; of repeated rows the first.

    The truth are days of one number that follow each other, at most two days apart.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    with (REAL_DATA / "hek" / "noaa_ar_2010-2020.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault((row["event_starttime"], row["ar_noaanum"]), row)
    reports = [
        Report(
            id=number,
            kb_archivid=f"{start} {name}",
            event_type="AR",
            method=row["frm_name"],
            start=utc(start),
            end=utc(row["event_endtime"]),
            point=(float(row["hgs_x"]), float(row["hgs_y"])),
            area=float(row["area_atdiskcenter"] or 0) or None,
        )
        for number, ((start, name), row) in enumerate(sorted(rows.items()))
    ]
    thing = {report.id: report.kb_archivid.split()[1] for report in reports}
    return Scene(reports, thing, consecutive(reports, thing, Settings().gap))


def simulated(
    seed: int, start: datetime, days: int, activity: float, *, dropped: float = 0.0, merged: float = 1.0
) -> Scene:
    """What SPoCA (AR, CH) and AAFDCC (FI) report of a simulated Sun; associations and ids are hidden.

    Of all reports a share `dropped` is lost. Where more than `merged` of an outline lies in a larger one of
    the same look, the two are reported as one, under the name of the larger: so things merge and split.
    """
    sun, rng = Sun(seed, activity), np.random.default_rng(seed)
    reports: list[Report] = []
    thing: dict[int, object] = {}
    for patrol in PATROLS:
        if patrol.method.event_type not in ("AR", "CH", "FI"):
            continue
        for day in range(start.toordinal(), start.toordinal() + days):
            for report, name in _of_day(sun, patrol, day, merged):
                if rng.random() >= dropped:
                    thing[len(reports)] = name
                    reports.append(replace(report, id=len(reports)))
    return Scene(reports, thing, consecutive(reports, thing, Settings().gap))


def maximum(days: int = 30) -> Scene:
    """The simulated solar maximum: crowded, with 30 % of the reports lost, with splits and merges."""
    return simulated(1, MAXIMUM, days, CROWDED, dropped=DROPPED, merged=MERGED)


def consecutive(reports: list[Report], thing: Mapping[int, object], gap: timedelta) -> Links:
    """Pairs of consecutive reports of one thing at most so far apart."""
    of_thing: dict[object, list[Report]] = defaultdict(list)
    for report in sorted(reports, key=lambda r: r.start):
        of_thing[thing[report.id]].append(report)
    return {(a.id, b.id) for own in of_thing.values() for a, b in pairwise(own) if b.start - a.start <= gap}


def report_of(number: int, record: Mapping[str, object]) -> Report:
    """A report of a recorded or simulated answer, without what would tell its track."""
    return Report(
        id=number,
        kb_archivid=record["kb_archivid"],
        event_type=record["event_type"],
        method=record["frm_name"],
        start=utc(record["event_starttime"]),
        end=utc(record["event_endtime"]),
        shape=shapely.from_wkt(record["hgs_boundcc"]) if record["hgs_boundcc"] else None,
        point=(record["hgs_x"], record["hgs_y"]),
        area=record.get("area_atdiskcenter"),
        intensity=record.get("intensmean"),
    )


def utc(text: str) -> datetime:
    """A time of a record."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _of_day(sun: Sun, patrol: Patrol, day: int, merged: float) -> Iterator[tuple[Report, object]]:
    found = list(Watch(sun, patrol).sightings(day))
    if not found:
        return
    own = [
        (report_of(0, record), (patrol.method.event_type, _birth(sighting)))
        for sighting, record in zip(found, records_of(found), strict=True)
    ]
    looks: dict[datetime, list[tuple[Report, object]]] = defaultdict(list)
    for report, name in own:
        looks[report.start].append((report, name))
    for look in looks.values():
        yield from _seen_as_one(look, merged)


def _birth(sighting: Sighting) -> tuple[int, str]:
    """The thing that a sighting is of: the day of its birth (its name has two digits of it), and the rest."""
    suffix = sighting.archivid.rsplit("_", 1)[1]
    today = day_at(sighting.observed)
    age = (today - int(suffix[:2])) % 100
    assert age <= LONGEST_LIFE_DAYS
    return today - age, suffix[2:]


def _seen_as_one(look: list[tuple[Report, object]], merged: float) -> list[tuple[Report, object]]:
    """The reports of one look, those that lie mostly inside a larger one joined with it."""
    kept: list[tuple[Report, object]] = []
    for report, name in sorted(look, key=lambda pair: -shapely.make_valid(pair[0].shape).area):
        shape = shapely.make_valid(report.shape)
        for place, (larger, its_name) in enumerate(kept):
            if shape.intersection(larger.shape).area > merged * shape.area:
                both = shapely.union(shape, larger.shape)
                kept[place] = (replace(larger, shape=both, point=both.centroid.coords[0]), its_name)
                break
        else:
            kept.append((replace(report, shape=shape), name))
    return kept
