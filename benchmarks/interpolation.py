"""Interpolated shapes beside the reports they stand for, and how many a second are made.

Leave one out: of three consecutive reports of a track the middle one is predicted from the other two. The
published methods work as published (in the plane of the sky), in the same run on the same triples.
"""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from time import process_time

import numpy as np
import shapely
from shapely import Polygon, affinity

from events.domain.interpolation import DEFAULT, Settings, Sighting, grid, rotated_to, shapes_at

REAL_DATA = Path(
    os.environ.get("ISD_REAL_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data")
)
#: A triple of reports is used if it spans no more than that.
LONGEST = timedelta(hours=10)
METHODS = ("areal", "CP", "FI", "blend", "auto")
#: Repetitions of the timing; the median counts.
ROUNDS = 3
#: Draws of the bootstrap.
RESAMPLES = 4_000
DEFAULT_ROW = "**auto** (the default)"
#: The published methods that ours is compared with, track by track.
RIVALS = ("areal, as published", "CP, as published", "FI, as published")
#: A report is repeated on the slot after it; with slots this fine, at its start only.
_NO_SLOTS = timedelta(microseconds=1)


@dataclass(frozen=True)
class Score:
    """How a prediction compares with the report: ratios, and distances in arcsec."""

    iou: float
    coverage: float
    centroid: float
    area: float
    hausdorff: float


Triple = tuple[Sighting, Sighting, Sighting]
Predict = Callable[[Sighting, Sighting, Sighting], Polygon]


def tracks(folder: Path = REAL_DATA, *, at_end: bool = False) -> list[list[Sighting]]:
    """SPoCA's active regions of March 2018, by SPoCA's own identity; `at_end`: as observed at their ends."""
    answer = json.loads((folder / "hek" / "ar_spoca_201803.json").read_text("utf-8"))
    found = defaultdict(list)
    for number, record in enumerate(answer["result"]):
        start, end = (
            datetime.fromisoformat(record[key]).replace(tzinfo=UTC)
            for key in ("event_starttime", "event_endtime")
        )
        outline = shapely.from_wkt(record["hpc_boundcc"])
        sighting = Sighting(number, start, end, outline, None, is_box=False, observed=end if at_end else None)
        found[record["frm_specificid"]].append(sighting)
    return [sorted(track, key=_time) for track in found.values()]


def triples(of: Sequence[Sequence[Sighting]]) -> list[Triple]:
    """All consecutive three of a track, the first before the second, that span at most LONGEST."""
    return [
        (first, middle, last)
        for track in of
        for first, middle, last in zip(track, track[1:], track[2:], strict=False)
        if _time(first) < _time(middle) and last.start - first.start <= LONGEST
    ]


def _time(sighting: Sighting) -> datetime:
    return sighting.observed or sighting.start


def _outline(sighting: Sighting) -> Polygon:
    """The report as it is compared: valid, the largest part."""
    shape = rotated_to(sighting, _time(sighting))
    assert shape is not None
    return shape.hpc


def by_method(settings: Settings) -> Predict:
    """Prediction by interpolation between the two reports beside."""

    def predict(first: Sighting, middle: Sighting, last: Sighting) -> Polygon:
        return shapes_at([first, last], [_time(middle)], replace(settings, step=_NO_SLOTS))[0].hpc

    return predict


def by_rotation(settings: Settings) -> Predict:
    """Prediction by carrying the report before."""

    def predict(first: Sighting, middle: Sighting, _: Sighting) -> Polygon:
        shape = rotated_to(first, _time(middle), replace(settings, step=_NO_SLOTS))
        assert shape is not None
        return shape.hpc

    return predict


def predictions() -> dict[str, Predict]:
    """Row of the table -> how it predicts. Rows of ours begin with "**"."""
    rows: dict[str, Predict] = {
        "hold the previous report": lambda first, *_: _outline(first),
        "rotate it, sidereal": by_rotation(Settings(mode="gsu")),
        "rotate it, synodic": by_rotation(DEFAULT),
    }
    rows |= {f"{name}, as published": by_method(Settings(name, "gsu")) for name in ("areal", "CP", "FI")}
    rows |= {f"{name}, derotated": by_method(Settings(name)) for name in ("areal", "CP", "FI")}
    return rows | {"**blend**": by_method(Settings("blend")), DEFAULT_ROW: by_method(DEFAULT)}


def told(first: Sighting, middle: Sighting, last: Sighting) -> Polygon:
    """The blend, told the true centroid and area: only its form can be wrong. No method."""
    shape, truth = by_method(Settings("blend"))(first, middle, last), _outline(middle)
    scale = (truth.area / shape.area) ** 0.5
    sized = affinity.scale(shape, scale, scale, origin=shape.centroid)
    return affinity.translate(sized, truth.centroid.x - sized.centroid.x, truth.centroid.y - sized.centroid.y)


def scores(predict: Predict, of: Sequence[Triple], *, boxes: bool = False) -> list[Score]:
    """The prediction's score for each triple; `boxes`: of envelopes, against the envelope of the report."""
    found = []
    for first, middle, last in of:
        prediction, truth = predict(first, middle, last), _outline(middle)
        if boxes:
            prediction, truth = prediction.envelope, truth.envelope
        found.append(score(prediction, truth))
    return found


def score(prediction: Polygon, truth: Polygon) -> Score:
    """Overlap over union, overlap over truth, distance of centroids, ratio of areas, Hausdorff distance."""
    common = prediction.intersection(truth).area
    return Score(
        iou=common / prediction.union(truth).area,
        coverage=common / truth.area,
        centroid=prediction.centroid.distance(truth.centroid),
        area=prediction.area / truth.area,
        hausdorff=prediction.exterior.hausdorff_distance(truth.exterior),
    )


def gains(
    ours: Sequence[Score], theirs: Sequence[Score], of: Sequence[Triple], among: Sequence[Sequence[Sighting]]
) -> dict[str, tuple[float, float, float]]:
    """Column -> ours minus theirs, and its 95 % interval: a bootstrap over whole tracks, paired by triple.

    Triples of one track share reports, so that tracks are what is drawn. The area counts as |log(ratio)|.
    """
    track_of = {sighting.id: number for number, track in enumerate(among) for sighting in track}
    owner = np.array([track_of[middle.id] for _, middle, _ in of])
    groups = [np.flatnonzero(owner == number) for number in np.unique(owner)]
    rng = np.random.default_rng(0)
    draws = [
        np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))])
        for _ in range(RESAMPLES)
    ]
    found = {}
    for column in ("iou", "coverage", "centroid", "area", "hausdorff"):
        mine, other = (np.array([getattr(one, column) for one in rows]) for rows in (ours, theirs))
        if column == "area":
            mine, other = np.abs(np.log(mine)), np.abs(np.log(other))
        gain = mine - other
        low, high = np.percentile([gain[draw].mean() for draw in draws], (2.5, 97.5))
        found[column] = (float(gain.mean()), float(low), float(high))
    return found


def speeds(of: Sequence[Sequence[Sighting]]) -> dict[str, float]:
    """Method -> shapes a second of processor time: every gap of the tracks filled at 6 minutes."""
    gaps = [pair for track in of for pair in pairwise(track)]
    slots = [grid(first.start, last.start, DEFAULT.step, DEFAULT.epoch) for first, last in gaps]
    found = {}
    for name in ("MBR", *METHODS):
        settings = Settings(name)
        shapes_at(gaps[0], slots[0], settings)  # compiles
        rates = []
        for _ in range(ROUNDS):
            begin = process_time()
            count = sum(len(shapes_at(gap, times, settings)) for gap, times in zip(gaps, slots, strict=True))
            rates.append(count / (process_time() - begin))
        found[name] = median(rates)
    return found


@dataclass(frozen=True)
class Results:
    """Row -> scores; rival -> column -> gain of the default over it with its interval; method -> rate."""

    rows: Mapping[str, Sequence[Score]]
    gains: Mapping[str, Mapping[str, tuple[float, float, float]]]
    tracks: int
    speeds: Mapping[str, float]


def run() -> Results:
    """Everything, on the same triples."""
    all_tracks = tracks()
    of = triples(all_tracks)
    rows = {name: scores(predict, of) for name, predict in predictions().items()}
    compared = {name: gains(rows[DEFAULT_ROW], rows[name], of, all_tracks) for name in RIVALS}
    late = triples(tracks(at_end=True))
    rows["**auto**, each report taken to hold at its end"] = scores(by_method(DEFAULT), late)
    rows["blend, told the true centroid and area"] = scores(told, of)
    for name, settings in (
        ("boxes: MBR, as published", Settings("MBR", "gsu")),
        ("boxes: **MBR**, derotated", Settings("MBR")),
    ):
        rows[name] = scores(by_method(settings), of, boxes=True)
    contributing = sum(1 for track in all_tracks if triples([track]))
    return Results(rows, compared, contributing, speeds(all_tracks))


def table(results: Results) -> str:
    """Means over the triples, gains with their intervals, and the rates, as Markdown."""
    count = len(next(iter(results.rows.values())))
    columns = "IoU | coverage | centroid, arcsec | area ratio | Hausdorff, arcsec"
    lines = [
        f"| {count} triples of {results.tracks} tracks | {columns} | median IoU | median centroid |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(name, found) for name, found in results.rows.items()),
        "",
        "| auto minus ... (95 %) | IoU | coverage | centroid, arcsec | abs log ratio | Hausdorff, arcsec |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, columns_of in results.gains.items():
        cells = (f"{gain:+.3f} ({low:+.3f} to {high:+.3f})" for gain, low, high in columns_of.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| method | shapes a second and core | goal |", "|---|---:|---:|"]
    for name, rate in results.speeds.items():
        lines.append(f"| {name} | {rate:,.0f} | {'3,000' if name == 'auto' else ''} |")
    return "\n".join([*lines, "", f"Measured {datetime.now(UTC):%F}."])


def _row(name: str, found: Sequence[Score]) -> str:
    iou, centroid = [one.iou for one in found], [one.centroid for one in found]
    coverage, area, hausdorff = (
        fmean(getattr(one, field) for one in found) for field in ("coverage", "area", "hausdorff")
    )
    return (
        f"| {name} | {fmean(iou):.3f} | {coverage:.3f} | {fmean(centroid):.2f} | {area:.3f} "
        f"| {hausdorff:.1f} | {median(iou):.3f} | {median(centroid):.1f} |"
    )
