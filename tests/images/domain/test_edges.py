"""The fractal dimension against recorded values and against its rule written out once more, slowly."""

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from images.domain.cells import FULL, centre_of
from images.domain.edges import BOXES, box_counts, dimension, marked
from images.domain.header import facts_of
from images.domain.parameters import parameters
from images.domain.settings import named

REFERENCE = named("reference-1", 193)
LOWER = named("jp2-1", 193)
R, C = np.indices((64, 64))
PARABOLAS = (R**2 + 3 * C**2 + R * C) % 256
STRIPES = (7 * R**2 + 3 * R * C + 5 * C) // 8 % 256
DISK = np.where((R - 31.5) ** 2 + (C - 31.5) ** 2 <= 256, 200, 50)
STEP = np.where(C < 32, 0, np.where(C == 32, 128, 255))
SPIKE = 255 * ((R == 32) & (C == 32))


@pytest.mark.parametrize(
    ("cell", "counts", "expected"),
    [
        (np.full((64, 64), 100), (4, 4, 4, 4), 0),
        (SPIKE, (0, 0, 0, 0), 0),
        (DISK, (8, 16, 32, 64), 1),
        (PARABOLAS, (6, 8, 14, 26), 0.715379),
        (STRIPES, (10, 20, 52, 115), 1.194920),
        (STEP, (6, 10, 16, 28), 0.734525),
        (STEP.T, (6, 10, 16, 30), 0.764386),
    ],
)
def test_recorded_cells(cell, counts, expected):
    marks = marked(cell, REFERENCE)
    assert box_counts(marks) == counts
    assert dimension(marks) == pytest.approx(expected, abs=1e-6)
    assert parameters(cell.astype(np.uint8), REFERENCE)[0, 0, 3] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("grey", "corners"), [(35, 0), (36, 4), (100, 4), (255, 4)])
def test_bright_constant_cells_have_four_false_marks_and_no_dimension(grey, corners):
    marks = marked(np.full((64, 64), grey), REFERENCE)
    assert np.argwhere(marks).tolist() == [[7, 7], [7, 56], [56, 7], [56, 56]][:corners]
    assert dimension(marks) == 0
    assert not marked(np.full((64, 64), grey), replace(REFERENCE, canny_border="mirror")).any()


def test_equal_counts_have_a_dimension_of_exactly_0():
    assert parameters(np.full((64, 64), 100, dtype=np.uint8), REFERENCE)[0, 0, 3] == 0


@pytest.mark.parametrize(
    ("marks", "counts", "expected"),
    [
        (np.ones((64, 64), dtype=bool), (16, 64, 256, 1024), 2),
        (R == 20, (4, 8, 16, 32), 1),
        (R == C, (4, 8, 16, 32), 1),
        ((R == 5) & (C == 40), (1, 1, 1, 1), 0),
        (np.zeros((64, 64), dtype=bool), (0, 0, 0, 0), 0),
    ],
)
def test_box_counting_alone(marks, counts, expected):
    assert BOXES == (16, 8, 4, 2)
    assert box_counts(marks) == counts
    assert dimension(marks) == pytest.approx(expected, abs=1e-12)


def test_four_boxes_of_8_for_points_on_the_diagonal():
    marks = np.zeros((64, 64), dtype=bool)
    for place in (9, 10, 11, 17, 18, 26, 27, 28, 60, 61, 62):
        marks[place, place] = True
    assert box_counts(marks)[BOXES.index(8)] == 4


@given(st.lists(st.tuples(st.integers(0, 63), st.integers(0, 63)), max_size=30))
def test_boxes_against_sets_of_boxes(points):
    marks = np.zeros((64, 64), dtype=bool)
    for y, x in points:
        marks[y, x] = True
    expected = tuple(len({(y // size, x // size) for y, x in points}) for size in BOXES)
    assert box_counts(marks) == expected
    slope = abs(np.polyfit(np.log(BOXES), np.log(expected), 1)[0]) if points else 0
    assert dimension(marks) == pytest.approx(slope, abs=1e-9)


# ---- the rule once more, pixel by pixel where it branches; nothing here is shared with images.domain


def slow_taps(sigma, width):
    def gauss(t):
        return math.exp(-(t**2) / (2 * sigma**2))

    smooth, derive = [], []
    for k in range(width):
        if k >= 2 and gauss(k) <= 0.005:
            break
        smooth.append((gauss(k) + gauss(k - 0.5) + gauss(k + 0.5)) / 3 / (2 * math.pi * sigma**2))
        derive.append(gauss(k + 0.5) - gauss(k - 0.5))
    return smooth, derive


def slow_gradient(cell, knobs):
    smooth, derive = slow_taps(knobs.canny_sigma, knobs.canny_width)
    w = len(smooth)
    inner = slice(w - 1, 64 - w + 1)
    both = np.concatenate([smooth[:0:-1], smooth])
    a = scipy.ndimage.correlate1d(cell.astype(float), both, axis=1, mode="mirror")
    b = scipy.ndimage.correlate1d(cell.astype(float), both, axis=0, mode="mirror")
    if knobs.canny_border == "reference":
        area = np.zeros((64, 64))
        area[inner, inner] = 1
        a, b = a * area, b * area
    gx, gy = np.zeros((64, 64)), np.zeros((64, 64))
    for y in range(w - 1, 64 - w + 1):
        for x in range(w - 1, 64 - w + 1):
            gx[y, x] = sum(derive[k] * (b[y, x - k] - b[y, x + k]) for k in range(1, w))
            if w <= x <= 63 - w:
                gy[y, x] = sum(derive[k] * (a[y - k, x] - a[y + k, x]) for k in range(1, w))
    return gx, gy, w


SIDES = {  # (gx * gy > 0, |gx| < |gy|): (diagonal, axis) of the first side and of the second, as (dy, dx)
    (False, False): (((-1, 1), (0, 1)), ((1, -1), (0, -1))),
    (False, True): (((-1, 1), (-1, 0)), ((1, -1), (1, 0))),
    (True, False): (((1, 1), (0, 1)), ((-1, -1), (0, -1))),
    (True, True): (((1, 1), (1, 0)), ((-1, -1), (-1, 0))),
}


def slow_strengths(gx, gy, w):
    """The strengths, and whether rounding alone decides about any of them: sums in another order differ."""
    size = np.hypot(gx, gy)
    strengths, is_close = np.zeros((64, 64), dtype=int), False
    for y in range(w, 64 - w):
        for x in range(w, 64 - w):
            large, small = max(abs(gx[y, x]), abs(gy[y, x])), min(abs(gx[y, x]), abs(gy[y, x]))
            case = SIDES[bool(gx[y, x] * gy[y, x] > 0), bool(abs(gx[y, x]) < abs(gy[y, x]))]
            first, second = (
                small * size[y + dy, x + dx] + (large - small) * size[y + ay, x + ax]
                for (dy, dx), (ay, ax) in case
            )
            here = large * size[y, x]
            if size[y, x] > 0.1:  # below all thresholds
                is_close |= min(abs(here - first), abs(here - second)) < 1e-9 * here
                is_close |= abs(100 * size[y, x] - round(100 * size[y, x])) < 1e-9
            if here >= first and here > second:
                strengths[y, x] = 100_000 if size[y, x] >= 1000 else int(100 * size[y, x])
    return strengths, is_close


def slow_marks(cell, knobs):
    """The marks, and whether rounding alone decides about any of them."""
    strengths, is_close = slow_strengths(*slow_gradient(cell, knobs))
    low, high = round(100 * knobs.canny_low), round(100 * knobs.canny_high)
    marks = np.zeros((64, 64), dtype=bool)
    order = [(dy, dx) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dy or dx]
    for start in zip(*np.nonzero(strengths >= high), strict=True):
        here = None if marks[start] else start
        while here is not None:
            marks[here] = True
            around = [(here[0] + dy, here[1] + dx) for dy, dx in order]
            here = next((p for p in around if not marks[p] and strengths[p] >= low), None)
    return marks, is_close


@pytest.mark.parametrize("knobs", [REFERENCE, LOWER, replace(LOWER, canny_border="mirror")])
def test_real_cells_pixel_by_pixel(real_cells, knobs):
    found = 0
    for cell in real_cells[::3]:
        marks, _ = slow_marks(cell, knobs)
        np.testing.assert_array_equal(marked(cell, knobs), marks)
        assert parameters(cell, knobs)[0, 0, 3] == pytest.approx(dimension(marks), rel=1e-6)
        found += marks.sum()
    assert found > 100


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.sampled_from((0.8, 2.0, 3.1)),
    st.sampled_from((3, 8, 16)),
    st.floats(0.2, 6),
    st.sampled_from(("reference", "mirror")),
)
def test_random_cells_pixel_by_pixel(seed, sigma, width, low, border):
    draw = np.random.default_rng(seed)
    rough = scipy.ndimage.gaussian_filter(draw.normal(0, 1, (64, 64)), draw.uniform(0.5, 4))
    cell = np.clip(128 + draw.uniform(100, 900) * rough, 0, 255).astype(np.uint8)
    knobs = replace(
        REFERENCE,
        canny_sigma=sigma, canny_width=width, canny_low=low, canny_high=3 * low, canny_border=border,
    )  # fmt: skip
    marks, is_close = slow_marks(cell, knobs)
    assume(not is_close)
    np.testing.assert_array_equal(marked(cell, knobs), marks)


def test_strong_edges_are_all_alike():
    """Strengths are cut at 1000: a threshold below it finds an edge of any height, one above none."""
    steep = STEP * 1e4
    assert marked(steep, replace(REFERENCE, canny_low=1000.0, canny_high=1000.0)).any()
    assert not marked(steep, replace(REFERENCE, canny_low=1000.0, canny_high=1000.01)).any()


@pytest.mark.parametrize(
    ("name", "without"), [("193 of 2022", 0.97), ("304 of 2024", 0.33), ("304 of 2021", 0.14)]
)
def test_the_lower_thresholds_leave_hardly_a_cell_of_the_disk_without_edges(picture_of, name, without):
    wave = int(name[:3])
    disk = np.hypot(R - 31.5, C - 31.5) < 24
    ours = parameters(picture_of(name).pixels, named("jp2-1", wave))[disk, 3]
    reference = parameters(picture_of(name).pixels, named("reference-1", wave))[disk, 3]
    assert (ours == 0).mean() < 0.005
    assert (reference == 0).mean() == pytest.approx(without, abs=0.01)


@pytest.mark.parametrize(
    ("name", "wave", "share"),
    [("193 of 2022", 193, 0.97), ("304 of 2021", 304, 0.14), ("304 of 2024", 304, 0.33)],
)
def test_how_often_the_settings_find_no_edge_on_the_disk(picture_of, name, wave, share):
    """What docs/parameters.md says of both sets."""
    picture = picture_of(name)
    wcs = facts_of(picture.header, *picture.pixels.shape).wcs
    x, y = centre_of(*np.indices(FULL))
    on_disk = np.hypot(x - wcs.centre[0], y - wcs.centre[1]) <= 0.95 * wcs.radius
    zeros = [
        (parameters(picture.pixels, named(label, wave))[..., 3][on_disk] == 0).mean()
        for label in ("reference-1", "jp2-1")
    ]
    assert zeros[0] == pytest.approx(share, abs=0.01)
    assert zeros[1] < 0.005
