"""Heat maps: the ramp, the layout, and a legend that fits both."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from images.domain.heatmap import RAMP, TOP, legend, levels, picture

PLANES = arrays(
    np.float32, (8, 8), elements=st.floats(-1e4, 1e4, width=32), fill=st.floats(-10, 10, width=32)
)


def test_the_ramp_goes_from_black_over_red_and_yellow_to_white():
    assert RAMP.shape == (TOP + 1, 3)
    assert RAMP[0].tolist() == [0, 0, 0]
    assert RAMP[40].tolist() == [100, 0, 0]
    assert RAMP[102].tolist() == [255, 0, 0]
    assert RAMP[142].tolist() == [255, 100, 0]
    assert RAMP[204].tolist() == [255, 255, 0]
    assert RAMP[214].tolist() == [255, 255, 100]
    assert RAMP[TOP].tolist() == [255, 255, 240]
    brightness = RAMP.astype(int).sum(axis=1)
    assert (np.diff(brightness) > 0).all()


@given(PLANES)
def test_levels_span_the_ramp_and_keep_the_order(plane):
    found = levels(plane)
    assert found.dtype == np.uint8
    if plane.min() == plane.max():
        assert not found.any()
    else:
        assert (found[plane == plane.min()] == 0).all()
        assert (found[plane == plane.max()] == TOP).all()
        order = np.argsort(plane.ravel())
        assert (np.diff(found.ravel()[order].astype(int)) >= 0).all()


def test_cells_without_a_value_are_black_and_do_not_scale():
    plane = np.array([[1.0, np.nan], [np.inf, 3.0]])
    assert levels(plane).tolist() == [[0, 0], [0, TOP]]
    assert not levels(np.full((2, 2), np.nan)).any()


@pytest.mark.parametrize(("size", "side"), [(2048, 32), (512, 8), (256, 4)])
def test_cells_are_flat_squares_in_their_places(size, side):
    plane = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)
    image = picture(plane, size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    found = levels(plane)
    for row, column in ((0, 0), (0, 63), (63, 0), (17, 42)):
        square = image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        assert (square == RAMP[found[row, column]]).all()


@pytest.mark.parametrize("size", [0, 63, 100, 500])
def test_sizes_that_do_not_fit(size):
    with pytest.raises(ValueError, match=f"{size} pixels"):
        picture(np.zeros((64, 64)), size)


@given(PLANES, st.integers(2, 9))
def test_the_legend_has_the_values_of_its_colours(plane, marks):
    found = legend(plane, marks)
    low, high = float(plane.min()), float(plane.max())
    if low == high:
        assert [tuple(mark) for mark in found] == [(low, 0)]
        return
    assert len(found) == marks
    assert (found[0].value, found[0].level) == (low, 0)
    assert (found[-1].value, found[-1].level) == (pytest.approx(high), TOP)
    for mark in found:
        assert mark.level == pytest.approx(TOP * (mark.value - low) / (high - low), abs=0.51)


def test_no_legend_without_values_or_with_one_mark():
    assert legend(np.full((4, 4), np.nan)) == ()
    with pytest.raises(ValueError, match="two marks"):
        legend(np.zeros((4, 4)), 1)
