"""Methods that tell of single events, or once a day: NOAA's regions, flares, CMEs, emergences, eruptions."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ingest.sources.simulator import methods
from ingest.sources.simulator.sightings import Method, Sighting, archivid, iso, moment
from ingest.sources.simulator.sky import Duty, cosine_from_centre, earth
from ingest.sources.simulator.sun import (
    DAY,
    Eruption,
    Flare,
    Region,
    Spread,
    Stream,
    Sun,
    day_at,
    day_start,
    draws,
)

#: What is farther than this from the disk's centre (cosine of the angle) is not seen on the disk.
_LIMB = 0.02
#: A millionth of the hemisphere in km2 and in square degrees.
_KM2_PER_MSH, _DEG2_PER_MSH = 3.04e6, 0.020626
_MOUNT_WILSON = ("ALPHA", "BETA", "BETA-GAMMA", "BETA-GAMMA-DELTA")
#: Two classes written over one another, as HEK's records of NOAA regions often hold them.
_DAMAGED = ("ALPHA", "BETAA", "BETAAGAMMA", "ALPHAGAMMA-DELTA")
_MC_INTOSH = (
    ("AXX", "HSX", "HAX"),
    ("BXO", "CRO", "CSO", "DAO"),
    ("DAI", "DSI", "EAI"),
    ("EKC", "FKC", "DKC"),
)


class Newsroom:
    """The bulletins of one Sun."""

    def __init__(self, sun: Sun) -> None:
        self._sun = sun
        kinds = (
            methods.NOAA_AR,
            methods.SWPC_FL,
            methods.SSW_FL,
            methods.CACTUS_CE,
            methods.EMERGENCE_EF,
            methods.HUMAN_FE,
        )
        self._duties = {method.number: Duty(sun.seed, method.number) for method in kinds}

    def sightings(self, day: int) -> Iterator[Sighting]:
        """The reports whose start lies on a day."""
        yield from self._noaa(day)
        for flare in self._sun.flares(day):
            yield from self._flare(flare, day)
        # A CME comes into view hours after it left the surface.
        for eruption in (*self._sun.eruptions(day - 1), *self._sun.eruptions(day)):
            yield from self._cme(eruption, day)
        for region in self._sun.regions_born(day):
            if region.parent is None:
                yield from self._emergence(_first_flux(region), day)
        for emergence in self._sun.emergences(day):
            yield from self._emergence(emergence, day)
        yield from self._filament_eruptions(day)

    def _rng(self, method: Method, *key: int) -> np.random.Generator:
        return draws(self._sun.seed, Stream.BULLETIN, method.number, *key)

    def _works(self, method: Method, day: int, time: int) -> bool:
        return bool(self._duties[method.number].works(day, day + 1, np.array([time]))[0])

    def _noaa(self, day: int) -> Iterator[Sighting]:
        """Once a day, for the whole day: numbered regions, in whole degrees, boxes without outline."""
        method, start = methods.NOAA_AR, day_start(day)
        if not self._works(method, day, start):
            return
        for region in self._sun.regions(day):
            longitude, latitude, cosine = _seen(region, start)
            area = float(region.area(np.array([start], dtype=np.float64))[0])
            if region.noaa == 0 or area < 10 or cosine < _LIMB:
                continue
            rng = self._rng(method, day, *region.key)
            extent = max(round(0.9 * math.sqrt(area)), 1)
            half = (extent / 2, area * _DEG2_PER_MSH / extent / 2)
            run = start + 10_800 + int(rng.integers(0, 240))
            name = archivid(method, run, f"_NOAA{region.noaa}_{moment(start):%Y%m%d}")
            yield Sighting(
                method=method,
                archivid=name,
                start=start,
                end=start + DAY - 1,
                run=run,
                archived=run + 2,
                submitted="hgs",
                coord=(round(longitude), round(latitude)),
                box=_box((round(longitude), round(latitude)), half),
                errors=(half[0], round(half[1], 6)),
                attributes=_noaa_attributes(region, area, rng),
            )

    def _flare(self, flare: Flare, day: int) -> Iterator[Sighting]:
        """By GOES, which does not see where, and by SSW Latest Events, which does; on this side only."""
        longitude, latitude, cosine = _seen(flare, flare.peak)
        if cosine < _LIMB:
            return
        place = (round(longitude), round(latitude))
        if self._works(methods.SWPC_FL, day, flare.end):
            yield self._swpc(flare, place)
        rng = self._rng(methods.SSW_FL, *flare.key)
        if rng.random() < 0.85 and self._works(methods.SSW_FL, day, flare.end):
            yield _ssw(flare, place, rng)

    def _swpc(self, flare: Flare, place: tuple[int, int]) -> Sighting:
        method = methods.SWPC_FL
        rng = self._rng(method, *flare.key)
        # As in real records, the weaker a flare, the more often nobody says where it was.
        lost = rng.random() < (0.45 if flare.flux < 1e-5 else 0.05)
        known = flare.region.noaa if rng.random() < (0.15 if lost else 0.9) else 0
        run = flare.end + int(rng.integers(1_800, 36_000))
        return Sighting(
            method=method,
            archivid=archivid(method, run, f"_{moment(flare.start):%Y%m%d%H%M%S}"),
            start=flare.start,
            end=flare.end,
            run=day_start(day_at(flare.start)),
            archived=run + int(rng.integers(3, 9)),
            submitted="hgs",
            coord=(0, 0) if lost else place,
            box=(-90.0, -90.0, 90.0, 90.0) if lost else _box(place, (0.5, 0.5)),
            errors=(90, 90) if lost else (1, 1),
            no_position=lost,
            attributes={
                "event_peaktime": iso(flare.peak),
                "fl_goescls": goes_class(flare.flux),
                "ar_noaanum": known,
            },
        )

    def _cme(self, eruption: Eruption, day: int) -> Iterator[Sighting]:
        """CACTus reports an eruption again in later runs, with other starts, widths and speeds."""
        method = methods.CACTUS_CE
        longitude, latitude, _ = _seen(eruption, eruption.time)
        angle = math.degrees(math.atan2(-math.sin(math.radians(longitude)), math.tan(math.radians(latitude))))
        # In C2's field of view (2 solar radii) after this long, on the cadence of its images.
        appears = eruption.time + int(695_700 / eruption.speed) // 720 * 720 + 420
        for repeat in range(1 + int(self._rng(method, *eruption.key).poisson(0.6))):
            rng = self._rng(method, *eruption.key, repeat)
            start = appears + 720 * int(rng.integers(-1, 2)) * bool(repeat)
            if not day_start(day) <= start < day_start(day + 1) or not self._works(method, day, start):
                continue
            width = int(np.clip(2 * round(eruption.width * rng.uniform(0.85, 1.15) / 2), 6, 360))
            pa = round(angle + rng.normal(0, 2)) % 360
            end = start + 720 * int(rng.integers(7, 36))
            run = end + int(rng.integers(4, 40)) * 900 + 27 + repeat
            yield Sighting(
                method=method,
                archivid=archivid(method, run, f"_{rng.uniform(1, 9_000):.2f}"),
                start=start,
                end=end,
                run=run,
                archived=run + int(rng.integers(120, 1_900)),
                submitted="hrc",
                coord=(2, pa),
                box=(2, pa - width / 2, 30, pa + width / 2),
                errors=(2, round(rng.uniform(0.2, 0.4), 6)),
                attributes=_cme_attributes(eruption.speed, width, rng),
            )

    def _emergence(self, flux: Spread, day: int) -> Iterator[Sighting]:
        method, start = methods.EMERGENCE_EF, int(flux.born)
        longitude, latitude, cosine = _seen(flux, start)
        if cosine < 0.5 or not self._works(method, day, start):
            return
        rng = self._rng(method, *flux.key)
        end = int(flux.dies)
        run = end + int(rng.integers(1_800, 14_400))
        centre = (round(longitude, 3), round(latitude, 3))
        total = 10 ** rng.uniform(19.3, 20.6) * flux.length
        yield Sighting(
            method=method,
            archivid=archivid(method, run, f"_{moment(start):%Y%m%dT%H%M%S}_{flux.key[1]}"),
            start=start,
            end=end,
            run=run,
            archived=run + 2,
            submitted="hgs",
            coord=centre,
            box=_box(centre, (round(flux.length / 2, 3), round(flux.width / 2, 3))),
            errors=(0.1, 0.1),
            attributes={
                "event_peaktime": iso(start + int(rng.uniform(0.4, 0.9) * (end - start))),
                "ef_axislength": round(flux.length * 12.142, 3),
                "ef_axisorientation": round(flux.tilt, 2),
                "ef_aspectratio": round(flux.length / flux.width, 3),
                "ef_sumpossignedflux": float(f"{total:.6g}"),
                "ef_sumnegsignedflux": -float(f"{total * rng.uniform(0.85, 1.15):.6g}"),
                "ef_pospeakfluxonsetrate": float(f"{total / (end - start):.6g}"),
                "unsignedflux": float(f"{2 * total:.6g}"),
            },
        )

    def _filament_eruptions(self, day: int) -> Iterator[Sighting]:
        """People report some of the filaments that they see erupt."""
        method, first, last = methods.HUMAN_FE, day_start(day), day_start(day + 1)
        for filament in self._sun.filaments(day):
            start = int(filament.dies)
            if not filament.erupts or not first <= start < last:
                continue
            longitude, latitude, cosine = _seen(filament, start)
            rng = self._rng(method, *filament.key)
            if cosine < 0.05 or rng.random() < 0.25:
                continue
            run = start + int(rng.integers(DAY, 20 * DAY))
            centre = (round(longitude, 1), round(latitude, 1))
            half = (round(filament.length / 2, 1), round(filament.length / 3, 1))
            yield Sighting(
                method=method,
                archivid=archivid(method, run, f"_{filament.key[1]}"),
                start=start,
                end=start + 60 * int(rng.integers(20, 240)),
                run=run,
                archived=run + int(rng.integers(60, 600)),
                submitted="hgs",
                coord=centre,
                box=_box(centre, half),
                attributes={
                    "event_peaktime": iso(start + 900),
                    "event_description": "Simulated filament eruption",
                    "event_probability": round(rng.uniform(0.5, 1), 2),
                    "outflow_length": round(filament.length * 12.142, 1),
                    "outflow_speed": round(rng.uniform(30, 400), 1),
                },
            )


def _seen(thing: Region | Spread | Flare | Eruption, time: int) -> tuple[float, float, float]:
    """Stonyhurst longitude (-180 to 180) and latitude in deg, and the cosine of the angle from the centre."""
    if isinstance(thing, (Flare, Eruption)):
        longitude, latitude = thing.longitude, thing.latitude
    else:
        longitude, latitude = (float(c[0]) for c in thing.position(np.array([time], dtype=np.float64)))
    observer = earth(time)
    cosine = float(cosine_from_centre(longitude, latitude, observer))
    return (longitude - float(observer.l0) + 180) % 360 - 180, latitude, cosine


def _box(centre: tuple[float, float], half: tuple[float, float]) -> tuple[float, float, float, float]:
    return (
        round(centre[0] - half[0], 6),
        round(max(centre[1] - half[1], -90), 6),
        round(centre[0] + half[0], 6),
        round(min(centre[1] + half[1], 90), 6),
    )


def _noaa_attributes(region: Region, area: float, rng: np.random.Generator) -> dict[str, Any]:
    kind = region.complexity if area > 25 else min(region.complexity, 1)
    damaged = rng.random() < 0.06
    return {
        "ar_noaanum": region.noaa,
        "ar_numspots": max(int(rng.poisson(1 + 0.09 * area * (0.3 + 0.35 * kind))), 1),
        "ar_mtwilsoncls": (_DAMAGED if damaged else _MOUNT_WILSON)[kind],
        "ar_mcintoshcls": str(rng.choice(_MC_INTOSH[kind])),
        "area_atdiskcenter": round(10 * max(round(area / 10), 1) * _KM2_PER_MSH),
    }


def _ssw(flare: Flare, place: tuple[int, int], rng: np.random.Generator) -> Sighting:
    """The same flare seen by AIA: slightly other peak and class, a NOAA number without its first digit."""
    method = methods.SSW_FL
    peak = min(max(flare.peak + 60 * int(rng.integers(-2, 3)), flare.start), flare.end)
    moved = (place[0] + int(rng.integers(-1, 2)), place[1] + int(rng.integers(-1, 2)))
    run = flare.end + int(rng.integers(3_600, 30_000))
    west = max(min(moved[0], 89), -89)
    return Sighting(
        method=method,
        archivid=archivid(method, flare.start, f"_{int(rng.integers(100, 1_000))}"),
        start=flare.start,
        end=flare.end,
        run=day_start(day_at(flare.start)),
        archived=run,
        submitted="hgs",
        coord=(west, moved[1]),
        box=_box((west, moved[1]), (1, 1)),
        errors=(0, 0),
        attributes={
            "event_peaktime": iso(peak),
            "fl_goescls": goes_class(flare.flux * rng.normal(1, 0.02)),
            "ar_noaanum": flare.region.noaa % 10_000,
        },
    )


def _cme_attributes(speed: float, width: int, rng: np.random.Generator) -> dict[str, Any]:
    measured = round(speed * rng.uniform(0.85, 1.15))
    return {
        "cme_angularwidth": width,
        "cme_radiallinvel": measured,
        "cme_radiallinvelmax": round(measured * rng.uniform(1.2, 1.9)),
        "cme_radiallinvelmin": round(measured * rng.uniform(0.5, 0.9)),
        "cme_radiallinvelstddev": round(measured * rng.uniform(0.05, 0.3)),
        "cme_radiallinveluncert": round(measured * 0.1, 1),
    }


def _first_flux(region: Region) -> Spread:
    """The emergence with which a region begins."""
    size = 0.1 * math.sqrt(region.peak_area) + 0.8
    return Spread(
        key=(*region.key, 9),
        born=region.born,
        dies=region.born + 43_200,
        longitude=region.longitude,
        latitude=region.latitude,
        length=1.6 * size,
        width=size,
        tilt=region.tilt,
        lobes=(0.0, 0.0),
    )


def goes_class(flux: float) -> str:
    """The GOES class of a peak flux in W/m2, one decimal (9.96e-6 is M1.0, not C10.0)."""
    for letter, decade in (("A", 1e-8), ("B", 1e-7), ("C", 1e-6), ("M", 1e-5), ("X", 1e-4)):
        if round(flux / decade, 1) < 10 or letter == "X":
            break
    return f"{letter}{flux / decade:.1f}"
