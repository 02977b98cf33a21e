"""GOES classes are compared by flux, never by letters."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.domain.goes import goes_flux


@pytest.mark.parametrize(
    ("text", "flux"),
    [("C5.6", 5.6e-6), ("X15.", 1.5e-3), ("M1", 1e-5), ("x1.0", 1e-4), ("X", 1e-4), (" B8.1 ", 8.1e-7)],
)
def test_class_to_flux(text, flux):
    assert goes_flux(text) == flux


@pytest.mark.parametrize(
    "text", ["", "Q1.0", "1.0", "M-1", "M1e5", "MX", "X" + "9" * 400, "C5.6; DROP TABLE"]
)
def test_what_is_no_class(text):
    assert goes_flux(text) is None


def test_order_is_not_alphabetical():
    classes = ["A1.0", "B9.9", "C1.0", "M2", "M9", "X2", "X10", "X28"]
    assert sorted(classes, key=goes_flux) == classes
    assert sorted(classes) != classes


def test_real_flares_give_the_flux_beside_them(real_data):
    """The file's own derived column, in all 39,037 rows."""
    with (real_data / "hek" / "flares_c1_1986-2019.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 39_037
    assert all(goes_flux(r["fl_goescls"]) == pytest.approx(float(r["goes_class"]), rel=1e-9) for r in rows)


@given(st.text())
def test_never_an_error(text):
    flux = goes_flux(text)
    assert flux is None or flux >= 0
