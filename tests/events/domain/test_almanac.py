"""The closed form against sunpy's ephemeris and against Meeus's own example."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.time import Time
from astropy.utils import iers
from sunpy.coordinates import sun

from events.domain.almanac import view_from_earth


def test_the_example_of_the_book():
    # Astronomical Algorithms, example 29.a: 1992 October 13.0, B0 = +5.99 deg.
    assert view_from_earth(datetime(1992, 10, 13, tzinfo=UTC)).b0 == pytest.approx(5.99, abs=0.005)


def test_agrees_with_sunpy_for_seventy_years():
    times = [datetime(1980, 1, 1, tzinfo=UTC) + n * timedelta(days=171.7) for n in range(150)]
    views = [view_from_earth(time) for time in times]
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        reference = Time([time.replace(tzinfo=None) for time in times])
        b0, rsun = sun.B0(reference).deg, sun.angular_radius(reference).arcsec
    assert times[-1].year == 2050
    assert np.abs(b0 - [view.b0 for view in views]).max() < 0.01
    assert np.abs(rsun - [view.rsun for view in views]).max() < 0.1
