"""The vocabulary against real records and against itself."""

import json

import pytest

from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, GEOMETRY_COLUMNS, attribute, record_keys

FILES = ("ar_spoca_201803", "mixed_20230329", "flares_ssw_20120101", "flares_swpc_20120101")


@pytest.mark.parametrize("name", FILES)
def test_real_records_have_exactly_these_keys_and_kinds(real_data, name):
    for record in json.loads((real_data / "hek" / f"{name}.json").read_text())["result"]:
        assert set(record) == set(record_keys(record["event_type"]))
        for key, value in record.items():
            wanted = (int, float, type(None)) if ATTRIBUTES[key].is_numeric else (str, list)
            assert isinstance(value, wanted), key


def test_every_unit_column_is_an_attribute_that_holds_units():
    for a in ATTRIBUTES.values():
        if a.unit_column:
            assert ATTRIBUTES[a.unit_column].is_unit, a.name
            assert a.is_numeric or "chaincode" in a.name, a.name


def test_types_and_names():
    assert len(EVENT_TYPES) == 28
    assert EVENT_TYPES["FL"].concept == "Flare"
    assert all(
        a.event_types <= set(EVENT_TYPES) and a.required_for <= a.event_types for a in ATTRIBUTES.values()
    )
    assert set(GEOMETRY_COLUMNS) <= set(ATTRIBUTES)


def test_a_name_is_found_in_any_case_and_by_its_alias():
    assert attribute("FL_GOESCls") is ATTRIBUTES["fl_goescls"]
    assert attribute("sol_STANDARD") is ATTRIBUTES["SOL_standard"]
    assert attribute("AR_IntensMin") is ATTRIBUTES["intensmin"]
    assert attribute("no_such_column") is None
