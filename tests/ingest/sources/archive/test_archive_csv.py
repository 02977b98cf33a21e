"""Tables with HEK's column names."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.archive import csv_form
from ingest.sources.archive.csv_form import type_of
from ingest.sources.archive.streams import PAGE_RECORDS, UnreadableError

HEADER = "event_starttime,event_endtime,fl_goescls\n"
ROW = "2012-01-01T00:00:00,2012-01-01T01:00:00,M1.0\n"
RECORD = {
    "event_starttime": "2012-01-01T00:00:00",
    "event_endtime": "2012-01-01T01:00:00",
    "fl_goescls": "M1.0",
    "event_type": "FL",
}


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROW,
        (HEADER + ROW).replace("\n", "\r\n"),
        "\ufeff" + HEADER + ROW,
        "Event_StartTime, EVENT_ENDTIME ,FL_GOESCls\n" + ROW,
        HEADER + ROW.rstrip("\n"),
        HEADER + "\n" + ROW + "\n\r\n",
        '"event_starttime","event_endtime","fl_goescls"\n' + ROW.replace("M1.0", '" M1.0"'),
    ],
)
def test_layouts(read, put, text) -> None:
    whole = read(put("a.csv", text))
    assert (whole.records, whole.rejected) == ([RECORD], [])


def test_a_table_without_rows(read, put) -> None:
    assert read(put("a.csv", HEADER)).records == []


def test_names_are_heks_and_unknown_columns_stay(read, put) -> None:
    text = "EVENT_STARTTIME,sol_STANDARD,My_Note\n2012-01-01T00:00:00,SOL1,x\n"
    assert read(put("a.csv", text)).records == [
        {"event_starttime": "2012-01-01T00:00:00", "SOL_standard": "SOL1", "my_note": "x"}
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["fl_goescls", "ar_noaanum"], "FL"),
        (["fl_peakflux", "ar_axislength"], "FL"),
        (["ar_mtwilsoncls", "ar_noaanum"], "AR"),
        (["ar_axislength"], "AR"),
        (["cme_angularwidth", "ar_noaanum"], "CE"),
        (["ef_fluxunit"], "EF"),
        (["fi_length"], "FI"),
        (["ss_spinrate"], "SS"),
        (["cme_mass", "fi_length"], None),
        (["event_starttime", "hpc_x", "frm_name"], None),
        (["outflow_speed"], None),
        (["unknown"], None),
    ],
)
def test_the_type_is_told_from_the_columns(names, expected) -> None:
    assert type_of(names) == expected


def test_a_type_column_is_kept_as_sent(read, put) -> None:
    text = "event_starttime,event_type,fl_goescls\nx,CE,\nx,,M1\n"
    assert [r["event_type"] for r in read(put("a.csv", text)).records] == ["CE", ""]


def test_quoted_fields_with_commas_quotes_and_newlines(read, put) -> None:
    text = 'event_starttime,event_description\nx,"a, ""b""\r\nc"\ny,d\n'
    assert [r["event_description"] for r in read(put("a.csv", text)).records] == ['a, "b"\r\nc', "d"]


def test_rows_with_other_numbers_of_fields_are_rejected(read, put) -> None:
    whole = read(put("a.csv", HEADER + "a,b\n" + ROW + "a,b,c,d\n" + ROW))
    assert whole.records == [RECORD, RECORD]
    assert [(r.payload, r.reason) for r in whole.rejected] == [
        ("a,b", "2 fields instead of 3"),
        ("a,b,c,d", "4 fields instead of 3"),
    ]


@pytest.mark.parametrize("stray", ['"a,b,c\n', 'a,"b,c\n', 'a,"b"x,c\n', 'a,b,"\n'])
def test_a_stray_quote_costs_its_own_line_only(read, put, stray) -> None:
    whole = read(put("a.csv", HEADER + ROW + stray + ROW * 3))
    assert whole.records == [RECORD] * 4
    assert [r.payload + "\n" for r in whole.rejected] == [stray]


def test_a_row_cut_off_is_a_failure_after_the_others(put, read_until_failure) -> None:
    whole, message = read_until_failure(put("a.csv", HEADER + ROW + ROW[:30]))
    assert whole.records == [RECORD]
    assert "ends in the middle" in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,version\nx,3\n", "no HEK columns"),
        ("Just some text.\n", "no HEK columns"),
        ("event_starttime,fl_goescls,FL_GOESCls\n", "columns appear twice: fl_goescls"),
        ('"event_starttime\n', "no table"),
        ("\n\n", "is empty"),
    ],
)
def test_other_texts_are_refused(put, read_until_failure, text, reason) -> None:
    assert reason in read_until_failure(put("a.csv", text))[1]


def test_large_tables_come_in_pages() -> None:
    rows = 2 * PAGE_RECORDS + 1
    pages = list(csv_form.pages([HEADER, ROW * rows], lambda _: True))
    assert [page.decode().count(ROW) for page in pages] == [PAGE_RECORDS, PAGE_RECORDS, 1]
    assert all(page.decode().startswith(HEADER) for page in pages)


def test_a_line_without_end_is_given_up() -> None:
    with pytest.raises(UnreadableError, match="a line exceeds"):
        list(csv_form.pages([HEADER, *(["x" * 2**20] * 20)], lambda _: True))


fields = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=6)


@given(st.lists(st.tuples(fields, fields), min_size=1, max_size=8), st.integers(1, 9))
def test_whatever_is_written_as_csv_is_read_back(rows, width) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("event_starttime", "event_title"), *rows])
    text = buffer.getvalue()
    chunks = [text[at : at + width] for at in range(0, len(text), width)]
    found = []
    for body in csv_form.pages(chunks, lambda _: True):
        parsed = csv_form.parse(body, "test")
        assert parsed.rejected == []
        found += [(r["event_starttime"], r["event_title"]) for r in parsed.records]
    assert found == [(a.strip(), b.strip()) for a, b in rows]
