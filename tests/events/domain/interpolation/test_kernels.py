"""The compiled loops against shapely, closed forms and plain recursion."""

from functools import cache

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from events.domain.interpolation import kernels

FISH = np.array([[0, 0], [30, -12], [60, 5], [45, 18], [62, 40], [20, 33], [28, 15], [-4, 21]], dtype=float)


def circle(radius: float, x: float = 0.0, y: float = 0.0, count: int = 200) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack((x + radius * np.cos(angle), y + radius * np.sin(angle)))


def blended(first: np.ndarray, second: np.ndarray, fraction: float, apart: float = 0.0) -> shapely.Polygon:
    return shapely.Polygon(kernels.blend(first, second, fraction, apart, 40))


def test_area_and_centroid_are_those_of_shapely():
    fish = shapely.Polygon(FISH)
    assert kernels.ring_area(FISH) == pytest.approx(fish.area)
    assert kernels.ring_area(FISH[::-1].copy()) == pytest.approx(-fish.area)
    assert kernels.ring_centroid(FISH) == pytest.approx(fish.centroid.coords[0])


def test_the_centroid_of_no_area_is_the_mean_vertex():
    assert kernels.ring_centroid(np.array([[0.0, 0], [4, 0], [8, 0]])) == pytest.approx((4, 0))


def test_signed_distance_is_that_of_shapely():
    origin, step, shape = np.array([-20.0, -30.0]), 2.5, (32, 40)
    field = kernels.signed_distance(FISH, origin, step, shape)
    x, y = np.meshgrid(origin[0] + step * np.arange(shape[1]), origin[1] + step * np.arange(shape[0]))
    fish = shapely.Polygon(FISH)
    distance = shapely.distance(fish.exterior, shapely.points(x, y))
    assert field == pytest.approx(np.where(shapely.contains_xy(fish, x, y), distance, -distance))


def test_the_level_of_an_area_cuts_a_cone_at_its_circle():
    y, x = np.mgrid[-30:31, -30:31].astype(float)
    level = kernels.level_of_area(-np.hypot(x, y), 1.0, np.pi * 15**2)
    assert level == pytest.approx(-15, abs=0.05)


def test_the_contour_of_a_cone_is_its_circle():
    y, x = np.mgrid[-30:31, -30:31].astype(float)
    ring = kernels.largest_contour(20 - np.hypot(x, y))
    assert np.hypot(*(ring - 30).T) == pytest.approx(20, abs=0.02)
    assert kernels.ring_area(ring) == pytest.approx(np.pi * 400, rel=0.002)


def test_of_several_contours_the_largest_is_given_and_holes_are_left_out():
    y, x = np.mgrid[0:60, 0:100].astype(float)
    big, small = 20 - np.hypot(x - 30, y - 30), 8 - np.hypot(x - 80, y - 30)
    hole = np.hypot(x - 30, y - 30) - 6
    ring = kernels.largest_contour(np.maximum(np.minimum(big, hole), small))
    assert kernels.ring_area(ring) == pytest.approx(np.pi * 400, rel=0.005)


def test_no_contour_where_all_is_outside():
    assert len(kernels.largest_contour(np.full((9, 9), -1.0))) == 0


@given(st.integers(0, 2**36 - 1))
@settings(max_examples=60)
def test_contours_of_any_field_close_and_separate_inside_from_outside(bits: int):
    # 6 x 6 signs, saddles of all kinds among them, in a frame of outside.
    signs = np.array([(bits >> k) & 1 for k in range(36)]).reshape(6, 6)
    field = np.pad(np.where(signs, 1.0, -1.0), 1, constant_values=-1.0)
    ring = kernels.largest_contour(field)
    assert (len(ring) == 0) == (not signs.any())
    if len(ring):
        polygon = shapely.Polygon(ring)
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        steps = np.hypot(*(ring - np.roll(ring, 1, axis=0)).T)
        assert steps.max() <= np.sqrt(2)  # never leaves a cell but by its side
        # A node just inside the ring is positive, one just outside is not.
        rows, columns = np.nonzero(field > 0)
        around = polygon.exterior.buffer(0.6)
        near = shapely.contains_xy(around, columns, rows)
        assert near.any()


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=7), st.lists(st.integers(0, 9), min_size=1, max_size=7)
)
@settings(max_examples=60)
def test_warping_is_the_plain_recursion(first: list[int], second: list[int]):
    @cache
    def least(i: int, j: int) -> float:
        if i < 0 or j < 0:
            return 0.0 if i == j == -1 else np.inf
        return abs(first[i] - second[j]) + min(least(i - 1, j), least(i, j - 1), least(i - 1, j - 1))

    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    cost = kernels.warp(a, b)
    assert cost[-1, -1] == least(len(first) - 1, len(second) - 1)
    path = kernels.warp_path(cost)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [len(first) - 1, len(second) - 1]
    assert {tuple(move) for move in np.diff(path, axis=0).tolist()} <= {(0, 1), (1, 0), (1, 1)}
    assert np.abs(a[path[:, 0]] - b[path[:, 1]]).sum() == cost[-1, -1]


def test_equal_signatures_go_along_the_diagonal():
    a = np.array([1.0, 1.0, 1.0])
    assert kernels.warp_path(kernels.warp(a, a)).tolist() == [[0, 0], [1, 1], [2, 2]]


def test_distances_of_shifts_find_the_shift():
    a = np.array([5.0, 1, 2, 7, 3, 4])
    distances = kernels.warp_distances(a, np.roll(a, 2), np.arange(6))
    assert distances[2] == 0
    assert np.argmin(distances) == 2


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_circles_blend_to_the_circle_between(fraction: float):
    between = blended(circle(10), circle(40, x=12), fraction, apart=1.0)
    radius = 10 ** (1 - fraction) * 40**fraction  # areas grow at a constant rate
    assert between.area == pytest.approx(np.pi * radius**2, rel=0.001)
    assert between.centroid.coords[0] == pytest.approx((12 * fraction, 0), abs=0.3)
    exact = shapely.Point(12 * fraction, 0).buffer(radius, quad_segs=64)
    assert between.symmetric_difference(exact).area < 0.02 * exact.area


def test_shapes_that_do_not_touch_are_brought_together_or_given_up():
    first, second = circle(10), circle(10, x=200)
    moved = blended(first, second, 0.5, apart=1.0)
    assert moved.centroid.coords[0] == pytest.approx((100, 0), abs=0.3)
    assert moved.area == pytest.approx(np.pi * 100, rel=0.01)


def test_many_are_each_as_alone():
    second = circle(25, x=20, count=30)
    fractions = np.array([0.1, 0.6, 0.9])
    rings, counts = kernels.blend_all(
        np.tile(FISH, (3, 1, 1)), np.tile(second, (3, 1, 1)), fractions, 0.2, 40
    )
    for ring, fraction in zip(np.split(rings, np.cumsum(counts)[:-1]), fractions, strict=True):
        assert np.array_equal(ring, kernels.blend(FISH, second, fraction, 0.2, 40))


def test_what_the_limb_has_squeezed_to_a_point_raises_nothing():
    point = np.full((4, 2), 7.0)
    assert len(kernels.blend(point, point, 0.5, 1.0, 40)) == 0
