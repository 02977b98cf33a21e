"""How texts become values, and which texts do not."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ParameterError
from api.params import BOX, EVENT_TYPE, GOES_CLASS, TEXT, Parameter, choice, integer, number, read, read_time


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2014-08-30T20:36:43", at(2014, 8, 30, 20, 36, 43)),
        ("2014-08-30 20:36:43", at(2014, 8, 30, 20, 36, 43)),
        ("2014-08-30t20:36:43z", at(2014, 8, 30, 20, 36, 43)),
        ("2014-8-30T0:0:0", at(2014, 8, 30)),
        ("2014-8-30T9:5", at(2014, 8, 30, 9, 5)),
        ("2014-08-30", at(2014, 8, 30)),
        ("2014-08-30T20:36:43.5", at(2014, 8, 30, 20, 36, 43, 500_000)),
        ("2014-08-30T20:36:43.000005", at(2014, 8, 30, 20, 36, 43, 5)),
        ("2014-08-30T20:36:43.9999999", at(2014, 8, 30, 20, 36, 44)),
        ("2014-08-30T20:36:43Z", at(2014, 8, 30, 20, 36, 43)),
        ("2014-08-30T20:36:43+01:00", at(2014, 8, 30, 19, 36, 43)),
        ("2014-08-30T20:36:43-0130", at(2014, 8, 30, 22, 6, 43)),
        ("2014-08-30T20:36:43+01", at(2014, 8, 30, 19, 36, 43)),
        ("2014-08-30T20:36:43 00:00", at(2014, 8, 30, 20, 36, 43)),  # a "+" that was not escaped
        ("2016-12-31T23:59:60", at(2017, 1, 1)),
        ("2014-08-30T24:00:00", at(2014, 8, 31)),
        ("1-1-1", at(1, 1, 1)),
        ("9999-12-31T23:59:59.999999", at(9999, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_time_is_read(text, time):
    assert read_time(text) == time


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2014", "2014-08", "20140830", "2014-13-01", "2014-02-30", "0-1-1", "10000-1-1"),
        *("2014-08-30T25:00:00", "2014-08-30T24:00:01", "2014-08-30T10:60:00", "2014-08-30T10:00:61"),
        *("-1-1-1", "2014-08-30T", "2014-08-30T10", "2014-08-30 01", "2014-08-30T10:00:00+25:00"),
        *("2014-08-30T10:00:00+1", "2014-08-30T10:00:00+00:00:00"),
        *("2014-08-30T10:00:00.", "2014-08-30T10:00:00' OR '1'='1", "infinity", "epoch", "1e3-01-01"),
        *("٢٠١٤-٠٨-٣٠", "2014-08-30\0", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"),
        "9999-12-31T24:00:00",
    ],
)  # fmt: skip
def test_time_is_refused(text):
    with pytest.raises((ValueError, OverflowError)):
        read_time(text)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_time_of_every_isoformat_is_itself(time):
    try:
        expected = time.astimezone(UTC)
    except OverflowError:
        return
    offset = time.utcoffset()
    if offset.seconds % 60 == 0:  # zones before 1900 have seconds, which ISO 8601 has not
        assert read_time(time.isoformat()) == expected


@given(st.text(max_size=40))
def test_time_raises_only_what_is_promised(text):
    with suppress(ValueError, OverflowError):
        assert read_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (integer(0, 10), "+7", 7),
        (integer(0, 10), "007", 7),
        (number(-10, 10), "-1e-1", -0.1),
        (number(-10, 10), "5.", 5.0),
        (EVENT_TYPE, "ar", "AR"),
        (EVENT_TYPE, "Tob", "TO"),
        (EVENT_TYPE, "to", "TO"),
        (GOES_CLASS, "x1.5", 1.5e-4),
        (choice(("Overlaps",)), "OVERLAPS", "Overlaps"),
    ],
)
def test_kind_reads(kind, text, value):
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((integer(0, 10), text) for text in ("11", "-1", "1.0", "1e1", "٣", "0x1", "1_0", "NaN", "9" * 400)),
        *((number(-10, 10), text) for text in ("nan", "inf", "-Infinity", "11", "1_0", "٣", "one", "1e999")),
        *((EVENT_TYPE, text) for text in ("xx", "a", "ar;drop table", "ari", "\0")),
        *((GOES_CLASS, text) for text in ("Q1", "1.5", "", "X1e999")),
        *((BOX, text) for text in ("1,2,3", "1,2,3,4,5", "2,0,1,1", "0,2,1,1", "0,0,nan,1", "0,0,1e10,1")),
        *((TEXT, text) for text in ("a\0b", "x" * 401)),
    ],
)  # fmt: skip
def test_kind_refuses(kind, text):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever its words, the table makes the message
        kind.read(text)


TABLE = (
    Parameter("n", integer(0, 9), default=5),
    Parameter("t", EVENT_TYPE, many=True),
    Parameter("m", TEXT, many=True, separator=None),
    Parameter("r", TEXT, required=True),
)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("r=x", {"n": 5, "t": None, "m": None, "r": "x"}),
        ("r=x&n=&t=&m=", {"n": 5, "t": None, "m": None, "r": "x"}),
        ("r= x &n= 3 ", {"n": 3, "t": None, "m": None, "r": "x"}),
        ("r=x&t=ar,ch&t=fl,AR,", {"n": 5, "t": ("AR", "CH", "FL"), "m": None, "r": "x"}),
        ("r=x&m=a,b&m=c", {"n": 5, "t": None, "m": ("a,b", "c"), "r": "x"}),
    ],
)
def test_table_reads(query, values):
    assert read(QueryDict(query), TABLE, strict=True) == values


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("n=1", "r", "r is missing; it takes a text"),
        ("r=", "r", "r is missing"),
        ("r=x&n=99", "n", "n cannot be '99'; it takes a whole number from 0 to 9"),
        ("r=x&n=1&n=1", "n", "n is given 2 times"),
        ("r=x&t=ar,zz", "t", "t cannot be 'zz'; it takes one of AR, CE"),
        ("r=x&q=1", "q", "q is not a parameter here (known: n, t, m, r)"),
        ("r=x&n=" + "1" * 500, "n", "n cannot be '" + "1" * 60 + "...'"),
    ],
)
def test_table_names_what_is_wrong(query, parameter, words):
    with pytest.raises(ParameterError) as caught:
        read(QueryDict(query), TABLE, strict=True)
    assert caught.value.parameter == parameter
    assert caught.value.message.startswith(words)


def test_unknown_parameters_are_ignored_where_they_always_were():
    assert read(QueryDict("r=x&q=1"), TABLE, strict=False)["r"] == "x"
