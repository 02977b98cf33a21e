"""Searches against brute force over the same events, and every spelling that clients send."""

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
import shapely
from django.test import Client
from hypothesis import given, note, settings
from hypothesis import strategies as st

from events.domain.goes import goes_flux
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, attribute, record_keys

pytestmark = pytest.mark.django_db  # so that the database is there; the module's events are committed

ALWAYS = {"event_starttime": "0001-01-01T00:00:00Z", "event_endtime": "9999-01-01T00:00:00Z"}
OPERATORS = ["=", "!=", ">", "<", ">=", "<="]
FRAMES = {"helioprojective": "hpc", "stonyhurst": "hgs", "carrington": "hgc"}
COLUMNS = [
    *("frm_name", "FL_GOESCls", "AR_NOAANum", "area_atdiskcenter", "Event_Coord1", "OBS_MeanWavel"),
    "event_type",
    *("obs_channelid", "frm_humanflag", "kb_archivdate", "event_peaktime", "cme_radiallinvel", "frm_daterun"),
    *("event_score", "hpc_x", "AR_IntensMean", "SOL_standard", "active", "kb_archivid", "ar_mtwilsoncls"),
]
SORTS = ["event_starttime", "event_endtime", "event_peaktime", "area_atdiskcenter", "frm_name", "fl_goescls"]
SORTS += ["ar_noaanum", "kb_archivid", "event_type", "hgs_x", "frm_daterun", "frm_humanflag", "SOL_standard"]


def ask(**query):
    response = Client().get("/hek/her?" + urlencode({"cosec": 2, "cmd": "search"} | query))
    return response.status_code, json.loads(response.getvalue())


def ids(status_and_body):
    status, body = status_and_body
    assert status == 200, body
    return [record["kb_archivid"] for record in body["result"]]


# --- brute force


def reported(event, column):  # noqa: PLR0911 - a case each
    """The value that is compared, None where there is none to compare."""
    name = column.name
    if column.name == "ar_noaanum":
        return event.ar_noaanum
    if name in ("event_starttime", "event_endtime", "event_peaktime", "kb_archivdate"):
        return getattr(event, name)
    if name in ("kb_archivid", "event_type"):
        return getattr(event, name)
    value = event.attributes.get(name)
    if column.is_numeric:
        return value
    if column.kind == "time":
        return value and datetime.fromisoformat(value).replace(tzinfo=UTC)
    if column.kind == "boolean":
        return name == "active" if value is None else value
    return value or ""


def compares(operator, left, right):
    return {
        "=": lambda: left == right,
        "!=": lambda: left != right,
        ">": lambda: left > right,
        "<": lambda: left < right,
        ">=": lambda: left >= right,
        "<=": lambda: left <= right,
    }[operator]()


def satisfies(event, condition):  # noqa: PLR0911 - a case each
    spelled, operator, text = condition
    prefix, _, name = spelled.rpartition(".")
    if prefix and prefix.upper() != event.event_type:
        return True
    column = attribute(name)
    if column.name not in record_keys(event.event_type):
        return False
    if column.name == "fl_goescls" and operator != "like" and goes_flux(text):
        return satisfies_class(event, operator, text)
    if column.name == "ar_noaanum":
        return satisfies_number(event, operator, float(text))
    value = reported(event, column)
    if operator == "like":
        pattern = ".*".join(map(re.escape, text.split("%")))
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    if value is None:
        return False
    asked = text
    if column.is_numeric:
        asked = float(text)
    elif column.kind == "boolean":
        asked = text == "true"
    elif column.kind == "time":
        asked = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return compares(operator, value, asked)


def satisfies_class(event, operator, text):
    flux, asked = event.goes_flux, goes_flux(text)
    if flux is None:
        return operator == "!="
    if len(text) == 1:
        operator = {">": ">=", "<=": "<"}.get(operator, operator)
    return compares(operator, flux, asked)


def satisfies_number(event, operator, asked):
    sent, number = event.attributes.get("ar_noaanum"), event.ar_noaanum
    if operator in ("=", "!=") and (number is None or asked < 10_000):
        return sent is not None and compares(operator, sent, asked)
    return number is not None and compares(operator, number, asked)


SHAPES = {}


def geometry(event, name):
    key = event.kb_archivid, name
    if key not in SHAPES:
        shape = getattr(event, name)
        SHAPES[key] = shape and shapely.from_wkb(bytes(shape.wkb))
    return SHAPES[key]


def in_box(event, coordsys, x1, y1, x2, y2):  # noqa: PLR0917 - as they are drawn
    frame = FRAMES[coordsys]
    south, north = sorted((y1, y2))
    if frame == "hpc":
        west, east = sorted((x1, x2))
        boxes, whole = [(west, east)], west <= -976 and east >= 976 and south <= -976 and north >= 976
    else:
        # All turns of the box that meet -180..180.
        east = x2 if x2 >= x1 else x2 + 360
        if abs(x2 - x1) >= 360:
            boxes = [(-180, 180)]
        else:
            while east - x1 > 360:
                east -= 360
            boxes = [(x1 + turn, east + turn) for turn in (-720, -360, 0, 360, 720)]
        span = 360 if frame == "hgc" else 180
        whole = south <= -90 and north >= 90 and any(a <= -span / 2 and b >= span / 2 for a, b in boxes)
    outline, box, point = (geometry(event, f"{frame}_{shape}") for shape in ("boundcc", "bbox", "coord"))
    if not any((outline, box, point)):
        return whole
    shape = outline or box or point
    if frame == "hpc" and event.event_type == "CE":
        shape = point
    elif frame == "hpc" and event.event_type == "FL" and point:
        flux = event.goes_flux or 0
        half = 50 if flux >= 1e-5 else 25 + 2.5e6 * flux if flux >= 1e-6 else 25
        shape = shapely.box(point.x - half, point.y - half, point.x + half, point.y + half)
    areas = [shapely.box(west, south, east, north) for west, east in boxes]
    return shape is not None and any(area.intersects(shape) for area in areas)


def expected(events, question):
    start, end = question["start"], question["end"]
    found = []
    for event in events:
        s, e = event.event_starttime, event.event_endtime
        timely = s >= start and e <= end if question["strict"] else s <= end and e >= start
        tested = bool(event.attributes.get("event_testflag", False))
        if (
            timely
            and (question["types"] is None or event.event_type in question["types"])
            and {"hide": not tested, "only": tested, "show": True}[question["showtests"]]
            and (question["box"] is None or in_box(event, *question["box"]))
            and all(satisfies(event, condition) for condition in question["filters"])
        ):
            found.append(event)
    return in_order(found, *question["sort"])


def in_order(events, name, descending):
    column = attribute(name)

    def key(event):
        if name == "fl_goescls":
            return event.goes_flux
        value = reported(event, column)
        return str(value).lower() if isinstance(value, bool) else value

    def plain(event):
        value = key(event)
        return value if column.kind != "boolean" or name in event.attributes else ""

    events = sorted(events, key=lambda event: event.kb_archivid, reverse=descending)
    present = [event for event in events if plain(event) is not None]
    absent = [event for event in events if plain(event) is None]
    return [e.kb_archivid for e in sorted(present, key=plain, reverse=descending) + absent]


# --- questions

TIMES = st.sampled_from(
    [datetime(2012, 1, 1, tzinfo=UTC), datetime(2018, 3, 19, tzinfo=UTC), datetime(2023, 3, 29, tzinfo=UTC)]
) | st.sampled_from([datetime(2011, 8, 9, 6, tzinfo=UTC), datetime(2014, 6, 1, tzinfo=UTC)])
SECONDS = st.sampled_from([0, 1, 3600, 86_400, 10 * 86_400, 4000 * 86_400])
CODES = st.sampled_from(["AR", "FL", "CE", "CH", "SS"])
ARCSEC = st.floats(-1500, 1500).map(lambda x: round(x, 2))
ARCSEC |= st.sampled_from([-5000, -1200, -976, 976, 1200, 5000])
DEGREES = st.integers(-180, 360) | st.sampled_from([-180, -90, 0, 90, 180])
LATITUDES = st.integers(-90, 90)


@st.composite
def filters(draw, events, types):
    column = attribute(draw(st.sampled_from(COLUMNS)))
    event = draw(st.sampled_from(events))
    value = event.attributes.get(column.name)
    if column.is_numeric:
        text = str(value if value is not None else draw(st.sampled_from([0, -1.5, 3e9, 13256, 3256])))
    elif column.kind == "boolean":
        text = draw(st.sampled_from(["true", "false"]))
    elif column.kind == "time":
        text = value or "2012-01-01T12:00:00"
    elif column.name in ("kb_archivid", "event_type"):
        text = getattr(event, column.name)
    else:
        text = value or draw(st.sampled_from(["", "X", "C5", "M1.0", "A"]))
    operators = OPERATORS[:2] if column.kind == "boolean" else OPERATORS
    operator = draw(st.sampled_from([*operators, *(["like"] if column.kind == "text" else [])]))
    if operator == "like":
        text = draw(st.sampled_from([text[:6] + "%", "%" + text[3:], "%_%", "S%A", text]))
    prefix = draw(st.sampled_from(["", "", *(f"{code.lower()}." for code in types or EVENT_TYPES)]))
    return prefix + column.name, operator, text.strip()


@st.composite
def questions(draw, events):
    types = draw(st.none() | st.lists(CODES, min_size=1, unique=True))
    start = draw(TIMES)
    box = None
    if draw(st.booleans()):
        coordsys = draw(st.sampled_from(list(FRAMES)))
        x, y = (ARCSEC, ARCSEC) if coordsys == "helioprojective" else (DEGREES, LATITUDES)
        box = (coordsys, draw(x), draw(y), draw(x), draw(y))
    return {
        "types": types,
        "start": start,
        "end": start + timedelta(seconds=draw(SECONDS)),
        "strict": draw(st.booleans()),
        "box": box,
        "filters": draw(st.lists(filters(events, types), max_size=2)),
        "showtests": draw(st.sampled_from(["hide", "hide", "only", "show"])),
        "sort": (draw(st.sampled_from(SORTS)), draw(st.booleans())),
        "limit": draw(st.sampled_from([7, 60, 100, 1000])),
    }


def as_query(question):
    query = {
        "event_type": ",".join(question["types"] or ["**"]),
        "event_starttime": f"{question['start']:%Y-%m-%dT%H:%M:%S}",
        "event_endtime": f"{question['end']:%Y-%m-%dT%H:%M:%S}",
        "temporalmode": "strict" if question["strict"] else "overlap",
        "showtests": question["showtests"],
        "sort_by": question["sort"][0],
        "sort_order": "DESC" if question["sort"][1] else "ASC",
        "result_limit": question["limit"],
    }
    if question["box"]:
        query |= dict(zip(("event_coordsys", "x1", "y1", "x2", "y2"), question["box"], strict=True))
    for number, (name, operator, value) in enumerate(question["filters"]):
        query |= {f"param{number}": name, f"op{number}": operator, f"value{number}": value}
    return query


@settings(max_examples=200)
@given(data=st.data())
def test_pages_are_what_brute_force_finds(hek, data) -> None:
    """No row lost, repeated or out of order on any page, and overmax true on all but the last."""
    question = data.draw(questions(hek.events))
    note(question)
    query, wanted = as_query(question), expected(hek.events, question)
    limit = question["limit"]
    last = max(1, -(-len(wanted) // limit))
    for number in {1, 2, last, last + 1}:
        status, body = ask(**query, page=number, **{"return": "kb_archivid"})
        assert status == 200, body
        found = [record["kb_archivid"] for record in body["result"]]
        assert found == wanted[(number - 1) * limit : number * limit]
        assert body["overmax"] is (number < last)


def test_pages_of_three_put_together_are_the_whole(hek) -> None:
    window = {"event_starttime": "2018-03-17", "event_endtime": "2018-03-20"}
    whole = ids(ask(**window, result_limit=1000))
    pages, number, more = [], 1, True
    while more:
        _, body = ask(**window, result_limit=3, page=number)
        pages += [record["kb_archivid"] for record in body["result"]]
        number, more = number + 1, body["overmax"]
    assert pages == whole
    assert len(set(pages)) == len(pages) > 30


@pytest.mark.parametrize("page", [-5, 0, 1])
def test_pages_begin_at_one(hek, page) -> None:
    window = {"event_starttime": "2018-03-17", "event_endtime": "2018-03-20", "result_limit": 3}
    assert ask(**window, page=page) == ask(**window)


def test_a_page_beyond_the_end_is_empty_and_the_last(hek) -> None:
    status, body = ask(event_starttime="2018-03-17", event_endtime="2018-03-20", page=10**9)
    assert (status, body["result"], body["association"], body["overmax"]) == (200, [], [], False)


def test_the_limit_is_100_and_at_most_1000(hek) -> None:
    assert len(hek.events) > 1000
    assert [len(ids(ask(**ALWAYS, **more))) for more in ({}, {"result_limit": 1500})] == [100, 1000]


# --- spellings

FLARES = "cosec=2&cmd=search&type=column&event_type=FL"
FLARES += "&event_starttime=2012-01-01T00:00:00&event_endtime=2012-01-03T00:00:00"


def found(query, method="get"):
    response = Client().get(f"/hek/her?{query}")
    return ids((response.status_code, json.loads(response.getvalue())))


@pytest.mark.parametrize(
    ("operator", "meant"),
    [
        *(("op0==", "="), ("op0=%3D", "="), ("op0=%3D%3D", "="), ("op0===", "="), ("op0=", "="), ("", "=")),
        *(("op0=>", ">"), ("op0=%3E", ">"), ("op0=<", "<"), ("op0=%3C", "<")),
        *(("op0=%3E=", ">="), ("op0=%3E%3D", ">="), ("op0=>=", ">="), ("op0=%3C=", "<="), ("op0=<%3D", "<=")),
        *(("op0=!=", "!="), ("op0=%21%3D", "!="), ("OP0=%20%3D+", "=")),
    ],
)
@pytest.mark.parametrize("condition", ["param0=FL_GOESCls&value0=C2.4", "sparam0=fl_goescls&VALUE0=+C2.4+"])
def test_every_spelling_of_an_operator(hek, operator, meant, condition) -> None:
    wanted = [
        event.kb_archivid
        for event in sorted(hek.events, key=lambda event: (event.event_starttime, event.kb_archivid))
        if event.event_type == "FL"
        and event.event_starttime <= datetime(2012, 1, 3, tzinfo=UTC)
        and event.event_endtime >= datetime(2012, 1, 1, tzinfo=UTC)
        and event.goes_flux
        and compares(meant, event.goes_flux, 2.4e-6)
    ]
    assert wanted
    assert found(f"{FLARES}&{condition}&{operator}") == wanted


@pytest.mark.parametrize("operator", ["op0=like", "op0=LIKE"])
def test_like_takes_percent_and_nothing_else(hek, operator) -> None:
    assert found(f"{FLARES}&param0=frm_name&{operator}&value0=SSW%25") == found(
        f"{FLARES}&param0=frm_name&op0==&value0=SSW+Latest+Events"
    )
    assert found(f"{FLARES}&param0=frm_name&{operator}&value0=SW_C") == []


def test_classes_are_compared_by_flux(hek) -> None:
    """As letters X15. would be below X2.0, and all of C10 below C2."""
    window = {**ALWAYS, "event_type": "fl", "param0": "FL_GOESCls", "op0": ">"}
    by_letter = ids(ask(**window, value0="M", result_limit=1000))
    fluxes = {event.kb_archivid: event.goes_flux for event in hek.events}
    assert by_letter
    assert {fluxes[archivid] >= 1e-5 for archivid in by_letter} == {True}
    assert len(by_letter) == sum(flux is not None and flux >= 1e-5 for flux in fluxes.values())


def test_unequal_is_the_complement(hek) -> None:
    whole = found(FLARES)
    ssw = found(f"{FLARES}&param0=FRM_Name&op0==&value0=SSW+Latest+Events")
    others = found(f"{FLARES}&param0=FRM_Name&op0=!=&value0=SSW+Latest+Events")
    assert ssw
    assert others
    assert sorted(ssw + others) == sorted(whole)


def test_parentheses_are_nothing_special(hek) -> None:
    rows = found(
        "cmd=search&event_type=CE&event_starttime=2023-03-29&event_endtime=2023-03-30"
        "&param0=FRM_Name&op0==&value0=CACTus+(Computer+Aided+CME+Tracking)"
    )
    assert len(rows) == 13


def test_numbers_of_regions_are_found_in_five_digits(hek) -> None:
    """SWPC wrote 13256, SSW 3256 of the same flare."""
    window = {"event_type": "FL", "event_starttime": "2023-03-29", "event_endtime": "2023-03-30"}
    names = [r["frm_name"] for r in ask(**window, param0="AR_NOAANum", op0="=", value0="13256")[1]["result"]]
    assert sorted(names) == ["SSW Latest Events", "SWPC"]
    names = [r["frm_name"] for r in ask(**window, param0="AR_NOAANum", op0="=", value0="3256")[1]["result"]]
    assert names == ["SSW Latest Events"]


def test_a_prefix_restricts_its_type_only(hek) -> None:
    window = {**ALWAYS, "event_type": "ar,ch", "result_limit": 1000}
    restricted = ask(**window, param0="ch.area_atdiskcenter", op0=">", value0="1e20")[1]["result"]
    assert {record["event_type"] for record in restricted} == {"AR"}
    assert len(restricted) == len(found(f"cmd=search&event_type=ar&result_limit=1000&{urlencode(ALWAYS)}"))


@pytest.mark.parametrize("types", ["ar,fl,", "AR, FL", "fl,ar,ar", "%20ar%20,,fl"])
def test_lists_of_types_may_be_untidy(hek, types) -> None:
    window = urlencode(ALWAYS)
    assert found(f"cmd=search&event_type={types}&{window}") == found(f"cmd=search&event_type=AR,FL&{window}")


@pytest.mark.parametrize(
    "times",
    [
        ("2012-01-01T00:00:00.000Z", "2012-01-02T23:59:59.999Z"),
        ("2012-01-01T00:00", "2012-01-02T23:59:59"),
        ("2012-1-1T0:0:0", "2012-1-2T23:59:59"),
        ("2012-01-01 00:00:00", "2012-01-02 23:59:59"),
    ],
)
def test_times_in_every_form(hek, times) -> None:
    start, end = times
    assert ids(ask(event_starttime=start, event_endtime=end, event_type="fl")) == ids(
        ask(event_starttime="2012-01-01T00:00:00", event_endtime="2012-01-02T23:59:59", event_type="fl")
    )


def test_query_and_body_are_one_question(hek) -> None:
    body = {"event_type": "FL", "event_starttime": "2012-01-01", "event_endtime": "2012-01-03"}
    body |= {"sparam0": "frm_name", "op0": "=", "value0": "SWPC"}
    address = "/hek/her?cosec=2&&cmd=search&type=column"
    response = Client().post(address, urlencode(body), "application/x-www-form-urlencoded")
    records = json.loads(response.getvalue())["result"]
    assert {record["frm_name"] for record in records} == {"SWPC"}


# --- what comes back


def test_return_takes_names_in_any_case_and_groups(hek) -> None:
    window = {"event_type": "AR,FL", "event_starttime": "2023-03-29", "event_endtime": "2023-03-30"}

    def returned(words):
        return ask(**window, **{"return": words})[1]["result"]

    named = returned("KB_Archivid, FL_GOESCls,refs,,nonsense")
    assert {tuple(record) for record in named} == {("kb_archivid", "fl_goescls", "refs")}
    for record in returned("required"):
        kind = [ATTRIBUTES[name] for name in record]
        assert "event_starttime" in record
        assert all(kind_.required_for for kind_ in kind)
    for record in returned("optional,refs"):
        assert "refs" in record
        assert "event_starttime" not in record
    assert returned("required,kb_archivid") == returned("kb_archivid")


def test_a_callback_wraps_the_answer(hek) -> None:
    response = Client().get(f"/hek/her?{FLARES}&callback=jQuery1.f_$")
    text = response.getvalue().decode()
    assert response["Content-Type"] == "application/javascript"
    assert text.startswith("jQuery1.f_$( {")
    assert text.endswith("} );")


def test_associations_come_when_one_end_is_on_the_page(hek) -> None:
    window = {"event_starttime": "2018-03-16", "event_endtime": "2018-03-26", "event_type": "ar"}
    status, body = ask(**window, result_limit=5)
    shown = set(ids((status, body)))
    assert body["association"]
    assert any({edge["first_ivorn"], edge["second_ivorn"]} - shown for edge in body["association"])
    assert all({edge["first_ivorn"], edge["second_ivorn"]} & shown for edge in body["association"])
    assert len(ask(**window, result_limit=1000)[1]["association"]) == 79


def test_contained_events_are_told_with_what_contains_them(hek) -> None:
    window = {"event_starttime": "2012-01-01", "event_endtime": "2012-01-03", "type": "contains"}
    status, body = ask(**window, event_type1="fl", event_type2="ar", event_type="**", page=1)
    assert status == 200, body
    edges = [edge for edge in body["association"] if edge["edge_type"] == "contains"]
    pairs = [(edge["first_ivorn"], edge["second_ivorn"]) for edge in edges]
    by_id = {event.kb_archivid: event for event in hek.events}
    inside = [e for e in by_id.values() if e.event_type == "FL" and e.hgc_coord]
    wanted = [
        (outer.kb_archivid, inner.kb_archivid)
        for outer in by_id.values()
        for inner in inside
        if outer.event_type == "AR"
        and all(
            datetime(2012, 1, 1, tzinfo=UTC) <= e.event_starttime
            and e.event_endtime <= datetime(2012, 1, 3, tzinfo=UTC)
            for e in (outer, inner)
        )
        and abs(outer.event_starttime - inner.event_starttime) <= timedelta(hours=8)
        and (area := geometry(outer, "hgc_boundcc") or geometry(outer, "hgc_bbox"))
        and area.covers(geometry(inner, "hgc_coord"))
    ]
    assert pairs == sorted(wanted)
    assert set(ids((status, body))) == {archivid for pair in pairs for archivid in pair}
