"""Records: HEK's own come back exactly; any others have what sunpy cannot do without."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.hek.records import _read_by_clients, hek_record
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, record_keys
from ingest.canonical import canonical

FILES = [f"{name}.json" for name in ("ar_spoca_201803", "mixed_20230329")]
FILES += [f"flares_{name}_20120101.json" for name in ("ssw", "swpc")]
POSITION = ("event_coord1", "event_coord2", "event_coordunit", "event_coordsys")
SHAPES = {
    "hgs_coord": "POINT(12.5 -3)",
    "hpc_coord": "POINT(200 -40.5)",
    "hgc_coord": "POINT(-14.93 7.2)",
    "hpc_bbox": "POLYGON((0 0,1 0,1 1,0 0))",
    "hgs_bbox": "MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
}


def test_every_recorded_record_comes_back_exactly(hek_answer) -> None:
    records = [record for name in FILES for record in hek_answer(name)["result"]]
    assert len(records) == 146
    for record in records:
        assert hek_record(canonical(record).attributes, record["event_type"]) == record


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_empty_report_has_every_key_and_hek_s_placeholders(event_type) -> None:
    record = hek_record({"event_starttime": "2014-01-01T00:00:00"}, event_type, kb_archivid="ivo://x")
    assert tuple(record) == record_keys(event_type)
    for name, value in record.items():
        kind = ATTRIBUTES[name].kind
        if ATTRIBUTES[name].is_numeric:
            assert value is None or isinstance(value, int | float)
        else:
            assert isinstance(value, list if kind == "list" else str)
    assert [record[name] for name in POSITION] == [0, 0, "degrees", "UTC-HGS-TOPO"]
    assert record["event_coord3"] is None
    assert record["noposition"] == "true"
    assert record["hgs_bbox"] == "POLYGON((-89.9 -89.9,89.9 -89.9,89.9 89.9,-89.9 89.9,-89.9 -89.9))"
    assert record["kb_archivid"] == "ivo://x"
    assert record["event_endtime"] == "2014-01-01T00:00:00"


def test_a_position_is_taken_from_our_columns() -> None:
    record = hek_record({"event_starttime": "2014-01-01T00:00:00"}, "AR", shapes=SHAPES)
    assert [record[name] for name in POSITION] == [12.5, -3, "deg deg", "UTC-HGS-TOPO"]
    assert record["noposition"] == "false"
    assert (record["hpc_x"], record["hpc_y"], record["hgs_y"]) == (200, -40.5, -3)
    assert record["hpc_bbox"] == SHAPES["hpc_bbox"]
    assert record["hgs_bbox"] == ""
    assert record["SOL_standard"] == "SOL2014-01-01T00:00:00L346C083"
    assert float(record["hpc_radius"]) == math.hypot(200, 40.5)


def test_a_report_s_own_numbers_are_its_position() -> None:
    record = hek_record({"hgs_x": -20, "hgs_y": 5, "noposition": False}, "AR", shapes=SHAPES)
    assert [record[name] for name in POSITION] == [-20, 5, "deg deg", "UTC-HGS-TOPO"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"event_coordsys": "UTC-HPR-TOPO"},
        {"event_coordunit": None},
        {"event_coord1": None},
        {"event_coord2": None},
        {"event_coordsys": None},
    ],
)
def test_a_position_that_clients_cannot_read_is_replaced(spoiled) -> None:
    sent = {"event_coord1": 1, "event_coord2": 2, "event_coordunit": "deg", "event_coordsys": "UTC-HGC-TOPO"}
    sent = {name: value for name, value in (sent | spoiled).items() if value is not None}
    record = hek_record(sent, "FL", shapes=SHAPES)
    assert [record[name] for name in POSITION] == [12.5, -3, "deg deg", "UTC-HGS-TOPO"]


def test_gaps_in_the_archive_s_own_geometry_stay() -> None:
    record = hek_record({"hpc_coord": "POINT(1 2)"}, "AR", shapes=SHAPES)
    assert (record["hpc_coord"], record["hgs_coord"], record["hpc_bbox"]) == ("POINT(1 2)", "", "")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("POLYGON((0 0,1 0,1 1,0 0))", "POLYGON((0 0,1 0,1 1,0 0))"),
        ("POLYGON ((0 0,1 0,1 1,0 0))", "POLYGON((0 0,1 0,1 1,0 0))"),
        ("polygon ( (0 0, 1 0, 1 1, 0 0))", "POLYGON((0 0, 1 0, 1 1, 0 0))"),
        ("POLYGON((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))", ""),
        ("MULTIPOLYGON(((0 0,1 0,1 1,0 0)))", ""),
        ("POLYGON EMPTY", ""),
        ("round", ""),
    ],
)
def test_shapes_are_such_as_clients_read(sent, read) -> None:
    assert hek_record({"hpc_boundcc": sent}, "AR")["hpc_boundcc"] == read


PARTS = ["POINT(", "POINT (", "point(", "POLYGON((", "POLYGON ((", "( (", "(", ")", "))", "1 2", ","]
PARTS += [",(", " ,(", ", (", "MULTI", " EMPTY", "-3e-7", " "]


@given(st.lists(st.sampled_from(PARTS), max_size=9).map("".join), st.sampled_from(["hpc_coord", "hgs_bbox"]))
def test_the_short_look_at_a_shape_finds_what_the_long_one_does(sent, name) -> None:
    record = hek_record({name: sent}, "AR")
    assert record[name] == _read_by_clients(sent, ATTRIBUTES[name].kind)


def test_a_value_without_its_unit_gets_hek_s() -> None:
    record = hek_record({"area_atdiskcenter": 5, "obs_meanwavel": 1.71e-6}, "AR")
    assert (record["area_unit"], record["obs_wavelunit"]) == ("km2", "cm")
    assert hek_record({}, "AR")["area_unit"] == ""
    assert hek_record({"area_raw": 5, "area_unit": "arcsec2"}, "AR")["area_unit"] == "arcsec2"


def test_words_for_booleans_and_keys_that_hek_does_not_have() -> None:
    sent = {"active": False, "frm_humanflag": True, "goes_class": 1.5, "kb_archivurl": "x"}
    record = hek_record(sent, "FL")
    assert (record["active"], record["frm_humanflag"], record["goes_class"]) == ("false", "true", 1.5)
    assert "kb_archivurl" not in record
    assert hek_record({}, "FL")["refs"] is not hek_record({}, "FL")["refs"]
