"""Which image answers a time, ranges, lists and gaps: against the rules applied to plain lists."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from images import queries
from images.domain.criteria import ImageCriteria, Match
from images.domain.slots import CADENCE, EPOCH, slot_of, start_of
from images.models import ImageHeader, MeasuringSettings

DAY = datetime(2012, 1, 2, tzinfo=UTC)
S, MIN = timedelta(seconds=1), timedelta(minutes=1)


def times(*minutes: float) -> list[datetime]:
    return [DAY + minute * MIN for minute in minutes]


class TestAgainstBruteForce(TestCase):
    """The rules of `Match` and of ranges, applied to all images one by one."""

    @classmethod
    def setUpTestData(cls):
        cls.settings = MeasuringSettings.objects.create(name="t", version=1, wave=171, knobs={})

    def fill(self, seconds):
        """Images at these seconds after DAY, the first one of each slot, and as many of another wave."""
        first = {}
        for second in sorted(seconds):
            first.setdefault(slot_of(DAY + second * S), DAY + second * S)
        numbers = {
            field.name: 1
            for field in ImageHeader._meta.concrete_fields
            if field.get_internal_type() in ("FloatField", "PositiveIntegerField", "PositiveBigIntegerField")
        }
        rest = {"settings": self.settings, "header": {}, "content_hash": 16 * "ab", "pixel_hash": 16 * "ab"}
        ImageHeader.objects.bulk_create(
            ImageHeader(**{**numbers, **rest, "wave": wave, "slot": slot, "observed": observed})
            for slot, observed in first.items()
            for wave in (171, 193)
        )
        return sorted(first.items())

    SECONDS = st.lists(st.integers(0, 2 * 3600), max_size=14)
    TIME = st.integers(-3600, 3 * 3600)
    TOLERANCE = st.sampled_from((0, 59, 360, 600, 3600))
    PAGE = st.tuples(st.integers(1, 6), st.integers(0, 5), st.none() | st.integers(0, 5))

    @given(SECONDS, TIME, TOLERANCE)
    def test_next(self, seconds, second, tolerance):
        time, within = DAY + second * S, tolerance * S
        expected = [
            slot for slot, _ in self.fill(seconds)
            if start_of(slot) <= time < start_of(slot) + CADENCE or time < start_of(slot) <= time + within
        ]  # fmt: skip
        found = queries.find(171, time, Match.NEXT, within)
        assert (found and found.slot) == (expected[0] if expected else None)

    @given(SECONDS, TIME, TOLERANCE)
    def test_previous(self, seconds, second, tolerance):
        time, within = DAY + second * S, tolerance * S
        expected = [o for _, o in self.fill(seconds) if time - within <= o <= time]
        found = queries.find(171, time, Match.PREVIOUS, within)
        assert (found and found.observed) == (expected[-1] if expected else None)

    @given(SECONDS, TIME, TOLERANCE)
    def test_nearest(self, seconds, second, tolerance):
        time, within = DAY + second * S, tolerance * S
        near = [(abs(o - time), o) for _, o in self.fill(seconds) if abs(o - time) <= within]
        found = queries.find(171, time, Match.NEAREST, within)
        assert (found and found.observed) == (min(near)[1] if near else None)

    @given(SECONDS, TIME)
    def test_neighbours(self, seconds, second):
        here = slot_of(DAY + second * S)
        slots = [slot for slot, _ in self.fill(seconds)]
        found = queries.neighbours(171, DAY + second * S)
        assert (found.before and found.before.slot) == max((s for s in slots if s < here), default=None)
        assert (found.after and found.after.slot) == min((s for s in slots if s > here), default=None)
        found = queries.neighbours(171, DAY + second * S, itself=True)
        assert (found.before and found.before.slot) == max((s for s in slots if s <= here), default=None)
        assert (found.after and found.after.slot) == min((s for s in slots if s > here), default=None)

    @given(SECONDS, TIME, st.integers(0, 2 * 3600), PAGE)
    def test_pages_of_a_range(self, seconds, second, length, page):
        step, offset, limit = page
        start, end = DAY + second * S, DAY + (second + length) * S
        rows = [
            slot for slot, _ in self.fill(seconds)
            if start < end and start_of(slot) < end and start_of(slot) + CADENCE > start
        ]  # fmt: skip
        found = queries.range_page(171, start, end, step=step, offset=offset, limit=limit)
        stop = None if limit is None else offset + limit
        assert ([slot for slot, _ in found.frames], found.total) == (
            rows[::step][offset:stop],
            len(rows[::step]),
        )

    @given(SECONDS, st.tuples(TIME, TIME, TIME).map(sorted))
    def test_bulk_windows_that_adjoin_share_nothing_and_lose_nothing(self, seconds, ends):
        self.fill(seconds)
        start, between, end = (DAY + second * S for second in ends)

        def held(begin, stop):
            return queries.held((171, 193), begin, stop, step=1, most=1000)

        assert held(start, between) + held(between, end) == held(start, end)
        assert all(start <= start_of(frame.slot) < end for frame in held(start, end))

    @given(SECONDS)
    def test_gaps_and_images_fill_every_day(self, seconds):
        slots = {slot for slot, _ in self.fill(seconds)}
        days = list(queries.availability(171, date(2012, 1, 1), date(2012, 1, 3)))
        assert [day.day for day in days] == [date(2012, 1, n) for n in (1, 2, 3)]
        for day in days:
            begin = slot_of(datetime(day.day.year, day.day.month, day.day.day, tzinfo=UTC))
            empty = [slot_of(a) + n for a, b in day.gaps for n in range((b - a) // CADENCE)]
            assert set(empty) == set(range(begin, begin + 240)) - slots
            assert len(empty) + day.filled == 240
            assert all(before[1] < after[0] for before, after in zip(day.gaps, day.gaps[1:], strict=False))


def test_a_range_of_nonsense_is_refused(db):
    for arguments in ({"step": 0}, {"offset": -1}, {"limit": -1}):
        with pytest.raises(ValueError, match="negative"):
            queries.range_page(171, DAY, DAY + MIN, **arguments)


def test_times_before_the_first_slot_find_nothing_but_what_is_near(add):
    add(171, EPOCH + MIN)
    assert queries.find(171, EPOCH - 5 * MIN).slot == 0
    assert queries.find(171, EPOCH - 5 * MIN, Match.PREVIOUS) is None
    assert queries.find(171, EPOCH - 5 * MIN, Match.NEAREST).slot == 0
    assert queries.find(171, EPOCH - 11 * MIN) is None
    assert list(queries.in_range(171, EPOCH - 60 * MIN, EPOCH)) == []
    first = list(queries.availability(171, date(2010, 4, 1), date(2010, 5, 1)))
    assert [(day.day, day.filled) for day in first] == [(date(2010, 5, 1), 1)]


def test_the_keywords_stay_in_the_database_until_they_are_read(add, django_assert_num_queries):
    add(171, DAY)
    with django_assert_num_queries(1):
        found = queries.find(171, DAY)
        assert (found.observed, found.settings.label) == (DAY, "reference-1")
    with django_assert_num_queries(1):
        assert found.header == {"WAVELNTH": 171}


def test_lists_by_quality_flags_and_place(add):
    quicklook = 1 << 30
    for minute, quality, flags in ((0, quicklook, []), (6, quicklook | 1 << 13, []), (12, 0, ["dark"])):
        add(171, DAY + minute * MIN, quality=quality, flags=flags)
    add(193, DAY + 6 * MIN, quality=quicklook, flags=["duplicate", "rotated"])

    def listed(**criteria):
        found = queries.images(ImageCriteria(DAY, DAY + 13 * MIN, **criteria))
        return [(image.wave, (image.observed - DAY) // MIN) for image in found]

    everything = [(171, 0), (171, 6), (193, 6), (171, 12)]
    assert listed() == everything
    assert listed(waves=(193,)) == [(193, 6)]
    assert listed(unwanted_quality=1 << 13) == [(171, 0), (193, 6), (171, 12)]
    assert listed(unwanted_quality=quicklook) == [(171, 12)]
    assert listed(unwanted_flags=frozenset({"rotated", "dark"})) == [(171, 0), (171, 6)]
    assert listed(wanted_flags=frozenset({"rotated", "dark"})) == [(193, 6), (171, 12)]
    for place, (wave, minute) in enumerate(everything):
        assert listed(after=(DAY + minute * MIN, wave)) == everything[place + 1 :]
    with pytest.raises(ValueError, match="ends before"):
        ImageCriteria(DAY, DAY - S)


def test_headers_of_many_slots_come_in_their_order_and_in_batches(add, django_assert_num_queries):
    slots = [add(171, DAY + n * CADENCE).slot for n in range(5)]
    with django_assert_num_queries(3):
        assert [header.slot for header in queries.headers_of(171, slots, batch=2)] == slots


def test_what_there_is_of_each_wave(add):
    add(171, DAY)
    add(171, DAY + 7 * MIN)
    add(94, DAY)
    assert queries.coverage() == [
        queries.WaveCoverage(94, 1, DAY, DAY), queries.WaveCoverage(171, 2, DAY, DAY + 7 * MIN)
    ]  # fmt: skip
    assert queries.header_at(171, slot_of(DAY)).observed == DAY
    assert queries.header_at(193, slot_of(DAY)) is None


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("imageheader_slot_once", {}),
        ("imageheader_known_wave", {"wave": 4500, "observed": DAY + 10 * MIN}),
        ("imageheader_quality_32_bits", {"quality": 2**32, "observed": DAY + 10 * MIN}),
    ],
)
def test_the_database_refuses_what_no_image_is(add, constraint, values):
    add(171, DAY, quality=2**32 - 1)
    values = {"wave": 171, "observed": DAY + MIN} | values
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        add(**values)


@pytest.mark.parametrize("match", Match)
def test_one_image_is_found_by_an_index_within_its_bounds(add, match):
    for wave, n in product((94, 131, 171, 193, 211), range(100)):
        add(wave, DAY + n * CADENCE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE images_imageheader")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    with connection.execute_wrapper(explained := Explained()):
        queries.find(171, DAY + 60 * MIN, match)
    assert explained.plans
    for plan in explained.plans:
        # Both hold few rows between the bounds; which of them is cheaper depends on the statistics.
        assert re.search(
            r"Index Scan.* using imageheader_(slot_once|observed) .*\n *Index Cond: .*(slot|observed) >=",
            plan,
        ), plan


class Explained:
    """Notes the plan of each statement."""

    def __init__(self):
        self.plans = []

    def __call__(self, execute, sql, params, many, context):
        with context["cursor"].db.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}", params)
            self.plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)
