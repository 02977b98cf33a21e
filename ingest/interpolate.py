"""Interpolation as a step of the database: the shapes of tracks on the slots of the cadence, kept up to date.

Whose shapes are to be made stands in PostgreSQL (ShapeOrder, written by the tracker). A shape depends on the
report before it, the next one, and the settings. So for every report that begins a gap there is stored what
the shapes up to the next report were made of, as a hash; only gaps for which that has changed are made again.
A track that grows at its end has two such gaps, however long it lives.

A batch of tracks is one transaction. Several processes may work at once: each takes orders that no other has.
While a group is being tracked, its tracks wait.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from psycopg2.extras import execute_values

from events.domain import interpolation
from events.domain.criteria import TimeWindow
from events.domain.interpolation import Settings, Shape
from events.sightings import Kept, kept_of, shape_settings
from ingest import orders, shapes, track
from ingest.models import ShapeOrder
from ingest.orders import Group

#: Part of what a gap was made of: to be changed with the methods of events.domain.interpolation, so that
#: `interpolate_tracks --again` finds what was made by older ones.
VERSION = 1
#: Tracks in one transaction: few, so that little is lost with it, and a tracker does not wait long.
BATCH = 50
#: Stored shapes may be of another cadence, but of none longer than this.
_LONGEST_STEP = timedelta(days=1)
_UPDATE = """
UPDATE events_trackreport AS report SET interpolated_from = made.made_of
FROM (VALUES %s) AS made (event_id, made_of)
WHERE report.event_id = made.event_id AND report.interpolated_from IS DISTINCT FROM made.made_of
"""


@dataclass(frozen=True, slots=True)
class Made:
    """What a batch, or all of them, came to: tracks looked at, and shapes deleted and written."""

    tracks: int = 0
    removed: int = 0
    written: int = 0

    def __add__(self, other: "Made") -> "Made":
        return Made(self.tracks + other.tracks, self.removed + other.removed, self.written + other.written)


class _Gap(NamedTuple):
    """From the slot of a report to that of the next one, end excluded.

    That of the report that holds first begins when it starts, that of the last goes on as long as it lives.
    """

    bearer: int  # the report that has the hash
    start: datetime
    end: datetime
    made_of: UUID
    is_stored: bool


def _silent(_: Made) -> None:
    pass


def interpolate_pending(
    types: Sequence[str] = (),
    window: TimeWindow | None = None,
    tell: Callable[[Made], None] = _silent,
    is_enough: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the shapes that are ordered until none are, or it `is_enough`.

    Of `types` (none: all), and of tracks that live in the window, its end excluded. `tell` is called after
    every batch, with the sum so far. What other processes work on is left to them.
    Raises django.db.Error; what was finished stays.
    """
    total = Made()
    for group in orders.groups_without_shapes():
        if types and group.event_type not in types:
            continue
        while not is_enough() and (made := _next_batch(group, window)) is not None:
            total += made
            tell(total)
    return total


def _next_batch(group: Group, window: TimeWindow | None) -> Made | None:
    """Work on a group's earliest orders that nobody has taken; None without any, or while it is tracked."""
    with transaction.atomic():
        if not track.share_shapes(group):
            return None
        waiting = ShapeOrder.objects.filter(event_type=group.event_type, frm_name=group.frm_name)
        if window is not None:
            waiting = waiting.filter(first_time__lt=window.end, last_time__gte=window.start)
        taken = list(waiting.order_by("first_time").select_for_update(skip_locked=True)[:BATCH])
        if not taken:
            return None
        made = _interpolate(taken, shape_settings())
        ShapeOrder.objects.filter(pk__in=[order.pk for order in taken]).delete()
    return made


def _interpolate(taken: Sequence[ShapeOrder], settings: Settings) -> Made:
    """Make the stored shapes of these tracks what they should be."""
    reports = kept_of(order.track_id for order in taken)
    stale: list[shapes.Stretch] = []
    fresh: list[tuple[int, str, Shape]] = []
    hashes: list[tuple[int, str | None]] = []
    for order in taken:
        kept = reports.get(order.track_id, [])
        gaps = _gaps(kept, settings)
        stale += [(order.track_id, *stretch) for stretch in _without(gaps, order, settings)]
        times = [t for gap in gaps if not gap.is_stored for t in _slots(gap, settings)]
        sightings = [one.sighting for one in kept]
        fresh += [
            (order.track_id, order.event_type, shape)
            for shape in interpolation.shapes_at(sightings, times, settings)
        ]
        bearers = {gap.bearer: str(gap.made_of) for gap in gaps}
        hashes += [(one.sighting.id, bearers.get(one.sighting.id)) for one in kept]
    removed = shapes.delete(stale)
    shapes.write(fresh)
    _write_hashes(hashes)
    return Made(len(taken), removed, len(fresh))


def _gaps(kept: Sequence[Kept], settings: Settings) -> list[_Gap]:
    """The gaps of a track, in time. Reports that are repeated on the same slot begin a gap together."""
    if not kept:
        return []

    def slot_of(one: Kept) -> datetime:
        return interpolation.aligned(one.sighting.holds, settings.step, settings.epoch)

    in_time = sorted(kept, key=_order)
    by_slot = [(slot, list(some)) for slot, some in groupby(in_time, key=slot_of)]
    died = max(one.sighting.end for one in kept)
    born = interpolation.aligned(in_time[0].sighting.start, settings.step, settings.epoch)
    gone = interpolation.grid(by_slot[-1][0], died, settings.step, settings.epoch)[-1] + settings.step
    gaps = []
    for n, (slot, some) in enumerate(by_slot):
        end, then = by_slot[n + 1] if n + 1 < len(by_slot) else (gone, [])
        start = slot if n else born
        nearest = [*map(_content, some), "then", *(map(_content, then) if then else [died])]
        made_of = _hash([VERSION, settings, start, *nearest])
        gaps.append(_Gap(some[-1].sighting.id, start, end, made_of, some[-1].interpolated_from == made_of))
    return gaps


def _order(one: Kept) -> tuple[datetime, datetime, datetime, int]:
    """As the interpolation orders them: of those that hold at one time, the last one counts."""
    return one.sighting.holds, one.sighting.start, one.sighting.end, one.sighting.id


def _content(one: Kept) -> str:
    return f"{one.sighting.id} {one.content_hash} {one.sighting.holds:%FT%T.%f}"


def _hash(made_of: Iterable[object]) -> UUID:
    text = "\n".join(map(repr, made_of))
    return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())


def _slots(gap: _Gap, settings: Settings) -> list[datetime]:
    return [gap.start + k * settings.step for k in range((gap.end - gap.start) // settings.step)]


def _without(
    gaps: Sequence[_Gap], order: ShapeOrder, settings: Settings
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of time in which a track's stored shapes, if there are any, are not as they should be.

    A stored shape is at most a slot later than the track's life.
    """
    start = order.first_time
    for gap in gaps:
        if gap.is_stored:
            if start < gap.start:
                yield start, gap.start
            start = gap.end
    end = order.last_time + max(settings.step, _LONGEST_STEP)
    if start < end:
        yield start, end


def _write_hashes(hashes: Sequence[tuple[int, str | None]]) -> None:
    if hashes:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            execute_values(cursor.cursor, _UPDATE, hashes, "(%s, %s::uuid)", page_size=len(hashes))
