"""Files and folders: what is read, what is refused, what is passed over."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.domain.criteria import TimeWindow
from ingest.sources.archive.selection import Selection, instant
from ingest.sources.archive.source import ArchiveSource
from ingest.sources.archive.streams import CHUNK, UnreadableError, lines_of, text_of
from ingest.sources.base import RawPage, SourceError

CSV = "event_starttime,fl_goescls\n2012-01-01T00:00:00,M1\n"


def record(n):
    return {"kb_archivid": f"ivo://x/{n}", "event_title": "t" * 50}


def answer(*numbers):
    return json.dumps({"result": [record(n) for n in numbers], "overmax": False})


def ids(whole):
    return [record.get("kb_archivid", "row") for record in whole.records]


def test_a_folder_is_read_in_the_order_of_its_paths(read, put, tmp_path, caplog) -> None:
    put("b/2.json", answer(3))
    put("a.json", answer(1))
    put("b/1.JSON", answer(2))
    put("c.csv", CSV)
    put(".hidden.json", answer(8))
    put(".git/3.json", answer(9))
    put("notes.txt", "x")
    whole = read(tmp_path)
    assert ids(whole) == ["ivo://x/1", "ivo://x/2", "ivo://x/3", "row"]
    assert "notes.txt" in caplog.text
    assert "hidden" not in caplog.text


def test_pages_tell_their_file(put, tmp_path) -> None:
    paths = [put("a.json", answer(1)), put("b.csv", CSV)]
    assert [page.origin for page in ArchiveSource(tmp_path).fetch(None, ())] == [str(p) for p in paths]


def test_the_form_is_told_from_the_content(read, put) -> None:
    assert ids(read(put("a.csv", answer(1)))) == ["ivo://x/1"]
    assert ids(read(put("a.json", CSV))) == ["row"]
    assert ids(read(put("a.xml", gzip.compress(answer(1).encode())))) == ["ivo://x/1"]


@pytest.mark.parametrize(
    "body",
    [
        answer(1, 2),
        json.dumps([record(1), record(2)]),
        json.dumps(record(1)) + "\n" + json.dumps(record(2)) + "\n",
        json.dumps(record(1), indent=1) + json.dumps(record(2), indent=1),
        answer(1) + answer(2),
        "kb_archivid,event_starttime\nivo://x/1,2012-01-01T00:00:00\nivo://x/2,x\n",
        "<html><body>"
        + "".join(f"<result><param name='kb_archivid'>ivo://x/{n}</param></result>" for n in (1, 2))
        + "</body></html>",
        "".join(["<E>", *(f"<VOEvent ivorn='ivo://x/{n}'/>" for n in (1, 2)), "</E>"]),
    ],
)
def test_parse_takes_whole_documents_of_every_form(body) -> None:
    parsed = ArchiveSource(Path("unused")).parse(RawPage(body.encode(), "test"))
    assert [found["kb_archivid"] for found in parsed.records] == ["ivo://x/1", "ivo://x/2"]
    assert parsed.rejected == []


def test_parse_rejects_single_pieces() -> None:
    body = json.dumps(record(1)) + '\n{"kb_archivid": \n17\n' + json.dumps(record(2)) + "\n"
    parsed = ArchiveSource(Path("unused")).parse(RawPage(body.encode(), "test"))
    assert len(parsed.records) == 2
    assert [rejected.payload for rejected in parsed.rejected] == ['{"kb_archivid":', "17"]
    assert parsed.rejected[0].reason.startswith("broken JSON: ")


@pytest.mark.parametrize("body", ['{"result":[', '{"a":1}', "<html>", "<p/>", "no header", ""])
def test_parse_refuses_what_it_cannot_read(body) -> None:
    with pytest.raises(SourceError, match="page of a test: "):
        ArchiveSource(Path("unused")).parse(RawPage(body.encode(), "page of a test"))


def test_a_bad_file_in_a_folder_costs_only_itself_and_is_told_at_the_end(
    put, tmp_path, read_until_failure
) -> None:
    put("a.json", answer(1))
    put("b.json", answer(2, 3)[:-40])
    put("c.json", answer(4))
    put("d.json", "")
    whole, message = read_until_failure(tmp_path)
    assert ids(whole) == ["ivo://x/1", "ivo://x/2", "ivo://x/4"]
    for part in ("b.json", "ends in the middle", "d.json", "is empty"):
        assert part in message


def test_many_bad_files_are_counted(put, tmp_path, read_until_failure) -> None:
    for n in range(8):
        put(f"{n}.json", "{")
    assert "and 3 more" in read_until_failure(tmp_path)[1]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", answer(1), r"\.txt is not read; a file is one of \.json"),
        ("answers", answer(1), "a name without ending is not read"),
        ("a.gz", b"", r"\.gz is not read"),
        ("a.json", b"", "is empty"),
        ("b.json", b" \n\r\n", "is empty"),
        ("c.json.gz", gzip.compress(b""), "is empty"),
    ],
)
def test_what_is_refused_is_told(put, name, content, reason) -> None:
    path = put(name, content)
    with pytest.raises(SourceError, match=reason) as failure:
        list(ArchiveSource(path).fetch(None, ()))
    assert failure.value.permanent
    assert str(path) in str(failure.value)


def test_nothing_there(tmp_path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        list(ArchiveSource(tmp_path / "missing.json").fetch(None, ()))
    with pytest.raises(SourceError, match="File name too long"):
        list(ArchiveSource(tmp_path / ("a" * 300)).fetch(None, ()))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no file in this folder"):
        list(ArchiveSource(tmp_path / "empty").fetch(None, ()))
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(SourceError, match="no such file"):
        list(ArchiveSource(tmp_path / "pipe.json").fetch(None, ()))


def test_a_packed_file_cut_off_gives_what_is_complete_and_fails(put, read_until_failure) -> None:
    rows = [record(n) | {"event_title": os.urandom(2000).hex()} for n in range(600)]
    packed = gzip.compress(json.dumps({"result": rows}).encode())
    whole, message = read_until_failure(put("a.json.gz", packed[: len(packed) // 2]))
    assert "the packed file ends in the middle" in message
    assert 200 < len(whole.records) < 400
    assert whole.records == rows[: len(whole.records)]


def test_a_damaged_packed_file_fails(put, read_until_failure) -> None:
    packed = bytearray(gzip.compress(answer(*range(5000)).encode()))
    packed[len(packed) // 2] ^= 0xFF
    read_until_failure(put("a.json.gz", bytes(packed)))


def test_characters_across_chunks(put) -> None:
    text = "\u00e5\U0001f31e" * CHUNK
    assert "".join(text_of(put("a.csv", text.encode()))) == text


@given(st.lists(st.text("ab\r\n", max_size=5)))
def test_lines_keep_every_character(chunks) -> None:
    text = "".join(chunks)
    lines = list(lines_of(chunks))
    assert "".join(lines) == text
    assert all(line.find("\n") in (-1, len(line) - 1) for line in lines)


def test_unreadable_files(tmp_path) -> None:
    with pytest.raises(UnreadableError):
        list(text_of(tmp_path))


# --- selection

DAY = TimeWindow(datetime(2012, 1, 1, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2011-12-31T00:00:00", "2012-01-01T00:00:00", True),
        ("2011-12-31T00:00:00", "2011-12-31T23:59:59", False),
        ("2012-01-02T00:00:00", "2012-01-03T00:00:00", True),
        ("2012-01-02T00:00:01", "2012-01-03T00:00:00", False),
        ("2012-01-01 12:00:00.500", "2012-01-01T12:00:00Z", True),
        ("2012-01-02T01:00:00+02:00", "2012-01-02T02:00:00+02:00", True),
        ("2012-01-02T03:00:00+02:00", "2012-01-02T04:00:00+02:00", False),
        ("2012-01-03T00:00:00", "2012-01-01T00:00:00", True),
        ("2012-01-05T00:00:00", "2012-01-04T00:00:00", False),
        ("", "2012-01-04T00:00:00", True),
        ("yesterday", "2012-01-04T00:00:00", True),
        ("2013-01-01T00:00:00", None, True),
        (20130101, [], True),
    ],
)
def test_windows_take_what_touches_them_and_what_cannot_be_told(start, end, expected) -> None:
    assert Selection(DAY)({"event_starttime": start, "event_endtime": end}) is expected


@pytest.mark.parametrize(
    ("kind", "expected"), [("FL", True), ("fl ", True), ("AR", False), ("", True), (7, True)]
)
def test_types_take_what_cannot_be_told(kind, expected) -> None:
    assert Selection(None, ("FL", "CE"))({"event_type": kind}) is expected


def test_instants() -> None:
    assert instant("2012-01-01T00:00:00") == datetime(2012, 1, 1, tzinfo=UTC)
    assert instant("0001-01-01T00:00:00+14:00") is None
