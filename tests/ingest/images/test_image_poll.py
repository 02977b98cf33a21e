"""What a poll of a source of images orders, and how its watermark follows."""

from datetime import UTC, datetime, timedelta

import pytest

from images.models import ImageHeader
from ingest import image_tasks
from ingest.models import ImageRun, Watermark
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
    """The (wavelength, hour) of what a poll orders at a time, all of which ends in the given state."""

    def order(now=NOW, ends=State.SUCCEEDED):
        runs = image_tasks.order_poll("simulation", now)
        ImageRun.objects.filter(pk__in=[run.pk for run in runs]).update(state=ends)
        assert all(run.window_end - run.window_start == H for run in runs)
        return [(run.wave, run.window_start.hour) for run in runs]

    return order


def fill(hour, wave, slots=range(10)):
    """Images in these slots of an hour."""
    settings, start = settings_row(wave), NOW.replace(hour=hour, minute=0)
    ImageHeader.objects.bulk_create(image_row(start + n * SLOT, wave, settings) for n in slots)


def watermark():
    return Watermark.objects.get(source="simulation").polled_until


def test_a_first_poll_takes_the_whole_hours_of_the_overlap(poll):
    assert poll() == [(171, 3), (1600, 3), (171, 4), (1600, 4), (171, 5), (1600, 5)]
    assert watermark() == NOW.replace(hour=3, minute=0), "nothing of it was read yet"
    assert {run.source for run in ImageRun.objects.all()} == {"simulation"}


def test_full_hours_are_not_asked_for_and_such_with_a_gap_are(poll):
    fill(3, 171)
    fill(4, 1600, range(9))
    fill(5, 171, range(1, 10))
    assert poll() == [(1600, 3), (171, 4), (1600, 4), (171, 5), (1600, 5)]


def test_the_next_poll_goes_on_and_asks_again_for_what_came_late(poll):
    poll()
    for hour in range(6):
        fill(hour, 171)
        fill(hour, 1600, range(5))
    late = [(1600, hour) for hour in range(6)]
    assert poll(NOW + H) == [*late, (171, 6), (1600, 6)], "the overlap goes before the watermark"
    assert watermark() == NOW.replace(hour=0, minute=0) + 3 * H, "those before it were not yet read"
    assert poll(NOW + 2 * H) == [*late, (171, 6), (1600, 6), (171, 7), (1600, 7)]
    assert watermark() == NOW.replace(hour=7, minute=0), (
        "what was asked for is read; the gaps are the source's"
    )
    assert poll(NOW + 2 * H) == [
        (wave, hour) for hour in (4, 5, 6, 7) for wave in (171, 1600) if hour > 5 or wave > 171
    ]


def test_what_waits_is_not_ordered_twice_and_holds_the_watermark(poll):
    poll(ends=State.PENDING)
    before = [(wave, hour) for hour in (0, 1, 2) for wave in (171, 1600)]
    assert poll(ends=State.PENDING) == before, "the overlap before the watermark, and nothing twice"
    assert poll() == []
    assert watermark() == NOW.replace(hour=3, minute=0)


def test_what_failed_is_taken_up_again_until_it_is_read_however_long_that_takes(poll):
    poll(ends=State.FAILED)
    for day in range(1, 4):
        later = NOW + day * 24 * H
        assert len(poll(later, State.FAILED)) == 2 * (24 * day + 6), "back to the first hour, and the overlap"
        assert watermark() == NOW.replace(hour=3, minute=0)
    assert ImageRun.objects.count() == 2 * (3 * 24 + 6), "one row an hour and wavelength"
    poll(later)
    assert poll(later + H)[-2:] == [(171, 6), (1600, 6)]
    assert watermark() == later.replace(minute=0)
    assert len(poll(later + H)) == 2 * 4


def test_runs_over_other_windows_are_none_of_the_polls(poll):
    for end in (NOW.replace(hour=3, minute=6), NOW.replace(hour=5, minute=0)):
        ImageRun.objects.create(
            source="simulation", wave=171, window_start=NOW.replace(hour=3, minute=0), window_end=end
        )
    assert (171, 3) in poll()


def test_the_sources_of_the_settings_are_polled(settings, broker):
    settings.ISD_POLL_IMAGES = ["simulation", "helioviewer"]
    image_tasks.poll_images()
    assert set(Watermark.objects.values_list("source", flat=True)) == {"simulation", "helioviewer"}
    settings.ISD_POLL_IMAGES = []
    image_tasks.poll_images()
    assert ImageRun.objects.count() == 2 * 2 * 3


def test_an_order_waits_in_the_books_while_the_broker_is_away(
    broker_away, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert len(image_tasks.order_poll("simulation", NOW)) == 6
    assert ImageRun.objects.filter(state=State.PENDING).count() == 6


def test_a_poll_takes_few_statements_however_many_hours_are_full(django_assert_max_num_queries):
    for hour in (3, 4, 5):
        for wave in (171, 1600):
            fill(hour, wave)
    with django_assert_max_num_queries(9):
        assert image_tasks.order_poll("simulation", NOW) == []
