"""The Sun's differential rotation, as seen from the Earth, of shapes in heliographic coordinates.

All angles here are degrees; what goes into a sine is converted first.
"""

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

#: Sidereal rate in deg/day: EQUATOR - SLOWING sin^2(latitude), the law of the original database.
EQUATOR, SLOWING = 14.44, 3.0
#: The Earth's mean motion around the Sun, deg/day; Stonyhurst longitudes drift this much slower.
EARTH = 0.9856
TURN = 360.0


def synodic_rate(latitude: ArrayLike) -> NDArray[np.float64]:
    """Drift of the Stonyhurst longitude in deg/day at `latitude` (deg)."""
    return EQUATOR - SLOWING * np.sin(np.radians(latitude)) ** 2 - EARTH


def rotated(shape: BaseGeometry, days: float) -> BaseGeometry:
    """A shape in (longitude, latitude), deg, as the Sun carries it in `days` (negative: back in time).

    Every vertex moves at the rate of its own latitude; longitudes are not wrapped.
    """

    def turn(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
        longitude, latitude = vertices.T
        return np.column_stack((longitude + days * synodic_rate(latitude), latitude))

    return shapely.transform(shape, turn)


def neighbourhood(shape: BaseGeometry, days: float, distance: float) -> BaseGeometry:
    """Where `shape` is after `days`, with `distance` (deg, in the plane of longitude and latitude) around it.

    The area is valid, and stands wherever longitudes of -180 to 180 deg can meet it: what leaves at one end
    comes in at the other.
    """
    moved = rotated(shape, days)
    middle = (moved.bounds[0] + moved.bounds[2]) / 2
    home = translate(moved, -TURN * np.round(middle / TURN))
    area = shapely.make_valid(home).buffer(distance)
    copies = [translate(area, turns * TURN) for turns in (-1, 0, 1)]
    return shapely.union_all([copy for copy in copies if copy.bounds[0] <= 180 and copy.bounds[2] >= -180])
