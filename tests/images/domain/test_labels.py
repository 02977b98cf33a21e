"""The share of each cell under several shapes, against every cell clipped by itself."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from images.domain.labels import DECIMALS, shares
from images.domain.wcs import Wcs

SCALE, SIDE = 0.6, 38.4
WCS = Wcs(4096, 4096, (2048.5, 2048.5), (0.0, 0.0), (SCALE, 0.0, 0.0, SCALE), 1.5e11, 960.0)
#: Cells within 231 arcsec of the disk's centre, which the shapes do not leave; there the sky is a plane.
NEAR = range(26, 38)
#: Thousandths of an arcsec, as shapes are stored: on smaller ones shapely itself errs.
COORDINATE = st.integers(-150_000, 150_000).map(lambda n: n / 1000)
POINT = st.tuples(COORDINATE, COORDINATE)
SHAPE = st.one_of(
    st.lists(POINT, min_size=3, max_size=6).map(shapely.Polygon),  # also such as cross themselves
    st.tuples(POINT, st.floats(1, 80)).map(lambda disk: shapely.Point(disk[0]).buffer(disk[1], quad_segs=4)),
    POINT.map(shapely.Point),
    st.tuples(POINT, POINT).map(shapely.LineString),
)


def cell(row, column):
    return shapely.box((column - 32) * SIDE, (31 - row) * SIDE, (column - 31) * SIDE, (32 - row) * SIDE)


@settings(max_examples=60)
@given(st.lists(SHAPE, max_size=4))
def test_what_lies_under_several_shapes_counts_once(shapes):
    covered = shapely.union_all([shapely.make_valid(shape) for shape in shapes])
    found = shares(shapes, WCS)
    for row in NEAR:
        for column in NEAR:
            part = cell(row, column).intersection(covered).area / SIDE**2
            assert found[row, column] == pytest.approx(part, abs=1e-5)
    beside = np.ones((64, 64), dtype=bool)
    beside[NEAR.start : NEAR.stop, NEAR.start : NEAR.stop] = False
    assert not found[beside].any()


@settings(max_examples=30)
@given(SHAPE, SHAPE)
def test_shares_are_between_those_of_either_and_their_sum(one, two):
    both, first, second = shares([one, two], WCS), shares([one], WCS), shares([two], WCS)
    rounding = 2 * 10**-DECIMALS
    assert (both >= np.maximum(first, second) - rounding).all()
    assert (both <= np.minimum(first + second, 1) + rounding).all()


def test_nothing_covers_nothing():
    assert shares([], WCS).shape == (64, 64)
    assert not shares([shapely.Polygon(), shapely.Point(0, 0)], WCS).any()


def test_what_has_no_place_in_the_plane_of_the_image_covers_nothing():
    quarter = 90 * 3600
    assert not shares([shapely.box(-10, -10, quarter + 100, 10)], WCS).any()
    alone = shapely.box(0, 0, 100, 10)
    mixed = shares([shapely.box(-10, -10, quarter + 100, 10), alone], WCS)
    np.testing.assert_array_equal(mixed, shares([alone], WCS))
