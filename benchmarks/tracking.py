"""The tracking on known truth beside its rivals, and how long it takes."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks import tracking_rivals as rivals
from benchmarks.tracking_sets import MAXIMUM, Links, Scene, maximum, noaa, simulated, spoca
from ingest.tracking import Report, chains, track
from ingest.tracking.likelihood import costs
from ingest.tracking.reports import Edge, order

Linker = Callable[[Sequence[Report]], Links]
#: A month, a quarter and a year of regions, holes and filaments as HEK has them (about 165 a day).
SPANS, USUAL = {"month": 30, "quarter": 91, "year": 365}, 1.2
#: A tracked thing has at least so much of its reports in one track.
MOSTLY = 0.8


@dataclass(frozen=True)
class Score:
    """Links, and tracks by CLEAR-MOT's measures (`_score` says how they are counted)."""

    links: int
    precision: float
    recall: float
    mota: float
    switches: int
    fragments: int
    mostly: float
    purity: float


@dataclass(frozen=True)
class Duration:
    """How many reports were tracked in how many seconds of one processor."""

    reports: int
    seconds: float


@dataclass(frozen=True)
class Results:
    """Everything measured, by scene and linker, and by span."""

    scores: Mapping[str, Mapping[str, Score]]
    splits: tuple[int, int, int, int]
    spans: Mapping[str, Duration]


def ours(reports: Sequence[Report]) -> Links:
    """The links of our tracker; it is given no facts."""
    return {(edge.first, edge.second) for edge in track(reports).edges if edge.kind == "follows"}


def run() -> Results:
    """Everything; the scenes and the rivals' results are computed afresh."""
    flows: dict[str, Linker] = {
        "**ours**": ours,
        "our costs, greedy paths": lambda r: rivals.flow_links(r, costs, greedy=True),
        "published costs, exact flow": lambda r: rivals.flow_links(r, rivals.published_costs, greedy=False),
        "published costs, greedy paths": lambda r: rivals.flow_links(r, rivals.published_costs, greedy=True),
    }
    overlaps: dict[str, Linker] = {
        "best overlap, synodic, 8.6 h": lambda r: rivals.overlap_links(r, 8.6),
        "best overlap, sidereal, 8.6 h": lambda r: rivals.overlap_links(r, 8.6, earth=0.0),
        "best overlap, synodic, 4.6 h": lambda r: rivals.overlap_links(r, 4.6),
        "best overlap, no rotation, 8.6 h": lambda r: rivals.overlap_links(r, 8.6, turns=False),
        "GSU's certain links (stage 1)": rivals.certain_links,
    }
    wide: dict[str, Linker] = {
        "best overlap, synodic, 8.6 h": overlaps["best overlap, synodic, 8.6 h"],
        "best overlap, synodic, 48 h": lambda r: rivals.overlap_links(r, 48.0),
    }
    nearest: dict[str, Linker] = {"nearest point, 48 h": lambda r: rivals.nearest_points(r, 48.0)}
    scenes: dict[str, tuple[Scene, dict[str, Linker]]] = {
        "spoca": (spoca(), flows | overlaps),
        "noaa": (noaa(), flows | nearest),
        "maximum": (maximum(), flows | wide),
    }
    scores = {
        name: {label: _score(scene, linker(scene.reports)) for label, linker in linkers.items()}
        for name, (scene, linkers) in scenes.items()
    }
    return Results(scores, _splits(), {name: _duration(days) for name, days in SPANS.items()})


def _score(scene: Scene, links: Links) -> Score:
    """Links against the true ones, tracks against the true things.

    A track is of the thing that most of its reports are of. Each report of another thing in it is a false
    positive and, for its own thing, a miss. An id switch is a true link whose two reports are in different
    tracks, a fragment a track of a thing beyond its first. Gaps over which no true link goes begin a new
    thing. MOTA = 1 - (misses + false positives + switches) / reports.
    """
    ids = [report.id for report in sorted(scene.reports, key=order)]
    of = _track_of(ids, links)
    passage = _track_of(ids, scene.links)
    owner = _majority(of, passage)
    strangers = sum(owner[of[report]] != passage[report] for report in ids)
    switches = sum(of[a] != of[b] for a, b in scene.links)
    tracks_of_thing = {(passage[r], of[r]) for r in ids}
    fragments = len(tracks_of_thing) - len(set(passage.values()))
    largest = Counter(dict.fromkeys(passage.values(), 0))
    for (thing, _), count in Counter((passage[r], of[r]) for r in ids).items():
        largest[thing] = max(largest[thing], count)
    lengths = Counter(passage.values())
    hits = len(links & scene.links)
    return Score(
        links=len(links),
        precision=hits / max(len(links), 1),
        recall=hits / len(scene.links),
        mota=1 - (2 * strangers + switches) / len(ids),
        switches=switches,
        fragments=fragments,
        mostly=sum(largest[t] >= MOSTLY * n for t, n in lengths.items()) / len(lengths),
        purity=1 - strangers / len(ids),
    )


def _track_of(ids: list[int], links: Links) -> dict[int, int]:
    """Report -> the first report of its chain."""
    edges = [Edge(a, b, "follows", "tracker", 1.0) for a, b in links]
    return {report: own[0] for own in chains(ids, edges) for report in own}


def _majority(of: Mapping[int, int], passage: Mapping[int, int]) -> dict[int, int]:
    """Track -> the thing that most of its reports are of."""
    members: dict[int, Counter[int]] = defaultdict(Counter)
    for report, own in of.items():
        members[own][passage[report]] += 1
    return {own: counts.most_common(1)[0][0] for own, counts in members.items()}


def _splits() -> tuple[int, int, int, int]:
    """Splits that the simulated Sun had in sight, how many we found; edges we gave, how many are such.

    Found is a split if an edge of ours leads from the one part's track into the other's first report.
    """
    scene = simulated(3, MAXIMUM, 60, 1.0)
    by_thing: dict[object, list[Report]] = defaultdict(list)
    for report in sorted(scene.reports, key=order):
        by_thing[scene.thing[report.id]].append(report)
    true = set()
    for (kind, (born, name)), reports in by_thing.items():
        whole = by_thing.get((kind, (born, name[:2])), [])
        if len(name) > 2 and whole and whole[0].start < reports[0].start:
            true.add((kind, born, name[:2]))
    edges = [edge for edge in track(scene.reports).edges if edge.kind == "splits"]
    families = [tuple(_family(scene.thing[end]) for end in (edge.first, edge.second)) for edge in edges]
    right = [a for a, b in families if a == b and a in true]
    return len(true), len(set(right)), len(edges), len(right)


def _family(thing: tuple[str, tuple[int, str]]) -> tuple[str, int, str]:
    kind, (born, name) = thing
    return kind, born, name[:2]


def _duration(days: int) -> Duration:
    reports = simulated(2, MAXIMUM, days, USUAL).reports
    begin = time.process_time()
    track(reports)
    return Duration(len(reports), time.process_time() - begin)


def table(results: Results) -> str:
    """The tables as Markdown."""
    titles = {
        "spoca": "SPoCA's regions of March 2018, associations and ids hidden",
        "noaa": "NOAA's regions 2010 to 2020, a point a day, numbers hidden",
        "maximum": "Simulated maximum, crowded, 30 % of the reports lost, with splits and merges",
    }
    lines: list[str] = []
    for name, scores in results.scores.items():
        lines += [f"### {titles[name]}", ""]
        lines += [
            "| linker | links | precision | recall | MOTA | id switches | fragments | mostly | purity |"
        ]
        lines += ["|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
        lines += [_row(label, score) for label, score in scores.items()]
        lines.append("")
    had, found, given, right = results.splits
    lines += [f"Of {had} splits of simulated regions (60 days, nothing lost) {found} have an edge; ", ""]
    lines[-2] += f"of {given} split edges given {right} are of such."
    lines += ["### Time", "", "| span | reports | CPU s | reports/s |", "|---|---:|---:|---:|"]
    for name, span in results.spans.items():
        lines.append(
            f"| {name} | {span.reports:,} | {span.seconds:.1f} | {span.reports / span.seconds:,.0f} |"
        )
    return "\n".join([*lines, "", f"({datetime.now(UTC):%F})"])


def _row(label: str, s: Score) -> str:
    return (
        f"| {label} | {s.links} | {s.precision:.3f} | {s.recall:.3f} | {s.mota:.3f} | {s.switches} "
        f"| {s.fragments} | {s.mostly:.3f} | {s.purity:.3f} |"
    )
