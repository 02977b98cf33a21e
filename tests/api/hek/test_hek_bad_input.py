"""Whatever is asked, the answer is 400 in the dialect's form and names the parameter, or it is right."""

import json
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db
DAY = {"event_starttime": "2014-01-01", "event_endtime": "2014-01-02"}
BAD = [
    ("cmd", {"cmd": ""}),
    ("cmd", {"cmd": "status"}),
    ("cosec", {"cosec": "3"}),
    ("callback", {"callback": "alert(1)"}),
    ("callback", {"callback": "a" * 101}),
    ("type", {"type": "row"}),
    ("event_starttime", {"event_starttime": ""}),
    ("event_starttime", {"event_starttime": "yesterday"}),
    ("event_endtime", {"event_endtime": "2014-02-30"}),
    ("event_endtime", {"event_endtime": "2013-12-31"}),
    ("event_endtime", {"event_endtime": "10000-01-01"}),
    ("event_type", {"event_type": "ZZ"}),
    ("event_type", {"event_type": "ar,xx"}),
    ("event_type", {"event_type": ","}),
    ("temporalmode", {"temporalmode": "loose"}),
    ("event_coordsys", {"event_coordsys": "galactic"}),
    ("x1", {"x1": "west"}),
    ("x1", {"x1": "nan", "x2": "1", "y1": "1", "y2": "1"}),
    ("y2", {"x1": "1", "x2": "1", "y1": "1", "y2": "1e300"}),
    ("result_limit", {"result_limit": "0"}),
    ("result_limit", {"result_limit": "-1"}),
    ("result_limit", {"result_limit": "ten"}),
    ("page", {"page": "first"}),
    ("page", {"page": "99999999999"}),
    ("sort_by", {"sort_by": "beauty"}),
    ("sort_by", {"sort_by": "refs"}),
    ("sort_order", {"sort_order": "random"}),
    ("return", {"return": "nothing,known"}),
    ("showtests", {"showtests": "maybe"}),
    ("param0", {"param0": "beauty", "value0": "1"}),
    ("param0", {"param0": "zz.frm_name", "value0": "1"}),
    ("param0", {"event_type": "AR", "param0": "ch.frm_name", "value0": "1"}),
    ("param0", {"op0": "=", "value0": "1"}),
    ("param7", {"value7": "1"}),
    ("value0", {"param0": "frm_name", "op0": "="}),
    ("value0", {"param0": "area_raw", "op0": "=", "value0": "large"}),
    ("value0", {"param0": "area_raw", "op0": "=", "value0": ""}),
    ("value0", {"param0": "area_raw", "op0": "=", "value0": "inf"}),
    ("value0", {"param0": "frm_humanflag", "op0": "=", "value0": "t"}),
    ("value0", {"param0": "event_peaktime", "op0": ">", "value0": "noon"}),
    ("value0", {"param0": "frm_name", "op0": "=", "value0": "a\0b"}),
    ("op0", {"param0": "frm_name", "op0": "~", "value0": "1"}),
    ("op0", {"param0": "frm_humanflag", "op0": ">", "value0": "true"}),
    ("op0", {"param0": "area_raw", "op0": "like", "value0": "1%"}),
    ("op0", {"param0": "refs", "op0": "=", "value0": "1"}),
    ("event_type1", {"type": "contains", "event_type2": "ar"}),
    ("event_type2", {"type": "contains", "event_type1": "ar", "event_type2": "**"}),
]


def get(**query):
    return Client().get("/hek/her?" + urlencode({"cmd": "search", **DAY} | query))


@pytest.mark.parametrize(("parameter", "query"), BAD)
def test_the_bad_parameter_is_named(parameter, query) -> None:
    response = get(**query)
    body = json.loads(response.content)
    assert response.status_code == 400
    assert response["Access-Control-Allow-Origin"] == "*"
    assert set(body) == {"error", "result", "overmax"}
    assert (body["result"], body["overmax"]) == ([], False)
    assert body["error"].startswith(parameter)


def test_an_unknown_command_is_told_which_there_are() -> None:
    error = json.loads(get(cmd="").content)["error"]
    assert all(command in error for command in ("search", "export-voevent", "view-voevent", "home"))


def test_two_values_of_a_parameter_are_an_error_unless_they_are_equal() -> None:
    address = f"/hek/her?cmd=search&{urlencode(DAY)}&page=1&PAGE="
    assert Client().get(address + "1").status_code == 200
    response = Client().get(address + "2")
    assert (response.status_code, json.loads(response.content)["error"][:4]) == (400, "page")


def test_too_many_filters_are_refused() -> None:
    many = {f"param{n}": "frm_name" for n in range(41)} | {f"value{n}": "x" for n in range(41)}
    assert get(**many).status_code == 400


def test_an_error_is_xml_where_xml_was_asked_for() -> None:
    response = get(cosec="1", event_type="zz")
    assert (response.status_code, response["Content-Type"].partition(";")[0]) == (400, "text/xml")
    assert b"event_type cannot be" in response.content


def test_an_error_is_wrapped_where_a_callback_was_given() -> None:
    response = get(callback="got", event_type="zz")
    assert response.status_code == 400
    assert response.content.startswith(b'got( {"error":')


@pytest.mark.parametrize("command", ["export-voevent", "view-voevent"])
def test_an_unknown_event_is_not_found(command) -> None:
    assert get(cmd=command, ivorn="ivo://nobody").status_code == 404
    assert get(cmd=command).status_code == 400


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(method) -> None:
    assert getattr(Client(), method)("/hek/her").status_code == 405


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", "{}"),
        ("application/json", "["),
        ("multipart/form-data; boundary=x", "--y"),
        ("multipart/form-data", "x"),
        ("text/plain", "cmd=search"),
        ("application/x-www-form-urlencoded", "%ff%fe&=&==&&&"),
    ],
)
def test_unreadable_bodies_are_no_fault_of_the_server(content_type, body) -> None:
    response = Client().post("/hek/her", body, content_type=content_type)
    assert 400 <= response.status_code < 500
    assert json.loads(response.content)["result"] == []


def test_home_and_options_answer() -> None:
    assert get(cmd="HOME").status_code == 200
    assert Client().options("/hek/her").status_code == 204
    assert Client().head(f"/hek/her?cmd=search&{urlencode(DAY)}").status_code == 200


@pytest.mark.parametrize("path", ["/hek/her", "/hek/her/"])
def test_nothing_found_is_an_empty_list(path) -> None:
    response = Client().get(f"{path}?cmd=search&{urlencode(DAY)}")
    body = json.loads(response.content)
    assert (body["result"], body["association"], body["overmax"]) == ([], [], False)


NAMES = st.sampled_from(
    [
        *(
            "cosec",
            "event_type",
            "event_starttime",
            "event_endtime",
            "x1",
            "x2",
            "y1",
            "y2",
            "event_coordsys",
        ),
        *(
            "param0",
            "op0",
            "value0",
            "sparam1",
            "value1",
            "result_limit",
            "page",
            "sort_by",
            "return",
            "type",
        ),
        "callback",
    ]
)
WORDS = ["frm_name", "AR", "=", "like", "1e9", "**", "refs", "\0", "%", "-180", "fl_goescls", "contains"]
TEXTS = st.text(max_size=12) | st.sampled_from(WORDS)


@given(st.dictionaries(NAMES, TEXTS, max_size=8))
def test_no_question_is_a_fault_of_the_server(query) -> None:
    response = get(**{name: text.encode("utf-8", "surrogatepass") for name, text in query.items()})
    assert response.status_code in (200, 400)
