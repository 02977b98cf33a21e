"""Where Helioviewer keeps AIA's JP2 files, and how they are named.

Folders: `{Y}/{m}/{d}/{wave}/` from 2013 on, `{wave}/{Y}/{m}/{d}/` up to 2010, either in 2011 and 2012.
Names: `2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2`; the last number of the time is the fraction of the
second as DATE_OBS has it, so `41_13` is 41.13 s. Listings are Apache's: HTML with a link for each name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from images.domain.slots import EPOCH, slot_of, wave_of

#: The numbers of Helioviewer's API for AIA's wavelengths.
SOURCE_IDS = {94: 8, 131: 9, 171: 10, 193: 11, 211: 12, 304: 13, 335: 14, 1600: 15, 1700: 16}

_NAME = re.compile(
    r"(\d{4})_(\d\d)_(\d\d)__(\d\d)_(\d\d)_(\d\d)_(\d{1,6})__SDO_AIA_AIA_(\d{2,4})\.jp2", re.ASCII
)
_LINK = re.compile(r"""href\s*=\s*["']?(?:[^"'\s>]*/)?([^"'\s>/]+\.jp2)["'\s>]""", re.IGNORECASE)
_FIRST_BY_DAY, _LAST_BY_WAVE = 2011, 2012


@dataclass(frozen=True, order=True, slots=True)
class Named:
    """A file by what its name tells."""

    observed: datetime
    wave: int
    name: str


def folders(wave: int, day: date) -> list[str]:
    """The folders in which the files of a day may be, relative to the root, the likelier first."""
    by_day, by_wave = f"{day:%Y/%m/%d}/{wave}/", f"{wave}/{day:%Y/%m/%d}/"
    if day.year > _LAST_BY_WAVE:
        return [by_day]
    return [by_wave] if day.year < _FIRST_BY_DAY else [by_day, by_wave]


def file_name(wave: int, observed: datetime) -> str:
    """The name of an image's file."""
    fraction = f"{observed:%f}".rstrip("0") or "0"
    return f"{observed:%Y_%m_%d__%H_%M_%S}_{fraction}__SDO_AIA_AIA_{wave}.jp2"


def named(name: str) -> Named | None:
    """What a file's name tells; None where it is not of this kind, or of no time or wavelength of ours."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    *parts, fraction, wave = match.groups()
    try:
        second = datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[misc, arg-type]
        return Named(second.replace(microsecond=int(fraction.ljust(6, "0"))), wave_of(wave), name)
    except ValueError:
        return None


def listed(page: str) -> list[Named]:
    """The AIA files that a listing links to, by time."""
    found = {named(name) for name in _LINK.findall(page)}
    return sorted(file for file in found if file is not None)


def by_slot(files: Iterable[Named]) -> dict[int, list[Named]]:
    """The files of each slot that has any, by time: first the first one at or after the slot's start."""
    found: dict[int, list[Named]] = {}
    for file in sorted(file for file in files if file.observed >= EPOCH):
        found.setdefault(slot_of(file.observed), []).append(file)
    return found
