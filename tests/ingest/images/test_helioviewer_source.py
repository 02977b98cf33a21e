"""The source against its look-alike: both layouts, gaps, missing listings and files, sick servers."""

import gzip
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, slot_of
from ingest.images import helioviewer
from ingest.images.base import Item
from ingest.images.client import HelioviewerClient
from ingest.images.helioviewer import HelioviewerSource, Listings
from ingest.images.layout import file_name
from ingest.images.lookalike import LookalikeServer, RecordedShelf
from ingest.images.registry import image_source
from ingest.sources.base import SourceError
from ingest.sources.http import NotThereError

S, MIN = timedelta(seconds=1), timedelta(minutes=1)
DAY = datetime(2012, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_listings(monkeypatch):
    """What another test has listed is forgotten."""
    monkeypatch.setattr(helioviewer, "_LISTINGS", Listings())


@pytest.fixture
def archive(tmp_path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def server(archive) -> Iterator[LookalikeServer]:
    made = LookalikeServer(RecordedShelf(archive))
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def source(server, slept) -> Iterator[HelioviewerSource]:
    with HelioviewerClient(timeout=5.0, retries=2, sleep=slept.append) as client:
        yield HelioviewerSource(client, server.root, server.api)


@pytest.fixture
def put(archive):
    """put(171, time, layout="by day"): a file that holds its own name; returns the name."""

    def make(wave: int, observed: datetime, layout: str = "by day") -> str:
        day = f"{observed:%Y/%m/%d}"
        folder = archive / (f"{day}/{wave}" if layout == "by day" else f"{wave}/{day}")
        folder.mkdir(parents=True, exist_ok=True)
        name = file_name(wave, observed)
        (folder / name).write_bytes(name.encode())
        return name

    return make


def fetched(source, wave=171, start=DAY, length=timedelta(hours=1)):
    """Slot (counted from the start) -> the name of the file that was fetched for it."""
    items = source.items((wave,), TimeWindow(start, start + length), [])
    return {item.slot - slot_of(start): source.fetch(item).decode() for item in items}


def test_the_first_image_of_each_slot_and_no_other(source, put):
    expected = {0: put(171, DAY + 8 * S), 1: put(171, DAY + 6 * MIN), 4: put(171, DAY + 29 * MIN)}
    for time in (DAY + 20 * S, DAY + 7 * MIN, DAY + 29 * MIN + S, DAY - S, DAY + 60 * MIN):
        put(171, time)
    put(193, DAY)
    assert fetched(source) == expected


@pytest.mark.parametrize("layout", ["by day", "by wave"])
def test_either_layout_in_2012(source, put, layout):
    name = put(171, DAY + 3 * MIN, layout)
    assert fetched(source) == {0: name}


def test_a_day_that_lies_in_both_layouts_gives_the_first_images_of_both(source, put):
    expected = {0: put(171, DAY + S, "by wave"), 3: put(171, DAY + 19 * MIN, "by day")}
    put(171, DAY + 2 * S, "by day")
    put(171, DAY + 19 * MIN, "by wave")
    assert fetched(source) == expected


def test_the_next_files_of_a_slot_stand_by(source, put, server):
    times = [DAY + n * MIN for n in (5, 1, 3, 2, 4)]
    names = sorted(put(171, time) for time in times)
    (item,) = source.items((171,), TimeWindow(DAY, DAY + CADENCE), [])
    assert [source.fetch(one).decode() for one in item.candidates()] == names[:3]
    assert {(one.wave, one.slot, one.alternatives) for one in item.candidates()} == {(171, slot_of(DAY), ())}


def test_several_wavelengths_come_one_after_the_other(source, put):
    for wave in (193, 171, 94):
        for n in range(2):
            put(wave, DAY + n * CADENCE)
    items = source.items((171, 193), TimeWindow(DAY, DAY + 2 * CADENCE), [])
    slot = slot_of(DAY)
    assert [(item.wave, item.slot - slot) for item in items] == [(171, 0), (171, 1), (193, 0), (193, 1)]


def test_runs_of_one_process_share_a_listing_for_a_short_while(server, put, settings, monkeypatch):
    """Each run makes a source of its own; what it lists anew is told by a file that has come meanwhile."""
    settings.ISD_HELIOVIEWER_URL, settings.ISD_HELIOVIEWER_API = server.root, server.api
    now = [0.0]
    monkeypatch.setattr(helioviewer, "_LISTINGS", Listings(lambda: now[0]))
    first = put(171, DAY + S)

    def run(length=timedelta(hours=24)):
        with image_source("helioviewer") as source:
            return fetched(source, length=length)

    assert run() == {0: first}
    second = put(171, DAY + 7 * MIN)
    listed = len(server.asked)
    now[0] = helioviewer.LISTING_LIFE
    assert run() == {0: first}
    assert not [path for path in server.asked[listed:] if path.endswith("/")]
    now[0] += 1
    assert run() == {0: first, 1: second}


def test_only_a_few_listings_are_kept():
    listings, read = Listings(lambda: 0.0), []
    days = [("root", 171, DAY.date() + n * timedelta(days=1)) for n in range(helioviewer.MOST_LISTINGS + 1)]
    for key in (*days, days[-1], days[1], days[0], days[1]):
        listings.get(key, lambda key=key: read.append(key))
    assert read == [*days, days[0]], "the one that was asked for least lately goes"


def test_the_connection_of_a_pass_is_closed_with_it(server, put, settings):
    settings.ISD_HELIOVIEWER_URL, settings.ISD_HELIOVIEWER_API = server.root, server.api
    put(171, DAY + S)
    with image_source("helioviewer") as source:
        fetched(source)
    with pytest.raises(RuntimeError, match="closed"):
        source.fetch(Item(server.root))


def test_a_window_over_midnight_reads_both_days_once(source, put, server):
    expected = {9: put(171, DAY - 3 * MIN), 10: put(171, DAY + S)}
    assert fetched(source, start=DAY - 60 * MIN, length=timedelta(hours=2)) == expected
    listings = [path for path in server.asked if path.endswith("/")]
    assert len(listings) == len(set(listings)) == 4


def test_a_gap_in_a_listing_is_a_gap_and_the_api_is_not_asked(source, put, server):
    put(171, DAY + S)
    assert set(fetched(source)) == {0}
    assert not [path for path in server.asked if path.startswith("/v2/")]


def test_without_a_listing_the_api_is_asked_and_only_images_in_the_slot_count(archive, source, put, server):
    """The day before and after have a listing; the API knows what lies in a folder of another layout."""
    start = datetime(2014, 1, 1, tzinfo=UTC)
    name = put(171, start + 13 * MIN, "by wave")  # 2014 is never listed so
    assert fetched(source, start=start, length=4 * CADENCE) == {2: name}
    calls = [path for path in server.asked if path.startswith("/v2/getClosest")]
    assert len(calls) == 4
    assert all("sourceId=10" in path for path in calls)


def test_a_listed_file_that_is_gone_is_got_from_the_api(archive, source, put):
    first = put(171, DAY + S)
    instead = put(171, DAY + 2 * MIN)
    (item,) = source.items((171,), TimeWindow(DAY, DAY + CADENCE), [])
    assert item.origin.endswith(first)
    (archive / "2012/01/02/171" / first).unlink()
    assert source.fetch(item).decode() == instead
    (archive / "2012/01/02/171" / instead).unlink()
    with pytest.raises(NotThereError) as error:
        source.fetch(item)
    assert error.value.permanent
    assert first in str(error.value)


def test_nothing_is_served_from_beside_the_folder(server, archive, slept):
    (archive.parent / "secret").write_text("x")
    with HelioviewerClient(timeout=5.0, retries=0, sleep=slept.append) as client:
        for path in ("../secret", "%2e%2e/secret", "..%2fsecret"):
            with pytest.raises(NotThereError):
                client.get(f"{server.root}{path}")


@pytest.fixture
def fail(server, monkeypatch):
    """fail(503, 503): the next requests are answered so."""

    def make(*statuses: int) -> None:
        left, proper = list(statuses), server.RequestHandlerClass.do_GET

        def sick(self):
            if left:
                self._send(left.pop(0), "text/html", b"overworked")
            else:
                proper(self)

        monkeypatch.setattr(server.RequestHandlerClass, "do_GET", sick)

    return make


@pytest.mark.parametrize("status", [503, 500, 429, 408])
def test_a_sick_server_is_asked_again(source, put, fail, slept, status):
    name = put(171, DAY + S)
    fail(status, status)
    assert fetched(source) == {0: name}
    assert len(slept) == 2


def test_a_packed_bomb_is_stopped_at_the_cap(server, source, monkeypatch, slept):
    bomb = gzip.compress(bytes(400_000_000), compresslevel=9)

    def answer(self):
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(bomb)))
        self.end_headers()
        with suppress(OSError):  # the client hangs up
            self.wfile.write(bomb)

    monkeypatch.setattr(server.RequestHandlerClass, "do_GET", answer)
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="exceeds 67108864 bytes") as error:
            fetched(source)
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()
    assert error.value.permanent
    assert slept == []


def test_who_is_told_to_wait_comes_back_a_little_later_than_asked(server, source, monkeypatch, slept):
    def answer(self):
        self.send_response(503)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    monkeypatch.setattr(server.RequestHandlerClass, "do_GET", answer)
    with pytest.raises(SourceError, match="status 503"):
        fetched(source)
    assert all(7 < seconds < 8 for seconds in slept)
    assert len(set(slept)) == 2


def test_a_refusal_is_final(source, fail, slept):
    fail(403)
    with pytest.raises(SourceError, match="status 403") as error:
        fetched(source)
    assert error.value.permanent
    assert slept == []


def test_when_all_attempts_fail_the_error_is_for_later(server, source, monkeypatch, slept):
    monkeypatch.setattr(server.RequestHandlerClass, "do_GET", lambda self: self._send(503, "text/html", b""))
    with pytest.raises(SourceError, match="status 503") as error:
        fetched(source)
    assert not error.value.permanent
    assert len(slept) == 2


def test_a_body_that_ends_too_early_is_got_again(server, source, put, monkeypatch, slept):
    name = put(171, DAY + S)
    handler = server.RequestHandlerClass
    proper = handler._send
    cut = [True]

    def short(self, status, content_type, body):
        if content_type == "image/jp2" and cut:
            cut.pop()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            proper(self, status, content_type, body)

    monkeypatch.setattr(handler, "_send", short)
    assert fetched(source) == {0: name}
    assert len(slept) == 1


def test_nobody_there_is_no_permanent_error(slept):
    with HelioviewerClient(timeout=2.0, retries=1, sleep=slept.append) as client:
        source = HelioviewerSource(client, "http://127.0.0.1:9/jp2/AIA/", "http://127.0.0.1:9/v2/")
        with pytest.raises(SourceError, match=r"127.0.0.1:9") as error:
            fetched(source)
    assert not error.value.permanent
    assert len(slept) == 1


def test_an_answer_of_the_api_without_a_date_is_an_error(server, source, monkeypatch):
    handler = server.RequestHandlerClass
    monkeypatch.setattr(handler, "_call", lambda self, *_: self._send(200, "application/json", b'{"x": 1}'))
    with pytest.raises(SourceError, match="getClosestImage"):
        fetched(source)
