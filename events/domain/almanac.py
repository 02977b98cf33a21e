"""How the Sun stands to the Earth, in closed form: good enough to draw, too coarse to convert reports with.

The formulas are those of J. Meeus, Astronomical Algorithms (2nd ed.), chapters 25 (low accuracy) and 29.
Against sunpy's ephemeris, 1980-2050: B0 within 0.01 deg, the angular radius within 0.1 arcsec.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import asin, cos, degrees, radians, sin

from events.domain.frames import SOLAR_RADIUS

_ASTRONOMICAL_UNIT = 149_597_870.7  # km
#: Inclination of the solar equator on the ecliptic (Carrington), deg.
_INCLINATION = 7.25
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class View:
    """The Sun as the Earth sees it: heliographic latitude of the disk's centre, and the disk's radius."""

    b0: float  # deg
    rsun: float  # arcsec


def view_from_earth(time: datetime) -> View:
    """B0 (deg) and the angular radius of the Sun (arcsec) for an Earth observer at `time` (with a zone).

    UTC stands for the ephemeris time: the Sun moves 0.001 deg in the minute between them.
    """
    days = (time - _J2000).total_seconds() / 86_400
    centuries = days / 36_525
    mean_longitude = 280.46646 + 36_000.76983 * centuries
    anomaly = radians(357.52911 + 35_999.05029 * centuries)
    eccentricity = 0.016708634 - 0.000042037 * centuries
    centre = (
        (1.914602 - 0.004817 * centuries) * sin(anomaly)
        + (0.019993 - 0.000101 * centuries) * sin(2 * anomaly)
        + 0.000289 * sin(3 * anomaly)
    )
    distance = 1.000001018 * (1 - eccentricity**2) / (1 + eccentricity * cos(anomaly + radians(centre)))
    longitude = mean_longitude + centre - 0.00569  # the last term: aberration
    # Meeus counts the node from JD 2398220; per Julian day it gains the precession of the equinox.
    node = 73.6667 + 1.3958333 * (days + 2_451_545 - 2_396_758) / 36_525
    b0 = degrees(asin(sin(radians(longitude - node)) * sin(radians(_INCLINATION))))
    rsun = degrees(asin(SOLAR_RADIUS / (distance * _ASTRONOMICAL_UNIT))) * 3_600
    return View(b0=b0, rsun=rsun)
