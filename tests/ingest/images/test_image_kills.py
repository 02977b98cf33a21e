"""Processes that are killed at any step of storing an image, for good: SIGKILL of a child process."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from django.db import connection, connections

from images import files
from images.models import ImageHeader, MeasuringSettings, Replacement
from images.store import FrameMissingError, ParameterStore, parameter_store
from ingest import image_pipeline, measure
from ingest.accounts import account
from ingest.models import ImageRun
from tests.stored_images import everything, order_files

MIN = timedelta(minutes=1)
TIME = datetime(2014, 1, 10, 6, 0, 11, tzinfo=UTC)
State = ImageRun.State

pytestmark = pytest.mark.django_db(transaction=True)

#: What a process does to store an image, in this order; the number is that of the call that is its last.
STEPS = {
    "taking the slot": (measure, "_exclusive", 1),
    "setting aside": (Replacement.objects, "create", 1),
    "the settings": (MeasuringSettings.objects, "get_or_create", 1),
    "the row": (ImageHeader.objects, "create", 1),
    "the frame": (ParameterStore, "write", 1),
    "the first picture": (files, "write_whole", 1),
    "the second picture under its name, behind the frame": (Path, "replace", 3),
    "the last picture": (files, "write_whole", 3),
    "the account": (image_pipeline.books, "enter", 1),
    "the books": (image_pipeline.accounts, "succeed", 1),
}
COMMITTED = ("the account", "the books")


def in_child(what) -> int:
    """The exit status of a process that does this, negative for a signal."""
    connections.close_all()
    if not (child := os.fork()):
        status = 1
        try:
            what()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(run: ImageRun, step: str, when: str) -> bool:
    """Work on a run in a process that is killed on, or after, a step; whether it came to that."""
    place, name, number = STEPS[step]
    proper, calls = getattr(place, name), iter(range(1, 1000))

    def dying(*args, **kwargs):
        is_last = next(calls) == number
        if is_last and when == "on":
            os.kill(os.getpid(), signal.SIGKILL)
        done = proper(*args, **kwargs)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    def work():
        setattr(place, name, dying)
        image_pipeline.work(run)

    status = in_child(work)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def finished(run: ImageRun) -> dict[str, int]:
    """The account of a run that is taken up again, if it is not over."""
    return account(image_pipeline.work(ImageRun.objects.get(pk=run.pk)))


@pytest.mark.parametrize("when", ["on", "after"])
def test_an_image_of_a_killed_process_is_not_there_and_the_next_stores_it(quick, folder, full_disk, when):
    """Every step in a slot of its own."""
    for n, step in enumerate(step for step in STEPS if step != "setting aside"):
        (folder / str(n)).write_bytes(full_disk(171, TIME + 6 * n * MIN, 60 + n))
        run = order_files(folder / str(n))
        assert killed(run, step, when), step
        is_there = ImageHeader.objects.count() == n + 1
        assert is_there == (step in COMMITTED), step
        assert len(everything()) == n + is_there, "what has a row is whole"
        assert finished(run)["received"] == 1
        assert len(everything()) == n + 1


@pytest.mark.parametrize("what", ["measured with other settings", "observed earlier"])
def test_an_image_that_is_being_replaced_is_not_lost(quick, folder, full_disk, settings, what):
    """Killed at any step, and its own file gone: it is there as it was, or its successor is there whole."""
    for n, (step, when) in enumerate(product(STEPS, ("on", "after"))):
        settings.ISD_IMAGE_SETTINGS = "reference-1"
        observed, level = TIME + 6 * n * MIN, 60 + n
        stored, successor = folder / f"{n}_stored", folder / f"{n}_successor"
        stored.write_bytes(full_disk(171, observed + MIN, level))
        image_pipeline.work(order_files(stored))
        before = everything()
        successor.write_bytes(
            full_disk(171, observed, 100 + n) if what == "observed earlier" else stored.read_bytes()
        )
        if what != "observed earlier":
            settings.ISD_IMAGE_SETTINGS = "jp2-1"
        run = order_files(successor)
        came_to_it = killed(run, step, when)
        assert came_to_it or (what != "observed earlier" and "picture" in step), "the pictures are the same"
        kept = successor.read_bytes()
        stored.unlink()
        successor.unlink()
        image_pipeline.work(order_files(Path(__file__)))  # a pass that has nothing to do with it
        replaced = step in COMMITTED or not came_to_it
        assert (everything() == before) == (not replaced), step
        assert len(everything()) == n + 1
        assert not Replacement.objects.exists()
        successor.write_bytes(kept)
        assert finished(run)["received"] == 1
        assert everything()[:-1] == before[:-1]
        assert everything()[-1] != before[-1]
        assert all(measure.is_whole(row) for row in ImageHeader.objects.all())


def test_a_process_that_lost_its_slot_while_it_wrote_is_found_out(quick, folder, full_disk, monkeypatch):
    """Its connection is cut, another process stores an image, and then it writes its own frame over that."""
    for name, observed, level in (("slow", TIME + MIN, 60), ("fast", TIME, 100)):
        (folder / name).write_bytes(full_disk(171, observed, level))
    slow, fast = order_files(folder / "slow"), order_files(folder / "fast")
    said, asked = os.pipe(), os.pipe()
    proper = ParameterStore.write

    def waiting(*args):
        os.write(said[1], b"x")
        os.read(asked[0], 1)
        proper(*args)

    connections.close_all()
    if not (child := os.fork()):
        try:
            ParameterStore.write = waiting
            image_pipeline.work(slow)
        finally:
            os._exit(3)
    os.read(said[0], 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert finished(fast)["created"] == 1
    (row,) = ImageHeader.objects.all()
    assert measure.is_whole(row)
    os.write(asked[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    (row,) = ImageHeader.objects.all()
    assert row.origin.endswith("fast")
    assert not measure.is_whole(row), "the frame is not the row's"
    with pytest.raises(FrameMissingError, match="being replaced"):
        parameter_store().frame(171, row.slot, row.frame_hash)
    assert finished(order_files(folder / "fast"))["updated"] == 1
    assert measure.is_whole(ImageHeader.objects.get())


def test_processes_that_store_the_same_slots_at_once_store_the_first_observed_whole(quick, folder, full_disk):
    """Each slot has three different images; three processes take one each, at once, the whole way."""
    for n in range(2):
        for level in range(3):
            observed = TIME + (6 * n + level) * MIN
            (folder / f"{n}_{level}").write_bytes(full_disk(171, observed, 60 + 30 * level))
    runs = [order_files(*(folder / f"{n}_{level}" for n in range(2))) for level in range(3)]
    connections.close_all()
    children = []
    for run in runs:
        if not (child := os.fork()):
            status = 1
            try:
                image_pipeline.work(run)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 3
    rows = list(ImageHeader.objects.order_by("slot"))
    assert [row.origin[-3:] for row in rows] == ["0_0", "1_0"], "the first observed"
    assert all(measure.is_whole(row) for row in rows)
    total = [account(ImageRun.objects.get(pk=run.pk)) for run in runs]
    assert sum(one["created"] for one in total) == 2
    assert sum(one["received"] for one in total) == 6
    alone = everything()
    ImageHeader.objects.all().delete()
    image_pipeline.work(order_files(folder / "0_0", folder / "1_0"))
    assert [row[1:] for row in alone] == [row[1:] for row in everything()]


def test_of_twins_that_two_processes_store_at_once_the_later_is_the_duplicate(
    quick, folder, full_disk, monkeypatch
):
    for n in range(3):
        (folder / str(n)).write_bytes(full_disk(171, TIME + 6 * n * MIN))
    runs = [order_files(folder / str(n)) for n in range(3)]
    measure.decode(full_disk(171, TIME))  # no process has to do it, nor to enter the settings
    (folder / "other").write_bytes(full_disk(171, TIME - 6 * MIN, 120))
    image_pipeline.work(order_files(folder / "other"))
    proper = measure._write_pictures

    def slow(*args):
        time.sleep(1)  # all of them are between their rows and their commits at once, if nobody waits
        proper(*args)

    monkeypatch.setattr(measure, "_write_pictures", slow)
    connections.close_all()
    children = []
    for run in runs:
        if not (child := os.fork()):
            try:
                image_pipeline.work(run)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    flags = ImageHeader.objects.order_by("observed").values_list("flags", flat=True)
    assert list(flags) == [[], [], ["duplicate"], ["duplicate"]]
