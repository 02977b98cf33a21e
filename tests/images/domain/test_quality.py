"""QUALITY's bits, and our flags on real images and on what is made of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.domain import statistics
from images.domain.header import facts_of
from images.domain.quality import (
    BITS,
    TOLERATED,
    Flag,
    flags_of,
    is_tolerable,
    marker_turn,
    names_of,
    quarter_turn,
    seen,
)
from images.domain.settings import named

REFERENCE = named("reference-1", 193)
NAMES = ("193 of 2022", "304 of 2024", "304 of 2021")
MARKED = ("193 of 2022", "304 of 2021")


def measured(pixels):
    """The parameters but for the two slow ones, which play no part in flags."""
    values = np.zeros((64, 64, 10))
    statistics.fill(np.ascontiguousarray(pixels), REFERENCE, values)
    return values.astype(np.float32)


def facts(picture):
    return facts_of(picture.header, *picture.pixels.shape)


def with_header(found, **changes):
    plate = {key: changes.pop(key) for key in list(changes) if key == "quality"}
    return replace(found, plate=replace(found.plate, **plate), **changes)


@given(st.integers(0, 2**32 - 1))
def test_bits_have_their_names(quality):
    names = names_of(quality)
    assert len(names) == bin(quality).count("1")
    for bit, name in BITS.items():
        assert (name in names) == bool(quality & 1 << bit)


@given(st.sets(st.integers(0, 31)))
def test_tolerable_is_what_has_tolerated_bits_only(bits):
    assert is_tolerable(sum(1 << bit for bit in bits)) == (bits <= TOLERATED)


def test_every_jp2_is_a_quicklook_image_and_tolerable():
    assert names_of(1073741824) == ("quicklook image",)
    assert is_tolerable(1073741824)
    assert is_tolerable(0)
    assert names_of(1 << 5) == ("bit 5",)
    assert names_of(1 << 31 | 1 << 16) == ("dark image", "image missing")


@pytest.mark.parametrize("name", NAMES)
def test_real_images_have_no_flag_but_the_marker(picture_of, name):
    picture = picture_of(name)
    values = measured(picture.pixels)
    expected = Flag.MARKED if name in MARKED else Flag(0)
    assert flags_of(picture.pixels, values, facts(picture)) == expected
    before = seen(np.roll(picture.pixels, 2, axis=1), values)
    assert flags_of(picture.pixels, values, facts(picture), before) == expected


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_rotated_copy_is_flagged_by_the_image_before_it(picture_of, name, turns):
    picture = picture_of(name)
    upright = measured(picture.pixels)
    # Six minutes later: the Sun has hardly turned, the noise is another.
    noise = np.tile(np.random.default_rng(1).integers(0, 9, (64, 64)).astype(np.uint8), (64, 64))
    turned = np.rot90(np.roll(picture.pixels, 1, axis=1) // 2 + noise, turns)
    values = measured(turned)
    assert quarter_turn(values[..., 1], upright[..., 1]) == turns
    flags = flags_of(turned, values, facts(picture), seen(picture.pixels, upright))
    assert Flag.ROTATED in flags
    assert Flag.DUPLICATE not in flags


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("name", MARKED)
def test_a_rotated_copy_is_flagged_by_its_marker_alone(picture_of, name, turns):
    picture = picture_of(name)
    turned = np.rot90(picture.pixels, turns)
    assert marker_turn(turned) == turns
    flags = flags_of(turned, measured(turned), facts(picture))
    assert flags == (Flag.MARKED | Flag.ROTATED if turns else Flag.MARKED)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("name", MARKED)
def test_the_marker_decides_before_the_image_before(picture_of, name, turns):
    """A turned image that nobody told speaks against the upright ones after it; their marker does not lie."""
    picture = picture_of(name)
    turned = np.rot90(picture.pixels, turns)
    before = seen(turned, measured(np.rot90(np.roll(picture.pixels, 2, axis=1), 1)))
    flags = flags_of(turned, measured(turned), facts(picture), before._replace(fingerprint=""))
    assert flags == (Flag.MARKED | Flag.ROTATED if turns else Flag.MARKED)


def test_without_marker_and_neighbour_the_header_decides(picture_of):
    picture = picture_of("304 of 2024")
    values = measured(picture.pixels)
    found = facts(picture)
    a, b, c, d = found.wcs.cd
    on_its_side = replace(found, wcs=replace(found.wcs, cd=(b, -a, d, c)))
    assert marker_turn(picture.pixels) is None
    assert flags_of(picture.pixels, values, found) == Flag(0)
    assert flags_of(picture.pixels, values, on_its_side) == Flag.ROTATED


def test_unlike_images_do_not_decide(picture_of):
    means = {name: measured(picture_of(name).pixels)[..., 1] for name in NAMES}
    for one in NAMES:
        for other in NAMES:
            assert quarter_turn(means[one], means[other]) == (0 if one == other else None)
    assert quarter_turn(means[NAMES[0]], np.ones((64, 64), dtype=np.float32)) is None
    assert quarter_turn(means[NAMES[0]], np.ones((32, 32), dtype=np.float32)) is None


def test_an_image_that_comes_twice_is_a_duplicate(picture_of):
    picture = picture_of("304 of 2024")
    values = measured(picture.pixels)
    again = seen(picture.pixels.copy(), values)
    assert flags_of(picture.pixels, values, facts(picture), again) == Flag.DUPLICATE
    other = picture.pixels.copy()
    other[2000, 2000] ^= 1
    assert flags_of(other, values, facts(picture), again) == Flag(0)


def test_dark_images(picture_of):
    picture = picture_of("304 of 2024")
    found, values = facts(picture), measured(picture.pixels)
    assert flags_of(picture.pixels, values, replace(found, image_type="DARK")) == Flag.DARK
    assert flags_of(picture.pixels, values, with_header(found, quality=1 << 16)) == Flag.DARK
    noise = np.random.default_rng(2).integers(0, 3, picture.pixels.shape).astype(np.uint8)
    assert flags_of(noise, measured(noise), found) == Flag.DARK


def test_incomplete_images(picture_of):
    picture = picture_of("304 of 2024")
    found, values = facts(picture), measured(picture.pixels)
    for bit in (9, 10, 11, 31):
        flagged = with_header(found, quality=1 << 30 | 1 << bit)
        assert flags_of(picture.pixels, values, flagged) == Flag.INCOMPLETE
    assert flags_of(picture.pixels, values, with_header(found, quality=1 << 8)) == Flag(0)
    assert flags_of(picture.pixels, values, replace(found, missing_share=0.011)) == Flag.INCOMPLETE
    assert flags_of(picture.pixels, values, replace(found, missing_share=0.009)) == Flag(0)


@pytest.mark.parametrize("level", [0, 127])
def test_a_lost_band_is_seen_in_the_pixels(picture_of, level):
    picture = picture_of("304 of 2024")
    torn = picture.pixels.copy()
    torn[2048:2048 + 3 * 64] = level  # fmt: skip
    assert flags_of(torn, measured(torn), facts(picture)) == Flag.INCOMPLETE


def test_cells_without_values_are_lost_too(picture_of):
    picture = picture_of("304 of 2024")
    values = measured(picture.pixels)
    values[30:34, 20:40] = np.nan
    assert flags_of(picture.pixels, values, facts(picture)) == Flag.INCOMPLETE
    values = measured(picture.pixels)
    values[:8] = np.nan  # beside the disk there is nothing to lose
    assert flags_of(picture.pixels, values, facts(picture)) == Flag(0)
