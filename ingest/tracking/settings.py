"""What may be set of the tracking, and how far its decisions reach.

The numbers of the likelihoods stand in `ingest.tracking.likelihood`, with what they were fitted to.
"""

from dataclasses import dataclass
from datetime import timedelta

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What may be set; the defaults are for HEK's methods (cadences from 1.5 to 24 hours).

    * frame: reports that start in one slot of this length are of one look at the Sun. Slots are counted from
      1970, so they are the same whatever else is tracked.
    * gap: the longest time from start to start that our tracker bridges; two days, so that a daily method
      may miss a day.
    * skips: the most looks in between in which the method saw other things and not this one.
    * association_gap: HEK's associations and specific ids link starts at most this far apart. SPoCA itself
      gives up after 10 h.
    * noaa_gap: equal NOAA numbers link starts at most this far apart.
    * watch: how often a method misses things is counted among the reports this near.
    * cell, context: links are decided cell by cell, see `ingest.tracking.matching`. The cell must not be
      shorter than the gap.
    """

    frame: timedelta = timedelta(minutes=30)
    gap: timedelta = timedelta(days=2)
    skips: int = 4
    association_gap: timedelta = timedelta(days=1)
    noaa_gap: timedelta = timedelta(days=3)
    watch: timedelta = timedelta(days=1)
    cell: timedelta = timedelta(days=2)
    context: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        if not timedelta(0) < self.frame <= self.gap <= self.cell:
            raise ValueError("it must be 0 < frame <= gap <= cell")
        if (
            min(self.association_gap, self.noaa_gap, self.watch, self.context) < timedelta(0)
            or self.skips < 0
        ):
            raise ValueError("gaps, watch, context and skips must not be negative")

    @property
    def horizon(self) -> timedelta:
        """How far from a report its edges can depend on other reports, at most; `track_window` says why."""
        longest = max(self.gap, self.noaa_gap, self.association_gap)
        link = max(longest + 2 * self.association_gap, self.gap + self.watch)
        return longest + link + 2 * self.cell + self.context + self.frame


#: The horizon of the default settings.
HORIZON = Settings().horizon
