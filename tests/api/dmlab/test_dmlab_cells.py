"""The text of a frame, number by number, in every form."""

import json
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.dmlab.cells import XML_FORMS, json_cells, xml_cells
from api.dmlab.digits import MOST

VALUES = st.lists(st.floats(width=32), min_size=10, max_size=10)
TINY, HUGE = 1.1754944e-38, 9.999999e12


def expected(value, null):
    """Four decimals, correctly rounded, without zeros at the end but for one."""
    if not abs(value) < MOST:
        return null
    text = re.sub(r"(\.\d+?)0+$", r"\1", f"{value:.4f}")
    return "0.0" if text == "-0.0" else text


@given(VALUES)
@example([0.0, -0.0, 0.00005, -0.00005, 0.00015, 1.5, -1.5, 99999.9999, TINY, -TINY])
@example([np.nan, np.inf, -np.inf, HUGE, -HUGE, 1e13, -1e13, 0.1, 127.5, 1.63e12])
@example([0.99995, 0.99994999, 9.99995, 3.14159265, 2.71828, 16384.0, 1 / 16, 1 / 32, 1 / 65536, 0.03125])
def test_every_number_is_rounded_as_python_rounds(values):
    frame = np.zeros((64, 64, 10), dtype=np.float32)
    frame[5, 0] = values
    numbers = [float(value) for value in frame[5, 0]]
    texts = [expected(number, "NaN") for number in numbers]
    nulls = [expected(number, "null") for number in numbers]

    flat = xml_cells(frame, "flat").split(b"\n")[5].decode()
    nested = xml_cells(frame, "nested").split(b"\n")[5].decode()
    hybrid = xml_cells(frame, "hybrid").split(b"\n")[5].decode()
    tagged = "".join(f"<p{n}>{text}</p{n}>" for n, text in enumerate(texts, 1))
    params = "".join(f"<param>{text}</param>" for text in texts)
    place = "<cell><x>0</x><y>5</y>"
    assert flat == f"{place}{tagged}</cell>"
    assert nested == f"{place}<params>{params}</params></cell>"
    rest = tagged.removeprefix(f"<p1>{texts[0]}</p1>")
    assert hybrid == f"{place}<params>{texts[0]}{params}</params>{rest}</cell>"
    columns = ",".join(f'"p{n}":{text}' for n, text in enumerate(nulls, 1))
    assert f'{{"x":0,"y":5,{columns}}}'.encode() in json_cells(frame)


@pytest.mark.parametrize("form", XML_FORMS)
def test_no_value_is_too_long_for_its_place(form):
    longest = np.full((64, 64, 10), -HUGE, dtype=np.float32)
    longest[:, :, 1::2] = -1048575.9375  # as many digits before the point as a fraction leaves
    assert xml_cells(longest, form).count(b"-9999998779392.0") >= 4096 * 5


def test_x_is_the_column_and_runs_slower(read_flat, read_nested):
    row, column = np.indices((64, 64))
    frame = np.zeros((64, 64, 10), dtype=np.float32)
    frame[:, :, 0], frame[:, :, 1], frame[:, :, 9] = row, column, 100 * row + column
    for form, readers in {
        "flat": [read_flat],
        "nested": [read_nested],
        "hybrid": [read_flat, read_nested],
    }.items():
        body = b"<image>" + xml_cells(frame, form) + b"</image>"
        for read in readers:
            values = read(body)
            np.testing.assert_array_equal(values[:, :, 1], column.T)
            np.testing.assert_array_equal(values, frame.transpose(1, 0, 2))
    cells = json.loads(json_cells(frame))
    assert [(cell["x"], cell["y"]) for cell in cells] == [(x, y) for x in range(64) for y in range(64)]
    assert all(cell["p10"] == 100 * cell["y"] + cell["x"] for cell in cells)


def test_a_view_that_is_not_contiguous_is_written_the_same():
    frame = np.random.default_rng(1).random((64, 64, 20), dtype=np.float32)[:, :, ::2]
    assert not frame.flags["C_CONTIGUOUS"]
    assert json_cells(frame) == json_cells(frame.copy())
