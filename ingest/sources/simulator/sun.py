"""The simulated Sun itself: what is on its surface at any time, before anybody looks.

Everything is a pure function of a seed and of time. What is born on a day is drawn from a generator that is
seeded with (seed, day); nothing depends on what was asked before, so any window can be generated alone.

Times are seconds since 1970-01-01 UTC. Longitudes are Carrington degrees, latitudes heliographic degrees,
areas of spots millionths of the visible hemisphere (MSH).
"""

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY = 86_400
#: Nothing lives longer than this, so what is on the Sun now was born at most so many days ago.
LONGEST_LIFE_DAYS = 60
#: Rate of the Carrington frame, sidereal deg/day (Carrington's 25.38 days).
CARRINGTON_RATE = 14.1844
#: A minimum of the simulated cycle, and its length in years: near the true minima of 1986, 1997, 2008, 2019.
_MINIMUM_YEAR, _CYCLE_YEARS = 2008.9, 11.0
#: Days are numbered as `date.toordinal` does: 0001-01-01 is 1.
_EPOCH_DAY = date(1970, 1, 1).toordinal()


class Stream(IntEnum):
    """Independent streams of random numbers; the values are part of what a seed means, so never reuse one."""

    REGIONS = 1
    HOLES = 2
    FILAMENTS = 3
    EMERGENCES = 4
    FLARES = 5
    ERUPTIONS = 6
    PATROL = 7
    OUTAGE = 8
    SCHEDULE = 9
    BULLETIN = 10


def draws(seed: int, stream: Stream, *key: int) -> np.random.Generator:
    """The generator of one thing: the same for the same seed, stream and key, whatever was drawn before."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, *key])))


def rotation_rate(latitude: float | Floats) -> float | Floats:
    """Sidereal rotation rate in deg/day at a heliographic latitude (deg).

    Small magnetic features on magnetograms: 2.894 - 0.428 sin^2 - 0.370 sin^4 microrad/s
    (Howard, Harvey and Forgach 1990, Solar Physics 130, 295).
    """
    sine2 = np.sin(np.radians(latitude)) ** 2
    return np.degrees((2.894 - 0.428 * sine2 - 0.370 * sine2**2) * 1e-6 * DAY)


def cycle_phase(time: float) -> float:
    """Where in the solar cycle a time lies: 0 at a minimum, growing to 1 at the next."""
    year = 1970 + time / (365.2425 * DAY)
    return (year - _MINIMUM_YEAR) / _CYCLE_YEARS % 1


def cycle_level(time: float) -> float:
    """Strength of the cycle, 0.1 at minimum to 1 at maximum; it rises faster than it falls."""
    return 0.1 + 0.9 * math.sin(math.pi * cycle_phase(time) ** 0.8) ** 2


class Feature(Hashable, Protocol):
    """Something on the surface for a while, with an outline that can be drawn."""

    @property
    def key(self) -> tuple[int, ...]:
        """What distinguishes it from others of its kind: the day of its birth, its number on that day, ..."""

    @property
    def born(self) -> float:
        """When it appears, s."""

    @property
    def dies(self) -> float:
        """When it is gone, s."""

    @property
    def tilt(self) -> float:
        """How far the western end of its axis is lifted to the north, deg."""

    @property
    def lobes(self) -> tuple[float, float]:
        """Amplitude and phase (rad) of its deviation from an ellipse."""

    def position(self, time: Floats) -> tuple[Floats, Floats]:
        """Carrington longitude and latitude (deg) of the centre at these times."""
        ...

    def half_widths(self, time: Floats) -> tuple[Floats, Floats]:
        """Half the extent along and across the axis, in degrees of arc on the surface."""
        ...


def _rotated(longitude: float, latitude: float, age: Floats) -> tuple[Floats, Floats]:
    """Where a feature is `age` seconds after it was at this Carrington longitude."""
    shift = (rotation_rate(latitude) - CARRINGTON_RATE) * age / DAY
    return (longitude + shift) % 360, np.full_like(age, latitude)


@dataclass(frozen=True, slots=True)
class Region:
    """An active region, or one part of it after a split.

    `origin` is the birth of the whole; it grows to `peak_area` (MSH) and decays until it dies. At `split_at`
    a part leaves: the region keeps `share` of the area, the part (`parent` is set) the rest; they move apart.
    """

    key: tuple[int, ...]
    born: float
    dies: float
    longitude: float
    latitude: float
    peak_area: float
    tilt: float
    lobes: tuple[float, float]
    polarity: int  # of the leading part; Hale: opposite in the hemispheres and in the next cycle
    complexity: int  # 0 alpha, 1 beta, 2 beta-gamma, 3 beta-gamma-delta
    noaa: int  # five digits, 0: never numbered
    origin: float
    split_at: float = math.inf
    share: float = 1.0
    parent: tuple[int, ...] | None = None

    def position(self, time: Floats) -> tuple[Floats, Floats]:
        """Carrington longitude and latitude; the two parts of a split drift apart by 0.5 deg/day each."""
        longitude, latitude = _rotated(self.longitude, self.latitude, time - self.origin)
        after = np.maximum(time - self.split_at, 0.0) / DAY
        apart = np.where(time >= self.split_at, 1.2 + 0.5 * after, 0.0)
        return (longitude + (apart if self.parent is None else -apart)) % 360, latitude

    def area(self, time: Floats) -> Floats:
        """Spot area in MSH: a fast rise, a slow decay."""
        age = np.clip((time - self.origin) / (self.dies - self.origin), 0.0, 1.0)
        return self.peak_area * np.where(time >= self.split_at, self.share, 1.0) * np.sin(np.pi * age**0.6)

    def half_widths(self, time: Floats) -> tuple[Floats, Floats]:
        """Of the bright corona above it, wider than the spots: fitted by eye to SPoCA's areas."""
        radius = 0.8 + 0.16 * np.sqrt(self.area(time))
        return 1.25 * radius, 0.8 * radius


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a region that moves with it: a sunspot or a sigmoid. Offsets and sizes in degrees of arc."""

    key: tuple[int, ...]
    born: float
    dies: float
    region: Region
    offset: tuple[float, float]
    relative_size: float
    slenderness: float
    tilt: float
    lobes: tuple[float, float]

    def position(self, time: Floats) -> tuple[Floats, Floats]:
        """With the region, displaced along its axis."""
        longitude, latitude = self.region.position(time)
        cosine = math.cos(math.radians(self.region.latitude))
        return (longitude + self.offset[0] / cosine) % 360, latitude + self.offset[1]

    def half_widths(self, time: Floats) -> tuple[Floats, Floats]:
        """In proportion to the square root of the region's spot area."""
        radius = self.relative_size * np.sqrt(self.region.area(time))
        return radius * self.slenderness, radius / self.slenderness


@dataclass(frozen=True, slots=True)
class Spread:
    """A coronal hole, a filament or a small emergence of flux: it keeps its form, swells and fades."""

    key: tuple[int, ...]
    born: float
    dies: float
    longitude: float
    latitude: float
    length: float
    width: float
    tilt: float
    lobes: tuple[float, float]
    chirality: int = 0
    erupts: bool = False

    def position(self, time: Floats) -> tuple[Floats, Floats]:
        """Carrington longitude and latitude of the centre."""
        return _rotated(self.longitude, self.latitude, time - self.born)

    def half_widths(self, time: Floats) -> tuple[Floats, Floats]:
        """Half of length and width, times how far it has grown (never under 60 %)."""
        age = np.clip((time - self.born) / (self.dies - self.born), 0.0, 1.0)
        grown = 0.6 + 0.4 * np.sin(np.pi * age)
        return 0.5 * self.length * grown, 0.5 * self.width * grown


@dataclass(frozen=True, slots=True)
class Flare:
    """A flare of a region; times in whole minutes, peak flux (1-8 angstrom) in W/m2."""

    key: tuple[int, ...]
    region: Region
    start: int
    peak: int
    end: int
    flux: float
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class Eruption:
    """Plasma that leaves the Sun: where it comes from, speed in km/s, angular width in deg."""

    key: tuple[int, ...]
    time: int
    longitude: float
    latitude: float
    speed: float
    width: float


#: The weakest flare, the strongest, and the index of the power law dN/dF ~ F^-index between them.
WEAKEST_FLARE, STRONGEST_FLARE, FLARE_INDEX = 4e-7, 2.5e-3, 2.0
_FLARES_PER_MSH_DAY = 0.009


class Sun:
    """The Sun of one seed. `activity` multiplies every birth rate."""

    def __init__(self, seed: int = 1, activity: float = 1.0) -> None:
        if seed < 0 or not 0 <= activity <= 20:
            raise ValueError("the seed must not be negative, the activity must lie between 0 and 20")
        self.seed, self.activity = seed, activity
        cached = lru_cache(maxsize=4 * LONGEST_LIFE_DAYS)
        self.regions_born = cached(self._regions_born)
        self.holes_born = cached(self._holes_born)
        self.filaments_born = cached(self._filaments_born)
        self.emergences_born = cached(self._emergences_born)
        self.flares_of = lru_cache(maxsize=2048)(self._flares_of)

    def _regions_born(self, day: int) -> tuple[Region, ...]:
        rng = draws(self.seed, Stream.REGIONS, day)
        level = cycle_level(day_start(day)) * self.activity
        born: list[Region] = []
        for index in range(rng.poisson(1.7 * level)):
            whole = _region(rng, day, index)
            born += _split(rng, whole)
        return tuple(born)

    def _holes_born(self, day: int) -> tuple[Spread, ...]:
        rng = draws(self.seed, Stream.HOLES, day)
        return tuple(_hole(rng, day, index) for index in range(rng.poisson(0.9 * self.activity)))

    def _filaments_born(self, day: int) -> tuple[Spread, ...]:
        rng = draws(self.seed, Stream.FILAMENTS, day)
        rate = (1.0 + 2.0 * cycle_level(day_start(day))) * self.activity
        return tuple(_filament(rng, day, index) for index in range(rng.poisson(rate)))

    def _emergences_born(self, day: int) -> tuple[Spread, ...]:
        rng = draws(self.seed, Stream.EMERGENCES, day)
        rate = (1.0 + 11.0 * cycle_level(day_start(day))) * self.activity
        return tuple(_emergence(rng, day, index) for index in range(rng.poisson(rate)))

    def _flares_of(self, region: Region) -> tuple[Flare, ...]:
        rng = draws(self.seed, Stream.FLARES, *region.key)
        grid = np.linspace(region.born, region.dies, 65)
        rate = _FLARES_PER_MSH_DAY * region.area(grid) * (0.5 + 0.5 * region.complexity)
        grown = np.concatenate(([0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid) / DAY)))
        times = np.sort(np.interp(rng.random(rng.poisson(grown[-1])) * grown[-1], grown, grid))
        return tuple(_flare(rng, region, index, time) for index, time in enumerate(times.tolist()))

    def eruptions(self, day: int) -> Iterator[Eruption]:
        """What erupts on a day: with flares (the stronger the more often), with filaments, and alone."""
        rng = draws(self.seed, Stream.ERUPTIONS, day)
        first, last = day_start(day), day_start(day + 1)
        for index in range(rng.poisson((0.4 + cycle_level(first)) * self.activity)):
            place = (rng.uniform(0, 360), rng.normal(0, 35))
            yield _eruption(rng, (day, index, 0), first + int(rng.integers(DAY)), place, 280)
        for flare in self.flares(day):
            own = draws(self.seed, Stream.ERUPTIONS, *flare.key, 1)
            if own.random() < min(0.06 * (flare.flux / 1e-6) ** 0.6, 1.0):
                place, speed = (flare.longitude, flare.latitude), 300 * (flare.flux / 1e-6) ** 0.25
                yield _eruption(own, (*flare.key, 1), flare.peak, place, speed)
        for filament in self.filaments(day):
            if filament.erupts and first <= filament.dies < last:
                own = draws(self.seed, Stream.ERUPTIONS, *filament.key, 2)
                longitude, latitude = filament.position(np.array([filament.dies]))
                place = (float(longitude[0]), float(latitude[0]))
                yield _eruption(own, (*filament.key, 2), int(filament.dies), place, 350)

    def regions(self, day: int) -> Iterator[Region]:
        """The regions that live at some time of a day."""
        return (r for d in _birthdays(day) for r in self.regions_born(d) if _alive(r, day))

    def holes(self, day: int) -> Iterator[Spread]:
        """The coronal holes that live at some time of a day."""
        return (h for d in _birthdays(day) for h in self.holes_born(d) if _alive(h, day))

    def filaments(self, day: int) -> Iterator[Spread]:
        """The filaments that live at some time of a day."""
        return (f for d in _birthdays(day) for f in self.filaments_born(d) if _alive(f, day))

    def emergences(self, day: int) -> Iterator[Spread]:
        """The small emergences of flux that begin on a day."""
        return iter(self.emergences_born(day))

    def flares(self, day: int) -> Iterator[Flare]:
        """The flares that start on a day."""
        first, last = day_start(day), day_start(day + 1)
        return (f for r in self.regions(day) for f in self.flares_of(r) if first <= f.start < last)


def day_start(day: int) -> int:
    """Seconds since 1970-01-01 at which a day begins."""
    return (day - _EPOCH_DAY) * DAY


def day_at(seconds: float) -> int:
    """The day number of a time in seconds since 1970-01-01."""
    return int(seconds // DAY) + _EPOCH_DAY


def _birthdays(day: int) -> range:
    return range(day - LONGEST_LIFE_DAYS, day + 1)


def _alive(feature: Feature, day: int) -> bool:
    return feature.born < day_start(day + 1) and feature.dies >= day_start(day)


def noaa_number(day: int, index: int) -> int:
    """A number of five digits, 11000 to 19999; three a day at most (then 0: never numbered).

    As with NOAA's own, the last four digits alone tell the region within its decade.
    """
    return 11_000 + (3 * day + index) % 9_000 if index < 3 else 0


def _region(rng: np.random.Generator, day: int, index: int) -> Region:
    """A whole region. Spoerer: high latitudes early in the cycle; Joy: the tilt grows with latitude."""
    born = day_start(day) + float(rng.integers(DAY))
    phase = cycle_phase(born)
    north = 1 if rng.random() < 0.5 else -1
    latitude = north * float(np.clip(rng.normal(27 - 19 * phase, 5), 1, 45))
    peak_area = float(np.clip(rng.lognormal(math.log(110), 0.95), 8, 2_500))
    # Gnevyshev and Waldmeier: life grows with the largest area.
    life = float(np.clip(3.0 * peak_area**0.32 * rng.lognormal(0, 0.25), 2, LONGEST_LIFE_DAYS - 10))
    era = int((1970 + born / (365.2425 * DAY) - _MINIMUM_YEAR) // _CYCLE_YEARS)
    return Region(
        key=(day, index),
        born=born,
        dies=born + life * DAY,
        longitude=rng.uniform(0, 360),
        latitude=latitude,
        peak_area=peak_area,
        tilt=-north * (0.5 * abs(latitude) + rng.normal(0, 6)),
        lobes=(rng.uniform(0, 0.2), rng.uniform(0, 2 * math.pi)),
        polarity=north * (-1) ** era,
        complexity=int(np.clip(rng.poisson(0.35 * math.log10(peak_area) + 0.2), 0, 3)),
        noaa=noaa_number(day, index),
        origin=born,
    )


def _split(rng: np.random.Generator, whole: Region) -> list[Region]:
    """The region, and the part that leaves it if it splits (one in six does, never the smallest)."""
    splits, at, share = rng.random() < 1 / 6, rng.uniform(0.25, 0.5), rng.uniform(0.55, 0.7)
    if not splits or whole.peak_area < 60:
        return [whole]
    split_at = whole.born + at * (whole.dies - whole.born)
    whole = replace(whole, split_at=split_at, share=share)
    leaving = replace(
        whole,
        key=(*whole.key, 1),
        born=split_at,
        share=1 - share,
        parent=whole.key,
        noaa=0,
        complexity=min(whole.complexity, 1),
    )
    return [whole, leaving]


def _hole(rng: np.random.Generator, day: int, index: int) -> Spread:
    polar = rng.random() < 0.3
    north = 1 if rng.random() < 0.5 else -1
    born = day_start(day) + float(rng.integers(DAY))
    return Spread(
        key=(day, index),
        born=born,
        dies=born + rng.uniform(8, LONGEST_LIFE_DAYS - 2) * DAY,
        longitude=rng.uniform(0, 360),
        latitude=north * (rng.uniform(62, 76) if polar else rng.uniform(0, 45)),
        length=rng.uniform(6, 24),
        width=rng.uniform(4, 14),
        tilt=rng.uniform(-90, 90),
        lobes=(rng.uniform(0.1, 0.35), rng.uniform(0, 2 * math.pi)),
    )


def _filament(rng: np.random.Generator, day: int, index: int) -> Spread:
    north = 1 if rng.random() < 0.5 else -1
    born = day_start(day) + float(rng.integers(DAY))
    length = float(np.clip(rng.lognormal(math.log(9), 0.5), 3, 40))
    return Spread(
        key=(day, index),
        born=born,
        dies=born + float(np.clip(rng.lognormal(math.log(8), 0.6), 1, 40)) * DAY,
        longitude=rng.uniform(0, 360),
        latitude=north * float(np.clip(rng.normal(30, 14), 2, 65)),
        length=length,
        width=0.12 * length + 0.8,
        tilt=north * rng.uniform(-10, 60),
        lobes=(rng.uniform(0.05, 0.25), rng.uniform(0, 2 * math.pi)),
        chirality=north * (-1 if rng.random() < 0.8 else 1),  # mostly dextral (-1) in the north
        erupts=bool(rng.random() < 0.3),
    )


def _emergence(rng: np.random.Generator, day: int, index: int) -> Spread:
    born = day_start(day) + float(rng.integers(DAY))
    north = 1 if rng.random() < 0.5 else -1
    size = float(np.clip(rng.lognormal(math.log(1.5), 0.4), 0.6, 5))
    return Spread(
        key=(day, index),
        born=born,
        dies=born + rng.uniform(1.5, 18) * 3_600,
        longitude=rng.uniform(0, 360),
        latitude=north * float(np.clip(rng.normal(27 - 19 * cycle_phase(born), 9), 0, 55)),
        length=1.6 * size,
        width=size,
        tilt=rng.normal(0, 25),
        lobes=(0.0, 0.0),
        chirality=north,
    )


def _flare(rng: np.random.Generator, region: Region, index: int, time: float) -> Flare:
    """One flare: its flux by the inverse of the power law's distribution; stronger ones last longer."""
    slope = 1 - FLARE_INDEX
    low, high = WEAKEST_FLARE**slope, STRONGEST_FLARE**slope
    flux = (low + rng.random() * (high - low)) ** (1 / slope)
    lasts = (flux / 1e-6) ** 0.2
    rise = min(max(1, round(rng.lognormal(math.log(6 * lasts), 0.5))), 240)
    decay = min(max(1, round(rng.lognormal(math.log(8 * lasts), 0.6))), 480)
    start = int(time // 60) * 60
    longitude, latitude = region.position(np.array([time]))
    spread = float(region.half_widths(np.array([time]))[0][0]) / 4
    return Flare(
        key=(*region.key, 1_000 + index),
        region=region,
        start=start,
        peak=start + 60 * rise,
        end=start + 60 * (rise + decay),
        flux=flux,
        longitude=(float(longitude[0]) + rng.normal(0, spread)) % 360,
        latitude=float(latitude[0]) + rng.normal(0, spread / 2),
    )


def _eruption(
    rng: np.random.Generator, key: tuple[int, ...], time: int, place: tuple[float, float], speed: float
) -> Eruption:
    return Eruption(
        key=key,
        time=time,
        longitude=place[0],
        latitude=float(np.clip(place[1], -85, 85)),
        speed=float(np.clip(rng.lognormal(math.log(speed), 0.4), 60, 2_800)),
        width=float(np.clip(rng.lognormal(math.log(32 * (speed / 300) ** 0.6), 0.6), 6, 360)),
    )
