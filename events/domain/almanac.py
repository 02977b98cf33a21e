"""How the Sun stands to the Earth, in closed form and at any number of times at once.

The formulas are those of J. Meeus, Astronomical Algorithms (2nd ed.), chapters 25 (low accuracy) and 29; the
Carrington meridian is that of the IAU (Archinal et al. 2018, Celest. Mech. Dyn. Astron. 130:22).
Against sunpy's ephemeris, 1980-2050: B0 within 0.01 deg, L0 (with the light's travel time) within 0.03 deg,
the distance within 15 000 km (0.01 %), the angular radius within 0.1 arcsec. On the disk 0.01 deg are at
most 0.17 arcsec: good enough to draw, and to carry a shape between reports, where only the small *change*
of these numbers counts; too coarse to convert reports with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from events.domain.frames import Observer

_ASTRONOMICAL_UNIT = 149_597_870.7  # km
#: Inclination of the solar equator on the ecliptic (Carrington), deg.
_INCLINATION = 7.25
#: The IAU's prime meridian at J2000, counted along the solar equator from its node on the ecliptic (the IAU
#: counts 84.176 deg from the node on the Earth's equator, 61.101 deg before), deg; and its rate, deg/day.
_MERIDIAN, _MERIDIAN_RATE = 84.176 - 61.101, 14.1844
#: Days that the light needs for an astronomical unit.
_LIGHT_TIME = 499.004784 / 86_400
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_J2000_JULIAN_DAY = 2_451_545.0


@dataclass(frozen=True, slots=True)
class View:
    """The Sun as the Earth sees it: heliographic latitude of the disk's centre, and the disk's radius."""

    b0: float  # deg
    rsun: float  # arcsec


def view_from_earth(time: datetime) -> View:
    """B0 (deg) and the angular radius of the Sun (arcsec) for an Earth observer at `time` (with a zone)."""
    earth = earth_at([time])
    return View(b0=float(np.asarray(earth.b0)[0]), rsun=float(earth.rsun[0]))


def earth_at(times: Sequence[datetime]) -> Observer:
    """The Earth as observer at each of these times (with a zone): B0 and L0 in deg, the distance in km.

    Fields are arrays of that length, L0 in [0, 360). UTC stands for the ephemeris time: the Sun moves
    0.001 deg in the minute between them.
    """
    days = np.array([(time - _J2000).total_seconds() for time in times], dtype=np.float64) / 86_400
    centuries = days / 36_525
    mean_longitude = 280.46646 + 36_000.76983 * centuries
    anomaly = np.radians(357.52911 + 35_999.05029 * centuries)
    eccentricity = 0.016708634 - 0.000042037 * centuries
    centre = (
        (1.914602 - 0.004817 * centuries) * np.sin(anomaly)
        + (0.019993 - 0.000101 * centuries) * np.sin(2 * anomaly)
        + 0.000289 * np.sin(3 * anomaly)
    )
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * np.cos(anomaly + np.radians(centre)))
    longitude = mean_longitude + centre - 0.00569  # the last term: aberration
    julian_day = days + _J2000_JULIAN_DAY
    # The node; per Julian day it gains the precession of the equinox.
    node = 73.6667 + 1.3958333 * (julian_day - 2_396_758) / 36_525
    beyond = np.radians(longitude - node)
    b0 = np.arcsin(np.sin(beyond) * np.sin(np.radians(_INCLINATION)))
    turned = _MERIDIAN + _MERIDIAN_RATE * (days - _LIGHT_TIME * distance)
    eta = np.arctan2(-np.sin(beyond) * np.cos(np.radians(_INCLINATION)), -np.cos(beyond))
    return Observer(
        b0=np.degrees(b0),
        l0=np.mod(np.degrees(eta) - turned, 360),
        distance=distance * _ASTRONOMICAL_UNIT,
    )
