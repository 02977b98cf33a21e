"""The closed form against sunpy's ephemeris and against Meeus's own example."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from astropy.time import Time
from astropy.utils import iers
from sunpy.coordinates import get_earth, sun

from events.domain.almanac import earth_at, view_from_earth


def test_the_example_of_the_book():
    # Astronomical Algorithms, example 29.a: 1992 October 13.0, B0 = +5.99 deg, L0 = 238.63 deg.
    time = datetime(1992, 10, 13, tzinfo=UTC)
    assert view_from_earth(time).b0 == pytest.approx(5.99, abs=0.005)
    # The book's L0 has another meridian and no light time: together some hundredths of a degree.
    assert earth_at([time]).l0[0] == pytest.approx(238.63, abs=0.1)


def test_agrees_with_sunpy_for_seventy_years():
    times = [datetime(1980, 1, 1, tzinfo=UTC) + n * timedelta(days=171.7) for n in range(150)]
    views = [view_from_earth(time) for time in times]
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        reference = Time([time.replace(tzinfo=None) for time in times])
        b0, rsun = sun.B0(reference).deg, sun.angular_radius(reference).arcsec
    assert times[-1].year == 2050
    assert np.abs(b0 - [view.b0 for view in views]).max() < 0.01
    assert np.abs(rsun - [view.rsun for view in views]).max() < 0.1


def test_the_observer_agrees_with_sunpy_for_seventy_years():
    times = [datetime(1980, 1, 1, tzinfo=UTC) + n * timedelta(days=171.7) for n in range(150)]
    ours = earth_at(times)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        reference = Time([time.replace(tzinfo=None) for time in times])
        earth, l0 = get_earth(reference), sun.L0(reference).deg
    assert np.abs(ours.b0 - earth.lat.deg).max() < 0.01
    assert np.abs((ours.l0 - l0 + 180) % 360 - 180).max() < 0.03
    assert np.abs(ours.distance - earth.radius.to_value("km")).max() < 15_000
    assert ((ours.l0 >= 0) & (ours.l0 < 360)).all()


def test_one_time_is_what_many_give():
    times = [datetime(2014, 1, 1, tzinfo=UTC) + n * timedelta(hours=7) for n in range(50)]
    together = earth_at(times)
    for n, time in enumerate(times):
        alone = earth_at([time])
        assert (alone.b0[0], alone.l0[0], alone.distance[0]) == (
            together.b0[n],
            together.l0[n],
            together.distance[n],
        )


def test_no_times_give_no_observers():
    assert len(earth_at([]).b0) == 0
