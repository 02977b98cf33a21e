"""The links of the greatest gain, decided cell by cell so that nothing far away matters.

With one link more here another may fall there, and so on through months of reports. To be able to track one
day and get what tracking all years at once would give, time is cut into cells, counted from 1970. A link
belongs to the cell in which its first report starts.

1. Every even cell is solved exactly, together with the links that begin in the `context` before and behind
   it, so that its ends are not decided blindly. Only its own links are kept.
2. Every odd cell is solved exactly with the reports that the even cells left.

No link is longer than a cell, so links of two even cells never meet.
"""

import numpy as np
from numpy.typing import NDArray

from ingest.tracking.settings import Settings
from ingest.tracking.surface import Floats, Mask, Rows


def best_links(first: Rows, second: Rows, gain: Floats, time: Floats, settings: Settings) -> Mask:
    """Which of the links `first[k]` -> `second[k]` to keep: each row at most once as first, once as second.

    `time` is the start of each row, s since 1970.
    """
    chosen = np.zeros(first.size, dtype=np.bool_)
    useful = np.flatnonzero(gain > 0)
    starts = time[first[useful]]
    cell = np.floor(starts / settings.cell.total_seconds()).astype(np.int64)
    context = settings.context.total_seconds()
    for number in np.unique(cell[cell % 2 == 0]).tolist():
        begins = number * settings.cell.total_seconds()
        ends = begins + settings.cell.total_seconds()
        near = useful[(starts >= begins - context) & (starts < ends + context)]
        kept = near[assignment(first[near], second[near], gain[near])]
        own = (time[first[kept]] >= begins) & (time[first[kept]] < ends)
        chosen[kept[own]] = True
    odd = useful[cell % 2 == 1]
    free = odd[~np.isin(second[odd], second[chosen])]
    chosen[free[assignment(first[free], second[free], gain[free])]] = True
    return chosen


def assignment(first: NDArray[np.intp], second: NDArray[np.intp], gain: Floats) -> Rows:
    """The links (indices, ascending) of the greatest sum of gains, all positive; exact.

    Each first may also stay alone: it has a column of its own for that, and the solver's matching is full.
    """
    if not first.size:
        return np.empty(0, dtype=np.intp)
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    # Imported late: the web process, which knows what is tracked but tracks nothing, does without.
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching  # noqa: PLC0415

    # All weights are positive, as the solver wants: alone costs this much, a link so much less.
    alone = float(gain.max()) + 1.0
    n, m = rows.size, columns.size
    lonely = np.arange(n)
    weights = coo_array(
        (
            np.concatenate((alone - gain, np.full(n, alone))),
            (np.concatenate((row, lonely)), np.concatenate((column, m + lonely))),
        ),
        shape=(n, m + n),
    ).tocsr()
    taken_row, taken_column = min_weight_full_bipartite_matching(weights)
    linked = taken_column < m
    partner = np.full(n, -1)
    partner[taken_row[linked]] = taken_column[linked]
    return np.flatnonzero(partner[row] == column)
