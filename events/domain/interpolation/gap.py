"""The gap between two reports: what all methods share, done once a gap.

`Gap.ends` gives both reports' points as the Earth sees them at any times between: carried to them by the
Sun's rotation, so that what is left to interpolate is how the region itself changed. Where one of the
centres lies beside the disk, or in the original's mode, both stay as reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from events.domain.interpolation.rings import Floats
from events.domain.interpolation.sky import Place, carried, on_disk, place
from events.domain.interpolation.track import Settings


@dataclass(frozen=True, slots=True)
class End:
    """A report at one side of a gap: the ring in the form of `rings`, its area (arcsec^2), when it holds."""

    ring: Floats
    area: float
    time: datetime
    is_box: bool


class Ends(NamedTuple):
    """Points of both reports, (m, n1, 2) and (m, n2, 2) arcsec, and the fractions (m,) of the gap passed."""

    first: Floats
    second: Floats
    fractions: Floats


@dataclass(frozen=True)
class Gap:
    """Two consecutive reports, the first before the second; `rotates`: whether the Sun carries them."""

    first: End
    second: End
    settings: Settings
    rotates: bool

    @classmethod
    def between(cls, first: End, second: End, settings: Settings) -> "Gap":
        """The gap of two reports."""
        rotates = settings.mode == "correct" and all(
            on_disk(end.ring, end.time, settings) for end in (first, second)
        )
        return cls(first, second, settings, rotates)

    def still(self) -> "Gap":
        """The same gap without rotation."""
        return replace(self, rotates=False)

    @property
    def least_area(self) -> float:
        """What no shape between may fall below, arcsec^2."""
        return self.settings.area_floor * min(self.first.area, self.second.area)

    def fractions(self, times: Sequence[datetime]) -> Floats:
        """How much of the gap has passed at each time."""
        whole = (self.second.time - self.first.time).total_seconds()
        return np.array([(time - self.first.time).total_seconds() / whole for time in times])

    def times(self, fractions: Sequence[float]) -> list[datetime]:
        """When these parts of the gap have passed."""
        return [self.first.time + fraction * (self.second.time - self.first.time) for fraction in fractions]

    def ends(
        self,
        times: Sequence[datetime],
        first: NDArray[np.float64] | None = None,
        second: NDArray[np.float64] | None = None,
    ) -> Ends:
        """Both rings, or other points (n, 2) seen with them, at each of the times."""
        one = self._at(times, 0, first)
        two = self._at(times, 1, second)
        return Ends(one, two, self.fractions(times))

    def _at(self, times: Sequence[datetime], side: int, points: Floats | None) -> Floats:
        """Points of one side, its ring if there are none given, at the times."""
        end = (self.first, self.second)[side]
        if not self.rotates:
            still = end.ring if points is None else points
            return np.broadcast_to(still, (len(times), *still.shape))
        where = self._places[side] if points is None else place(points, end.time, self.settings)
        return carried(where, times, self.settings)[0]

    @cached_property
    def _places(self) -> tuple[Place, Place]:
        """Where on the Sun both rings lie."""
        first, second = (place(end.ring, end.time, self.settings) for end in (self.first, self.second))
        return first, second
