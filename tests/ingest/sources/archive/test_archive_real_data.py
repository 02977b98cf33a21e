"""The recorded files: counts as their MANIFEST has them, and every form of a record gives the same."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from events.domain.criteria import TimeWindow
from ingest.canonical import canonical

COUNTS = {
    "ar_spoca_201803.json": {"AR": 98},
    "mixed_20230329.json": {"AR": 8, "CE": 13, "FL": 2},
    "flares_ssw_20120101.json": {"FL": 13},
    "flares_swpc_20120101.json": {"FL": 12},
    "noaa_ar_2010-2020.csv": {"AR": 11_901},
    "flares_c1_1986-2019.csv": {"FL": 39_037},
}
JSON_FILES = [name for name in COUNTS if name.endswith(".json")]


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_those_of_the_manifest(read, real_data, name) -> None:
    whole = read(real_data / "hek" / name)
    assert Counter(record["event_type"] for record in whole.records) == COUNTS[name]
    assert len(whole.associations) == (79 if name == "ar_spoca_201803.json" else 0)
    assert whole.rejected == []


def test_the_folder_holds_them_all_and_its_manifest_is_passed_over(read, real_data, caplog) -> None:
    whole = read(real_data / "hek")
    assert len(whole.records) == sum(sum(counts.values()) for counts in COUNTS.values())
    assert "MANIFEST.md" in caplog.text


@pytest.mark.parametrize("name", JSON_FILES)
def test_json_comes_out_as_it_stands(read, hek_answer, real_data, name) -> None:
    answer = hek_answer(name)
    whole = read(real_data / "hek" / name)
    assert whole.records == answer["result"]
    assert whole.associations == answer["association"]


@pytest.mark.parametrize("name", JSON_FILES)
def test_the_xml_form_gives_the_same_records(read, put, xml_of, hek_answer, name) -> None:
    answer = hek_answer(name)
    whole = read(put("recorded.xml", xml_of(answer)))
    assert len(whole.records) == len(answer["result"])
    for record, expected in zip(whole.records, answer["result"], strict=True):
        assert canonical(record) == canonical(expected)
    for edge, expected in zip(whole.associations, answer["association"], strict=True):
        assert edge == {key: str(value) for key, value in expected.items()}


@pytest.mark.parametrize("name", JSON_FILES)
def test_lines_lists_and_packed_files_give_the_same(read, put, hek_answer, name) -> None:
    records = hek_answer(name)["result"]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    assert read(put("lines.jsonl", lines)).records == records
    assert read(put("list.json", json.dumps(records, indent=1))).records == records
    assert read(put("lines.ndjson.gz", gzip.compress(lines.encode()))).records == records


@pytest.mark.parametrize("name", ["noaa_ar_2010-2020.csv", "flares_c1_1986-2019.csv"])
def test_table_rows_have_the_columns_of_the_file(read, real_data, name) -> None:
    text = (real_data / "hek" / name).read_text("ascii")
    header, *rows = (line.split(",") for line in text.splitlines())
    kind = "AR" if name.startswith("noaa") else "FL"
    expected = [dict(zip(header, row, strict=True)) | {"event_type": kind} for row in rows]
    assert read(real_data / "hek" / name).records == expected


@pytest.mark.parametrize(
    "times",
    [
        ("2018-03-20T00:00:00", "2018-03-21T00:00:00"),
        ("2018-03-16T23:31:46", "2018-03-16T23:31:46"),
        ("2018-03-26T00:31:58", "2018-03-27T00:00:00"),
        ("2018-03-26T00:31:59", "2018-03-27T00:00:00"),
        ("2000-01-01T00:00:00", "2018-03-16T23:31:45"),
    ],
)
def test_a_window_takes_what_touches_it(read, hek_answer, put, xml_of, times) -> None:
    """HEK's times sort as text: an independent way to compare them."""
    start, end = times
    answer = hek_answer("ar_spoca_201803.json")
    expected = [
        record["kb_archivid"]
        for record in answer["result"]
        if record["event_starttime"] <= end and record["event_endtime"] >= start
    ]
    window = TimeWindow(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in times))
    for path in (put("a.json", json.dumps(answer)), put("a.xml", xml_of(answer))):
        whole = read(path, window)
        assert [record["kb_archivid"] for record in whole.records] == expected
        assert len(whole.associations) == 79


def test_a_window_of_a_table(read, real_data) -> None:
    path = real_data / "hek" / "noaa_ar_2010-2020.csv"
    window = TimeWindow(datetime(2014, 10, 1, tzinfo=UTC), datetime(2014, 10, 31, 23, 59, 59, tzinfo=UTC))
    expected = [r for r in read(path).records if r["event_starttime"].startswith("2014-10")]
    assert read(path, window).records == expected
    assert len(expected) > 100


def test_types_are_chosen(read, real_data) -> None:
    path = real_data / "hek" / "mixed_20230329.json"
    assert Counter(r["event_type"] for r in read(path, None, ("CE", "FL")).records) == {"CE": 13, "FL": 2}
    assert len(read(path, None, ("ar",)).records) == 8
    assert read(path, None, ("CH",)).records == []
