"""The grid of slots and the names of the wavelengths."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.domain.slots import (
    CADENCE,
    EPOCH,
    WAVES,
    BeforeFirstSlotError,
    UnknownWaveError,
    slot_of,
    slots_between,
    start_of,
    wave_of,
)

TIMES = st.datetimes(datetime(2010, 5, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(TIMES)
def test_a_time_lies_in_its_slot_and_in_no_other(time):
    slot = slot_of(time)
    assert start_of(slot) <= time < start_of(slot + 1)
    assert slot_of(start_of(slot)) == slot


def test_a_day_begins_with_a_slot_and_has_240():
    assert slot_of(datetime(2012, 2, 13, tzinfo=UTC)) - slot_of(datetime(2012, 2, 12, tzinfo=UTC)) == 240
    assert start_of(slot_of(datetime(2012, 2, 13, tzinfo=UTC))) == datetime(2012, 2, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("observed", "slot"),
    [  # the three full-disk files at hand
        ("2022-01-01T00:03:52.835+00:00", "2022-01-01T00:00:00+00:00"),
        ("2021-01-06T00:01:41.130+00:00", "2021-01-06T00:00:00+00:00"),
        ("2024-04-16T11:15:41.129+00:00", "2024-04-16T11:12:00+00:00"),
    ],
)
def test_real_observations(observed, slot):
    assert start_of(slot_of(datetime.fromisoformat(observed))) == datetime.fromisoformat(slot)


def test_other_zones_mean_the_same_instant():
    noon = datetime(2015, 6, 1, 12, 0, tzinfo=UTC)
    assert slot_of(noon.astimezone(timezone(timedelta(hours=5, minutes=30)))) == slot_of(noon)


def test_before_the_first_slot_there_is_none():
    assert slot_of(EPOCH) == 0
    with pytest.raises(BeforeFirstSlotError, match="2010-05-01"):
        slot_of(EPOCH - timedelta(microseconds=1))
    with pytest.raises(TypeError):
        slot_of(datetime(2015, 1, 1))  # noqa: DTZ001


@given(TIMES, st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_slots_between_are_those_that_begin_in_the_interval(start, length):
    end = start + length
    near = range(slot_of(start), slot_of(end) + 2)
    assert list(slots_between(start, end)) == [slot for slot in near if start <= start_of(slot) < end]


def test_no_slots_in_an_empty_or_turned_interval():
    assert not slots_between(EPOCH + CADENCE, EPOCH + CADENCE)
    assert not slots_between(EPOCH + CADENCE, EPOCH)


@pytest.mark.parametrize("wave", WAVES)
def test_every_wave_is_read_as_number_and_in_both_spellings(wave):
    assert wave_of(wave) == wave_of(str(wave)) == wave_of(f" {wave:04} ") == wave_of(f"{wave}.0") == wave


def test_355_means_335():
    assert wave_of("355") == wave_of("0355") == 335


@pytest.mark.parametrize(
    "text", ["4500", "0", "", "abc", "17 1", "-171", "1.71", "00171", "\u0661\u0667\u0661", "171.00"]
)
def test_what_is_no_wave(text):
    with pytest.raises(UnknownWaveError, match="94, 131"):
        wave_of(text)
