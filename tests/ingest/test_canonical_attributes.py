"""One JSON type an attribute, whatever form the record came in; what cannot be read names itself."""

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.domain.vocabulary import ATTRIBUTES, record_keys
from ingest.canonical import RecordError, canonical, parse_time


def value_of(key: str, sent: object) -> object:
    """What becomes of one value; None where it is dropped."""
    attributes = canonical({key: sent}).attributes
    return next(iter(attributes.values()), None)


@pytest.mark.parametrize(
    ("key", "sent", "value"),
    [
        # numbers
        ("event_coord1", 45.0, 45),
        ("event_coord1", "45.0", 45),
        ("event_coord1", " -420.29998779296875 ", -420.29998779296875),
        ("obs_meanwavel", "1.70999999999999993e-06", 1.71e-06),
        ("area_raw", 2**53, 2**53),
        ("area_raw", 2**60, float(2**60)),
        ("area_raw", 1e300, 1e300),
        ("area_raw", -9999, -9999),
        ("event_npixels", "3687", 3687),
        ("event_npixels", 3687.0, 3687),
        ("event_coord1", "", None),
        ("event_coord1", "  ", None),
        # booleans
        ("active", "true", True),
        ("active", "F", False),
        ("active", "t", True),
        ("noposition", False, False),
        # times
        ("event_starttime", "2018-03-16T23:31:46", "2018-03-16T23:31:46"),
        ("event_starttime", "2018-03-16 23:31:46.987", "2018-03-16T23:31:46"),
        ("event_starttime", "2018-03-16T23:31:46Z", "2018-03-16T23:31:46"),
        ("event_starttime", "2018-03-17T01:31:46+02:00", "2018-03-16T23:31:46"),
        ("event_starttime", "2018-03-16", "2018-03-16T00:00:00"),
        ("event_starttime", "0001-01-01T00:00:00", "0001-01-01T00:00:00"),
        ("obs_lastprocessingdate", "2018-03-17T03:45:49.250", "2018-03-17T03:45:49.250000"),
        ("obs_lastprocessingdate", "2018-03-17 03:45:49", "2018-03-17T03:45:49"),
        ("frm_daterun", "2018-03-17T03:45:49.25", "2018-03-17T03:45:49"),
        ("event_expires", "never", "never"),
        # text
        ("frm_name", "\n  SPoCA\t", "SPoCA"),
        ("frm_name", 12, "12"),
        ("revision", 15, "15"),
        ("revision", 15.0, "15"),
        ("event_score", "0.0162018600617510264", "0.0162018600617510264"),
        ("event_score", 0.512, "0.512"),
        ("obs_includesnrt", "T", "T"),
        ("obs_includesnrt", True, "T"),
        ("event_clippedspatial", False, "F"),
        ("gs_imageurl", True, "true"),
        ("event_type", "fl", "FL"),
        ("event_type", "FL: Flare", "FL"),
        ("hpc_bbox", "POLYGON((1 2))", "POLYGON((1 2))"),
        # references
        ("refs", [{"ref_name": " a ", "ref_type": "", "ref_url": None}], [{"ref_name": "a"}]),
        ("refs", [], None),
        ("refs", "", None),
        ("refs", [{}, {"ref_url": ""}], None),
        # what we do not know
        ("hv_thing", {"a": [1, None]}, {"a": [1, None]}),
        ("hv_thing", " 1 ", "1"),
        ("hv_thing", [], None),
        ("hv_thing", 2.0, 2.0),
    ],
)
def test_each_kind_has_one_type(key: str, sent: object, value: object) -> None:
    got = value_of(key, sent)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("event_coord1", "n/a"),
        ("event_coord1", "1_000"),
        ("event_coord1", "NaN"),
        ("event_coord1", float("nan")),
        ("event_coord1", "Infinity"),
        ("event_coord1", 10**400),
        ("event_coord1", True),
        ("event_coord1", [1]),
        ("ar_numspots", 2.5),
        ("active", "yes"),
        ("active", 1),
        ("event_type", "UV"),
        ("event_type", "Flare"),
        ("event_starttime", "yesterday"),
        ("event_starttime", "2018-02-30T00:00:00"),
        ("event_starttime", "10000-01-01T00:00:00"),
        ("event_starttime", "0001-01-01T00:00:00+02:00"),
        ("event_peaktime", "blank"),
        ("frm_name", ["SPoCA"]),
        ("hpc_bbox", {"type": "Polygon"}),
        ("refs", "{{..}}"),
        ("refs", {"a": 1}),
        ("refs", [float("inf")]),
        ("hv_thing", float("nan")),
        ("hv_thing", {"deep": [float("inf")]}),
        ("hv_thing", 2**70),
        ("hv_thing", object()),
    ],
)
def test_what_an_attribute_cannot_hold_is_an_error_that_names_it(key: str, sent: object) -> None:
    with pytest.raises(RecordError, match=key if key != "hv_thing" or sent != 2**70 else "JSON"):
        canonical({key: sent})


def test_keys_in_any_case_are_the_vocabularys() -> None:
    record = {
        "FL_GOESCls": "C1.0",
        "sol_STANDARD": "SOL",
        "AR_IntensMin": "3",
        "HV_Own": 1,
        " frm_name ": "x",
    }
    assert canonical(record).attributes == {
        "fl_goescls": "C1.0",
        "SOL_standard": "SOL",
        "intensmin": 3,
        "HV_Own": 1,
        "frm_name": "x",
    }


def test_two_spellings_of_one_attribute_must_agree() -> None:
    assert canonical({"frm_name": "SPoCA", "FRM_Name": " SPoCA"}).attributes == {"frm_name": "SPoCA"}
    with pytest.raises(RecordError, match="frm_name: given twice"):
        canonical({"frm_name": "SPoCA", "FRM_Name": "SWPC"})


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("a\0b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600"), ("\\u0000", "\\u0000")],
)
def test_what_postgresql_cannot_store_is_replaced_and_told(sent: str, stored: str) -> None:
    form = canonical({"event_description": sent, sent: [{sent: sent}]})
    assert form.attributes == {"event_description": stored, stored: [{stored: stored}]}
    assert form.cleaned == (sent != stored)


def test_nesting_beyond_reason_is_an_error() -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecordError):
        canonical({"hv_thing": deep})
    shallow: list = []
    for _ in range(600):
        shallow = [shallow]
    with pytest.raises(RecordError):
        canonical({"hv_thing": shallow})


def test_the_hash_is_of_content_and_of_nothing_else() -> None:
    one = canonical({"event_type": "FL", "event_coord1": 1, "event_coord2": None})
    other = canonical({"event_coord1": "1.0", "EVENT_TYPE": "fl", "frm_name": ""})
    assert one == other
    assert one.json == b'{"event_coord1":1,"event_type":"FL"}'
    # As `b2sum -l 128` has it.
    assert one.content_hash == "61bec416-0e0b-7410-d1e4-56af6b099506"
    assert canonical({"event_type": "FL", "event_coord1": 2}).content_hash != one.content_hash


def test_times_are_utc() -> None:
    assert parse_time("2018-03-16T23:31:46") == datetime(2018, 3, 16, 23, 31, 46, tzinfo=UTC)
    assert parse_time("2018-03-17T01:31:46+02:00") == datetime(2018, 3, 16, 23, 31, 46, tzinfo=UTC)
    with pytest.raises(ValueError, match="years 1 to 9999"):
        parse_time("9999-12-31T23:59:59-01:00")


def test_real_records_lose_no_value(hek_answer) -> None:
    """Every value that is not empty is there again, equal as text or as number."""
    for name in ("ar_spoca_201803", "mixed_20230329", "flares_ssw_20120101", "flares_swpc_20120101"):
        for record in hek_answer(f"{name}.json")["result"]:
            attributes = canonical(record).attributes
            assert set(attributes) == {key for key, value in record.items() if value not in ("", None, [])}
            assert set(attributes) <= set(record_keys(record["event_type"]))
            for key, value in attributes.items():
                assert value == {"true": True, "false": False}.get(str(record[key]), record[key]), key


def as_xml_would(value: object) -> object:
    """A value as the cosec=1 answer writes it: all text, numbers with 17 digits and layout around."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"\n {value:.17e} "
    return value if isinstance(value, list) else f" {value}\n"


def test_json_and_xml_forms_are_one(hek_answer) -> None:
    for name in ("ar_spoca_201803", "mixed_20230329"):
        for record in hek_answer(f"{name}.json")["result"]:
            assert canonical({key: as_xml_would(value) for key, value in record.items()}) == canonical(record)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
LIKELY = st.sampled_from(
    ["2018-03-16T23:31:46.5Z", "true", "F", "1e3", "-0.0", "AR: Active Region", "POINT(1 2)", "\0", "\ud800"]
)
RECORDS = st.dictionaries(
    st.sampled_from([*ATTRIBUTES, "FRM_Name", "AR_IntensMax"]) | st.text(max_size=8),
    JSON | LIKELY | st.floats() | st.text(max_size=30),
    max_size=8,
)


@given(RECORDS)
def test_canonical_made_canonical_again_stays(record: dict) -> None:
    try:
        form = canonical(record)
    except RecordError:
        return
    again = canonical(form.attributes)
    assert (again.attributes, again.json, again.content_hash) == (
        form.attributes,
        form.json,
        form.content_hash,
    )
    assert not again.cleaned
    assert canonical(orjson.loads(form.json)) == again
    assert json.loads(form.json) == form.attributes
    assert b"\\u0000" not in form.json.replace(b"\\\\", b"")
