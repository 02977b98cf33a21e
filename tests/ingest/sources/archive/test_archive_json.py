"""JSON archives: streamed, whatever their layout, and honest about what is broken."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.archive import json_form
from ingest.sources.archive.streams import (
    CHUNK,
    LARGEST_PIECE,
    PAGE_CHARACTERS,
    PAGE_RECORDS,
    UnreadableError,
)

RECORD = {"kb_archivid": "ivo://x/1", "event_type": "AR", "refs": [{"ref_name": 'a "b" \\ [c] {d}'}]}
EDGE = {"first_ivorn": "ivo://x/1", "second_ivorn": "ivo://x/2", "edge_type": "is_followed_by"}


def events(count):
    return [RECORD | {"kb_archivid": f"ivo://x/{n}"} for n in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"result": events(3), "association": [EDGE], "overmax": False}),
        json.dumps({"overmax": False, "association": [EDGE], "result": events(3)}, indent=4),
        json.dumps({"total": 3, "as_of": {"result": []}, "result": events(3), "association": [EDGE]}),
        json.dumps({"results": events(3), "associations": [EDGE]}),
        "\ufeff \r\n" + json.dumps({"result": events(3), "association": [EDGE]}) + "\r\n\n",
        json.dumps({"result": events(2), "association": []})
        + "\n"
        + json.dumps({"result": events(3)[2:], "association": [EDGE]})
        + "\n",
    ],
)
def test_answers_in_any_layout(read, put, text) -> None:
    whole = read(put("answer.json", text))
    assert (whole.records, whole.associations, whole.rejected) == (events(3), [EDGE], [])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(events(3)),
        json.dumps(events(3), indent=2),
        "\n".join(map(json.dumps, events(3))),
        "\r\n\r\n".join(map(json.dumps, events(3))) + "\r\n",
        "\n".join(json.dumps(record, indent=2) for record in events(3)),
    ],
)
def test_records_without_an_envelope(read, put, text) -> None:
    assert read(put("records.json", text)).records == events(3)


def test_a_single_record(read, put) -> None:
    for text in (json.dumps(RECORD), json.dumps({"unknown": 1} | RECORD, indent=1)):
        (record,) = read(put("one.json", text)).records
        assert record.items() >= RECORD.items()


@pytest.mark.parametrize("text", ['{"result":[],"association":[],"overmax":false}', "[]"])
def test_no_records(read, put, text) -> None:
    whole = read(put("none.json", text))
    assert (whole.records, whole.rejected) == ([], [])


def test_utf16_and_broken_utf8(read, put) -> None:
    text = json.dumps([{"event_type": "AR", "event_title": "Sk\u00e5ne"}], ensure_ascii=False)
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le"):
        body = text.encode(encoding)
        body = b"\xff\xfe" + body if encoding == "utf-16-le" else body
        assert read(put("a.json", body)).records[0]["event_title"] == "Sk\u00e5ne"
    assert read(put("b.json", text.encode("latin-1"))).records[0]["event_title"] == "Sk\ufffdne"


def test_nan_nul_and_control_characters(read, put) -> None:
    text = '[{"event_type":"AR","intensmin":NaN,"frm_url":"a\\u0000b","event_title":"c\td"}]'
    assert read(put("a.json", text)).records == [
        {"event_type": "AR", "intensmin": None, "frm_url": "a\0b", "event_title": "c\td"}
    ]


# --- what is broken


def test_what_is_no_object_is_rejected(read, put) -> None:
    text = json.dumps({"result": [17, *events(1), None, "text", [1]], "association": [EDGE, "edge"]})
    whole = read(put("a.json", text))
    assert (whole.records, whole.associations) == (events(1), [EDGE])
    assert [r.payload for r in whole.rejected] == ["17", "null", '"text"', "[1]", '"edge"']


def test_a_broken_element_is_rejected_and_the_rest_goes_on(read, put) -> None:
    broken = '{"event_type": "AR",,\n "event_title": "a ] } \\" b"}'
    text = f'{{"result":[{json.dumps(events(2)[0])}, {broken} , {json.dumps(events(2)[1])}],"overmax":false}}'
    whole = read(put("a.json", text))
    assert whole.records == events(2)
    assert [r.payload for r in whole.rejected] == [broken]
    assert whole.rejected[0].reason.startswith("broken JSON: ")


def test_broken_lines_are_rejected_and_the_rest_goes_on(read, put) -> None:
    first, second, third = map(json.dumps, events(3))
    text = f"{first}\n{second[:40]}\n{third}\nnot JSON\n17\n{second}\n"
    whole = read(put("a.jsonl", text))
    assert [r["kb_archivid"] for r in whole.records] == ["ivo://x/0", "ivo://x/2", "ivo://x/1"]
    assert sorted(r.payload for r in whole.rejected) == sorted([second[:40], "not JSON", "17"])


def test_a_last_line_cut_off_is_a_failure_after_the_others(put, read_until_failure) -> None:
    text = "".join(json.dumps(record) + "\n" for record in events(3))
    whole, message = read_until_failure(put("a.jsonl", text[:-10]))
    assert whole.records == events(2)
    assert "ends in the middle" in message


@pytest.mark.parametrize("indent", [None, 1])
def test_a_document_cut_off_anywhere_gives_what_is_complete_and_fails(indent) -> None:
    text = json.dumps({"result": events(3), "association": [EDGE], "overmax": False}, indent=indent)
    for cut in range(1, len(text)):
        found = []
        with pytest.raises(UnreadableError):
            found.extend(json_form.items([text[:cut]]))
        values = [item.value for item in found]
        assert values == [*events(3), EDGE][: len(values)]
        if indent is None:  # a record ends with }]}
            assert len(values) >= text[:cut].count("}]}")
    pieces = []
    with pytest.raises(UnreadableError, match="ends in the middle"):
        pieces.extend(json_form.pages([text[: text.index('"association"')]], lambda _: True))
    assert json.loads(pieces[0])["result"] == events(3)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"error":"too many rows","result":[],"overmax":false}', "too many rows"),
        ('{"name":"x","version":3}', "neither answer nor record"),
        ("{}", "neither answer nor record"),
        ('{"result":[1 2]}', "']' expected"),
        ("{1:2}", "key"),
        ('[{"event_type":"AR"}] trailing', "neither an object nor a list"),
        ("[" * 50_000, "JSON"),
    ],
)
def test_other_documents_are_refused(put, read_until_failure, text, reason) -> None:
    assert reason in read_until_failure(put("a.json", text))[1]


def test_a_recorded_overmax_is_told(read, put, caplog) -> None:
    read(put("a.json", '{"result":[],"overmax":true}'))
    assert "more followed" in caplog.text
    caplog.clear()
    read(put("a.json", '{"result":[],"overmax":"false"}'))
    assert caplog.text == ""


# --- streaming

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.fixed_dictionaries({"kb_archivid": st.text()}, optional={"a": json_values, "b": json_values})


@given(
    st.lists(records | json_values, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.data(),
)
def test_any_list_cut_into_any_chunks_is_read_as_json_reads_it(values, indent, ascii_only, data) -> None:
    text = json.dumps({"result": values, "overmax": False}, indent=indent, ensure_ascii=ascii_only)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) if a < b]
    found = [item.value for item in json_form.items(chunks)]
    assert found == json.loads(text)["result"]


def test_memory_stays_bounded_in_an_endless_file() -> None:
    """Pages come out while the file goes on: no more is read than a page and a chunk hold."""
    record = json.dumps(RECORD | {"event_title": "x" * 8000})
    read_so_far = 0

    def endless():
        nonlocal read_so_far
        read_so_far += 13
        yield '{"result":[\n' + " "
        while True:
            read_so_far += CHUNK
            yield (record + ",") * (CHUNK // len(record))

    given_so_far = 0
    for page, body in enumerate(json_form.pages(endless(), lambda _: True)):
        given_so_far += len(body)
        assert read_so_far - given_so_far < PAGE_CHARACTERS / 10 + 2 * CHUNK
        assert len(json.loads(body)["result"]) <= PAGE_RECORDS
        assert len(body) < PAGE_CHARACTERS + 2 * len(record)
        if page == 10:
            break


def test_an_endless_record_is_given_up() -> None:
    def endless():
        yield '[{"event_title": "'
        while True:
            yield "x" * 2**20

    with pytest.raises(UnreadableError):
        list(json_form.pages(endless(), lambda _: True))
    assert LARGEST_PIECE == 16 * 2**20
