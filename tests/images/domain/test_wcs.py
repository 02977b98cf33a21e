"""Arcsec and pixels against astropy's own WCS, there and back, and in other sizes."""

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from images.domain.wcs import Wcs


def build(shape=(4096, 4096), crpix=(2048.5, 2048.5), crval=(0.0, 0.0), cdelt=(0.6, 0.6), crota=0.0):
    return Wcs.turned(shape=shape, crpix=crpix, crval=crval, cdelt=cdelt, crota=crota, dsun=1.5e11, rsun=960)


def by_astropy(wcs):
    theirs = WCS(naxis=2)
    theirs.wcs.ctype = ["HPLN-TAN", "HPLT-TAN"]
    theirs.wcs.cunit = ["arcsec", "arcsec"]
    theirs.wcs.crpix, theirs.wcs.crval = wcs.crpix, wcs.crval
    theirs.wcs.cdelt = wcs.cdelt
    sine, cosine, aspect = (
        np.sin(np.radians(wcs.roll)),
        np.cos(np.radians(wcs.roll)),
        wcs.cdelt[1] / wcs.cdelt[0],
    )
    theirs.wcs.pc = [[cosine, -sine * aspect], [sine / aspect, cosine]]
    return theirs


ANY = st.builds(
    build,
    shape=st.tuples(st.integers(64, 4096), st.integers(64, 4096)),
    crpix=st.tuples(st.floats(-500, 4600), st.floats(-500, 4600)),
    crval=st.tuples(st.floats(-1200, 1200), st.floats(-1200, 1200)),
    cdelt=st.tuples(st.floats(0.4, 20), st.floats(0.4, 20)),
    crota=st.floats(-179, 179),
)
PLACES = st.tuples(st.floats(-100, 4200), st.floats(-100, 4200))


@given(ANY, PLACES)
def test_pixels_look_where_astropy_says(wcs, place):
    x, y = place
    # FITS counts pixels from 1 and from the south.
    west, north = by_astropy(wcs).wcs_pix2world([[x + 1, wcs.rows - y]], 1)[0] * 3600
    ours = np.array(wcs.pixel_to_arcsec(x, y))
    theirs = np.array([(west + 648_000) % 1_296_000 - 648_000, north])
    assert ours == pytest.approx(theirs, abs=1e-5)


@given(ANY, PLACES)
def test_there_and_back(wcs, place):
    assert np.array(wcs.arcsec_to_pixel(*wcs.pixel_to_arcsec(*place))) == pytest.approx(place, abs=1e-6)


@given(ANY)
def test_angles_and_scales_come_back(wcs):
    again = build((wcs.rows, wcs.columns), wcs.crpix, wcs.crval, wcs.cdelt, wcs.roll)
    assert again.cd == pytest.approx(wcs.cd, abs=1e-9)


@given(ANY, PLACES, st.sampled_from((2, 4, 16)))
def test_a_smaller_copy_looks_at_the_same(wcs, place, times):
    small = wcs.resized(wcs.rows * 3, wcs.columns // times or 1)
    across, down = small.columns / wcs.columns, 3
    # Edges stay, and pixel 0 begins half a pixel before its centre.
    there = ((place[0] + 0.5) * across - 0.5, (place[1] + 0.5) * down - 0.5)
    assert np.array(small.pixel_to_arcsec(*there)) == pytest.approx(
        np.array(wcs.pixel_to_arcsec(*place)), abs=1e-5
    )


def test_north_is_up_and_west_is_right():
    wcs = build()
    assert wcs.centre == pytest.approx((2047.5, 2047.5))
    assert wcs.radius == pytest.approx(1600)
    x, y = wcs.arcsec_to_pixel([0, 600], [600, 0])
    assert x == pytest.approx([2047.5, 3047.5], abs=0.01)
    assert y == pytest.approx([1047.5, 2047.5], abs=0.01)


def test_what_lies_behind_has_no_place():
    x, y = build().arcsec_to_pixel(180 * 3600.0, 0.0)
    assert np.isnan(x)
    assert np.isnan(y)
