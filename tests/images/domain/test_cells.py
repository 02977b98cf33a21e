"""Which cells a shape covers, against shapely asked for every cell of the grid by itself."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from images.domain.cells import FULL, cell_of, centre_of, in_pixels, mask, weights
from images.domain.wcs import Wcs

SMALL = (6, 9)
# Whole and half numbers often hit edges of cells, where it is decided which of them a shape touches.
NUMBERS = st.integers(-200, 1400).map(lambda n: n / 2) | st.floats(-100, 700)
POINTS = st.tuples(NUMBERS, NUMBERS)


def polygon(points):
    return shapely.make_valid(shapely.Polygon(points))


SHAPES = st.one_of(
    st.lists(POINTS, min_size=3, max_size=8).map(polygon),
    st.tuples(POINTS, POINTS).map(lambda ends: shapely.box(*np.sort(ends, axis=0).ravel())),
    POINTS.map(shapely.Point),
    st.tuples(POINTS, st.floats(1, 200)).map(lambda disk: shapely.Point(disk[0]).buffer(disk[1])),
)


def square(row, column):
    return shapely.box(64 * column - 0.5, 64 * row - 0.5, 64 * column + 63.5, 64 * row + 63.5)


def every(grid, decide):
    return np.array([[decide(row, column) for column in range(grid[1])] for row in range(grid[0])])


@settings(max_examples=80)
@given(SHAPES)
def test_masks_and_weights_against_every_cell_by_itself(shape):
    touched = every(SMALL, lambda row, column: square(row, column).intersects(shape))
    parts = every(SMALL, lambda row, column: square(row, column).intersection(shape).area / 4096)
    np.testing.assert_array_equal(mask(shape, SMALL), touched)
    np.testing.assert_allclose(weights(shape, SMALL), parts, atol=1e-9)


@settings(max_examples=80)
@given(SHAPES)
def test_weights_add_up_to_the_area_on_the_image(shape):
    image = shapely.box(-0.5, -0.5, 9 * 64 - 0.5, 6 * 64 - 0.5)
    assert weights(shape, SMALL).sum() * 4096 == pytest.approx(shape.intersection(image).area, abs=1e-4)


@given(st.integers(0, 63), st.integers(0, 63), st.floats(-0.5, 63.49), st.floats(-0.5, 63.49))
def test_pixels_and_cells(row, column, dx, dy):
    found = cell_of(64 * column + dx, 64 * row + dy)
    assert (int(found[0]), int(found[1])) == (row, column)
    x, y = centre_of(row, column)
    assert (x, y) == (64 * column + 31.5, 64 * row + 31.5)


def test_an_edge_belongs_to_the_cell_after_it_and_touches_both():
    assert [int(number) for number in cell_of(63.5, 127.5)] == [2, 1]
    assert np.argwhere(mask(shapely.Point(63.5, 10))).tolist() == [[0, 0], [0, 1]]
    assert np.argwhere(mask(shapely.Point(63.5, 127.5))).tolist() == [[1, 0], [1, 1], [2, 0], [2, 1]]


def test_what_covers_nothing():
    for shape in (shapely.Polygon(), shapely.box(-500, -500, -1, -1), shapely.box(5000, 0, 6000, 4096)):
        assert not mask(shape).any()
        assert not weights(shape).any()


def test_the_whole_image_covers_every_cell():
    shape = shapely.box(-1000, -1000, 5000, 5000)
    assert mask(shape).shape == FULL
    assert mask(shape).all()
    assert (weights(shape) == 1).all()


USUAL = Wcs.turned(
    shape=(4096, 4096), crpix=(2048.5, 2048.5), crval=(0, 0), cdelt=(0.6, 0.6), crota=0.0, dsun=1.5e11,
    rsun=960,
)  # fmt: skip


def test_a_box_in_arcsec_lands_in_the_right_corner():
    north_west = in_pixels(shapely.box(600, 300, 700, 400), USUAL)
    covered = np.argwhere(mask(north_west))
    # 600 to 700 arcsec to the west: pixels 3047.5 to 3214.2; 300 to 400 to the north: rows 1380.8 to 1547.5.
    assert covered.min(axis=0).tolist() == [21, 47]
    assert covered.max(axis=0).tolist() == [24, 50]
    assert weights(north_west).sum() * 4096 == pytest.approx((100 / 0.6) ** 2, rel=1e-4)


FAR = [shapely.box(-4e5, 0, 0, 10), shapely.LineString([(0, 0), (0, 3.3e5)]), shapely.Point(7e5, 0)]


@pytest.mark.parametrize("shape", FAR, ids=lambda shape: shape.geom_type)
def test_a_shape_without_a_place_in_the_image_s_plane_is_empty_there(shape):
    placed = in_pixels(shape, USUAL)
    assert (placed.is_empty, placed.geom_type) == (True, shape.geom_type)
    assert not mask(placed).any()
