"""What the ISD dialect answers to input it cannot use: FAIL, 400, and a message that names the parameter."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.django_db

TIMES = {"starttime": "2014-08-30", "endtime": "2014-09-02"}
BOX = {"xmin": "-100", "xmax": "100", "ymin": "-100", "ymax": "100"}
NEAR = {
    "queryeventtype": "fl",
    "queryeventid": "ivo://test/FL_00004",
    "targeteventtype": "ar",
    "lookback": "12",
    "spatialbuffer": "5",
}
ROUTES = {
    "/api/query/temporal": TIMES,
    "/api/query/spatiotemporal": TIMES | BOX,
    "/api/query/searchById": {"id": "ivo://test/AR_00001", "eventtype": "ar"},
    "/api/query/closeByEvents": NEAR,
    "/api/query/solev/trackid": {"id": "ivo://test/AR_00001", "eventtype": "ar"},
    "/api/query/image": {"resolution": "2k", "wavelength": "171", "starttime": "2014-08-30"},
    "/api/query/param/image": {
        "resolution": "2k",
        "wavelength": "171",
        "starttime": "2014-08-30",
        "paramid": "3",
    },
    "/api/query/param": {"wavelength": "171", "starttime": "2014-08-30"},
    "/analytics/api/query/sun/event/count": TIMES,
    "/analytics/api/query/sun/event/area": TIMES,
    "/analytics/api/query/track/ts": {"id": "ivo://test/AR_00001", "wavelength": "171", "paramid": "3"},
}
REQUIRED = {route: set(query) for route, query in ROUTES.items()}

INJECTION = "ar'; DROP TABLE events_event; --"
BAD_TIMES = (
    "yesterday",
    "2014-13-01",
    "2014-08-30T25:00:00",
    "NaN",
    "9" * 50,
    "2014-08-30\0",
    "٢٠١٤-٠٨-٣٠",
    INJECTION,
)
BAD_NUMBERS = (
    "NaN",
    "inf",
    "-Infinity",
    "1e400",
    "9" * 50,
    "one",
    "1_0",
    "٣",
    "0x10",
    "1;2",
    "\0",
    INJECTION,
)
BAD_WORDS = ("xx", "qs2", "ar,zz", "zz,all", "\0", "ärger", "☀", INJECTION)
BAD_WHOLE = (*BAD_NUMBERS, "1.5", "-1", "99999999")
BAD = {
    **dict.fromkeys(("starttime", "endtime"), BAD_TIMES),
    **dict.fromkeys(("xmin", "xmax", "ymin", "ymax"), BAD_NUMBERS),
    "spatialbuffer": (*BAD_NUMBERS, "-1", "181"),
    **dict.fromkeys(("limit", "lookback"), BAD_WHOLE),
    "offset": (*BAD_NUMBERS, "-1", str(2**31)),
    **dict.fromkeys(
        ("tablenames", "eventtypes", "eventtype", "queryeventtype", "targeteventtype"), BAD_WORDS
    ),
    "sortby": (*BAD_WORDS, "hpc_bbox", "attributes", "event_starttime desc", "1"),
    **dict.fromkeys(
        ("predicate", "temporalpredicate"), (*BAD_WORDS, "During", "intersects", "within", "starts")
    ),
    "spatialpredicate": (*BAD_WORDS, "Crosses", "ST_Intersects"),
    "geometry": (*BAD_WORDS, "coord", "hpc_bbox"),
    **dict.fromkeys(("id", "queryeventid"), ("a\0b", "x" * 401)),
    "resolution": ("1k", "4096", "../2k", "\0", INJECTION),
    "wavelength": ("4500", "172", "-171", "1e2", "NaN", "\0", INJECTION),
    "paramid": ("0", "11", "x", "1.0", "\0"),
}
OPTIONAL = {
    "/api/query/temporal": ("limit", "offset", "tablenames", "sortby", "predicate"),
    "/api/query/spatiotemporal": (
        *("limit", "offset", "tablenames", "sortby"),
        *("temporalpredicate", "spatialpredicate", "geometry"),
    ),
    "/analytics/api/query/sun/event/count": ("eventtypes",),
    "/analytics/api/query/sun/event/area": ("eventtypes",),
}


def assert_fails(status, body, parameter):
    assert (status, body["Status"], body["StatusCode"], body["Result"]) == (400, "FAIL", 2, []), body
    assert list(body) == ["Status", "StatusCode", "Msg", "Result"]
    assert body["Msg"].startswith(f"{parameter} "), body["Msg"]
    assert len(body["Msg"]) < 400


@pytest.mark.parametrize("route", ROUTES)
def test_good_input_is_good(sample, client, route):
    assert client.get(route, ROUTES[route]).status_code in (200, 302)


@pytest.mark.parametrize(
    ("route", "parameter", "text"),
    [
        (route, parameter, text)
        for route, query in ROUTES.items()
        for parameter in (*query, *OPTIONAL.get(route, ()))
        for text in BAD[parameter]
    ],
)
def test_unusable_value(ask, route, parameter, text):
    assert_fails(*ask(route, **(ROUTES[route] | {parameter: text})), parameter)


@pytest.mark.parametrize(
    ("route", "parameter"), [(route, name) for route, names in REQUIRED.items() for name in sorted(names)]
)
def test_missing_and_empty_value(ask, route, parameter):
    rest = {name: text for name, text in ROUTES[route].items() if name != parameter}
    for query in (rest, rest | {parameter: ""}):
        status, body = ask(route, **query)
        assert_fails(status, body, parameter)
        assert "is missing; it takes " in body["Msg"]


@pytest.mark.parametrize("route", ROUTES)
def test_repeated_parameter(ask, route):
    name, text = next(iter(ROUTES[route].items()))
    status, body = ask(route, **(ROUTES[route] | {name: [text, text]}))
    assert_fails(status, body, name)
    assert "given 2 times" in body["Msg"]


@pytest.mark.parametrize("route", ROUTES)
def test_unknown_parameters_are_ignored(sample, client, route):
    query = ROUTES[route] | {"callback": "x", "_": "1", "☀": "\0"}
    assert client.get(route, query).content == client.get(route, ROUTES[route]).content


@pytest.mark.parametrize("route", [route for route, query in ROUTES.items() if "endtime" in query])
def test_reversed_times(ask, route):
    reversed_ = {"starttime": "2014-09-02", "endtime": "2014-09-01T23:59:59"}
    status, body = ask(route, **(ROUTES[route] | reversed_))
    assert_fails(status, body, "starttime")
    assert "2014-09-02T00:00:00 is after the end 2014-09-01T23:59:59" in body["Msg"]


def test_reversed_box(ask):
    for low, high in (("xmin", "xmax"), ("ymin", "ymax")):
        assert_fails(*ask("/api/query/spatiotemporal", **(TIMES | BOX | {low: "101", high: "100"})), low)


def test_limit_beyond_the_maximum_is_an_error_and_the_maximum_is_not(ask):
    assert_fails(*ask("/api/query/temporal", **TIMES, limit=10_001), "limit")
    assert ask("/api/query/temporal", **TIMES, limit=10_000)[0] == 200


@pytest.mark.parametrize(("start", "end"), [("0001-01-01", "9999-12-31T23:59:59.999999"), ("1-1-1", "1-1-1")])
@pytest.mark.parametrize("route", [route for route, query in ROUTES.items() if "endtime" in query])
def test_the_whole_calendar_can_be_asked(sample, ask, route, start, end):
    predicates = (
        *("Equals", "LessThan", "GreaterThan", "Contains"),
        *("ContainedBy", "Overlaps", "Precedes", "PrecededBy"),
    )
    for name in predicates:
        query = ROUTES[route] | {
            "starttime": start,
            "endtime": end,
            "predicate": name,
            "temporalpredicate": name,
        }
        assert ask(route, **query)[0] == 200


def test_an_unknown_id_near_which_to_look(sample, ask):
    status, body = ask("/api/query/closeByEvents", **(NEAR | {"queryeventid": "ivo://test/none"}))
    assert (status, body["Status"], body["Result"]) == (404, "FAIL", [])
    assert body["Msg"] == "queryeventid: there is no event ivo://test/none of type FL"
    assert ask("/api/query/closeByEvents", **(NEAR | {"queryeventtype": "ar"}))[0] == 404


def test_an_event_without_a_place_near_which_to_look(sample, ask):
    status, body = ask("/api/query/closeByEvents", **(NEAR | {"queryeventid": "ivo://test/FL_00005"}))
    assert (status, body["Status"]) == (422, "FAIL")
    assert "has no heliographic box" in body["Msg"]


@pytest.mark.parametrize(
    "path", ["/api/query", "/api/query/", "/api/query/nothing", "/analytics/api/query/x/y"]
)
def test_an_address_that_is_none(ask, client, path):
    if client.get(path).status_code == 301:
        path += "/"
    status, body = ask(path)
    assert (status, body["Status"], body["Msg"]) == (404, "FAIL", "There is nothing at this address.")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_text_whatever_breaks_a_route(client, data):
    route = data.draw(st.sampled_from(sorted(ROUTES)))
    names = st.sampled_from([*ROUTES[route], *OPTIONAL.get(route, ())])
    junk = st.text(max_size=20) | st.sampled_from([text for texts in BAD.values() for text in texts])
    query = ROUTES[route] | data.draw(st.dictionaries(names, junk, max_size=3))
    raw = "&".join(f"{name}={quote(text, errors='replace')}" for name, text in query.items())
    answer = client.get(f"{route}?{raw}")
    assert answer.status_code in (200, 302, 400, 404, 422), answer.content
    if answer.status_code != 302:
        assert json.loads(answer.content)["Status"] == ("OK" if answer.status_code == 200 else "FAIL") or (
            route.endswith("trackid")
        )


def test_broken_escapes_and_bytes_do_not_break_a_route(client):
    for raw in ("%", "%zz", "%ff%fe", "tablenames=%00", "id=%ed%a0%80", "=&&=", "a" * 5000):
        answer = client.get(f"/api/query/temporal?{raw}")
        assert answer.status_code == 400
        assert answer.json()["Status"] == "FAIL"


def test_too_many_fields(client):
    answer = client.get("/api/query/temporal?" + "&".join(f"a{n}=1" for n in range(1500)))
    assert (answer.status_code, answer.json()["Status"]) == (400, "FAIL")
