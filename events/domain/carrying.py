"""Many shapes at once: carried to an instant by the Sun's rotation, or brought into another frame.

Carried is what lasts at the instant, forward or back from when its shape holds. The rule is that of
`events.domain.interpolation` after a track's last report: every vertex moves at the synodic rate of its
latitude and is seen from where the Earth is then; what gets behind the limb is clamped to it, and a vertex
beside the disk goes with the limb below it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from events.domain.almanac import earth_at
from events.domain.frames import Observer, convert, wrap
from events.domain.rotation import synodic_rate

Floats = NDArray[np.float64]
Geometries = NDArray[Any]
#: Digits after the point: of arcseconds a hundredth of what AIA could tell apart, of degrees as HEK writes.
DECIMALS = {"hpc": 3, "hgs": 6, "hgc": 6}


class Carried(NamedTuple):
    """Shapes (n,) at the instant: hpc, arcsec.

    `hidden`: the centre is behind the limb then. `held`: the centre lies beside the disk, where nothing tells
    how it moves; the shape is as it was.
    """

    shapes: Geometries
    hidden: NDArray[np.bool_]
    held: NDArray[np.bool_]


def carried_to(shapes: Sequence[Any], starts: Sequence[datetime], time: datetime) -> Carried:
    """Shapes of any kind (hpc, arcsec), each as seen at its time `starts`, as they are seen at `time`.

    An area that crosses itself after it was squeezed at the limb is made valid.
    """
    given: Geometries = np.array(shapes, dtype=object)
    days = np.array([(time - start).total_seconds() for start in starts], dtype=np.float64) / 86_400
    then, now = earth_at(starts), earth_at([time])
    _, centre_hidden, held = _moved(shapely.get_coordinates(shapely.centroid(given)), days, then, now)
    points, index = shapely.get_coordinates(given, return_index=True)
    moved, _, _ = _moved(points, days[index], then.at(index), now)
    result = np.where(held, given, shapely.set_coordinates(given.copy(), moved))
    invalid = ~shapely.is_valid(result)
    result[invalid] = shapely.make_valid(result[invalid])
    return Carried(result, centre_hidden & ~held, held)


def in_frame(shapes: Sequence[Any], times: Sequence[datetime], frame: str) -> Geometries:
    """Shapes (hpc, arcsec), each seen by the Earth at its time, in "hpc" (arcsec), "hgs" or "hgc" (deg).

    What lies beside the disk is moved to the limb. Where a shape crosses a Carrington longitude of 180 deg
    its longitudes run on beyond it; its centre lies in (-180, 180]. Missing shapes stay None. Coordinates
    are rounded to what `DECIMALS` says, which is finer than any report.
    """
    given: Geometries = np.array(shapes, dtype=object)
    points, index = shapely.get_coordinates(given, return_index=True)
    if frame != "hpc":
        earth = earth_at(times)
        surface = convert(points[:, 0], points[:, 1], "hpc", "hgs", earth.at(index))
        longitude = surface.x
        if frame == "hgc":
            stonyhurst = shapely.set_coordinates(given.copy(), np.column_stack((surface.x, surface.y)))
            centre = np.nan_to_num(shapely.get_x(shapely.centroid(stonyhurst)))
            longitude = longitude + (wrap(centre + earth.l0) - centre)[index]
        points = np.column_stack((longitude, surface.y))
    return shapely.set_coordinates(given.copy(), np.round(points, DECIMALS[frame]))


def _moved(
    points: Floats, days: Floats, then: Observer, now: Observer
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Points (n, 2) as seen now; which are behind the limb now; which were beside the disk."""
    surface = convert(points[:, 0], points[:, 1], "hpc", "hgs", then)
    # At the limb itself the hypotenuse of two angles is a little less than the angle.
    height = np.where(surface.limb, np.maximum(np.hypot(*points.T) / then.rsun, 1.0), 1.0)
    seen = convert(surface.x + days * synodic_rate(surface.y), surface.y, "hgs", "hpc", now)
    return np.column_stack((seen.x * height, seen.y * height)), seen.limb, surface.limb
