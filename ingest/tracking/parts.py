"""Splits and merges: what begins inside something that goes on, and what ends in something that goes on."""

from collections.abc import Iterable

import numpy as np

from ingest.tracking.candidates import Pairs
from ingest.tracking.facts import Pair
from ingest.tracking.reports import Edge
from ingest.tracking.surface import Floats, Mask, Rows, Sightings

#: A part is one if its probability is at least this.
INSIDE = 0.3
#: What a look between, in which neither was seen together, leaves of the probability.
AFTER_A_LOOK = 0.5


def part_edges(seen: Sightings, pairs: Pairs, follows: set[Pair], known: Iterable[Pair]) -> list[Edge]:
    """The edges of splits and merges: those that HEK tells of, and those that overlap shows.

    A report without predecessor splits from the report in which most of it lies, if that goes on otherwise;
    a report without successor merges into the report in which most of it lies, if that comes from another.
    The probability is the share that lies inside, less for looks between.
    """
    has_next, has_previous = np.zeros((2, seen.time.size), dtype=np.bool_)
    has_next[[a for a, _ in follows]] = True
    has_previous[[b for _, b in follows]] = True
    ids = [report.id for report in seen.reports]
    edges = []
    told: dict[str, list[int]] = {"splits": [], "merges": []}
    for a, b in known:
        kind = "merges" if has_previous[b] and not has_next[a] else "splits"
        told[kind].append(a if kind == "merges" else b)
        edges.append(Edge(ids[a], ids[b], kind, "association", 1.0))
    after = AFTER_A_LOOK**pairs.skipped
    split = has_next[pairs.first] & ~has_previous[pairs.second] & ~np.isin(pairs.second, told["splits"])
    merge = has_previous[pairs.second] & ~has_next[pairs.first] & ~np.isin(pairs.first, told["merges"])
    for kind, possible, part, share in (
        ("splits", split, pairs.second, pairs.of_second * after),
        ("merges", merge, pairs.first, pairs.of_first * after),
    ):
        edges += [
            Edge(ids[pairs.first[k]], ids[pairs.second[k]], kind, "tracker", float(share[k]))
            for k in _best(possible & (share >= INSIDE), part, share)
        ]
    return edges


def _best(possible: Mask, part: Rows, share: Floats) -> list[int]:
    """For each part the pair of the greatest share, of equal ones the first."""
    chosen = np.flatnonzero(possible)
    chosen = chosen[np.lexsort((chosen, -share[chosen], part[chosen]))]
    _, first = np.unique(part[chosen], return_index=True)
    return [int(k) for k in chosen[first]]
