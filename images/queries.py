"""All reads of image headers: which image answers a time, ranges, lists, neighbours, gaps.

Within one wavelength slots and observations have the same order (an image belongs to the slot that contains
its observation, and a slot holds one), so nearly all of this runs on the index over wavelength and slot.
The keywords as they came (`header`) are left in the database until somebody reads the attribute.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, IntegerField, Max, Min, Q, QuerySet, Window
from django.db.models.functions import Lag, Mod, RowNumber

from images.domain.criteria import TOLERANCE, ImageCriteria, Match
from images.domain.slots import CADENCE, EPOCH, start_of
from images.models import ImageHeader, MeasuringSettings

#: Slots in a day; slot 0 begins a day, so that slot // SLOTS_A_DAY counts days.
SLOTS_A_DAY = timedelta(days=1) // CADENCE
#: The last time after which a slot begins that a calendar of four digits has.
_LAST = datetime.max.replace(tzinfo=UTC) - CADENCE


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The filled slots on both sides of a time; None where there is none."""

    before: ImageHeader | None
    after: ImageHeader | None


@dataclass(frozen=True, slots=True)
class RangePage:
    """A page of a range, out of `total` that the whole range has, every step-th taken.

    `frames`: the slots in order, each with the `frame_hash` of its image.
    """

    frames: list[tuple[int, UUID | None]]
    total: int


@dataclass(frozen=True, slots=True)
class DayAvailability:
    """How many of a day's 240 slots have an image of a wavelength, and the gaps as [start, end) in UTC."""

    wave: int
    day: date
    filled: int
    gaps: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class WaveCoverage:
    """What there is of a wavelength: number of images, times of the first and the last one."""

    wave: int
    images: int
    first: datetime
    last: datetime


class Held(NamedTuple):
    """What is told of a frame beside its numbers, and what they follow from."""

    slot: int
    wave: int
    observed: datetime
    quality: int
    settings: int
    software: str
    content_hash: UUID
    frame_hash: UUID | None
    pk: int


def headers() -> QuerySet[ImageHeader]:
    """All headers with their settings, without the keywords as they came."""
    return ImageHeader.objects.select_related("settings").defer("header")


def header_at(wave: int, slot: int) -> ImageHeader | None:
    """The header of one slot, or None where it is empty."""
    return headers().filter(wave=wave, slot=slot).first()


def find(
    wave: int, time: datetime, match: Match = Match.NEXT, tolerance: timedelta = TOLERANCE
) -> ImageHeader | None:
    """The image that answers `time`, by the rule of `match`; None where there is none within `tolerance`."""
    if match is Match.NEXT:
        return _first_from(wave, _slot(time), _slot(time + tolerance))
    before = _last_observed(wave, time, tolerance)
    if match is Match.PREVIOUS:
        return before
    after = _first_observed(wave, time, tolerance)
    if before is None or after is None:
        return before or after
    return before if time - before.observed <= after.observed - time else after


def last_without(wave: int, flags: frozenset[str], time: datetime, reach: timedelta) -> ImageHeader | None:
    """The newest image of a wavelength observed in [time - reach, time) that has none of these flags."""
    found = headers().filter(wave=wave, slot__gte=_slot(time - reach), slot__lte=_slot(time))
    found = found.filter(observed__gte=time - reach, observed__lt=time).exclude(flags__overlap=sorted(flags))
    return found.order_by("-slot").first()


#: For each time the nearer of the last image at or before it and the first one at or after it.
_NEAREST = """
SELECT asked.place, closest.id
FROM unnest(%(times)s::timestamptz[], %(slots)s::integer[]) WITH ORDINALITY AS asked(time, slot, place)
CROSS JOIN LATERAL (
    SELECT id FROM (
        (SELECT id, observed FROM images_imageheader
         WHERE wave = %(wave)s AND slot BETWEEN asked.slot - %(reach)s AND asked.slot
         AND observed BETWEEN asked.time - %(tolerance)s AND asked.time ORDER BY slot DESC LIMIT 1)
        UNION ALL
        (SELECT id, observed FROM images_imageheader
         WHERE wave = %(wave)s AND slot BETWEEN asked.slot AND asked.slot + %(reach)s
         AND observed BETWEEN asked.time AND asked.time + %(tolerance)s ORDER BY slot LIMIT 1)
    ) AS side
    ORDER BY greatest(observed - asked.time, asked.time - observed), observed LIMIT 1
) AS closest
"""


def nearest(
    wave: int, times: Sequence[datetime], tolerance: timedelta = TOLERANCE
) -> list[ImageHeader | None]:
    """For each of the times what `find` gives for Match.NEAREST; two statements, however many times."""
    asked: dict[str, Any] = {
        "wave": wave,
        "times": list(times),
        "slots": [_slot(time) for time in times],
        "tolerance": tolerance,
        "reach": tolerance // CADENCE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, asked)
        found: dict[int, int] = dict(cursor.fetchall())
    images = headers().in_bulk(set(found.values()))
    return [images[found[place]] if place in found else None for place in range(1, len(times) + 1)]


def neighbours(wave: int, time: datetime, *, itself: bool = False) -> Neighbours:
    """The filled slots nearest to the slot that contains `time`, however far.

    That slot is neither of them, or with `itself` the one before, if it is filled.
    """
    slot = _slot(time)
    of_wave = headers().filter(wave=wave)
    return Neighbours(
        of_wave.filter(slot__lt=slot + itself).order_by("-slot").first(),
        of_wave.filter(slot__gt=slot).order_by("slot").first(),
    )


def in_range(wave: int, start: datetime, end: datetime) -> QuerySet[ImageHeader]:
    """Images in the slots that overlap [start, end), by time: that which contains `start` is one."""
    if end <= start:
        return headers().none()
    last = _slot(end - timedelta(microseconds=1))
    return headers().filter(wave=wave, slot__gte=_slot(start), slot__lte=last).order_by("slot")


def range_page(
    wave: int, start: datetime, end: datetime, *, step: int = 1, offset: int = 0, limit: int | None = None
) -> RangePage:
    """`rows[::step][offset:offset + limit]` of `in_range`; no limit gives all.

    Raises ValueError for a step below 1, or a negative offset or limit.
    """
    if step < 1 or offset < 0 or (limit is not None and limit < 0):
        raise ValueError("step counts from 1; offset and limit are not negative")
    frames = in_range(wave, start, end).values_list("slot", "frame_hash")
    total = -(-frames.count() // step)
    stop = total if limit is None else min(offset + limit, total)
    page = frames[offset * step : stop * step : step] if offset < stop else []
    return RangePage(list(page), total)


def headers_of(wave: int, slots: list[int], batch: int = 500) -> Iterator[ImageHeader]:
    """The headers of these slots, ascending, a batch at a time, so that memory stays flat."""
    for begin in range(0, len(slots), batch):
        yield from headers().filter(wave=wave, slot__in=slots[begin : begin + batch]).order_by("slot")


def held(waves: Sequence[int], start: datetime, end: datetime, *, step: int, most: int) -> list[Held]:
    """The frames of these waves in the first `most` slots that have any, ordered by slot and wave.

    The slots are those that begin in [start, end), so that windows which adjoin share none; every `step`-th
    from the first one, filled or not, so that all waves are taken at the same times.
    """
    first, stop = _slot_from(start), _slot_from(end)
    rows = ImageHeader.objects.filter(
        wave__in=waves, observed__gte=start_of(first), observed__lt=start_of(stop)
    )
    if step > 1:
        rows = rows.alias(place=Mod(F("slot") - first, step)).filter(place=0)
    # Slots rise with the observations of all waves, and no slot has more rows than waves.
    names = (*(name for name in Held._fields if name != "settings"), "settings_id")
    found = rows.order_by("observed", "wave").values(*names)[: (most + 1) * len(waves)]
    frames = sorted(Held(settings=row.pop("settings_id"), **row) for row in found)
    slots = sorted({frame.slot for frame in frames})[:most]
    return [frame for frame in frames if slots and frame.slot <= slots[-1]]


def observed_in(
    wave: int,
    start: datetime,
    end: datetime,
    *,
    before: datetime | None = None,
    step: int = 1,
    most: int | None = None,
) -> list[ImageHeader]:
    """Of the images observed in [start, end] and before `before` each `step`-th, by time; `most` at most."""
    found = ImageHeader.objects.filter(wave=wave, slot__gte=_slot(start), slot__lte=_slot(end))
    found = found.filter(observed__gte=start, observed__lte=end)
    if before is not None:
        found = found.filter(observed__lt=before)
    if step > 1:
        place = Window(RowNumber(), order_by="slot", output_field=IntegerField()) - 1
        found = found.annotate(place=Mod(place, step)).filter(place=0)
    chosen = found.order_by("slot").values("pk")[:most]
    return list(headers().filter(pk__in=chosen).order_by("slot"))


def settings_of(frames: Iterable[Held]) -> list[MeasuringSettings]:
    """The settings that these frames were computed with, by name, version and wave."""
    keys = {frame.settings for frame in frames}
    return list(MeasuringSettings.objects.filter(pk__in=keys).order_by("name", "version", "wave"))


def images(criteria: ImageCriteria) -> QuerySet[ImageHeader]:
    """What fits the criteria, ordered by observation and wavelength, which no two images share."""
    found = headers().filter(observed__gte=criteria.start, observed__lt=criteria.end, wave__in=criteria.waves)
    if criteria.unwanted_quality:
        found = found.alias(unwanted=F("quality").bitand(criteria.unwanted_quality)).filter(unwanted=0)
    if criteria.unwanted_flags:
        found = found.exclude(flags__overlap=sorted(criteria.unwanted_flags))
    if criteria.wanted_flags:
        found = found.filter(flags__overlap=sorted(criteria.wanted_flags))
    if criteria.after is not None:
        observed, wave = criteria.after
        # The first condition says nothing new; it is the one that the index understands.
        found = found.filter(observed__gte=observed).filter(Q(observed__gt=observed) | Q(wave__gt=wave))
    return found.order_by("observed", "wave")


def availability(wave: int, first: date, last: date) -> Iterator[DayAvailability]:
    """One entry a day from `first` to `last`, both included; days before the first slot have none."""
    days = range(max(_day(first), 0), _day(last) + 1)
    of_wave = ImageHeader.objects.filter(
        wave=wave, slot__gte=days.start * SLOTS_A_DAY, slot__lt=days.stop * SLOTS_A_DAY
    )
    filled = dict(of_wave.values_list(F("slot") / SLOTS_A_DAY).annotate(images=Count("pk")).order_by())
    gaps = _by_day(_gaps(of_wave, days.start * SLOTS_A_DAY, days.stop * SLOTS_A_DAY))
    for day in days:
        yield DayAvailability(
            wave, start_of(day * SLOTS_A_DAY).date(), filled.get(day, 0), tuple(gaps.get(day, ()))
        )


def filled_slots(start: datetime, count: int, length: timedelta) -> Counter[tuple[int, int]]:
    """How many slots have an image, by wavelength and by the number of the stretch: `count` of `length`.

    Stretches follow one another from `start`; both are whole slots.
    """
    first, each = _slot(start), length // CADENCE
    rows = ImageHeader.objects.filter(slot__gte=first, slot__lt=first + count * each)
    stretch = (F("slot") - first) / each
    found = rows.values_list("wave", stretch).annotate(images=Count("pk")).order_by()
    return Counter({(wave, number): images for wave, number, images in found})


def coverage() -> list[WaveCoverage]:
    """What there is of each wavelength that has an image."""
    found = (
        ImageHeader.objects.values("wave")
        .annotate(images=Count("pk"), first=Min("observed"), last=Max("observed"))
        .order_by("wave")
    )
    return [WaveCoverage(**row) for row in found]


def _slot(time: datetime) -> int:
    """The slot that contains `time`; negative before the first one, where no rows are."""
    return (time - EPOCH) // CADENCE


def _slot_from(time: datetime) -> int:
    """The first slot that begins at `time` or later."""
    return -((EPOCH - min(time, _LAST)) // CADENCE)


def _day(day: date) -> int:
    return (day - EPOCH.date()).days


def _first_from(wave: int, first: int, last: int) -> ImageHeader | None:
    return headers().filter(wave=wave, slot__gte=first, slot__lte=last).order_by("slot").first()


def _last_observed(wave: int, time: datetime, tolerance: timedelta) -> ImageHeader | None:
    earliest = time - tolerance
    found = headers().filter(wave=wave, slot__gte=_slot(earliest), slot__lte=_slot(time))
    return found.filter(observed__gte=earliest, observed__lte=time).order_by("-slot").first()


def _first_observed(wave: int, time: datetime, tolerance: timedelta) -> ImageHeader | None:
    latest = time + tolerance
    found = headers().filter(wave=wave, slot__gte=_slot(time), slot__lte=_slot(latest))
    return found.filter(observed__gte=time, observed__lte=latest).order_by("slot").first()


def _gaps(of_wave: QuerySet[ImageHeader], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The empty stretches of [start, stop), as [begin, end) in slots."""
    before = Window(Lag("slot"), order_by="slot", output_field=IntegerField())
    breaks = (
        of_wave.annotate(before=before)
        .filter(slot__gt=F("before") + 1)
        .order_by("slot")
        .values_list("before", "slot")
    )
    ends = of_wave.aggregate(first=Min("slot"), last=Max("slot"))
    if ends["first"] is None:
        yield start, stop
        return
    yield start, ends["first"]
    for last_filled, next_filled in breaks:
        yield last_filled + 1, next_filled
    yield ends["last"] + 1, stop


def _by_day(gaps: Iterator[tuple[int, int]]) -> dict[int, list[tuple[datetime, datetime]]]:
    """The gaps in pieces that end with their day, by the number of the day."""
    pieces: dict[int, list[tuple[datetime, datetime]]] = {}
    for begin, end in gaps:
        piece = begin
        while piece < end:
            day = piece // SLOTS_A_DAY
            stop = min(end, (day + 1) * SLOTS_A_DAY)
            pieces.setdefault(day, []).append((start_of(piece), start_of(stop)))
            piece = stop
    return pieces
