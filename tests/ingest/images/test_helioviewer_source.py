"""The source against its look-alike: both layouts, gaps, missing listings and files, sick servers."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, slot_of
from ingest.images.client import HelioviewerClient, NotThereError
from ingest.images.helioviewer import HelioviewerSource
from ingest.images.layout import file_name
from ingest.images.lookalike import LookalikeServer, RecordedShelf
from ingest.sources.base import SourceError

S, MIN = timedelta(seconds=1), timedelta(minutes=1)
DAY = datetime(2012, 1, 2, tzinfo=UTC)


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
    items = source.items(wave, TimeWindow(start, start + length), [])
    return {item.slot - slot_of(start): source.fetch(item).decode() for item in items}


def test_the_first_image_of_each_slot_and_no_other(source, put):
    expected = {0: put(171, DAY + 8 * S), 1: put(171, DAY + 6 * MIN), 4: put(171, DAY + 29 * MIN)}
    for time in (DAY + 20 * S, DAY + 7 * MIN, DAY + 29 * MIN + S, DAY - S, DAY + 60 * MIN):
        put(171, time)
    put(193, DAY)
    assert fetched(source) == expected


@pytest.mark.parametrize("layout", ["by day", "by wave"])
def test_either_layout_in_2012(source, put, layout):
    assert fetched(source) == {}
    source._days.clear()
    name = put(171, DAY + 3 * MIN, layout)
    assert fetched(source) == {0: name}


def test_a_day_that_lies_in_both_layouts_gives_the_images_of_both(source, put):
    expected = {0: put(171, DAY + S, "by wave"), 3: put(171, DAY + 19 * MIN, "by day")}
    assert fetched(source) == expected


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
    (item,) = source.items(171, TimeWindow(DAY, DAY + CADENCE), [])
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
