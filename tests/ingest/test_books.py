"""Windows on a grid, and the watermark that never passes a gap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.domain.criteria import TimeWindow
from ingest import accounts, books
from ingest.models import Backfill, IngestRun, Watermark

T0 = datetime(2014, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 10**9).map(lambda seconds: T0 + timedelta(seconds=seconds))


def at(hours):
    return T0 + timedelta(hours=hours)


@given(
    TIMES,
    st.timedeltas(timedelta(0), timedelta(days=9)),
    st.timedeltas(timedelta(hours=1), timedelta(days=2)),
)
def test_pieces_cover_the_window_once_and_lie_on_the_grid(start, length, step):
    window = TimeWindow(start, start + length)
    pieces = books.cut(window, step)
    ends = [piece.end for piece in pieces]
    assert [window.start, *ends[:-1]] == [piece.start for piece in pieces] or not pieces
    assert (ends[-1:] or [window.start]) == [window.end]
    assert all(timedelta(0) < piece.end - piece.start <= step for piece in pieces)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert all((end - epoch) % step == timedelta(0) for end in ends[:-1])


def test_overlapping_windows_have_their_inner_pieces_in_common():
    step = timedelta(hours=6)
    first = books.cut(TimeWindow(at(1), at(30)), step)
    second = books.cut(TimeWindow(at(8), at(50)), step)
    assert [p for p in first if p in second] == [TimeWindow(at(h), at(h + 6)) for h in (12, 18, 24)]


def read(start, end, *, began=1000, state=IngestRun.State.SUCCEEDED, **values):
    IngestRun.objects.create(
        source="hek", window_start=at(start), window_end=at(end), started_at=at(began), state=state, **values
    )


def marked():
    books.advance("hek")
    return (Watermark.objects.get().polled_until - T0) / timedelta(hours=1)


@pytest.mark.django_db
def test_the_watermark_moves_over_whole_reads_without_a_gap():
    books.advance("hek")  # a source that is not polled has none
    assert not Watermark.objects.exists()
    Watermark.objects.create(source="hek", polled_until=T0)
    assert marked() == 0
    read(6, 12)
    assert marked() == 0, "a gap before it"
    read(0, 6, state=IngestRun.State.FAILED)
    read(0, 6, event_types=["AR"])
    read(0, 6, backfill=Backfill.objects.create(source="hek", window_start=T0, window_end=at(6)))
    IngestRun.objects.create(
        source="goes", window_start=T0, window_end=at(6), started_at=at(9), state="succeeded"
    )
    assert marked() == 0, "none of these is a whole read of this source"
    read(-3, 6)
    assert marked() == 12
    read(2, 9)
    assert marked() == 12, "it never goes back"
    read(12, 18, began=15)
    assert marked() == 15, "what was reported after the read began is not in it"
    read(14, 18)
    assert marked() == 18


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines"), "ValueError: two lines"),
        (ValueError(), "ValueError"),
        (KeyboardInterrupt(), "stopped before its end"),
        (ValueError("x" * 9999), "ValueError: " + "x" * 500),
    ],
)
def test_an_error_is_one_line(error, line):
    assert accounts.one_line(error) == line
