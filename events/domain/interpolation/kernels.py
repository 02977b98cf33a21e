"""The loops of the interpolation, compiled: distance fields, their contours, and dynamic time warping.

Rings are float64 arrays (n, 2) of open rings: the first vertex is not repeated. Fields are arrays
(rows, columns) over a square grid of spacing `step` whose node (0, 0) stands at `origin`. Each function is
exact for its own arguments and keeps nothing, so a shape does not depend on which others are asked with it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ring = NDArray[np.float64]
Field = NDArray[np.float64]

#: Finest grid: this many nodes along the longer side of the shapes, and never more in all than its square.
MOST_NODES = 160
#: A contour is given up if its largest part has less than this share of the area wanted.
_LEAST_SHARE = 0.7
#: Rounds of bisection for the level of a blended field; the level is then known to 1e-6 of the field's range.
_LEVEL_ROUNDS = 20
#: Arcsec; rings that the limb has squeezed to nothing count as this long, so that nothing is divided by 0.
_LEAST_LENGTH = 1e-3
#: Which other side the contour leaves a cell by, for each of the sides (0 bottom, 1 right, 2 top, 3 left) by
#: which it enters a saddle: when the two lower-left/upper-right corners are cut off, and when the others are.
_CUT_RISING = np.array([3, 2, 1, 0])
_CUT_FALLING = np.array([1, 0, 3, 2])


@njit(cache=True)
def ring_area(ring: Ring) -> float:
    """Signed area: positive counter-clockwise."""
    total = 0.0
    x0, y0 = ring[0]
    for i in range(1, len(ring) - 1):
        total += (ring[i, 0] - x0) * (ring[i + 1, 1] - y0) - (ring[i + 1, 0] - x0) * (ring[i, 1] - y0)
    return total / 2


@njit(cache=True)
def ring_centroid(ring: Ring) -> tuple[float, float]:
    """Centroid of the enclosed area; the mean vertex where there is none."""
    x0, y0 = ring[0]
    total, sx, sy = 0.0, 0.0, 0.0
    for i in range(1, len(ring) - 1):
        ax, ay = ring[i, 0] - x0, ring[i, 1] - y0
        bx, by = ring[i + 1, 0] - x0, ring[i + 1, 1] - y0
        cross = ax * by - bx * ay
        total += cross
        sx += cross * (ax + bx)
        sy += cross * (ay + by)
    if abs(total) < 1e-9:
        return ring[:, 0].mean(), ring[:, 1].mean()
    return x0 + sx / (3 * total), y0 + sy / (3 * total)


@njit(cache=True)
def signed_distance(ring: Ring, origin: NDArray[np.float64], step: float, shape: tuple[int, int]) -> Field:
    """Distance of every node from the ring, positive inside (by parity), negative outside."""
    (ox, oy), (rows, columns) = origin, shape
    field = np.full((rows, columns), np.inf)
    n = len(ring)
    for k in range(n):
        ax, ay = ring[k, 0], ring[k, 1]
        dx, dy = ring[(k + 1) % n, 0] - ax, ring[(k + 1) % n, 1] - ay
        length = dx * dx + dy * dy
        inverse = 1.0 / length if length > 0 else 0.0
        for j in range(rows):
            py = oy + j * step - ay
            for i in range(columns):
                px = ox + i * step - ax
                t = min(1.0, max(0.0, (px * dx + py * dy) * inverse))
                ex, ey = px - t * dx, py - t * dy
                field[j, i] = min(field[j, i], ex * ex + ey * ey)
    inside = np.zeros(columns, dtype=np.bool_)
    for j in range(rows):
        inside[:] = False
        py = oy + j * step
        for k in range(n):
            ay, by = ring[k, 1], ring[(k + 1) % n, 1]
            if (ay > py) != (by > py):
                ax, bx = ring[k, 0], ring[(k + 1) % n, 0]
                x = ax + (py - ay) / (by - ay) * (bx - ax)
                end = min(columns, max(0, int(np.ceil((x - ox) / step))))
                for i in range(end):
                    inside[i] = not inside[i]
        for i in range(columns):
            distance = np.sqrt(field[j, i])
            field[j, i] = distance if inside[i] else -distance
    return field


@njit(cache=True)
def level_of_area(field: Field, step: float, area: float) -> float:
    """The level above which `field` has about this area; a node counts by how far it stands inside."""
    low, high = field.min() - step, field.max() + step
    wanted = area / (step * step)
    for _ in range(_LEVEL_ROUNDS):
        middle = (low + high) / 2
        covered = 0.0
        for value in field.flat:
            covered += min(1.0, max(0.0, 0.5 + (value - middle) / step))
        if covered > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@njit(cache=True)
def _crossing(field: Field, row: int, column: int, side: int) -> tuple[float, float]:
    """Where the zero of `field` crosses a side of the cell, in steps (column, row)."""
    if side in (0, 2):
        j = row + (1 if side == 2 else 0)
        a, b = field[j, column], field[j, column + 1]
        return column + a / (a - b), float(j)
    i = column + (1 if side == 1 else 0)
    a, b = field[row, i], field[row + 1, i]
    return float(i), row + a / (a - b)


@njit(cache=True)
def _way_out(field: Field, row: int, column: int, side: int) -> int:
    """By which side the zero contour that came in by `side` leaves the cell."""
    c0, c1 = field[row, column] > 0, field[row, column + 1] > 0
    c3, c2 = field[row + 1, column] > 0, field[row + 1, column + 1] > 0
    crossed = (c0 != c1, c1 != c2, c3 != c2, c0 != c3)
    if crossed[0] and crossed[1] and crossed[2] and crossed[3]:
        middle = (
            field[row, column] + field[row, column + 1] + field[row + 1, column] + field[row + 1, column + 1]
        )
        return _CUT_FALLING[side] if (middle > 0) == c0 else _CUT_RISING[side]
    for other in range(4):
        if other != side and crossed[other]:
            return other
    return side


@njit(cache=True)
def _trace(field: Field, row: int, column: int, seen: NDArray[np.bool_], out: Ring) -> int:
    """Follow the zero contour that goes up through the bottom of the cell until it closes; its length."""
    count, side = 0, 0
    while True:
        if side in (0, 2):
            edge = row + (1 if side == 2 else 0)
            if seen[edge, column]:
                return count
            seen[edge, column] = True
        out[count, 0], out[count, 1] = _crossing(field, row, column, side)
        count += 1
        side = _way_out(field, row, column, side)
        if side == 0:
            row, side = row - 1, 2
        elif side == 1:
            column, side = column + 1, 3
        elif side == 2:
            row, side = row + 1, 0
        else:
            column, side = column - 1, 1


@njit(cache=True)
def largest_contour(field: Field) -> Ring:
    """The zero contour of the largest area, counter-clockwise, in steps; empty if there is none.

    `field` must be negative all round, so that every contour closes.
    """
    rows, columns = field.shape
    seen = np.zeros((rows, columns), dtype=np.bool_)
    out = np.empty((2 * rows * columns, 2))
    best = np.empty((0, 2))
    most = 0.0
    for row in range(1, rows - 1):
        for column in range(columns - 1):
            if seen[row, column] or (field[row, column] > 0) == (field[row, column + 1] > 0):
                continue
            count = _trace(field, row, column, seen, out)
            if count >= 3:
                area = ring_area(out[:count])
                if abs(area) > most:
                    most = abs(area)
                    best = out[:count].copy() if area > 0 else out[:count][::-1].copy()
    return best


@njit(cache=True)
def blend(first: Ring, second: Ring, fraction: float, apart: float, cells: int) -> Ring:
    """The ring between two rings: a contour of their blended signed distances.

    Its area goes from one to the other at a constant rate of growth (the logarithm is linear), so that too
    large and too small are as likely, as ratios. `apart`: which share of its way to the point between their
    centroids each ring is moved before: 0 leaves them where they are, 1 brings the centroids together,
    without which rings that do not touch would have nothing between them. `cells`: nodes along the longer
    side. Empty if the contour falls apart too much.
    """
    c1, c2 = ring_centroid(first), ring_centroid(second)
    way = np.array([c2[0] - c1[0], c2[1] - c1[1]])
    a, b = first + apart * fraction * way, second - apart * (1 - fraction) * way
    area1, area2 = abs(ring_area(first)), abs(ring_area(second))
    wanted = area1 ** (1 - fraction) * area2**fraction
    west, east = min(a[:, 0].min(), b[:, 0].min()), max(a[:, 0].max(), b[:, 0].max())
    south, north = min(a[:, 1].min(), b[:, 1].min()), max(a[:, 1].max(), b[:, 1].max())
    step = _spacing(a, b, max(east - west, north - south, _LEAST_LENGTH), cells)
    rows, columns = int((north - south) / step) + 6, int((east - west) / step) + 6
    span = np.array([(columns - 1) * step, (rows - 1) * step])
    origin = (np.array([west + east, south + north]) - span) / 2
    field = (1 - fraction) * signed_distance(a, origin, step, (rows, columns))
    field += fraction * signed_distance(b, origin, step, (rows, columns))
    field -= level_of_area(field, step, wanted)
    _fence(field, step)
    ring = largest_contour(field)
    if len(ring) < 3 or ring_area(ring) * step * step < _LEAST_SHARE * wanted:
        return ring[:0]
    return _scaled(ring * step + origin, wanted)


@njit(cache=True)
def _fence(field: Field, step: float) -> None:
    """Make the field negative all round, so that every contour closes."""
    field[0], field[-1] = np.minimum(field[0], -step), np.minimum(field[-1], -step)
    field[:, 0], field[:, -1] = np.minimum(field[:, 0], -step), np.minimum(field[:, -1], -step)


@njit(cache=True)
def _scaled(ring: Ring, area: float) -> Ring:
    """The ring brought to an area, about its centroid: the grid makes the contour miss it by a percent."""
    x, y = ring_centroid(ring)
    middle = np.array([x, y])
    return middle + (ring - middle) * np.sqrt(area / ring_area(ring))


@njit(cache=True)
def _perimeter(ring: Ring) -> float:
    total = 0.0
    for i in range(len(ring)):
        total += np.hypot(ring[i, 0] - ring[i - 1, 0], ring[i, 1] - ring[i - 1, 1])
    return max(total, _LEAST_LENGTH)


@njit(cache=True)
def _spacing(a: Ring, b: Ring, extent: float, cells: int) -> float:
    """The grid's step: `cells` on the longer side, and four across the mean width of the thinner ring."""
    width = min(2 * abs(ring_area(a)) / _perimeter(a), 2 * abs(ring_area(b)) / _perimeter(b))
    return max(min(extent / cells, width / 4), extent / MOST_NODES)


@njit(cache=True)
def blend_all(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    fractions: NDArray[np.float64],
    apart: float,
    cells: int,
) -> tuple[Ring, NDArray[np.int64]]:
    """`blend` of many: (m, n1, 2) with (m, n2, 2); all vertices one after the other, and how many a ring."""
    counts = np.zeros(len(fractions), dtype=np.int64)
    rings = []
    for k in range(len(fractions)):
        ring = blend(first[k], second[k], fractions[k], apart, cells)
        counts[k] = len(ring)
        rings.append(ring)
    out = np.empty((counts.sum(), 2))
    start = 0
    for ring in rings:
        out[start : start + len(ring)] = ring
        start += len(ring)
    return out, counts


@njit(cache=True)
def warp(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The full matrix of dynamic time warping: the least cost of a path from (0, 0) to each pair."""
    n, m = len(a), len(b)
    cost = np.empty((n, m))
    for i in range(n):
        for j in range(m):
            before = 0.0
            if i > 0 and j > 0:
                before = min(cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1])
            elif i > 0:
                before = cost[i - 1, j]
            elif j > 0:
                before = cost[i, j - 1]
            cost[i, j] = before + abs(a[i] - b[j])
    return cost


@njit(cache=True)
def warp_path(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """The pairs (k, 2) of the cheapest path through `cost`, from first to last; ties go to the diagonal."""
    i, j = cost.shape[0] - 1, cost.shape[1] - 1
    path = np.empty((i + j + 1, 2), dtype=np.int64)
    count = len(path)
    while True:
        count -= 1
        path[count, 0], path[count, 1] = i, j
        if i == 0 and j == 0:
            return path[count:]
        if i == 0:
            j -= 1
        elif j == 0:
            i -= 1
        elif cost[i - 1, j - 1] <= cost[i - 1, j] and cost[i - 1, j - 1] <= cost[i, j - 1]:
            i, j = i - 1, j - 1
        elif cost[i - 1, j] < cost[i, j - 1]:
            i -= 1
        else:
            j -= 1


@njit(cache=True)
def warp_distances(
    a: NDArray[np.float64], b: NDArray[np.float64], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cost of the cheapest path of `a` against `b` begun at each of `offsets`."""
    out = np.empty(len(offsets))
    for k in range(len(offsets)):
        out[k] = warp(a, np.roll(b, -offsets[k]))[-1, -1]
    return out
