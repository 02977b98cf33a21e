"""Rings carried along by the Sun: where the Earth sees at other times what was reported at one.

A vertex on the disk lies on the sphere and moves at the rate of its latitude (events.domain.rotation); it is
seen by the Earth where it stands then (events.domain.almanac), so that foreshortening, B0 and distance are
those of the time. What gets behind the limb is clamped to it. A vertex off the limb goes with the point of
the limb below it, and keeps its height: its distance from the disk's centre in apparent radii. So a ring
carried over no time is the ring itself, off the limb too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from events.domain.almanac import earth_at
from events.domain.frames import SOLAR_RADIUS, Observer, convert
from events.domain.interpolation.kernels import ring_centroid
from events.domain.interpolation.track import Settings
from events.domain.rotation import EARTH, synodic_rate

Floats = NDArray[np.float64]

#: The original database's Sun: the distance (km) and radius (km) of its code, brought to our radius.
_GSU_DISTANCE = 1.49597870691e8 * SOLAR_RADIUS / 6.96e5


@dataclass(frozen=True, slots=True)
class Place:
    """Points on the Sun at a time; arrays (n,). `height` is 1 on the disk, more beside it."""

    time: datetime
    points: Floats  # (n, 2), hpc arcsec
    longitude: Floats  # Stonyhurst, deg
    latitude: Floats  # deg
    height: Floats


def place(points: Floats, time: datetime, settings: Settings) -> Place:
    """Where on the Sun points (n, 2) of hpc arcsec, seen at `time`, lie."""
    observer = observers([time], settings)
    surface = convert(points[:, 0], points[:, 1], "hpc", "hgs", observer)
    # At the limb itself the hypotenuse of two angles is a little less than the angle.
    height = np.where(surface.limb, np.maximum(np.hypot(*points.T) / observer.rsun, 1.0), 1.0)
    return Place(time, points, surface.x, surface.y, height)


def carried(where: Place, times: Sequence[datetime], settings: Settings) -> tuple[Floats, NDArray[np.bool_]]:
    """The points as seen at each of the times, (m, n, 2) arcsec, and which are behind the limb, (m, n)."""
    days = np.array([(time - where.time).total_seconds() for time in times]) / 86_400
    rate = synodic_rate(where.latitude)
    if settings.mode == "gsu":
        rate = rate + EARTH  # the sidereal rate
    longitude = where.longitude + days[:, np.newaxis] * rate
    observer = observers(times, settings)
    fields = (observer.b0, observer.l0, observer.distance)
    each = Observer(*(np.asarray(field)[:, np.newaxis] for field in fields))
    seen = convert(longitude, np.broadcast_to(where.latitude, longitude.shape), "hgs", "hpc", each)
    return np.stack((seen.x * where.height, seen.y * where.height), axis=-1), seen.limb


def observers(times: Sequence[datetime], settings: Settings) -> Observer:
    """From where the Sun is seen at each of the times; fields are arrays of that length."""
    if settings.mode == "gsu":
        zeros = np.zeros(len(times))
        return Observer(b0=zeros, l0=zeros, distance=np.full(len(times), _GSU_DISTANCE))
    return _earth(times[0]) if len(times) == 1 else earth_at(times)


@lru_cache(maxsize=1024)
def _earth(time: datetime) -> Observer:
    """The Earth at a single instant: for one shape it is asked a dozen times, for the same few instants."""
    return earth_at([time])


def on_disk(ring: Floats, time: datetime, settings: Settings) -> bool:
    """Whether the ring's centre lies on the disk: else it says nothing of a place on the Sun."""
    x, y = ring_centroid(ring)
    return not convert(x, y, "hpc", "hgs", observers([time], settings)).limb.any()
