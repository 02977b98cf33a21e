"""Grey levels of intensities: the ends, the middle, the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.domain.scaling import grey_levels
from images.domain.slots import WAVES

ENDS = {
    94: (0.1, 30), 131: (0.7, 500), 171: (6, 1605), 193: (20, 2500), 211: (7, 1500), 304: (0.8, 250),
    335: (0.4, 80), 1600: (20, 400), 1700: (220, 5000),
}  # fmt: skip


@pytest.mark.parametrize("wave", WAVES)
def test_the_ends_of_the_range_and_what_lies_beyond(wave):
    low, high = ENDS[wave]
    counts = np.array([low, high, 0, -5, 1e9, np.nan, np.inf])
    assert grey_levels(counts, 1.0, wave).tolist() == [0, 255, 0, 0, 255, 0, 255]


@pytest.mark.parametrize(
    ("wave", "intensity", "share"),
    [
        (193, (20 * 2500) ** 0.5, 0.5),  # half of a logarithmic range is its geometric mean
        (304, 0.8 * (250 / 0.8) ** 0.25, 0.25),
        (171, 5 + 20.5**2, 0.5),  # the root above 5 goes from 1 to 40
        (1700, ((220**0.5 + 5000**0.5) / 2) ** 2, 0.5),
    ],
)
def test_between_the_ends(wave, intensity, share):
    assert grey_levels(np.array([intensity]), 1.0, wave)[0] == pytest.approx(256 * share, abs=1)


@given(st.sampled_from(WAVES), st.lists(st.floats(-10, 1e5), min_size=2, max_size=20), st.floats(0.01, 30))
def test_brighter_is_never_darker_and_exposure_divides(wave, counts, exposure):
    rising = np.sort(np.array(counts))
    found = grey_levels(rising, exposure, wave)
    assert (np.diff(found.astype(int)) >= 0).all()
    np.testing.assert_array_equal(found, grey_levels(rising / exposure, 1.0, wave))


def test_what_cannot_be_scaled():
    with pytest.raises(KeyError):
        grey_levels(np.ones(2), 1.0, 4500)
    for exposure in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="exposure"):
            grey_levels(np.ones(2), exposure, 171)
