"""From reports to edges and tracks: facts, then the links of the greatest gain, then splits and merges."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from ingest.tracking.candidates import Pairs, pairs_of
from ingest.tracking.facts import Facts, facts_of
from ingest.tracking.likelihood import gains, probability
from ingest.tracking.matching import best_links
from ingest.tracking.parts import part_edges
from ingest.tracking.reports import (
    NO_PLACE,
    NOT_TRACKABLE,
    REPEATED,
    TRACKABLE,
    Edge,
    KnownEdge,
    Report,
    Skipped,
    Tracking,
    chains,
    order,
)
from ingest.tracking.settings import Settings
from ingest.tracking.surface import Floats, Mask, Rows, Sightings, sightings


def track(
    reports: Sequence[Report], known: Sequence[KnownEdge] = (), settings: Settings | None = None
) -> Tracking:
    """Track reports, each method by itself: reports of different types or methods are never linked.

    In the order of trust: associations (`known`, between any of the reports), frm_specificid, NOAA numbers,
    and our own tracker for what these leave open. Never raises, whatever the shapes and times are.
    """
    settings = settings or Settings()
    trackable, skipped = _sorted_out(reports)
    edges: list[Edge] = []
    for group in _groups(trackable):
        found, unplaced = _track_method(group, known, settings)
        edges += found
        skipped += unplaced
    rank = {report.id: place for place, report in enumerate(sorted(reports, key=order))}
    edges.sort(key=lambda edge: (rank[edge.first], rank[edge.second]))
    skipped.sort(key=lambda passed: rank[passed.report])
    return Tracking(edges, chains([report.id for report in trackable], edges), skipped)


def track_window(
    reports: Sequence[Report],
    start: datetime,
    end: datetime,
    known: Sequence[KnownEdge] = (),
    settings: Settings | None = None,
) -> tuple[list[Edge], list[Skipped]]:
    """The edges whose first report starts in [start, end), final; and which of `reports` cannot be tracked.

    `reports` are all that start between `start - settings.horizon` and `end + settings.horizon`, both
    included, and `known` the associations among them (more of either changes nothing). Then the edges are
    those that `track` gives for all reports there are: windows that cover time, in any order, give it all.

    Why the horizon is enough. A fact about a report depends on reports at most the longest gap and two
    association_gap away: on the other end, and on whether more trusted facts have taken the ends. A candidate
    depends on the facts about its two ends, on the looks between, and on what was missed around it (a gap
    and a watch away). An even cell is decided by the candidates in it and its context, an odd one by those in
    it and by the even ones on both sides: two cells and a context away. Splits and merges depend on links at
    most the longest gap away.
    """
    settings = settings or Settings()
    starts = {report.id: report.start for report in reports}
    tracking = track(reports, known, settings)
    return [edge for edge in tracking.edges if start <= starts[edge.first] < end], tracking.skipped


def _sorted_out(reports: Sequence[Report]) -> tuple[list[Report], list[Skipped]]:
    """The reports that can be tracked, in the canonical order, and those that cannot."""
    trackable: dict[int, Report] = {}
    skipped = []
    for report in sorted(reports, key=order):
        if report.event_type not in TRACKABLE:
            skipped.append(Skipped(report.id, NOT_TRACKABLE))
        elif report.id in trackable:
            skipped.append(Skipped(report.id, REPEATED))
        else:
            trackable[report.id] = report
    return list(trackable.values()), skipped


def _groups(reports: Iterable[Report]) -> Iterable[list[Report]]:
    groups: dict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in reports:
        groups[report.event_type, report.method].append(report)
    return groups.values()


def _track_method(
    reports: list[Report], known: Sequence[KnownEdge], settings: Settings
) -> tuple[list[Edge], list[Skipped]]:
    """Edges and unplaced reports of one method; `reports` in the canonical order."""
    seen = sightings(reports, settings.frame)
    nowhere = np.flatnonzero(np.isnan(seen.centre[:, 0]))
    facts = facts_of(reports, known, settings)
    every = pairs_of(seen, settings)
    allowed = _allowed(seen, every, facts)
    pairs, gain = every.where(allowed), gains(seen, every, settings)[allowed]
    follows = {pair: (source, 1.0) for pair, source in facts.follows.items()}
    for k in _chosen(seen, pairs, gain, facts, settings).tolist():
        follows[int(pairs.first[k]), int(pairs.second[k])] = "tracker", float(probability(gain[k]))
    edges = [
        Edge(reports[a].id, reports[b].id, "follows", source, p) for (a, b), (source, p) in follows.items()
    ]
    edges += part_edges(seen, pairs, set(follows), facts.parts)
    return edges, [Skipped(reports[row].id, NO_PLACE) for row in nowhere.tolist()]


def _allowed(seen: Sightings, pairs: Pairs, facts: Facts) -> Mask:
    """The pairs that no fact rules out: not two NOAA numbers, not a known pair itself."""
    numbers = np.array([report.noaa or 0 for report in seen.reports])
    a, b = numbers[pairs.first], numbers[pairs.second]
    width = len(seen.reports)
    known = np.array([i * width + j for i, j in (*facts.follows, *facts.parts)], dtype=np.int64)
    return ((a == b) | (a == 0) | (b == 0)) & ~np.isin(pairs.first * width + pairs.second, known)


def _chosen(seen: Sightings, pairs: Pairs, gain: Floats, facts: Facts, settings: Settings) -> Rows:
    """Which pairs our tracker links, among reports that no fact has linked on that side."""
    firsts = [a for a, _ in facts.follows]
    seconds = [b for _, b in facts.follows]
    free = np.flatnonzero(~np.isin(pairs.first, firsts) & ~np.isin(pairs.second, seconds))
    linked = best_links(pairs.first[free], pairs.second[free], gain[free], seen.time, settings)
    return free[linked]
