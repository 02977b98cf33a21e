"""The parameters under a shape, against pixels counted one by one."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from images.domain.sampling import Cover, covered_by, spread
from images.domain.wcs import Wcs

WCS = Wcs(4096, 4096, (2048.5, 2048.5), (0.0, 0.0), (0.6, 0.0, 0.0, 0.6), 1.5e11, 960.0)
ARCSEC = st.floats(-500, 500)


@given(ARCSEC, ARCSEC, st.floats(1, 200), st.floats(1, 200))
def test_the_area_of_a_box_is_its_own(x, y, width, height):
    cover = covered_by(shapely.box(x, y, x + width, y + height), WCS)
    # The gnomonic plane is larger than the sphere's angles by a part in 100 000 here.
    assert cover.area == pytest.approx(width * height, rel=1e-4)
    assert cover.count == np.count_nonzero(cover.weights)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(1, 9)), min_size=1, max_size=30))
def test_weights_count_as_repetitions(cells):
    """A cell of weight k/10 counts as k equal ones: the mean, and the inverse of their distribution."""
    plane, weights = np.zeros((8, 8)), np.zeros((8, 8))
    for place, (value, weight) in enumerate(cells):
        plane[divmod(place, 8)], weights[divmod(place, 8)] = value, weight / 10
    repeated = sorted(value for value, weight in cells for _ in range(weight))
    quantiles = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
    found = spread(plane, Cover(weights, WCS), quantiles)
    assert found.mean == pytest.approx(np.mean(repeated), rel=1e-6, abs=1e-6)
    for quantile, value in zip(quantiles, found.quantiles, strict=True):
        place = quantile * len(repeated)
        near = repeated[max(int(np.floor(place - 1e-6)) - 1, 0) : int(np.ceil(place + 1e-6)) + 1]
        assert near[0] <= value <= near[-1]


def test_a_line_or_point_covers_the_cells_it_touches():
    cover = covered_by(shapely.Point(10, 10), WCS)
    assert (cover.count, cover.weights.max()) == (1, 1.0)
    assert covered_by(shapely.LineString([(5, 5), (100, 5)]), WCS).count == 3


def test_nothing_is_covered_beside_the_image():
    cover = covered_by(shapely.box(2000, 2000, 2100, 2100), WCS)
    assert (cover.count, cover.area) == (0, 0.0)
    assert spread(np.ones((64, 64)), cover, (0.5,)).mean is None


def test_cells_without_a_value_are_left_out():
    plane = np.array([[np.nan, 2.0], [4.0, np.inf]])
    found = spread(plane, Cover(np.ones((2, 2)), WCS), (0.0, 1.0))
    assert (found.mean, found.quantiles) == (3.0, (2.0, 4.0))
