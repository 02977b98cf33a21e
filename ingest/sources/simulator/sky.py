"""How the simulated Sun is seen: from where, when not at all, and by whom.

The observer is the true Earth (`ingest.ephemeris`), interpolated between nodes of our own fixed grid. A
node's value is rounded and does not depend on which others were asked with it, so records do not either.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from events.domain.frames import Floats, Observer
from ingest.ephemeris import observers
from ingest.sources.simulator.sun import DAY, Stream, day_start, draws

#: Nodes of the ephemeris: linear between them errs by 7e-5 deg in B0 and 3e-5 deg in L0 (second derivatives
#: of the Earth's orbit), 0.001 arcsec on the disk.
_NODE = DAY // 2
_BLOCK = 64


@lru_cache(maxsize=64)
def _block(number: int) -> NDArray[np.float64]:
    """B0 (deg), L0 (deg, without a jump) and distance (km) at the nodes of one block and the next node."""
    nodes = (number * _BLOCK + np.arange(_BLOCK + 1)) * _NODE
    seen = observers([datetime.fromtimestamp(node, UTC) for node in nodes.tolist()])
    l0 = np.degrees(np.unwrap(np.radians(seen.l0)))
    return np.column_stack((np.round(seen.b0, 9), np.round(l0, 9), np.round(seen.distance, 3)))


def earth(times: Any) -> Observer:
    """The Earth as observer at these times (seconds since 1970); fields have the shape of `times`."""
    times = np.asarray(times, dtype=np.float64)
    steps = times.ravel() / _NODE
    before = np.floor(steps).astype(np.int64)
    values = np.empty((steps.size, 3))
    for number in np.unique(before // _BLOCK).tolist():
        here = before // _BLOCK == number
        block, index = _block(number), before[here] - number * _BLOCK
        weight = (steps[here] - before[here])[:, np.newaxis]
        values[here] = block[index] * (1 - weight) + block[index + 1] * weight
    b0, l0, distance = (column.reshape(times.shape) for column in values.T)
    return Observer(b0=b0, l0=l0 % 360, distance=distance)


def cosine_from_centre(longitude: Any, latitude: Any, observer: Observer) -> Floats:
    """Cosine of the angle between a surface point (Carrington, deg) and the centre of the disk.

    1 at the disk's centre, 0 at the limb (of an observer far away), negative on the far side.
    """
    lon, lat = np.radians(longitude - np.asarray(observer.l0)), np.radians(latitude)
    b0 = np.radians(observer.b0)
    return np.sin(lat) * np.sin(b0) + np.cos(lat) * np.cos(lon) * np.cos(b0)


class Duty:
    """When a method works: now and then it fails for hours (3 to 30, about every twentieth day)."""

    def __init__(self, seed: int, method: int) -> None:
        self._seed, self._method = seed, method
        self._outage = lru_cache(maxsize=512)(self._outage_beginning_on)

    def _outage_beginning_on(self, day: int) -> tuple[float, float]:
        rng = draws(self._seed, Stream.OUTAGE, self._method, day)
        begins = day_start(day) + rng.random() * DAY
        return (begins, begins + rng.uniform(3, 30) * 3_600) if rng.random() < 0.05 else (0.0, 0.0)

    def works(self, first_day: int, last_day: int, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the method worked at each of these times, all between the two days."""
        fails = np.zeros(times.shape, dtype=np.bool_)
        for day in range(first_day - 2, last_day + 1):
            begins, ends = self._outage(day)
            if ends > begins:
                fails |= (times >= begins) & (times < ends)
        return ~fails
