"""Frames against sunpy, an independent implementation, on a grid over the disk, the years and the seasons."""

import numpy as np
import pytest
import sunpy.sun.constants
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from sunpy.coordinates import HeliographicCarrington, Helioprojective, get_earth, sun

from events.domain.frames import SOLAR_RADIUS, Observer, convert, wrap

TIMES = ("1998-01-07T03:00", "2003-10-28T11:10", "2012-06-05T22:00", "2018-09-08T00:00", "2026-03-06T12:34")
LON, LAT = (grid.ravel() for grid in np.meshgrid(np.arange(-85.0, 86, 5), np.arange(-85.0, 86, 5)))
ARCSEC = 0.01
DEGREE = 1e-4
HERE = Observer(b0=7.0, l0=123.0, distance=1.5e8)


def at(time: str) -> Observer:
    earth = get_earth(time)
    return Observer(b0=earth.lat.deg, l0=sun.L0(time).deg, distance=earth.radius.to_value("km"))


def stonyhurst(time: str) -> SkyCoord:
    return SkyCoord(LON * u.deg, LAT * u.deg, frame="heliographic_stonyhurst", obstime=time)


def test_solar_radius_is_that_of_sunpy() -> None:
    assert sunpy.sun.constants.radius.to_value("km") == SOLAR_RADIUS


@pytest.mark.parametrize("time", TIMES)
def test_apparent_radius_against_sunpy(time: str) -> None:
    assert at(time).rsun == pytest.approx(sun.angular_radius(Time(time)).to_value("arcsec"), abs=1e-3)


@pytest.mark.parametrize("time", TIMES)
def test_stonyhurst_to_helioprojective_against_sunpy(time: str) -> None:
    ours = convert(LON, LAT, "hgs", "hpc", at(time))
    theirs = stonyhurst(time).transform_to(Helioprojective(observer="earth", obstime=time))
    seen = ~ours.limb
    assert seen.sum() > 1000
    assert np.abs(ours.x - theirs.Tx.to_value("arcsec"))[seen].max() < ARCSEC
    assert np.abs(ours.y - theirs.Ty.to_value("arcsec"))[seen].max() < ARCSEC


@pytest.mark.parametrize("time", TIMES)
def test_helioprojective_to_stonyhurst_against_sunpy(time: str) -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(-930.0, 931, 60), np.arange(-930.0, 931, 60)))
    observer = at(time)
    x, y = (axis[np.hypot(x, y) < 0.999 * observer.rsun] for axis in (x, y))
    ours = convert(x, y, "hpc", "hgs", observer)
    frame = Helioprojective(observer="earth", obstime=time)
    theirs = SkyCoord(x * u.arcsec, y * u.arcsec, frame=frame).transform_to("heliographic_stonyhurst")
    assert not ours.limb.any()
    assert np.abs(wrap(ours.x - theirs.lon.deg)).max() < DEGREE
    assert np.abs(ours.y - theirs.lat.deg).max() < DEGREE


@pytest.mark.parametrize("time", TIMES)
def test_stonyhurst_to_carrington_against_sunpy(time: str) -> None:
    ours = convert(LON, LAT, "hgs", "hgc", at(time))
    theirs = stonyhurst(time).transform_to(HeliographicCarrington(observer="earth", obstime=time))
    assert np.abs(wrap(ours.x - theirs.lon.deg)).max() < DEGREE
    assert np.abs(ours.y - theirs.lat.deg).max() < DEGREE
    assert ours.x.min() > -180
    assert ours.x.max() <= 180


def test_hidden_points_are_those_that_sunpy_does_not_see() -> None:
    time = TIMES[1]
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.arange(-180.0, 180, 7), np.arange(-89.0, 90, 7)))
    point = SkyCoord(lon * u.deg, lat * u.deg, frame="heliographic_stonyhurst", obstime=time)
    visible = point.transform_to(Helioprojective(observer="earth", obstime=time)).is_visible()
    np.testing.assert_array_equal(convert(lon, lat, "hgs", "hpc", at(time)).limb, ~visible)


def test_radial_frame_as_hek_defines_it() -> None:
    """hpc_x = -r sin(PA) Rs, hpc_y = r cos(PA) Rs: north, east (left), south, west."""
    seen = convert([2.0, 2, 2, 2], [0.0, 90, 180, 270], "hrc", "hpc", HERE)
    rsun = float(HERE.rsun)
    np.testing.assert_allclose(seen.x, [0, -2 * rsun, 0, 2 * rsun], atol=1e-9)
    np.testing.assert_allclose(seen.y, [2 * rsun, 0, -2 * rsun, 0], atol=1e-9)
    back = convert(seen.x, seen.y, "hpc", "hrc", HERE)
    np.testing.assert_allclose(back.x, 2)
    np.testing.assert_allclose(wrap(back.y - [0, 90, 180, 270]), 0, atol=1e-9)


def test_position_angles_stay_below_a_full_turn() -> None:
    assert convert(1e-300, 100.0, "hpc", "hrc", HERE).y == 0.0


def test_directions_beside_the_disk_go_to_the_limb_at_the_same_position_angle() -> None:
    angles = np.arange(0.0, 360, 10)
    on_limb = convert(np.full(36, 1.7), angles, "hrc", "hgs", HERE)
    assert on_limb.limb.all()
    again = convert(on_limb.x, on_limb.y, "hgs", "hrc", HERE)
    np.testing.assert_allclose(again.x, 1.0, atol=2e-6)  # hrc is plane, the limb a circle on the sky
    np.testing.assert_allclose(wrap(again.y - angles), 0, atol=1e-3)


def test_points_behind_go_to_the_nearest_point_of_the_limb() -> None:
    """Brute force: of many points of the limb, none is nearer on the sphere than the one chosen."""
    limb = convert(np.full(36_000, 1.01), np.arange(0, 360, 0.01), "hrc", "hgs", HERE)
    assert limb.limb.all()

    def distance(lon: float, lat: float) -> np.ndarray:
        a, b = np.radians(limb.y), np.radians(lat)
        cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.radians(limb.x - lon))
        return np.degrees(np.arccos(cosine))

    for lon, lat in ((98.0, 17.0), (-130.0, -40.0), (170.0, 60.0)):
        chosen = convert(lon, lat, "hgs", "hrc", HERE)
        nearest = np.argmin(distance(lon, lat))
        assert chosen.limb
        assert chosen.x == pytest.approx(1.0, abs=2e-6)
        assert chosen.y == pytest.approx(nearest * 0.01, abs=0.02)


def test_the_point_opposite_to_the_observer_goes_to_the_north() -> None:
    seen = convert(180.0, 0.0, "hgs", "hrc", Observer(b0=0.0, l0=0.0, distance=1.5e8))
    assert (float(seen.x), bool(seen.limb)) == (pytest.approx(1.0), True)
    assert np.isfinite(convert([180.0], [-7.0], "hgs", "hpc", HERE).x).all()


def test_directions_behind_the_observer_are_beside_the_disk() -> None:
    seen = convert([648_000.0, 500_000.0], [0.0, 1000.0], "hpc", "hgs", HERE)
    assert seen.limb.all()
    assert seen.x[1] > 80


def test_every_point_may_have_its_own_observer() -> None:
    many = Observer(b0=np.array([7.0, -7.0]), l0=np.array([123.0, 300.0]), distance=np.array([1.5e8, 1.47e8]))
    for target in ("hpc", "hgc", "hrc"):
        together = convert([10.0, 20.0], [5.0, 6.0], "hgs", target, many)
        for i in (0, 1):
            alone = convert(10.0 + 10 * i, 5.0 + i, "hgs", target, many.at(np.array(i)))
            assert (alone.x, alone.y) == (together.x[i], together.y[i])


def test_unknown_frames_are_refused() -> None:
    with pytest.raises(KeyError):
        convert(0.0, 0.0, "hpc", "hee", HERE)


def test_not_a_number_stays_so() -> None:
    for target in ("hgs", "hgc", "hrc"):
        assert np.isnan(convert(np.nan, 1.0, "hpc", target, HERE).x)


@given(
    radius=st.floats(0, 0.99),
    angle=st.floats(0, 359),
    observer=st.builds(Observer, st.floats(-7.3, 7.3), st.floats(0, 360), st.floats(1.4e8, 1.55e8)),
    way=st.permutations(("hpc", "hgs", "hgc", "hrc")),
)
def test_any_way_round_on_the_disk_comes_back(radius, angle, observer, way) -> None:
    start = convert(radius, angle, "hrc", "hpc", observer)
    x, y, frame = start.x, start.y, "hpc"
    for target in (*way, "hpc"):
        x, y, limb = convert(x, y, frame, target, observer)
        assert not limb
        frame = target
    assert x == pytest.approx(start.x, abs=1e-6)
    assert y == pytest.approx(start.y, abs=1e-6)


@given(st.floats(-1e6, 1e6))
def test_wrapped_longitudes_are_the_same_direction(longitude: float) -> None:
    wrapped = float(wrap(longitude))
    assert -180 < wrapped <= 180
    assert np.cos(np.radians(wrapped - longitude)) == pytest.approx(1, abs=1e-9)
