"""What a poll of a source of images orders, and how its watermark follows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from images.models import ImageHeader
from ingest import image_tasks
from ingest.models import ImageRun, ImageWatermark, Watermark
from tests.image_rows import image_row, settings_row

NOW = datetime(2014, 1, 10, 6, 20, tzinfo=UTC)
H, SLOT = timedelta(hours=1), timedelta(minutes=6)
State = ImageRun.State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_waves(settings, broker):
    settings.ISD_POLL_WAVES, settings.ISD_POLL_IMAGES_OVERLAP = ["171", "1600"], 3 * H


@pytest.fixture
def poll():
    """The (wavelength, hour) of what a poll orders, which is begun at once and ends in the given state."""

    def order(now=NOW, ends=State.SUCCEEDED):
        runs = image_tasks.order_poll("simulator", now)
        begun = None if ends == State.PENDING else now
        ImageRun.objects.filter(pk__in=[run.pk for run in runs]).update(state=ends, started_at=begun)
        assert all(run.window_end - run.window_start == H for run in runs)
        return [(run.waves[0], run.window_start.hour) for run in runs]

    return order


def fill(hour, wave, slots=range(10)):
    """Images in these slots of an hour."""
    settings, start = settings_row(wave), NOW.replace(hour=hour, minute=0)
    ImageHeader.objects.bulk_create(image_row(start + n * SLOT, wave, settings) for n in slots)


def watermark():
    return ImageWatermark.objects.get(source="simulator").polled_until


def test_a_first_poll_takes_the_whole_hours_of_the_overlap(poll):
    assert poll() == [(171, 3), (171, 4), (171, 5), (1600, 3), (1600, 4), (1600, 5)]
    assert watermark() == NOW.replace(hour=3, minute=0), "nothing of it was read yet"
    assert {run.source for run in ImageRun.objects.all()} == {"simulator"}


def test_hours_that_share_a_listing_come_together(poll):
    wave_by_wave = [(171, 22), (171, 23), (1600, 22), (1600, 23), (171, 0), (1600, 0)]
    assert poll(NOW.replace(hour=1)) == wave_by_wave


def test_full_hours_are_not_asked_for_and_such_with_a_gap_are(poll):
    fill(3, 171)
    fill(4, 1600, range(9))
    fill(5, 171, range(1, 10))
    assert poll() == [(171, 4), (171, 5), (1600, 3), (1600, 4), (1600, 5)]


def test_the_watermark_passes_what_was_read(poll):
    poll()
    assert [hour for wave, hour in poll(NOW + H) if wave == 171] == [0, 1, 2, 4, 5, 6], "3 was read at 6:20"
    assert watermark() == NOW.replace(hour=0, minute=0) + 3 * H, "those before it were not yet read"
    poll(NOW + 2 * H)
    assert watermark() == NOW.replace(hour=7, minute=0), (
        "what was asked for is read; the gaps are the source's"
    )


def test_a_gap_is_asked_for_more_and_more_rarely_and_has_one_row(poll, settings):
    """Nothing ever comes; a week of it, every hour."""
    settings.ISD_POLL_WAVES, settings.ISD_POLL_IMAGES_OVERLAP = ["171"], 48 * H
    asked = Counter()
    for n in range(7 * 24):
        now = NOW + n * H
        runs = image_tasks.order_poll("simulator", now)
        asked.update(now.replace(minute=0) - run.window_end for run in runs)
        assert n < 2 or len(runs) <= len(image_tasks.AGES), "the first two read the overlap, and that before"
        ImageRun.objects.filter(pk__in=[run.pk for run in runs]).update(
            state=State.SUCCEEDED, started_at=now, received=0
        )
        hour = ImageRun.objects.get(window_start=NOW.replace(hour=6, minute=0)) if n > 1 else None
    assert hour.started_at == NOW + 49 * H
    assert {age // H for age, times in asked.items() if times > 100} == {0, 1, 2, 4, 8, 24, 48}
    assert ImageRun.objects.count() == 2 * 48 + 7 * 24 - 1, "one row an hour"


def test_an_hour_that_was_taken_up_again_shows_its_newest_pass_and_is_worked_on(poll, places):
    poll()
    run = ImageRun.objects.get(waves=[171], window_start=NOW.replace(hour=3, minute=0))
    ImageRun.objects.filter(pk=run.pk).update(received=9, created=9)
    assert (171, 3) in poll(NOW + 2 * H, ends=State.PENDING)
    run.refresh_from_db()
    assert (run.state, run.attempts) == (State.PENDING, 0)
    window = {"window_start": run.window_start, "window_end": run.window_start + SLOT}
    ImageRun.objects.filter(pk=run.pk).update(**window)
    image_tasks.ingest_images(run.pk)
    run.refresh_from_db()
    assert (run.state, run.received, run.created) == (State.SUCCEEDED, 1, 1), "not ten"


def test_a_poll_that_was_left_out_is_made_up_for(poll):
    poll()
    assert (171, 5) in poll(NOW + 3 * H), "the ages of one and two hours have both gone by"
    assert (171, 5) not in poll(NOW + 3 * H)


def test_what_waits_is_not_ordered_twice_and_holds_the_watermark(poll):
    poll(ends=State.PENDING)
    before = [(wave, hour) for wave in (171, 1600) for hour in (0, 1, 2)]
    assert poll(ends=State.PENDING) == before, "the overlap before the watermark, and nothing twice"
    assert poll() == []
    assert watermark() == NOW.replace(hour=3, minute=0)


def test_what_failed_is_taken_up_again_until_it_is_read_once_a_day_in_the_end(poll):
    poll(ends=State.FAILED)
    for day in range(1, 4):
        later = NOW + day * 24 * H
        assert len(poll(later, State.FAILED)) == 2 * (24 * day + 6), "back to the first hour, and the overlap"
        assert watermark() == NOW.replace(hour=3, minute=0)
    assert ImageRun.objects.count() == 2 * (3 * 24 + 6), "one row an hour and wavelength"
    for hours in range(1, 24):
        expected = {0, 1, 2, 4, 8, 24, 48, 72, 96}
        ends = later.replace(minute=0) + hours * H
        ordered = image_tasks.order_poll("simulator", later + hours * H)
        assert {(ends - run.window_end) // H for run in ordered} <= expected
        ImageRun.objects.filter(state=State.PENDING).update(state=State.FAILED, started_at=later + hours * H)
    for hours in range(24, 50):  # the source is back
        poll(later + hours * H)
    assert watermark() == (later + 48 * H).replace(minute=0), "each hour has had its turn"


def test_runs_over_other_windows_are_none_of_the_polls(poll):
    for end in (NOW.replace(hour=3, minute=6), NOW.replace(hour=5, minute=0)):
        ImageRun.objects.create(
            source="simulator", waves=[171], window_start=NOW.replace(hour=3, minute=0), window_end=end
        )
    assert (171, 3) in poll()


def test_the_sources_of_the_settings_are_polled(settings, broker):
    settings.ISD_POLL_IMAGES = ["simulator", "helioviewer"]
    image_tasks.poll_images()
    assert set(ImageWatermark.objects.values_list("source", flat=True)) == {"simulator", "helioviewer"}
    settings.ISD_POLL_IMAGES = []
    image_tasks.poll_images()
    assert ImageRun.objects.count() == 2 * 2 * 3


def test_events_and_images_of_a_source_of_one_name_have_their_own_watermarks(poll):
    mark = Watermark.objects.create(source="simulator", polled_until=NOW - 100 * H)
    poll()
    assert watermark() == NOW.replace(hour=3, minute=0)
    mark.refresh_from_db()
    assert mark.polled_until == NOW - 100 * H


def test_an_order_waits_in_the_books_while_the_broker_is_away(
    broker_away, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert len(image_tasks.order_poll("simulator", NOW)) == 6
    assert ImageRun.objects.filter(state=State.PENDING).count() == 6


def test_a_poll_takes_few_statements_however_many_hours_are_full(django_assert_max_num_queries):
    for hour in (3, 4, 5):
        for wave in (171, 1600):
            fill(hour, wave)
    with django_assert_max_num_queries(9):
        assert image_tasks.order_poll("simulator", NOW) == []
