"""All ten together: shapes, orientation, holes, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from images.domain.parameters import WrongShapeError, parameters
from images.domain.settings import PARAMETERS, named

REFERENCE = named("reference-1", 193)


def noise(rows, columns, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns)).astype(np.uint8)


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
def test_every_cell_is_computed_alone(down, across, seed):
    image = noise(64 * down, 64 * across, seed)
    found = parameters(image, REFERENCE)
    assert found.shape == (down, across, len(PARAMETERS))
    assert found.dtype == np.float32
    for r in range(down):
        for c in range(across):
            alone = parameters(image[64 * r : 64 * r + 64, 64 * c : 64 * c + 64], REFERENCE)
            np.testing.assert_array_equal(found[r, c], alone[0, 0])


def test_a_grid_painted_with_its_indices_comes_back_at_row_and_column():
    for index in np.indices((64, 64)).astype(np.uint8):
        painted = np.repeat(np.repeat(index, 64, axis=0), 64, axis=1)
        np.testing.assert_array_equal(parameters(painted, REFERENCE)[..., 1], index)


def test_the_image_is_only_read(picture_of):
    image = noise(128, 64)
    frozen = image.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(parameters(frozen, REFERENCE), parameters(image, REFERENCE))
    np.testing.assert_array_equal(frozen, image)


def test_the_order_in_memory_does_not_matter():
    image = noise(128, 192)
    expected = parameters(image, REFERENCE)
    np.testing.assert_array_equal(parameters(np.asfortranarray(image), REFERENCE), expected)
    np.testing.assert_array_equal(parameters(np.repeat(image, 2, axis=1)[:, ::2], REFERENCE), expected)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 127), st.integers(0, 191)), max_size=6))
def test_a_cell_with_a_hole_is_not_a_number_and_no_other(holes):
    image = noise(128, 192)
    marks = np.zeros(image.shape, dtype=bool)
    for y, x in holes:
        marks[y, x] = True
    expected = parameters(image, REFERENCE)
    for y, x in holes:
        expected[y // 64, x // 64] = np.nan
    np.testing.assert_array_equal(parameters(image, REFERENCE, marks), expected)


def test_whole_numbers_without_holes_are_never_nan(picture_of):
    assert np.isfinite(parameters(picture_of("193 of 2022").pixels, named("jp2-1", 193))).all()


@pytest.mark.parametrize("shape", [(410, 410), (64, 65), (0, 64), (0, 0), (63, 64)])
def test_sizes_without_whole_cells_are_refused(shape):
    with pytest.raises(WrongShapeError, match=f"{shape[0]} x {shape[1]}"):
        parameters(np.zeros(shape, dtype=np.uint8), REFERENCE)


def test_other_dimensions_and_kinds_are_refused():
    with pytest.raises(WrongShapeError, match="two dimensions"):
        parameters(np.zeros((64, 64, 3), dtype=np.uint8), REFERENCE)
    with pytest.raises(WrongShapeError, match="misses"):
        parameters(noise(64, 64), REFERENCE, np.zeros((64, 128), dtype=bool))
    for kind in (np.int64, np.float32):
        with pytest.raises(TypeError, match=kind.__name__):
            parameters(np.zeros((64, 64), dtype=kind), REFERENCE)
