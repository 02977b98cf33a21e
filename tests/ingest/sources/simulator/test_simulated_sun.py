"""The Sun itself: its laws, and that it is a pure function of seed and time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunpy.coordinates import sun as sunpy_sun
from sunpy.sun.models import differential_rotation

from events.domain.goes import goes_flux
from ingest.sources.simulator.bulletins import goes_class
from ingest.sources.simulator.sun import (
    DAY,
    LONGEST_LIFE_DAYS,
    WEAKEST_FLARE,
    Sun,
    cycle_level,
    cycle_phase,
    day_at,
    day_start,
    noaa_number,
    rotation_rate,
)

SOME_DAY = date(2014, 1, 10).toordinal()
DAYS = range(SOME_DAY, SOME_DAY + 40)


@pytest.fixture(scope="module")
def regions(sun):
    return [region for day in DAYS for region in sun.regions_born(day)]


def test_days_are_numbered_like_dates():
    assert day_start(SOME_DAY) == datetime(2014, 1, 10, tzinfo=UTC).timestamp()
    assert day_at(day_start(SOME_DAY)) == day_at(day_start(SOME_DAY + 1) - 1) == SOME_DAY


def test_rotation_rate_is_that_of_sunpy():
    latitudes = np.linspace(-80, 80, 33)
    expected = differential_rotation(1 * u.day, latitudes * u.deg, model="howard", frame_time="sidereal")
    assert rotation_rate(latitudes) == pytest.approx(expected.to_value("deg"), abs=1e-9)


def test_regions_turn_at_the_rotation_rate_before_the_stars(regions):
    """The sidereal rate is the drift in Carrington longitude plus the rate of the Carrington frame.

    sunpy's L0 falls by that rate less the Earth's own motion, so Stonyhurst longitude + Earth's motion is it.
    """
    whole = [r for r in regions if r.split_at == np.inf][:20]
    for region in whole:
        times = np.array([region.born, region.born + DAY])
        longitude, latitude = region.position(times)
        l0 = sunpy_sun.L0([datetime.fromtimestamp(t, UTC).replace(tzinfo=None) for t in times]).deg
        stonyhurst = np.diff(longitude - l0)[0] % 360
        earth = 14.1844 - (-np.diff(l0)[0]) % 360  # between 0.95 and 1.02 deg/day over the year
        assert 0.9 < earth < 1.1
        assert stonyhurst + earth == pytest.approx(rotation_rate(latitude[0]), abs=1e-6)


def test_a_year_is_the_same_in_any_order():
    forward, backward = Sun(3), Sun(3)
    days = list(DAYS)
    one = [(forward.regions_born(d), forward.holes_born(d), forward.filaments_born(d)) for d in days]
    other = [
        (backward.regions_born(d), backward.holes_born(d), backward.filaments_born(d)) for d in days[::-1]
    ]
    assert one == other[::-1]
    assert [forward.flares_of(r) for r in one[0][0]] == [backward.flares_of(r) for r in one[0][0]]


def test_another_seed_is_another_sun():
    assert Sun(3).regions_born(SOME_DAY + 1) != Sun(4).regions_born(SOME_DAY + 1)


@pytest.mark.parametrize(("seed", "activity"), [(-1, 1.0), (1, -0.1), (1, 21.0)])
def test_impossible_suns_are_refused(seed, activity):
    with pytest.raises(ValueError, match="activity"):
        Sun(seed, activity)


def test_activity_multiplies_what_is_born():
    quiet, lively = (sum(len(Sun(5, a).emergences_born(d)) for d in DAYS) for a in (1.0, 4.0))
    assert lively / quiet == pytest.approx(4, rel=0.25)
    assert not any(Sun(5, 0.0).regions_born(day) for day in DAYS)


def test_cycle_has_its_minima_and_maxima_where_the_sun_had_them():
    def level(year):
        return cycle_level(datetime(year, 1, 1, tzinfo=UTC).timestamp())

    assert max(level(2009), level(2020)) < 0.15
    assert min(level(2002), level(2013), level(2014), level(2024)) > 0.85
    assert cycle_phase(datetime(2014, 1, 1, tzinfo=UTC).timestamp()) == pytest.approx(0.464, abs=0.01)


def test_regions_keep_the_laws_of_the_cycle(regions):
    """Butterfly (latitudes), Hale (polarity), Joy (tilt): at maximum, mean latitude near 18 deg."""
    latitudes = np.array([r.latitude for r in regions])
    assert len(regions) > 50
    assert 14 < np.abs(latitudes).mean() < 22
    assert 0.3 < (latitudes > 0).mean() < 0.7
    assert len({(r.polarity, r.latitude > 0) for r in regions}) == 2
    tilts = np.array([r.tilt for r in regions]) * np.sign(latitudes)
    assert tilts.mean() < -4


def test_polarities_change_with_the_cycle():
    def northern(year):
        days = (date(year, 1, 1) + timedelta(n) for n in range(60))
        born = (r for d in days for r in Sun(1).regions_born(d.toordinal()))
        return {r.polarity for r in born if r.latitude > 0}

    assert northern(2013) == {-p for p in northern(2024)}


def test_everything_is_gone_before_it_is_forgotten(sun):
    for day in DAYS:
        born = (*sun.regions_born(day), *sun.holes_born(day), *sun.filaments_born(day))
        for feature in born:
            assert feature.born < feature.dies < day_start(day + LONGEST_LIFE_DAYS)


def test_regions_grow_fast_and_decay_slowly(regions):
    for region in (r for r in regions if r.split_at == np.inf):
        times = np.linspace(region.born, region.dies, 201)
        area = region.area(times)
        assert area[[0, -1]] == pytest.approx(0, abs=1e-6)
        assert area.max() == pytest.approx(region.peak_area, rel=1e-3)
        assert 0.25 < area.argmax() / 200 < 0.4


def test_splits_share_the_area_and_part(sun):
    days = range(SOME_DAY, SOME_DAY + 200)
    parts = [r for d in days for r in sun.regions_born(d) if r.parent is not None]
    assert len(parts) > 10
    for part in parts:
        whole = next(r for r in sun.regions_born(part.key[0]) if r.key == part.parent)
        before, after = np.array([whole.split_at - 1]), np.array([whole.split_at, whole.dies - 1])
        assert part.born == whole.split_at
        assert whole.area(after) + part.area(after) == pytest.approx(
            replace(whole, split_at=np.inf).area(after), rel=1e-9
        )
        assert whole.area(before)[0] > whole.area(after)[0]
        gap = (whole.position(after)[0] - part.position(after)[0]) % 360
        assert gap[0] == pytest.approx(2.4)
        assert gap[1] == pytest.approx(2.4 + (whole.dies - 1 - whole.split_at) / DAY)


def test_flares_follow_a_power_law():
    """Maximum likelihood slope of dN/dF ~ F^-a: a = 1 + n / sum(ln F/F_min) (Hill), within 3 sigma of 2."""
    sun = Sun(11, activity=5)
    flux = np.array([f.flux for d in DAYS for f in sun.flares(d)])
    assert len(flux) > 2_000
    slope = 1 + len(flux) / np.log(flux / WEAKEST_FLARE).sum()
    assert slope == pytest.approx(2.0, abs=3 / np.sqrt(len(flux)))


def test_flares_last_in_whole_minutes(sun):
    flares = [f for d in DAYS for f in sun.flares(d)]
    assert flares
    for flare in flares:
        assert flare.start % 60 == flare.peak % 60 == flare.end % 60 == 0
        assert flare.start < flare.peak < flare.end <= flare.start + 12 * 3_600
        assert flare.region.born - 60 <= flare.start <= flare.region.dies


def test_noaa_numbers_tell_a_region_for_years():
    numbers = [noaa_number(day, n) for day in range(SOME_DAY, SOME_DAY + 2_900) for n in range(3)]
    assert len(set(numbers)) == len(numbers)
    assert {len(str(n)) for n in numbers} == {5}
    assert all(len(str(n % 10_000)) == 4 for n in numbers)
    assert noaa_number(SOME_DAY, 3) == 0


@given(st.floats(1e-8, 5e-3))
def test_goes_classes_read_back_as_the_flux(flux):
    back = goes_flux(goes_class(flux))
    assert back == pytest.approx(flux, rel=0.051)


def test_goes_classes_carry_over_to_the_next_letter():
    assert [goes_class(f) for f in (9.94e-6, 9.96e-6, 1.234e-3)] == ["C9.9", "M1.0", "X12.3"]


def test_features_of_a_day_are_those_alive(sun):
    for one, two in pairwise(DAYS[:5]):
        alive = set(sun.regions(one)) & set(sun.regions(two))
        assert all(r.born < day_start(two) and r.dies >= day_start(two) for r in alive)
        born = {r for d in range(one - LONGEST_LIFE_DAYS, two + 1) for r in sun.regions_born(d)}
        assert {r for r in born if r.born < day_start(two + 1) and r.dies >= day_start(two)} == set(
            sun.regions(two)
        )
