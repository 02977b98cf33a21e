"""The eight parameters that need only values: closed forms, scipy, numpy's histograms."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from images.domain.parameters import parameters
from images.domain.settings import PARAMETERS, named

REFERENCE = named("reference-1", 193)
BY_NAME = {name: index for index, name in enumerate(PARAMETERS)}
R, C = np.indices((64, 64))
CONSTANT = np.full((64, 64), 100)
DISK = np.where((R - 31.5) ** 2 + (C - 31.5) ** 2 <= 256, 200, 50)
SPIKE = 255 * ((R == 32) & (C == 32))
# Entropy, mean, standard deviation, skewness, kurtosis, uniformity, relative smoothness, Tamura contrast.
ANALYTIC = [
    (CONSTANT, (0, 100, 0, 0, 0, 1, 0, 0)),
    (4 * C, (6, 126, 73.900834, 0, -1.200587, 0.015625, 0.999817, 0)),
    (2 * (R + C), (6.720928, 126, 52.255781, 0, -0.599560, 0.01041794, 0.999634, 0)),
    (255 * ((R + C) % 2), (1, 127.5, 127.515567, 0, -2.000977, 0.5, 0.999939, 0)),
    ((64 * R + C) // 16, (8, 127.5, 73.909293, 0, -1.200037, 0.00390625, 0.999817, 0)),
    (SPIKE, (0.003282, 0.062256, 3.984375, 64, 4096, 0.99951184, 0.940742, 1.984406)),
    (DISK, (0.718399, 79.736328, 59.808639, 1.514356, 0.293417, 0.68211555, 0.999721, 4860.226854)),
    (
        (R**2 + 3 * C**2 + R * C) % 256,
        (7.405290, 126.375, 73.928639, 0.010523, -1.203459, 0.00594902, 0.999817, 0),
    ),
    (
        (7 * R**2 + 3 * R * C + 5 * C) // 8 % 256,
        (7.954069, 121.4375, 73.992324, 0.105081, -1.197828, 0.00415337, 0.999817, 0),
    ),
]
STATISTICS = [0, 1, 2, 4, 5, 6, 7, 8]


def of(cell, knobs=REFERENCE):
    return parameters(cell, knobs)[0, 0].astype(float)


@pytest.mark.parametrize(("cell", "expected"), ANALYTIC)
def test_analytic_cells(cell, expected):
    assert of(cell.astype(np.uint8))[STATISTICS] == pytest.approx(expected, rel=1e-6, abs=6e-7)


@pytest.mark.parametrize(
    ("cell", "entropy", "uniformity"),
    [(4 * C, 3.579434, 0.083984), ((64 * R + C) // 16, 3.584612, 0.083374)],
)
def test_twelve_bins(cell, entropy, uniformity):
    found = of(cell.astype(np.uint8), replace(REFERENCE, bins=12))
    assert found[[0, 6]] == pytest.approx([entropy, uniformity], abs=6e-7)


def by_scipy(cell):
    x = cell.astype(float).ravel()
    return [
        x.mean(),
        x.std(ddof=1),
        scipy.stats.skew(x, bias=False),
        scipy.stats.kurtosis(x, bias=False, fisher=True),
    ]


def test_real_cells_agree_with_scipy(real_cells):
    varied = [cell for cell in real_cells if cell.min() < cell.max()]
    assert len(varied) > 40
    for cell in varied:
        assert of(cell)[[1, 2, 4, 5]] == pytest.approx(by_scipy(cell), rel=1e-6, abs=1e-6)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.floats(0.5, 80), st.floats(0, 255))
def test_random_levels_agree_with_scipy(seed, spread, middle):
    drawn = np.random.default_rng(seed).normal(middle, spread, (64, 64))
    cell = np.clip(np.rint(drawn), 0, 255).astype(np.uint8)
    assume(cell.std() > 0)
    assert of(cell)[[1, 2, 4, 5]] == pytest.approx(by_scipy(cell), rel=1e-6, abs=1e-6)


LEVELS = arrays(np.uint8, (64, 64), elements=st.integers(0, 255), fill=st.integers(0, 255))


@settings(max_examples=60)
@given(LEVELS, st.integers(1, 300), st.integers(0, 60), st.integers(61, 300))
def test_histograms_are_those_of_numpy_for_any_bins_and_range(cell, bins, lowest, highest):
    knobs = replace(REFERENCE, bins=bins, lowest=float(lowest), highest=float(highest))
    width = highest - lowest
    # Whole numbers: the bin of a level is a division without rounding, the top has the last one.
    inside = cell[(cell >= lowest) & (cell <= highest)].astype(int)
    counts = np.bincount(np.minimum((inside - lowest) * bins // width, bins - 1), minlength=bins)
    p = counts[counts > 0] / 4096
    expected = [-(p * np.log2(p)).sum() if p.size else 0, (p**2).sum()]
    assert of(cell, knobs)[[0, 6]] == pytest.approx(expected, rel=1e-6, abs=1e-7)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 100))
def test_what_more_light_and_shuffling_change(seed, more):
    draw = np.random.default_rng(seed)
    cell = draw.integers(0, 150, (64, 64)).astype(np.uint8)
    shuffled = draw.permutation(cell.ravel()).reshape(64, 64)
    np.testing.assert_array_equal(of(shuffled)[STATISTICS], of(cell)[STATISTICS])
    before, after = of(cell), of((cell + more).astype(np.uint8))
    assert after[1] == pytest.approx(before[1] + more)
    others = [index for index in STATISTICS if index != 1]
    assert after[others] == pytest.approx(before[others], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("level", [0, 3, 255])
def test_a_constant_cell_of_any_level_varies_by_exactly_nothing(level):
    found = of(np.full((64, 64), level, dtype=np.uint8))
    assert found[1] == level
    assert found[[0, 2, 4, 5, 7, 8]].tolist() == [0] * 6


def test_contrast_is_that_of_the_excess_kurtosis_and_0_below():
    flat = of((4 * C).astype(np.uint8))
    assert flat[BY_NAME["kurtosis"]] < 0
    assert flat[BY_NAME["tamura_contrast"]] == 0
    peaked = of(SPIKE.astype(np.uint8))
    deviation, kurtosis = peaked[BY_NAME["standard_deviation"]], peaked[BY_NAME["kurtosis"]]
    assert peaked[BY_NAME["tamura_contrast"]] == pytest.approx(deviation**2 / kurtosis**0.25, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "constant", "no_contrast"),
    [("193 of 2022", 858, 0.46), ("304 of 2024", 1077, 0.33), ("304 of 2021", 1260, 0.27)],
)
def test_shares_counted_on_real_images(picture_of, name, constant, no_contrast):
    found = parameters(picture_of(name).pixels, REFERENCE)
    assert np.count_nonzero(found[..., BY_NAME["standard_deviation"]] == 0) == constant
    negative = found[..., BY_NAME["kurtosis"]] < 0
    assert negative.mean() == pytest.approx(no_contrast, abs=0.005)
    assert not found[..., BY_NAME["tamura_contrast"]][negative].any()
