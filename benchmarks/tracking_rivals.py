"""Other ways to link reports, to compare ours with: overlap linkers, GSU's certain links, flows."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.affinity import translate

from events.domain.rotation import EARTH, EQUATOR, SLOWING
from ingest.tracking import Report, Settings
from ingest.tracking.candidates import OPENING, Pairs, pairs_of
from ingest.tracking.likelihood import ANYWHERE, appearance, p_enter, p_exit, probability
from ingest.tracking.matching import assignment
from ingest.tracking.reports import order
from ingest.tracking.surface import Sightings, sightings

Links = set[tuple[int, int]]
Costs = Callable[[Sightings, Pairs, Settings], tuple[np.ndarray, np.ndarray, float, np.ndarray]]
HOUR = 3_600.0
#: Reports that start within this are of one frame, s.
_FRAME = 0.5 * HOUR
#: Weights, slope and offset of dmLabLib's costs, its defaults; and the same P_obs for all reports.
_ENTER_WEIGHT, _OBSERVE_WEIGHT, _ASSOCIATE_WEIGHT = 5.0, 75.0, 235.0
_SLOPE, _OFFSET, _P_OBSERVE = 4.0, 0.2, 0.95


def methods(reports: Sequence[Report]) -> list[list[Report]]:
    """The reports of each type and method, in the canonical order."""
    groups = defaultdict(list)
    for report in sorted(reports, key=order):
        groups[report.event_type, report.method].append(report)
    return list(groups.values())


def overlap_links(
    reports: Sequence[Report], gap_hours: float, *, earth: float = EARTH, turns: bool = True
) -> Links:
    """The nearest overlap: in the first later frame with any, the largest; then one parent per child.

    Vertices move in longitude at EQUATOR - SLOWING sin^2 - `earth` deg/day, or not at all.
    """
    links: Links = set()
    for group in methods(reports):
        best: dict[int, tuple[float, int]] = {}
        times = np.array([report.start.timestamp() for report in group])
        shapes = np.array([shapely.make_valid(report.shape) for report in group], dtype=object)
        for row, report in enumerate(group):
            later = np.flatnonzero((times > times[row] + _FRAME) & (times <= times[row] + gap_hours * HOUR))
            found = _nearest(report, shapes[later], (times[later] - times[row]) / 86_400, earth, turns)
            for place, area in found:
                child = int(later[place])
                best[child] = max(best.get(child, (0.0, -1)), (area, row))
        links |= {(group[parent].id, group[child].id) for child, (_, parent) in best.items()}
    return links


def _nearest(
    report: Report, shapes: np.ndarray, days: np.ndarray, earth: float, turns: bool
) -> list[tuple[int, float]]:
    """The place and area of the largest overlap in the first frame with any; empty if there is none."""
    place = 0
    while place < days.size:
        frame = np.flatnonzero((days >= days[place]) & (days <= days[place] + _FRAME / 86_400))
        areas = [_overlap(report, shapes[k], days[k], earth, turns) for k in frame]
        if max(areas) > 0:
            return [(int(frame[int(np.argmax(areas))]), max(areas))]
        place = int(frame[-1]) + 1
    return []


def _overlap(report: Report, other: object, days: float, earth: float, turns: bool) -> float:
    def turn(vertices: np.ndarray) -> np.ndarray:
        longitude, latitude = vertices.T
        rate = EQUATOR - SLOWING * np.sin(np.radians(latitude)) ** 2 - earth
        return np.column_stack((longitude + days * rate, latitude))

    shape = shapely.make_valid(shapely.transform(report.shape, turn) if turns else report.shape)
    return shape.intersection(other).area


def certain_links(reports: Sequence[Report]) -> Links:
    """GSU's first stage: the only candidate in the search area, which has no other predecessor yet.

    The rule of dmLabLib on bounding rectangles, here in heliographic degrees: the box at the rotated corner,
    opened by OPENING, its envelope; candidates start within one and a half durations.
    """
    links: Links = set()
    for group in methods(reports):
        taken: set[int] = set()
        times = np.array([report.start.timestamp() for report in group])
        boxes = shapely.envelope(np.array([report.shape for report in group], dtype=object))
        spans = np.array([max((r.end - r.start).total_seconds(), HOUR) for r in group])
        forward = [_search(box, span) for box, span in zip(boxes, spans, strict=True)]
        backward = [_search(box, -span) for box, span in zip(boxes, spans, strict=True)]
        for row in range(len(group)):
            ahead = (times > times[row]) & (times <= times[row] + 1.5 * spans[row])
            following = np.flatnonzero(ahead & shapely.intersects(boxes, forward[row]))
            if following.size != 1 or int(following[0]) in taken:
                continue
            child = int(following[0])
            behind = (times < times[child]) & (times >= times[child] - 1.5 * spans[child])
            if np.count_nonzero(behind & shapely.intersects(boxes, backward[child])) <= 1:
                taken.add(child)
                links.add((group[row].id, group[child].id))
    return links


def _search(box: shapely.Geometry, seconds: float) -> shapely.Geometry:
    west, south, east, north = box.bounds
    rate = EQUATOR - SLOWING * np.sin(np.radians(south)) ** 2
    add = np.tan(np.radians(OPENING)) * (east - west)
    return translate(shapely.box(west, south - add, east, north + add), rate * seconds / 86_400)


def nearest_points(reports: Sequence[Report], gap_hours: float) -> Links:
    """The nearest point within POINT_REACH on the next day with any, rotated; then one parent per child."""
    links: Links = set()
    for group in methods(reports):
        pairs = pairs_of(sightings(group, Settings().frame), Settings())
        best: dict[int, tuple[float, int]] = {}
        for a in np.unique(pairs.first).tolist():
            own = np.flatnonzero(
                (pairs.first == a) & (pairs.skipped == pairs.skipped[pairs.first == a].min())
            )
            k = int(own[np.argmin(pairs.distance[own])])
            b, distance = int(pairs.second[k]), float(pairs.distance[k])
            if (group[b].start - group[a].start).total_seconds() <= gap_hours * HOUR:
                best[b] = min(best.get(b, (np.inf, -1)), (distance, a))
        links |= {(group[a].id, group[b].id) for b, (_, a) in best.items()}
    return links


def published_costs(
    seen: Sightings, pairs: Pairs, _: Settings
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """C_enter, C_exit, C_observe and C_assoc by the formulas and default weights of dmLabLib.

    The probabilities of entering and leaving are one half, 1 at the limb; that of appearance, which there is
    of image parameters, is made of our p_same and p_different.
    """
    enter, leave = (0.5 * p(seen) / ANYWHERE for p in (p_enter, p_exit))
    p, n = leave[pairs.first], pairs.skipped
    skip = np.where(n == 0, 1.0, (n + 1) * (1 - p) ** n * p)
    p_assoc = 1 / (1 + np.exp(-_SLOPE * (probability(appearance(seen, pairs)) + skip - _OFFSET)))
    observe = _OBSERVE_WEIGHT * float(np.log((1 - _P_OBSERVE) / _P_OBSERVE))
    terminal = (-_ENTER_WEIGHT * np.log(p) for p in (enter, leave))
    return *terminal, observe, -_ASSOCIATE_WEIGHT * np.log(p_assoc)


def flow_links(reports: Sequence[Report], costs_of: Costs, *, greedy: bool) -> Links:
    """The flow under any costs: solved exactly over the whole time, or by the published solver."""
    links: Links = set()
    for group in methods(reports):
        seen = sightings(group, Settings().frame)
        pairs = pairs_of(seen, Settings())
        enter, leave, observe, associate = costs_of(seen, pairs, Settings())
        gain = leave[pairs.first] + enter[pairs.second] - associate
        pairs, associate, gain = pairs.where(gain > 0), associate[gain > 0], gain[gain > 0]
        if greedy:
            found = _greedy(enter, leave, observe, pairs, associate)
        else:
            chosen = assignment(pairs.first, pairs.second, gain)
            found = set(zip(pairs.first[chosen].tolist(), pairs.second[chosen].tolist(), strict=True))
        links |= {(group[a].id, group[b].id) for a, b in found}
    return links


def _greedy(
    enter: np.ndarray, leave: np.ndarray, observe: float, pairs: Pairs, associate: np.ndarray
) -> Links:
    """The published solver: the cheapest path, its inner edges kept and deleted, again while it costs <= 0.

    There are no residual edges, so what is taken is never mended. Links that gain nothing were left out
    before, which is kind to it: it would take them to join two paths. Each connected part is solved by
    itself, which changes nothing.
    """
    inner: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for first, second, cost in zip(
        pairs.first.tolist(), pairs.second.tolist(), associate.tolist(), strict=True
    ):
        inner[second].append((first, cost))
    graph = coo_array((np.ones(pairs.first.size), (pairs.first, pairs.second)), shape=(enter.size,) * 2)
    _, part = connected_components(graph, directed=False)
    rows = np.argsort(part, kind="stable")
    links: Links = set()
    for own in np.split(rows, np.flatnonzero(np.diff(part[rows])) + 1):
        free = set(own.tolist())
        while free:
            path, cost = _cheapest_path(sorted(free), enter, leave, observe, inner)
            if cost > 0:
                break
            links |= set(pairwise(path))
            free -= set(path)
    return links


def _cheapest_path(
    rows: list[int],
    enter: np.ndarray,
    leave: np.ndarray,
    observe: float,
    inner: dict[int, list[tuple[int, float]]],
) -> tuple[list[int], float]:
    """The cheapest path through some rows, which are in time, and its cost.

    The graph has no circles, so one pass in the order of time does what Bellman and Ford's algorithm does.
    """
    cost: dict[int, float] = {}
    previous: dict[int, int] = {}
    for row in rows:
        cost[row] = float(enter[row])
        for first, associate in inner[row]:
            if first in cost and cost[first] + associate < cost[row]:
                cost[row], previous[row] = cost[first] + associate, first
        cost[row] += observe
    row = min(rows, key=lambda end: cost[end] + leave[end])
    total, path = cost[row] + float(leave[row]), [row]
    while path[0] in previous:
        path.insert(0, previous[path[0]])
    return path, total
