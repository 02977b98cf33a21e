"""The fixed grid of 6-minute slots in which images are kept, and the nine wavelengths.

Slot n covers [EPOCH + n * CADENCE, EPOCH + (n + 1) * CADENCE). An image belongs to the slot that contains
its time of observation; the first observed in a slot wins. 240 slots a day, so days begin with a slot.
"""

from datetime import UTC, datetime, timedelta

#: The start of slot 0: the first month of SDO's science mission.
EPOCH = datetime(2010, 5, 1, tzinfo=UTC)
#: The length of a slot.
CADENCE = timedelta(minutes=6)
#: The wavelengths that have parameters, angstrom.
WAVES = (94, 131, 171, 193, 211, 304, 335, 1600, 1700)

# The old service's documentation and one of its clients write 355 where they mean 335.
_SLIPS = {355: 335}
_MOST_DIGITS = 4


class UnknownWaveError(ValueError):
    """What was given names none of the nine wavelengths."""


class BeforeFirstSlotError(ValueError):
    """The time lies before `EPOCH`, where no slots are."""


def slot_of(time: datetime) -> int:
    """The number of the slot that contains `time` (with a zone).

    Raises BeforeFirstSlotError for times before `EPOCH`, and TypeError for a time without a zone.
    """
    slot = (time - EPOCH) // CADENCE
    if slot < 0:
        raise BeforeFirstSlotError(
            f"{time.isoformat()} is before {EPOCH.isoformat()}, the start of the first slot"
        )
    return slot


def start_of(slot: int) -> datetime:
    """When slot number `slot` begins, UTC."""
    return EPOCH + slot * CADENCE


def slots_between(start: datetime, end: datetime) -> range:
    """The numbers of the slots that begin in [start, end), in order of time; empty where end <= start.

    Raises BeforeFirstSlotError where a slot before the first one would be among them.
    """
    if end <= start:
        return range(0)
    slot_of(start)
    first, last = (-((EPOCH - time) // CADENCE) for time in (start, end))  # rounded up
    return range(first, last)


def wave_of(text: str | int) -> int:
    """One of `WAVES` from what a header or an old client writes: 171, "171", "0171", "171.0"; 355 is 335.

    Raises UnknownWaveError for anything else.
    """
    digits = str(text).strip().removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise UnknownWaveError(
            f"{str(text)[:20]!r} is not a wavelength; there are {', '.join(map(str, WAVES))}"
        )
    wave = _SLIPS.get(int(digits), int(digits))
    if wave not in WAVES:
        raise UnknownWaveError(f"there are no images of {wave} angstrom, only {', '.join(map(str, WAVES))}")
    return wave
