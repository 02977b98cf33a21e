"""What is known without any tracking: HEK's associations, the methods' own track ids, NOAA's numbers."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

from ingest.tracking.reports import KnownEdge, Report
from ingest.tracking.settings import Settings

FOLLOWED, SPLITS = "is_followed_by", "splits_into"

#: Rows of an earlier and a later report in the canonical order.
Pair = tuple[int, int]


class Facts(NamedTuple):
    """Certain links -> their source, and pairs of which HEK says that a part of one becomes the other."""

    follows: dict[Pair, str]
    parts: list[Pair]


def facts_of(reports: Sequence[Report], known: Sequence[KnownEdge], settings: Settings) -> Facts:
    """The facts about the reports of one method, which are in the canonical order.

    What is trusted more comes first; a report that has a successor by it gets no other by the next.
    """
    strengths, parts = _associations(reports, known, settings.association_gap)
    follows, rest = _followed(reports, strengths)
    parts |= rest
    links = dict.fromkeys(follows, "association")
    _add(links, _same_name(reports, _specific_id, settings.association_gap), "specificid")
    _add(links, _same_name(reports, _noaa_number, settings.noaa_gap), "noaanum")
    return Facts(links, sorted(parts - set(links)))


def _associations(
    reports: Sequence[Report], known: Sequence[KnownEdge], gap: timedelta
) -> tuple[dict[Pair, float], set[Pair]]:
    """Pairs that follow, with their strength, and pairs that split or merge; the earlier report first."""
    rows: Mapping[int, int] = {report.id: row for row, report in enumerate(reports)}
    strengths: dict[Pair, float] = {}
    parts: set[Pair] = set()
    for edge in known:
        a, b = sorted((rows.get(edge.first, -1), rows.get(edge.second, -1)))
        if a < 0 or a == b or reports[b].start - reports[a].start > gap:
            continue
        if edge.edge_type == FOLLOWED:
            strengths[a, b] = max(strengths.get((a, b), -math.inf), _number(edge.strength))
        elif edge.edge_type == SPLITS:
            parts.add((a, b))
    return strengths, parts


def _number(strength: float | None) -> float:
    return strength if strength is not None and math.isfinite(strength) else 0.0


def _followed(reports: Sequence[Report], strengths: dict[Pair, float]) -> tuple[set[Pair], set[Pair]]:
    """One successor and one predecessor each: the pairs in which each is the other's best, and the rest.

    The best is the strongest, then the nearest in time, then the first in the canonical order.
    """

    def rank(pair: Pair) -> tuple[float, timedelta, Pair]:
        return -strengths[pair], reports[pair[1]].start - reports[pair[0]].start, pair

    ranked = sorted(strengths, key=rank, reverse=True)
    successor = {a: (a, b) for a, b in ranked}
    predecessor = {b: (a, b) for a, b in ranked}
    mutual = {pair for pair in strengths if successor[pair[0]] == pair == predecessor[pair[1]]}
    return mutual, set(strengths) - mutual


def _specific_id(report: Report) -> str:
    return report.specific_id


def _noaa_number(report: Report) -> str:
    return str(report.noaa or "") if report.event_type == "AR" else ""


def _same_name(reports: Sequence[Report], name_of: Callable[[Report], str], gap: timedelta) -> Iterator[Pair]:
    """Consecutive reports of one name, "" being none.

    Where two of a name start at once the name does not tell which is meant, and nothing is linked there.
    """
    named: dict[str, list[int]] = defaultdict(list)
    for row, report in enumerate(reports):
        if name := name_of(report):
            named[name].append(row)
    for rows in named.values():
        instants = [list(group) for _, group in groupby(rows, key=lambda row: reports[row].start)]
        for before, after in pairwise(instants):
            if len(before) == len(after) == 1 and reports[after[0]].start - reports[before[0]].start <= gap:
                yield before[0], after[0]


def _add(links: dict[Pair, str], pairs: Iterator[Pair], source: str) -> None:
    """Add those pairs whose ends are open."""
    firsts, seconds = {a for a, _ in links}, {b for _, b in links}
    for a, b in pairs:
        if a not in firsts and b not in seconds:
            links[a, b] = source
