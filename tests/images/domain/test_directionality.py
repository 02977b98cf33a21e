"""Directionality against recorded values and against its rule written out once more, with numpy."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from images.domain.directionality import histogram_of, peaks_of
from images.domain.parameters import parameters
from images.domain.settings import named

REFERENCE = named("reference-1", 193)
R, C = np.indices((64, 64))
DISK = np.where((R - 31.5) ** 2 + (C - 31.5) ** 2 <= 256, 200, 50)
SPIKE = 255 * ((R == 32) & (C == 32))


def of(cell, knobs=REFERENCE):
    return float(parameters(cell, knobs)[0, 0, 9])


@pytest.mark.parametrize(
    ("cell", "peaks", "total", "expected"),
    [
        (np.full((64, 64), 100), 1, 40, 0),
        (SPIKE, 5, None, 0),
        (DISK, 13, None, 0),
        ((R**2 + 3 * C**2 + R * C) % 256, 37, 1518, 0.048143),
        ((7 * R**2 + 3 * R * C + 5 * C) // 8 % 256, 31, 1787, 0.037585),
    ],
)
def test_recorded_cells(cell, peaks, total, expected):
    histogram = histogram_of(cell.astype(np.uint8), REFERENCE)
    assert len(peaks_of(histogram, REFERENCE)) == peaks
    assert total is None or histogram.sum() == total
    assert of(cell.astype(np.uint8)) == pytest.approx(expected, abs=1e-6)


def test_the_spike_has_its_peaks_at_the_eight_directions():
    assert peaks_of(histogram_of(SPIKE.astype(np.uint8), REFERENCE), REFERENCE) == (0, 31, 62, 93, 124)


@pytest.mark.parametrize(
    ("cell", "place"), [(4 * C, 124), (4 * (63 - C), 124), (4 * (63 - R), 62), (2 * (C - R) + 126, 31)]
)
def test_straight_slopes_point_one_way(cell, place):
    """Brighter to the right and to the left are both pi, upwards pi/2, upwards and to the right pi/4."""
    histogram = histogram_of(cell.astype(np.uint8), REFERENCE)
    assert histogram[place] == 62 * 62
    assert histogram.sum() == 62 * 62 + (64 * 64 - 62 * 62) // 100
    assert of(cell.astype(np.uint8)) == 0


def test_what_gets_brighter_downwards_is_not_counted():
    histogram = histogram_of((4 * R).astype(np.uint8), REFERENCE)
    assert histogram.tolist() == [2] + [0] * 124


@pytest.mark.parametrize(
    ("width", "most", "expected"),
    [(0, 0, (0, 5, 7)), (1, 0, (0, 5, 7)), (2, 0, (0, 5)), (0, 1, (5,)), (0, 2, (5, 7)), (0, 9, (0, 5, 7))],
)
def test_peaks(width, most, expected):
    """The plateau of 3 is no peak; the last bin is one."""
    knobs = replace(REFERENCE, peak_percentile=0.0, peak_width=width, peaks_at_most=most)
    assert peaks_of(np.array([1, 0, 3, 3, 0, 5, 1, 4]), knobs) == expected


def test_of_equal_peaks_the_first_one_drops_the_other():
    knobs = replace(REFERENCE, peak_percentile=0.0, peak_width=2)
    assert peaks_of(np.array([0, 7, 0, 7, 0, 7, 0]), knobs) == (1, 5)
    assert peaks_of(np.array([0, 7, 0, 7, 0, 7, 0]), replace(knobs, peak_width=0, peaks_at_most=2)) == (1, 3)


def test_peaks_below_the_percentile_are_dropped():
    bars = np.array([0, 9, 0, 4, 0, 6, 0, 1, 0])
    for percentile in (0, 25, 55, 60, 75, 90, 100):
        knobs = replace(REFERENCE, peak_percentile=float(percentile))
        least = int(np.percentile(bars, percentile))
        assert peaks_of(bars, knobs) == tuple(i for i in (1, 3, 5, 7) if bars[i] >= least)


# ---- the rule once more; nothing here is shared with images.domain


def slow_histogram(cell, bins, weights):
    """Steps 1 to 5 for whole numbers; comparisons of roots as exact comparisons of squares."""
    cell = cell.astype(np.int64)
    gx = scipy.ndimage.correlate(cell, np.outer(weights, (-1, 0, 1)))
    gy = scipy.ndimage.correlate(cell, np.outer((1, 0, -1), weights))
    border = np.ones((64, 64), dtype=bool)
    border[1:-1, 1:-1] = False
    gx[border], gy[border] = 0, 0
    squares = gx**2 + gy**2
    least = Fraction(15, 100) ** 2 * int(squares.max())
    angle = np.arctan2(gy, gx)
    angle[(gx > 0) & (gy == 0)] = np.pi
    angle[np.array([int(s) < least for s in squares.ravel()]).reshape(64, 64) | (squares == 0)] = 0
    counts = np.histogram(angle, bins=bins, range=(0, np.pi))[0]
    counts[0] //= 100
    return counts


def slow_peaks(bars, percentile, width, most):
    padded = [bars[0] - 0.1, *bars, bars[-1] - 0.1]
    peaks = [i for i in range(len(bars)) if padded[i + 1] > padded[i] and padded[i + 1] > padded[i + 2]]
    peaks = [i for i in peaks if bars[i] >= int(np.percentile(bars, percentile))]
    kept = []
    for i in sorted(peaks, key=lambda i: (-bars[i], i)):
        if all(abs(i - other) > width for other in kept):
            kept.append(i)
    return sorted(kept[: most or None])


def slow_spread(bars, peaks):
    if not peaks:
        return 0.0
    edges = np.arange(len(bars)) * np.pi / len(bars)
    bounds = [0, *((a + b) // 2 for a, b in pairwise(peaks)), len(bars)]
    moments = (
        ((edges[low:high] - edges[peak]) ** 2 * bars[low:high]).sum()
        for peak, low, high in zip(peaks, bounds, bounds[1:], strict=False)
    )
    return len(peaks) * sum(moments) / bars.sum()


@pytest.mark.parametrize(("gradient", "weights"), [("prewitt", (1, 1, 1)), ("sobel", (1, 2, 1))])
def test_real_cells(real_cells, gradient, weights):
    knobs = replace(REFERENCE, gradient=gradient)
    for cell in real_cells:
        bars = slow_histogram(cell, 125, weights)
        np.testing.assert_array_equal(histogram_of(cell, knobs), bars)
        expected = slow_spread(bars, slow_peaks(bars, 25, 1, 0))
        assert of(cell, knobs) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=50)
@given(
    st.integers(0, 2**32),
    st.sampled_from((7, 61, 125, 197, 301)),
    st.sampled_from((0.0, 25.0, 60.0, 100.0)),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_random_cells_with_any_knobs(seed, bins, percentile, width, most):
    draw = np.random.default_rng(seed)
    cell = draw.integers(0, draw.integers(2, 256), (64, 64)).astype(np.uint8)
    knobs = replace(
        REFERENCE, direction_bins=bins, peak_percentile=percentile, peak_width=width, peaks_at_most=most
    )
    bars = slow_histogram(cell, bins, (1, 1, 1))
    np.testing.assert_array_equal(histogram_of(cell, knobs), bars)
    peaks = slow_peaks(bars, percentile, width, most)
    assert peaks_of(bars, knobs) == tuple(peaks)
    assert of(cell, knobs) == pytest.approx(slow_spread(bars, peaks), rel=1e-6)


@pytest.mark.parametrize("name", ["193 of 2022", "304 of 2024", "304 of 2021"])
def test_every_sixth_cell_of_real_images(picture_of, name):
    """Measured elsewhere on 100 cells of each: median 0.03 to 0.04."""
    found = parameters(picture_of(name).pixels, REFERENCE)[::6, ::6, 9]
    assert 0.025 < np.median(found) < 0.04
    assert 0.06 < found.max() < 0.25
