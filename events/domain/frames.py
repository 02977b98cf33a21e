"""The four frames in which HEK tells where something is, and the ways between them, in closed form.

========  ==========================================================================================
hpc       helioprojective: arcsec, x to the west, y to the north, the perspective of an observer at a
          finite distance
hgs       heliographic Stonyhurst: longitude from the observer's meridian, latitude, deg
hgc       heliographic Carrington: longitude in (-180, 180], latitude, deg
hrc       HEK's radial frame: distance from the disk's centre in apparent solar radii, position angle
          counter-clockwise from north in [0, 360), deg: hpc_x = -r sin(PA) Rs, hpc_y = r cos(PA) Rs
========  ==========================================================================================

Formulas: W. T. Thompson, Coordinate systems for solar image data, A&A 449 (2006), 791, equations 11
(Stonyhurst to heliocentric), 12 (back) and 16 (perspective); the surface is a sphere of the IAU nominal
radius (IAU 2015 Resolution B3), which is sunpy's. Lengths inside are in solar radii.

**The limb.** What is not on the visible half has no counterpart in the other kind of frame: a direction
beside the disk meets no surface, and a surface point behind the limb is not seen. Such points are moved to
the nearest point of the limb (same position angle) and marked in `Converted.limb`. Between hpc and hrc, and
between hgs and hgc, nothing has to be moved.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: IAU 2015 nominal solar radius, km.
SOLAR_RADIUS = 695_700.0
_ARCSEC = 3600.0


@dataclass(frozen=True, slots=True)
class Observer:
    """From where the Sun is seen; scalars, or arrays of one observer a point.

    `b0`: heliographic latitude of the disk's centre, deg. `l0`: its Carrington longitude, deg.
    `distance`: from the Sun's centre, km.
    """

    b0: float | Floats
    l0: float | Floats
    distance: float | Floats

    @property
    def radii(self) -> Floats:
        """The distance in solar radii."""
        return np.asarray(self.distance, dtype=np.float64) / SOLAR_RADIUS

    @property
    def rsun(self) -> Floats:
        """The apparent radius of the Sun, arcsec: the angle between the disk's centre and the limb."""
        return np.degrees(np.arcsin(1 / self.radii)) * _ARCSEC

    def at(self, index: NDArray[np.intp]) -> "Observer":
        """The observers of these points, where every field is an array."""
        return Observer(*(np.asarray(field)[index] for field in (self.b0, self.l0, self.distance)))


class Converted(NamedTuple):
    """Points in the target frame, in its units; `limb` marks those that had to be moved to the limb."""

    x: Floats
    y: Floats
    limb: NDArray[np.bool_]


class _Sphere(NamedTuple):
    """Heliocentric Cartesian points, solar radii: x west, y north, z towards the observer."""

    x: Floats
    y: Floats
    z: Floats


def wrap(longitude: ArrayLike) -> Floats:
    """Longitudes brought to (-180, 180], deg."""
    return 180.0 - np.mod(180.0 - np.asarray(longitude, dtype=np.float64), 360.0)


def convert(x: ArrayLike, y: ArrayLike, source: str, target: str, observer: Observer) -> Converted:
    """Points (x, y) of the frame `source` in the frame `target`, as `observer` sees them.

    Frames are "hpc", "hgs", "hgc", "hrc"; units and order of the coordinates as in the module's table.
    Not-a-number gives not-a-number. Raises KeyError for another frame.
    """
    x, y, *_ = np.broadcast_arrays(
        np.asarray(x, dtype=np.float64),
        np.asarray(y, dtype=np.float64),
        *(observer.b0, observer.l0, observer.distance),
    )
    surface = {"hpc": False, "hrc": False, "hgs": True, "hgc": True}
    limb = np.zeros(x.shape, dtype=np.bool_)
    if source == target:
        return Converted(x.copy(), y.copy(), limb)
    if source == "hgc":
        x = wrap(x - observer.l0)
    elif source == "hrc":
        x, y = _hrc_to_hpc(x, y, observer)
    if surface[source] and not surface[target]:
        x, y, limb = _hgs_to_hpc(x, y, observer)
    elif surface[target] and not surface[source]:
        x, y, limb = _hpc_to_hgs(x, y, observer)
    if target == "hgc":
        x = wrap(x + observer.l0)
    elif target == "hrc":
        x, y = _hpc_to_hrc(x, y, observer)
    return Converted(x, y, limb)


def _hrc_to_hpc(radius: Floats, angle: Floats, observer: Observer) -> tuple[Floats, Floats]:
    arcsec = radius * observer.rsun
    return -arcsec * np.sin(np.radians(angle)), arcsec * np.cos(np.radians(angle))


def _hpc_to_hrc(x: Floats, y: Floats, observer: Observer) -> tuple[Floats, Floats]:
    angle = np.mod(np.degrees(np.arctan2(-x, y)), 360.0)
    # The remainder of a tiny negative angle rounds to 360 itself.
    return np.hypot(x, y) / observer.rsun, np.where(angle >= 360.0, 0.0, angle)


def _hgs_to_hpc(longitude: Floats, latitude: Floats, observer: Observer) -> Converted:
    b0, distance = np.radians(observer.b0), observer.radii
    lon, lat = np.radians(longitude), np.radians(latitude)
    towards = np.cos(lat) * np.cos(lon)
    point = _Sphere(
        np.cos(lat) * np.sin(lon),
        np.sin(lat) * np.cos(b0) - towards * np.sin(b0),
        np.sin(lat) * np.sin(b0) + towards * np.cos(b0),
    )
    hidden = point.z < 1 / distance
    point = _on_limb(point, hidden, distance)
    depth = distance - point.z
    x = np.arctan2(point.x, depth)
    y = np.arctan2(point.y, np.hypot(point.x, depth))
    return Converted(np.degrees(x) * _ARCSEC, np.degrees(y) * _ARCSEC, hidden)


def _hpc_to_hgs(x: Floats, y: Floats, observer: Observer) -> Converted:
    b0, distance = np.radians(observer.b0), observer.radii
    tx, ty = np.radians(x / _ARCSEC), np.radians(y / _ARCSEC)
    # The line of sight, a unit vector; it meets the sphere first at the smaller root of a quadratic equation.
    sight = _Sphere(np.cos(ty) * np.sin(tx), np.sin(ty), np.cos(ty) * np.cos(tx))
    discriminant = 1 - distance**2 * (sight.x**2 + sight.y**2)
    beside = (discriminant < 0) | (sight.z <= 0)
    length = distance * sight.z - np.sqrt(np.maximum(discriminant, 0))
    point = _Sphere(length * sight.x, length * sight.y, distance - length * sight.z)
    # Beside the disk only the direction of (x, y) counts; behind the observer, `length` would turn it round.
    outside = _Sphere(sight.x, sight.y, point.z)
    point = _Sphere(*(np.where(beside, o, p) for o, p in zip(outside, point, strict=True)))
    point = _on_limb(point, beside, distance)
    ahead = point.z * np.cos(b0) - point.y * np.sin(b0)
    longitude = np.arctan2(point.x, ahead)
    latitude = np.arctan2(point.y * np.cos(b0) + point.z * np.sin(b0), np.hypot(point.x, ahead))
    return Converted(np.degrees(longitude), np.degrees(latitude), beside)


def _on_limb(point: _Sphere, moved: NDArray[np.bool_], distance: Floats) -> _Sphere:
    """The `moved` points at the same position angle on the limb, the circle of tangent lines of sight.

    The point opposite to the observer has no position angle; it goes to the limb's north.
    """
    rho = np.hypot(point.x, point.y)
    blind = rho < 1e-12
    scale = np.sqrt(1 - 1 / distance**2) / np.where(blind, 1.0, rho)
    west, north = np.where(blind, 0.0, point.x), np.where(blind, 1.0, point.y)
    return _Sphere(
        np.where(moved, west * scale, point.x),
        np.where(moved, north * scale, point.y),
        np.where(moved, 1 / distance, point.z),
    )
