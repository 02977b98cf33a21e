"""The methods: polygons between two reports at given times, None where a method fails.

After S. Filali Boubrahimi, B. Aydin, M. Schuh, D. Kempton, R. Angryk and R. Ma, Spatiotemporal interpolation
methods for solar event trajectories, ApJS 236 (2018) 23: MBR (boxes), CP (complex polygons), FI (filaments)
and Areal; and `blend`, ours. Each works on both reports as they are seen at the time asked for (`Gap.ends`).
Where we differ from the original:

* CP and FI bring both rings into one orientation and begin at a vertex that does not depend on the report;
  FI's tips are paired by where they are, not by which is the upper one, which flips for filaments that lie
  east to west. CP's shifts are accepted or not at fixed parts of the gap, not at the times asked for.
* Areal finds the buffer's width by bisection, so that the area is that wanted, and ends; a shape that would
  be torn is left a little larger than wanted.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray

from events.domain.interpolation.gap import Ends, Gap
from events.domain.interpolation.kernels import blend_all, ring_centroid, warp, warp_distances, warp_path
from events.domain.interpolation.rings import Floats, Polygons, densified, largest_part, mended, polygons_of

#: Parts of the gap at which a correspondence of vertices is tried.
_TRIALS = tuple(np.linspace(0.1, 0.9, 9).tolist())
#: Rounds of Areal's bisection: its width is then known to 1e-5 of the region's size.
_ROUNDS = 18
#: The share of a ring's vertices, those farthest from its centre, among which FI looks for the tips.
_TIPS_SHARE = 0.2

Method = Callable[[Gap, Sequence[datetime]], Polygons]


def mbr(gap: Gap, times: Sequence[datetime]) -> Polygons:
    """Boxes whose four sides move linearly; a side is where the Sun carries its middle."""
    west_to_north = [_side_middles(end.ring) for end in (gap.first, gap.second)]
    first, second, fractions = gap.ends(times, *west_to_north)
    f = fractions[:, np.newaxis, np.newaxis]
    middles = (1 - f) * first + f * second
    x, y = np.sort(middles[:, (0, 1), 0], axis=1), np.sort(middles[:, (2, 3), 1], axis=1)
    return np.asarray(shapely.box(x[:, 0], y[:, 0], x[:, 1], y[:, 1]), dtype=object)


def _side_middles(ring: Floats) -> Floats:
    """Middles of the left, right, lower and upper side of a ring's envelope."""
    (xmin, ymin), (xmax, ymax) = ring.min(axis=0), ring.max(axis=0)
    x, y = (xmin + xmax) / 2, (ymin + ymax) / 2
    return np.array([[xmin, y], [xmax, y], [x, ymin], [x, ymax]])


def cp(gap: Gap, times: Sequence[datetime]) -> Polygons:
    """Vertices paired by warping the distances from the centroids; the best start that keeps the area."""
    settings = gap.settings
    first, second = (densified(end.ring, settings.segments) for end in (gap.first, gap.second))
    one, two = _about_centroids(gap, first, second)
    # Shapes with a symmetry tie; the first of equals shall be the one that turns least.
    start = int(np.hypot(*(two - one[0]).T).argmin())
    second, two = np.roll(second, -start, axis=0), np.roll(two, -start, axis=0)
    a, b = _signature(one), _signature(two)
    offsets = np.arange(settings.shifts) * len(second) // settings.shifts
    order = np.argsort(warp_distances(a, b, offsets), kind="stable")
    for offset in offsets[order[: settings.tries]].tolist():
        shifted = np.roll(second, -offset, axis=0)
        path = warp_path(warp(a, np.roll(b, -offset)))
        if _keeps_area(gap, first[path[:, 0]], shifted[path[:, 1]]):
            return _mixed(gap.ends(times, first[path[:, 0]], shifted[path[:, 1]]))
    return np.full(len(times), None, dtype=object)


def fi(gap: Gap, times: Sequence[datetime]) -> Polygons:
    """As CP, but with one start: a tip of the filament."""
    first, second = (densified(end.ring, gap.settings.segments) for end in (gap.first, gap.second))
    starts = _paired_tips(gap, first, second)
    first, second = (np.roll(ring, -tip, axis=0) for ring, tip in zip((first, second), starts, strict=True))
    path = warp_path(warp(*map(_signature, _about_centroids(gap, first, second))))
    pairs = first[path[:, 0]], second[path[:, 1]]
    if not _keeps_area(gap, *pairs):
        return np.full(len(times), None, dtype=object)
    return _mixed(gap.ends(times, *pairs))


def _about_centroids(gap: Gap, first: Floats, second: Floats) -> list[Floats]:
    """Both rings as seen in the middle of the gap, each from its own centroid."""
    ends = gap.ends(gap.times([0.5]), first, second)
    return [ring - np.array(ring_centroid(ring)) for ring in (ends.first[0], ends.second[0])]


def _signature(ring: Floats) -> NDArray[np.float64]:
    """Each vertex's distance from the centroid, which is the origin."""
    return np.hypot(ring[:, 0], ring[:, 1])


def _mixed(ends: Ends) -> Polygons:
    """Polygons of paired vertices, each on its straight way."""
    f = ends.fractions[:, np.newaxis, np.newaxis]
    return polygons_of((1 - f) * ends.first + f * ends.second)


def _keeps_area(gap: Gap, first: Floats, second: Floats) -> bool:
    polygons, _ = mended(_mixed(gap.ends(gap.times(_TRIALS), first, second)))
    return bool((shapely.area(polygons) >= gap.least_area).all())


def _paired_tips(gap: Gap, first: Floats, second: Floats) -> tuple[int, int]:
    """The vertices at which the rings begin: the two ends of each that lie closer to one another.

    The original takes the end of larger y in an image whose y points south, which is that of smaller hpc y.
    """
    a, b = _tips(first), _tips(second)
    if gap.settings.mode == "gsu":
        return min(a, key=lambda tip: first[tip, 1]), min(b, key=lambda tip: second[tip, 1])
    ends = gap.ends(gap.times([0.5]), first[list(a)], second[list(b)])
    apart = np.hypot(*(ends.first[0][:, np.newaxis] - ends.second[0]).transpose(2, 0, 1))
    return a[0], b[0] if apart[0, 0] + apart[1, 1] <= apart[0, 1] + apart[1, 0] else b[1]


def _tips(ring: Floats) -> tuple[int, int]:
    """The two ends of an elongated ring: the farthest pair between the two clusters of its far vertices."""
    distance = np.hypot(*(ring - np.array(ring_centroid(ring))).T)
    count = max(2, int(np.ceil(_TIPS_SHARE * len(ring))))
    far = np.sort(np.argsort(-distance, kind="stable")[:count])
    points = ring[far]
    apart = np.hypot(*(points[:, np.newaxis] - points).transpose(2, 0, 1))
    centres = points[list(np.unravel_index(np.argmax(apart), apart.shape))]
    while True:
        nearer = np.hypot(*(points[:, np.newaxis] - centres).transpose(2, 0, 1)).argmin(axis=1)
        if len(np.unique(nearer)) < 2:
            break
        moved = np.array([points[nearer == k].mean(axis=0) for k in (0, 1)])
        if np.array_equal(moved, centres):
            break
        centres = moved
    between = np.where(nearer[:, np.newaxis] < nearer, apart, -1.0)
    i, j = np.unravel_index(np.argmax(between), between.shape)
    return int(far[i]), int(far[j])


def areal(gap: Gap, times: Sequence[datetime]) -> Polygons:
    """The nearer report, grown or shrunk to the area and moved to the centroid on the line between both."""
    first, second, fractions = gap.ends(times)
    (one, _), (two, _) = mended(polygons_of(first)), mended(polygons_of(second))
    wanted = (1 - fractions) * shapely.area(one) + fractions * shapely.area(two)
    base = np.where(fractions <= 0.5, one, two)
    grown = _with_area(base, wanted)
    f = fractions[:, np.newaxis]
    middles = (1 - f) * _centroids(one) + f * _centroids(two)
    shift = middles - _centroids(grown)
    vertices, index = shapely.get_coordinates(grown, return_index=True)
    return np.asarray(shapely.set_coordinates(grown.copy(), vertices + shift[index]), dtype=object)


def _centroids(polygons: Polygons) -> Floats:
    centroids = shapely.centroid(polygons)
    return np.column_stack((shapely.get_x(centroids), shapely.get_y(centroids)))


def _with_area(base: Polygons, wanted: Floats) -> Polygons:
    """Each polygon buffered to the area wanted; where shrinking tears it apart, as it was just before."""
    # Buffering by d adds a disk of radius d at least; no polygon holds a disk larger than itself.
    low = -np.sqrt(np.nan_to_num(shapely.area(base)) / np.pi)
    high = np.sqrt(np.nan_to_num(wanted) / np.pi)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        small = shapely.area(_buffered(base, middle)) < wanted
        low, high = np.where(small, middle, low), np.where(small, high, middle)
    return _buffered(base, high)


def _buffered(base: Polygons, distance: Floats) -> Polygons:
    buffered = np.asarray(shapely.buffer(base, distance, quad_segs=4), dtype=object)
    for i in np.flatnonzero(
        (shapely.get_type_id(buffered) != 3) | (shapely.get_num_interior_rings(buffered) > 0)
    ).tolist():
        buffered[i] = largest_part(buffered[i]) if buffered[i] is not None else None
    return buffered


def blend(gap: Gap, times: Sequence[datetime]) -> Polygons:
    """Ours: contours of the blended signed distances of both rings (`kernels.blend`).

    Where the rings overlap in the middle of the gap, they are blended in place; the less they do, the more
    they are brought together before.
    """
    ends = gap.ends(times)
    first, second = (np.ascontiguousarray(ring) for ring in (ends.first, ends.second))
    vertices, counts = blend_all(first, second, ends.fractions, 1 - _overlap(gap), gap.settings.cells)
    polygons = np.full(len(times), None, dtype=object)
    good = np.flatnonzero(counts)
    if not good.size:
        return polygons
    rings = shapely.linearrings(vertices, indices=np.repeat(np.arange(len(good)), counts[good]))
    polygons[good] = shapely.simplify(
        shapely.polygons(rings), gap.settings.tolerance, preserve_topology=False
    )
    return polygons


def _overlap(gap: Gap) -> float:
    """The share of the smaller ring that lies in the other, in the middle of the gap."""
    ends = gap.ends(gap.times([0.5]))
    (one,), (two,) = (mended(polygons_of(rings))[0] for rings in (ends.first, ends.second))
    smaller = min(shapely.area(one), shapely.area(two))
    return float(shapely.area(shapely.intersection(one, two)) / smaller) if smaller > 0 else 0.0


BY_NAME: dict[str, Method] = {"MBR": mbr, "CP": cp, "FI": fi, "areal": areal, "blend": blend}
