"""A slot whose first file is no good, against the look-alike: fetched again, then the next one is taken."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE
from images.models import ImageHeader
from ingest import image_pipeline
from ingest.accounts import account
from ingest.image_tasks import runs_over
from ingest.images import helioviewer
from ingest.images.layout import file_name, named
from ingest.images.lookalike import LookalikeServer, RecordedShelf
from ingest.models import QuarantinedRecord

START = datetime(2014, 1, 10, 6, tzinfo=UTC)
TIMES = [START + timedelta(seconds=36 * n + 11) for n in range(5)]

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(places, settings, monkeypatch):
    """Helioviewer with an empty folder of 171 on that day; `server.cut` files end too early so many times."""
    folder = places / "archive/2014/01/10/171"
    folder.mkdir(parents=True)
    made = LookalikeServer(RecordedShelf(places / "archive"))
    made.folder, made.cut = folder, {}
    proper = made.shelf.file

    def file(path):
        body, name = proper(path), path.rpartition("/")[2]
        left = made.cut.get(name, 0)
        made.cut[name] = left - 1
        return body[: len(body) // 2] if left > 0 else body

    monkeypatch.setattr(made.shelf, "file", file)
    monkeypatch.setattr(helioviewer, "_LISTINGS", helioviewer.Listings())
    settings.ISD_HELIOVIEWER_URL, settings.ISD_HELIOVIEWER_API = made.root, made.api
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def ingest(server):
    """(created, updated, unchanged, quarantined) of a pass over the slot."""

    def do():
        (run,) = runs_over("helioviewer", TimeWindow(START, START + CADENCE), (171,))
        numbers = account(image_pipeline.work(run))
        assert numbers.pop("received") == sum(numbers.values())
        return tuple(numbers.values())

    return do


@pytest.fixture
def put(server, full_disk):
    """Images at these times, of which the first `cut` end too early for ever."""

    def do(times, cut=0):
        for n, time in enumerate(times):
            name = file_name(171, time)
            (server.folder / name).write_bytes(full_disk(171, time))
            server.cut[name] = 1000 if n < cut else 0

    return do


def asked(server):
    return [named(path.rpartition("/")[2]).observed for path in server.asked if path.endswith(".jp2")]


def test_a_file_that_ends_too_early_is_fetched_three_times(server, ingest, put):
    put(TIMES)
    server.cut[file_name(171, TIMES[0])] = 2
    assert ingest() == (1, 0, 0, 0)
    assert asked(server) == [TIMES[0]] * 3
    assert (ImageHeader.objects.get().observed, QuarantinedRecord.objects.count()) == (TIMES[0], 0)


def test_the_next_file_of_the_slot_is_taken_where_the_first_is_no_good(server, ingest, put):
    put(TIMES, cut=1)
    assert ingest() == (1, 0, 0, 1)
    assert asked(server) == [TIMES[0]] * 3 + [TIMES[1]]
    assert ImageHeader.objects.get().observed == TIMES[1]
    record = QuarantinedRecord.objects.get()
    assert record.payload.endswith(file_name(171, TIMES[0]))
    assert record.image_run.source == "helioviewer"


def test_a_slot_is_left_alone_after_three_files(server, ingest, put):
    put(TIMES, cut=5)
    assert ingest() == (0, 0, 0, 3)
    assert asked(server) == [time for time in TIMES[:3] for _ in range(3)]
    assert set(QuarantinedRecord.objects.values_list("times_seen", flat=True)) == {1}


def test_a_file_of_another_wavelength_empties_no_slot(server, ingest, put, full_disk):
    put(TIMES)
    (server.folder / file_name(171, TIMES[0])).write_bytes(full_disk(193, TIMES[0]))
    assert ingest() == (1, 0, 0, 1)
    assert ImageHeader.objects.get().observed == TIMES[1]
