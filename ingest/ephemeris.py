"""Where the Earth stood when an event began: B0, L0 and the distance, from sunpy's ephemeris.

sunpy needs about a millisecond an instant and a second to be imported. So it is imported on first use (the
web process never pays), asked only for the nodes of a three-hour grid, and these are kept; in between we
interpolate linearly. The Earth's way is smooth: against sunpy at the very instant, B0 and L0 are within
1e-5 deg and the distance within 10 km (a test holds it), which is 0.0002 arcsec on the disk. (On a day
with a leap second, which astropy spreads over the day, L0 is off by up to 0.0002 deg.)

Nothing is fetched from the network: astropy's tables of the Earth's rotation are not needed for the Sun's
ephemeris, and their download is switched off.
"""

import warnings
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from events.domain.frames import Observer

_STEP = 3 * 3600  # seconds between nodes
_MOST_NODES = 100_000  # 34 years; a bound on memory, not on time
#: number of the node since 1970 -> b0 (deg), l0 (deg), distance (km)
_nodes: dict[int, tuple[float, float, float]] = {}


def observers(times: Sequence[datetime]) -> Observer:
    """The Earth as observer at each of these times (with a zone); fields are arrays of that length.

    L0 includes the light's travel time, as in `sunpy.coordinates.sun.L0`. Any year from 1 to 9999.
    """
    steps = np.array([time.timestamp() for time in times], dtype=np.float64) / _STEP
    before, after = np.floor(steps).astype(np.int64), np.ceil(steps).astype(np.int64)
    _compute(np.union1d(before, after))
    left, right = (
        np.array([_nodes[node] for node in nodes.tolist()], dtype=np.float64).reshape(-1, 3)
        for nodes in (before, after)
    )
    change = right - left
    # L0 falls by 1.65 deg a node and begins anew at 360.
    change[:, 1] -= 360.0 * np.round(change[:, 1] / 360.0)
    b0, l0, distance = (left + change * (steps - before)[:, np.newaxis]).T
    return Observer(b0=b0, l0=np.mod(l0, 360.0), distance=distance)


def _compute(wanted: NDArray[np.int64]) -> None:
    """Have these nodes in `_nodes`."""
    missing = [node for node in wanted.tolist() if node not in _nodes]
    if not missing:
        return
    if len(_nodes) + len(missing) > _MOST_NODES:
        _nodes.clear()
        missing = wanted.tolist()
    b0, l0, distance = _ask_sunpy(np.array(missing, dtype=np.float64) * _STEP)
    _nodes.update(zip(missing, zip(b0, l0, distance, strict=True), strict=True))


def _ask_sunpy(seconds: NDArray[np.float64]) -> tuple[list[float], list[float], list[float]]:
    """B0 (deg), L0 (deg) and distance (km) at these UTC seconds since 1970."""
    from astropy.utils import iers  # noqa: PLC0415  imported late: see the module's first lines

    # Before astropy.time is used: its leap seconds come from the same switch.
    iers.conf.auto_download = False
    iers.conf.iers_degraded_accuracy = "ignore"
    from astropy.time import Time  # noqa: PLC0415
    from sunpy.coordinates import get_earth, sun  # noqa: PLC0415

    with warnings.catch_warnings():
        # Far from today UTC is a convention; astropy says so with every single time.
        warnings.simplefilter("ignore")
        times = Time(seconds, format="unix", scale="utc")
        earth = get_earth(times)
        l0 = sun.L0(times)
    return (
        np.asarray(earth.lat.deg).tolist(),
        np.asarray(l0.deg).tolist(),
        np.asarray(earth.radius.to_value("km")).tolist(),
    )
