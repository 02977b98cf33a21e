"""Many times at once, many frames at once, and the coordinate system of a row."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.wcs import WCS

from images import queries
from images.domain.criteria import Match
from images.domain.slots import CADENCE, slot_of, start_of

T = datetime(2012, 2, 13, 20, tzinfo=UTC)
#: Seconds after T at which images were observed.
OBSERVED = (0, 361, 732.35, 1440, 1801, 2160, 2879, 5400)


@pytest.fixture
def images(add):
    for second in OBSERVED:
        add(171, T + timedelta(seconds=second))
    add(94, T + timedelta(seconds=5))


@pytest.mark.parametrize("tolerance", [0, 1, 100, 600, 4000])
def test_nearest_of_many_is_find_of_each(images, tolerance):
    rng = np.random.default_rng(tolerance)
    seconds = [
        *OBSERVED,
        *(a + b for a in OBSERVED for b in (-1, 1)),
        1086.175,
        *rng.uniform(-5000, 9000, 60),
    ]
    times = [T + timedelta(seconds=float(second)) for second in seconds]
    within = timedelta(seconds=tolerance)
    found = queries.nearest(171, times, within)
    expected = [queries.find(171, time, Match.NEAREST, within) for time in times]
    assert [image and image.pk for image in found] == [image and image.pk for image in expected]
    assert any(found) or tolerance == 0


def test_nearest_of_none_is_none(images, django_assert_num_queries):
    assert queries.nearest(171, []) == []
    with django_assert_num_queries(2):
        queries.nearest(171, [T + timedelta(minutes=n) for n in range(100)])


@pytest.mark.parametrize("step", [1, 2, 3, 7])
@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("first", [0, 6, 8, 700])
def test_held_frames_against_every_slot_one_by_one(images, step, most, first):
    start, end = T + timedelta(minutes=first), T + timedelta(hours=1)
    rows = {(slot_of(T + timedelta(seconds=second)), 171) for second in OBSERVED} | {(slot_of(T), 94)}
    first = slot_of(start) + (start_of(slot_of(start)) < start)
    slots = [slot for slot in range(first, slot_of(end), step) if {(slot, 94), (slot, 171)} & rows]
    expected = sorted((slot, wave) for slot, wave in rows if slot in slots[:most])
    found = queries.held((94, 171), start, end, step=step, most=most)
    assert [(frame.slot, frame.wave) for frame in found] == expected


def test_held_frames_carry_what_they_follow_from(images):
    (frame,) = queries.held((94,), T, T + CADENCE, step=1, most=5)
    assert (frame.observed, frame.software) == (T + timedelta(seconds=5), "test 1")
    (settings,) = queries.settings_of([frame])
    assert (settings.pk, settings.wave) == (frame.settings, 94)


@pytest.mark.parametrize(("step", "most", "found"), [(1, None, 8), (1, 3, 3), (2, None, 4), (3, 2, 2)])
def test_observed_in_both_ends_included(images, step, most, found):
    ends = T, T + timedelta(seconds=5400)
    seconds = [
        (image.observed - T).total_seconds()
        for image in queries.observed_in(171, *ends, step=step, most=most)
    ]
    assert seconds == list(OBSERVED[::step][:most])
    assert len(seconds) == found


@pytest.mark.parametrize("step", [1, 2, 5])
def test_observed_in_reads_what_it_gives_and_no_more(images, step, django_assert_num_queries):
    with django_assert_num_queries(1) as asked:
        found = queries.observed_in(171, T, T + timedelta(hours=2), step=step, most=2)
        assert [image.settings.name for image in found] == ["reference"] * 2
    assert "LIMIT 2)" in asked[0]["sql"]


@pytest.mark.parametrize(("before", "found"), [(1440, 3), (1440.000001, 4), (0, 0), (9999, 8)])
def test_observed_in_excludes_the_time_before_which_it_is(images, before, found):
    ends = T, T + timedelta(seconds=5400)
    assert len(queries.observed_in(171, *ends, before=T + timedelta(seconds=before))) == found


@pytest.mark.parametrize("roll", [0.0, 30.0, -179.0])
def test_the_coordinate_system_of_a_row_is_that_of_its_keywords(add, roll):
    image = add(
        171, T, crpix1=2050.5, crpix2=2040.25, cdelt1=0.6, cdelt2=0.59, crval1=3.0, crval2=-4.0, crota2=roll
    )  # fmt: skip
    header = {
        "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec", "CRPIX1": 2050.5,
        "CRPIX2": 2040.25, "CDELT1": 0.6, "CDELT2": 0.59, "CRVAL1": 3.0, "CRVAL2": -4.0, "CROTA2": roll,
    }  # fmt: skip
    x, y = np.array([0.0, 100.0, 4000.0]), np.array([0.0, 3000.0, 7.0])
    west, north = WCS(header).all_pix2world(x, image.size - 1 - y, 0)
    ours = image.wcs.pixel_to_arcsec(x, y)
    turned = (np.asarray(west) * 3600 + 648_000) % 1_296_000 - 648_000
    np.testing.assert_allclose(ours[0], turned, atol=1e-6)
    np.testing.assert_allclose(ours[1], np.asarray(north) * 3600, atol=1e-6)


def test_times_near_the_edge_of_the_grid(images):
    assert queries.nearest(171, [start_of(0), datetime(1, 1, 1, tzinfo=UTC)]) == [None, None]
