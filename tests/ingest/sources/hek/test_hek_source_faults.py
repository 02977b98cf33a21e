"""What an endpoint can do wrong, one by one, over a real connection."""

import gzip
import json
import logging
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from events.domain.criteria import TimeWindow
from ingest.sources.base import RawPage, SourceError
from ingest.sources.http import LONGEST_WAIT

WINDOW = TimeWindow(datetime(2012, 1, 1, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC))


def records(source):
    return [record for page in source.fetch(WINDOW, ()) for record in source.parse(page).records]


def failure_of(source) -> SourceError:
    with pytest.raises(SourceError) as failure:
        records(source)
    return failure.value


# --- statuses


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_transient_statuses_are_tried_again(endpoint, event, say, status) -> None:
    endpoint.script = [say(raw="busy", status=status), say([event(0)], overmax=False)]
    assert records(endpoint.source()) == [event(0)]
    assert len(endpoint.slept) == 1


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410])
def test_other_statuses_are_not(endpoint, say, status) -> None:
    endpoint.script = [say(raw=b"" if status in (204, 304) else "no such thing", status=status)]
    failure = failure_of(endpoint.source())
    assert failure.permanent
    assert f"status {status}" in str(failure)
    assert len(endpoint.queries) == 1


def test_backoff_grows_with_jitter_and_the_last_failure_is_told(endpoint, say) -> None:
    endpoint.script = [say(raw="<h1>Overloaded</h1>", status=503)]
    failure = failure_of(endpoint.source(retries=4))
    assert not failure.permanent
    assert "status 503" in str(failure)
    assert "<h1>Overloaded</h1>" in str(failure)
    assert endpoint.url in str(failure)
    assert len(endpoint.queries) == 5
    for seconds, least in zip(endpoint.slept, (1, 2, 4, 8), strict=True):
        assert least <= seconds <= least + 1


def test_no_retries_means_one_attempt(endpoint, say) -> None:
    endpoint.script = [say(raw="busy", status=503)]
    failure_of(endpoint.source(retries=0))
    assert (len(endpoint.queries), endpoint.slept) == (1, [])


@pytest.mark.parametrize(
    ("header", "between"),
    [
        ("17", (17, 18)),
        ("0", (0, 1)),
        ("86400000", (LONGEST_WAIT, LONGEST_WAIT)),
        ("9" * 400, (LONGEST_WAIT, LONGEST_WAIT)),
        ("soon", (1, 2)),
        ("-5", (1, 2)),
        ("Mon, 99 Foo 2012 00:00:00 GMT", (1, 2)),
        ("Sun, 01 Jan 2012 00:00:00 GMT", (0, 1)),
    ],
)
def test_retry_after_in_seconds(endpoint, event, say, header, between) -> None:
    busy = say(raw="", status=503, headers={"Retry_After": header})
    endpoint.script = [busy, say([event(0)], overmax=False)]
    assert records(endpoint.source()) == [event(0)]
    assert between[0] <= endpoint.slept[0] <= between[1]


def test_retry_after_as_a_date(endpoint, event, say) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    busy = say(raw="", status=429, headers={"Retry_After": later})
    endpoint.script = [busy, say([event(0)], overmax=False)]
    records(endpoint.source())
    assert 50 < endpoint.slept[0] <= 62


def test_the_final_failure_carries_retry_after(endpoint, say) -> None:
    endpoint.script = [say(raw="", status=503, headers={"Retry_After": "600"})]
    assert failure_of(endpoint.source(retries=0)).retry_after == 600


# --- connections


def test_nobody_listens(endpoint) -> None:
    failure = failure_of(endpoint.source(url="http://127.0.0.1:1/hek/her", retries=2))
    assert not failure.permanent
    assert len(endpoint.slept) == 2


@pytest.mark.parametrize("address", ["www.lmsal.com/hek/her", "ftp://127.0.0.1/her", "http://[::bad/"])
def test_an_unusable_address_is_a_permanent_failure(endpoint, address) -> None:
    failure = failure_of(endpoint.source(url=address))
    assert failure.permanent
    assert endpoint.slept == []


def test_a_stalled_answer_times_out_and_is_asked_again(endpoint, event, say) -> None:
    def stall(handler, query) -> None:
        endpoint.released.wait(30)
        handler.reset()

    endpoint.script = [stall, say([event(0)], overmax=False)]
    assert records(endpoint.source(timeout=0.3)) == [event(0)]
    assert len(endpoint.queries) == 2


def test_a_trickle_times_out_as_a_whole(endpoint, event, say) -> None:
    def trickle(handler, query) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not endpoint.released.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                handler.close_connection = True
                return

    endpoint.script = [trickle]
    begin = time.monotonic()
    failure = failure_of(endpoint.source(timeout=0.2, retries=0))
    assert "no whole answer after 0.8 s" in str(failure)
    assert time.monotonic() - begin < 10


def test_a_connection_reset_in_the_middle_of_the_body(endpoint, event, say) -> None:
    def reset(handler, query) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b'{"result":[')
        handler.reset()

    endpoint.script = [reset, say([event(0)], overmax=False)]
    assert records(endpoint.source()) == [event(0)]
    endpoint.script = [reset]
    assert not failure_of(endpoint.source()).permanent


def test_redirects_are_followed_within_reason(endpoint, event, say) -> None:
    moved = say(raw="", status=302, headers={"Location": f"{endpoint.url}/new?cosec=2"})
    endpoint.script = [moved, say([event(0)], overmax=False)]
    assert records(endpoint.source()) == [event(0)]
    assert endpoint.paths == ["/hek/her", "/hek/her/new"]
    endpoint.script = [moved]
    failure = failure_of(endpoint.source())
    assert failure.permanent
    assert "redirect" in str(failure)


# --- bodies


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><body>The server is temporarily unavailable</body></html>", "no JSON"),
        ('{"result":[{"kb_archivid":"ivo://x","event_ty', "no JSON"),
        ("", "no JSON"),
        ('{"result":[]', "no JSON"),
        ('{"error":"too many rows","result":[],"overmax":false}', "too many rows"),
        ('{"association":[],"overmax":false}', "no 'result'"),
        ('{"result":null,"overmax":false}', "is no list"),
        ('{"result":{},"overmax":false}', "is no list"),
        ('{"result":[],"association":{"a":1},"overmax":false}', "is no list"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_body_that_is_no_answer_is_asked_again_and_then_told(endpoint, event, say, body, reason) -> None:
    endpoint.script = [say(raw=body), say([event(0)], overmax=False)]
    assert records(endpoint.source()) == [event(0)]
    endpoint.script = [say(raw=body)]
    failure = failure_of(endpoint.source(retries=1))
    assert not failure.permanent
    for part in (endpoint.url, "status 200", reason, body[:20] if reason == "no JSON" else reason):
        assert part in str(failure)
    assert len(str(failure)) < 1000


def test_broken_utf8_costs_no_record_and_marks_the_place(endpoint, say, caplog) -> None:
    body = b'{"result":[{"event_description":"Sk\xe5ne \xff","event_type":"FL"}],"overmax":false}'
    endpoint.script = [say(raw=body)]
    assert records(endpoint.source()) == [{"event_description": "Sk\ufffdne \ufffd", "event_type": "FL"}]
    assert "U+FFFD" in caplog.text


def test_what_json_cannot_hold_is_read_all_the_same(endpoint, say) -> None:
    body = (
        b'\xef\xbb\xbf{"result":[{"intensmin":NaN,"intensmax":-Infinity,"intensmean":1.5,'
        b'"event_title":"half \\ud83d pair, \\ud83d\\ude00, tab\there",'
        b'"frm_url":"a\\u0000b"}],"overmax":false}'
    )
    endpoint.script = [say(raw=body)]
    assert records(endpoint.source()) == [
        {
            "intensmin": None,
            "intensmax": None,
            "intensmean": 1.5,
            "event_title": "half \ufffd pair, \U0001f600, tab\there",
            "frm_url": "a\0b",
        }
    ]


def test_what_is_no_record_is_rejected_and_the_rest_kept(endpoint, event, say) -> None:
    endpoint.script = [say([event(0), 17, None, "text", [1], event(1)], overmax=False)]
    source = endpoint.source()
    (page,) = source.fetch(WINDOW, ())
    parsed = source.parse(page)
    assert parsed.records == [event(0), event(1)]
    assert [rejected.payload for rejected in parsed.rejected] == ["17", "null", '"text"', "[1]"]
    assert all("not an object" in rejected.reason for rejected in parsed.rejected)


def test_parse_refuses_what_is_no_answer(endpoint) -> None:
    with pytest.raises(SourceError, match="page of a test: no JSON"):
        endpoint.source().parse(RawPage(b"<html>", "page of a test"))


# --- size


def test_an_answer_may_have_just_the_cap(endpoint, event, say) -> None:
    body = json.dumps({"result": [event(0)], "overmax": False})
    endpoint.script = [say(raw=body)]
    assert records(endpoint.source(max_bytes=len(body))) == [event(0)]
    failure = failure_of(endpoint.source(max_bytes=len(body) - 1))
    assert failure.permanent
    assert "ISD_HEK_MAX_BYTES" in str(failure)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_packed_answers_are_unpacked(endpoint, event, say, pack) -> None:
    table = [event(n) for n in range(2000)]
    body = pack(json.dumps({"result": table, "overmax": False}).encode())
    coding = "gzip" if pack is gzip.compress else "deflate"
    endpoint.script = [say(raw=body, headers={"Content_Encoding": coding})]
    assert records(endpoint.source()) == table
    assert endpoint.headers[0]["Accept-Encoding"] == "gzip"


def test_a_packed_bomb_is_stopped_at_the_cap(endpoint, say) -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    assert len(bomb) < 250_000
    endpoint.script = [say(raw=bomb, headers={"Content_Encoding": "gzip"})]
    tracemalloc.start()
    try:
        failure = failure_of(endpoint.source(max_bytes=1_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert failure.permanent
    assert peak < 8_000_000
    assert len(endpoint.queries) == 1


def test_what_follows_a_packed_answer_is_not_kept(endpoint, event, say) -> None:
    body = gzip.compress(json.dumps({"result": [event(0)], "overmax": False}).encode())
    endpoint.script = [say(raw=body + bytes(20_000_000), headers={"Content_Encoding": "gzip"})]
    tracemalloc.start()
    try:
        assert records(endpoint.source()) == [event(0)]
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_encoding_inside_another_is_refused(endpoint, say) -> None:
    twice = gzip.compress(gzip.compress(b"{}"))
    endpoint.script = [say(raw=twice, headers={"Content_Encoding": "gzip, gzip"})]
    assert failure_of(endpoint.source()).permanent


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b[:50] + b"\0" * 20 + b[70:]])
def test_a_damaged_packed_answer_is_asked_again(endpoint, event, say, damage) -> None:
    body = gzip.compress(json.dumps({"result": [event(n) for n in range(50)], "overmax": False}).encode())
    endpoint.script = [
        say(raw=damage(body), headers={"Content_Encoding": "gzip"}),
        say([event(0)], overmax=False),
    ]
    assert records(endpoint.source()) == [event(0)]
    assert len(endpoint.queries) == 2


# --- secrets


def test_secrets_of_the_address_are_sent_but_not_told(endpoint, say, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpx")  # it shows the whole address; isd.settings silences it
    endpoint.script = [say(raw="busy", status=503)]
    address = endpoint.url.replace("http://", "http://someone:hush@") + "?token=whisper"
    failure = failure_of(endpoint.source(url=address, retries=1))
    assert endpoint.headers[0]["Authorization"].startswith("Basic ")
    assert endpoint.queries[0]["token"] == "whisper"
    for secret in ("hush", "whisper", "someone"):
        assert secret not in str(failure)
        assert secret not in caplog.text
    assert "asking again" in caplog.text
