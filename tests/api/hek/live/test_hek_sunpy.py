"""sunpy as its users use it, over recorded, tabulated, simulated and hand-written events."""

import json
from collections.abc import Iterator
from typing import Any

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from sunpy.net import Fido
from sunpy.net import attrs as a
from sunpy.net.hek import HEKClient
from sunpy.net.hek.hek import HEKTable

pytestmark = pytest.mark.django_db  # so that the database is there; its events are committed
DAY = a.Time("2023-03-29T00:00:00", "2023-03-30T00:00:00")


@pytest.fixture
def client(hek) -> HEKClient:
    """The client as the page in docs/api/hek.md makes it."""
    return HEKClient(url=hek.url)


@pytest.fixture
def fido(hek) -> Iterator[Any]:
    """Fido, whose HEK client now asks us."""
    kept = HEKClient.__init__.__defaults__
    HEKClient.__init__.__defaults__ = (hek.url,)
    yield Fido
    HEKClient.__init__.__defaults__ = kept


def ids(table: HEKTable) -> list[str]:
    return list(table["kb_archivid"]) if len(table) else []


def test_a_day_of_all_types(hek, client):
    table = client.search(DAY)
    assert ids(table) == hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00")
    assert isinstance(table["event_starttime"][0], Time)
    assert isinstance(table["event_coord"][0], SkyCoord)
    assert table["cme_radiallinvel"].unit == u.km / u.s


def test_every_type_that_is_stored(hek, client):
    for event_type in sorted({e.event_type for e in hek.events}):
        first = next(e for e in hek.events if e.event_type == event_type)
        start, end = f"{first.event_starttime:%FT%T}", f"{first.event_endtime:%FT%T}"
        table = client.search(a.Time(start, end), a.hek.EventType(event_type))
        assert ids(table) == hek.between(start, end, event_type)


def test_types_of_which_there_is_nothing(client):
    for event_type in ("CW", "OS", "PB", "EE"):
        assert len(client.search(DAY, a.hek.EventType(event_type))) == 0


def test_a_region(hek, client):
    window = ("2018-03-18T00:00:00", "2018-03-18T12:00:00")
    box = {"x1": 0, "y1": -1200, "x2": 1200, "y2": 1200}
    table = client.search(a.Time(*window), a.hek.EventType("AR"), a.hek.SpatialRegion(**box))
    corners = (0, -1200, 1200, 1200)
    inside = set(hek.having(lambda e: e.hpc_boundcc is not None and _meets(e.hpc_boundcc, corners)))
    around = hek.between(*window, "AR")
    assert 0 < len(inside & set(around)) < len(around)
    assert ids(table) == [i for i in around if i in inside]


def _meets(shape: Any, corners: tuple[float, ...]) -> bool:
    from django.contrib.gis.geos import Polygon  # noqa: PLC0415 - beside its only use

    box = Polygon.from_bbox(corners)
    box.srid = shape.srid
    return shape.intersects(box)


def test_operators(hek, client):
    window = a.Time("2012-01-01T12:00:00", "2012-01-02T12:00:00")
    day = hek.between("2012-01-01T12:00:00", "2012-01-02T12:00:00", "FL")
    stored = {e.kb_archivid: e for e in hek.events}
    flares = [stored[i] for i in day]
    flare = a.hek.EventType("FL")
    cases = {
        a.hek.FL.GOESCls >= "C2.4": lambda e: e.goes_flux is not None and e.goes_flux >= 2.4e-6,
        a.hek.FL.GOESCls < "C2": lambda e: e.goes_flux is not None and e.goes_flux < 2e-6,
        a.hek.FRM.Name == "SSW Latest Events": lambda e: e.frm_name == "SSW Latest Events",
        a.hek.FRM.Name != "SSW Latest Events": lambda e: e.frm_name != "SSW Latest Events",
        a.hek.FRM.Name.like("SW%"): lambda e: e.frm_name.startswith("SW"),
        a.hek.AR.NOAANum == 11389: lambda e: e.ar_noaanum == 11389,
    }
    for condition, holds in cases.items():
        assert ids(client.search(window, flare, condition)) == [e.kb_archivid for e in flares if holds(e)], (
            condition
        )
    both = (a.hek.FRM.Name == "SWPC", a.hek.FL.GOESCls > "C2")
    assert ids(client.search(window, flare, *both)) == [
        e.kb_archivid for e in flares if e.frm_name == "SWPC" and e.goes_flux > 2e-6
    ]


@pytest.mark.parametrize(
    "types", [a.hek.AR | a.hek.CE, a.hek.EventType("AR") | a.hek.EventType("CE")], ids=["names", "codes"]
)
def test_one_type_or_another(hek, client, types):
    table = client.search(DAY, types)
    assert ids(table) == hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00", "AR", "CE")


def test_fido(hek, fido):
    found = fido.search(DAY, a.hek.EventType("FL"), a.hek.FL.GOESCls > "C1.0")
    assert ids(found["hek"]) == hek.between("2023-03-29T00:00:00", "2023-03-30T00:00:00", "FL")
    assert found["hek"]["event_starttime"].min() > Time("2023-03-29")


def test_the_pages_that_sunpy_asks_for_are_one_table(hek, client):
    """sunpy sends no result_limit: 100 rows a page."""
    window = ("2012-01-02T00:00:00", "2012-01-15T00:00:00")
    wanted = hek.between(*window, "FL", "AR")
    assert len(wanted) > 100
    assert ids(client.search(a.Time(*window), a.hek.EventType("FL") | a.hek.EventType("AR"))) == wanted


@pytest.mark.parametrize("limit", [1000, 400, 97])
def test_pages_over_more_than_a_thousand_rows_lose_and_repeat_nothing(hek, limit):
    wanted = hek.between("2012-01-01T00:00:00", "2012-12-31T00:00:00")
    assert len(wanted) > 1000
    found, page, more = [], 1, True
    while more:
        body = hek.ask(
            event_type="**", event_starttime="2012-01-01T00:00:00", event_endtime="2012-12-31T00:00:00",
            **{"result_limit": limit, "page": page, "return": "kb_archivid,event_starttime"},
        )  # fmt: skip
        found += [row["kb_archivid"] for row in body["result"]]
        page, more = page + 1, body["overmax"]
        assert len(body["result"]) == limit or not more
    assert found == wanted


def test_raw_is_what_was_recorded(hek, client, real_data):
    for name, start, end, event_type in (
        ("ar_spoca_201803.json", "2018-03-16T23:00:00", "2018-03-17T12:00:00", "AR"),
        ("mixed_20230329.json", "2023-03-29T00:00:00", "2023-03-29T23:59:59", "CE"),
    ):
        recorded = json.loads((real_data / "hek" / name).read_text())["result"]
        table = client.search(a.Time(start, end), a.hek.EventType(event_type))
        wanted = {r["kb_archivid"]: r for r in recorded}
        assert len(table) > 0
        for row in table.raw:
            for key, value in wanted[row["kb_archivid"]].items():
                assert key in row.colnames
                got = list(row[key]) if key == "refs" else row[key]
                assert got == value or (got is None and value is None), key


def test_records_of_all_sources_together(hek, client):
    """A table without positions, recorded answers, a VOEvent: one answer, whatever is mixed in it."""
    window = ("2012-01-01T00:00:00", "2012-01-01T12:00:00")
    table = client.search(a.Time(*window))
    wanted = hek.between(*window)
    assert ids(table) == wanted
    sources = {i.partition("org/")[2][:11] for i in wanted}
    assert "FL_Observer" in sources
    assert {"true", "false"} <= set(table["noposition"])


def test_simulated_and_hand_made_hours_parse(hek, client):
    for start, end in (("2014-06-01T02:00:00", "2014-06-01T03:00:00"), ("2012-05-01", "2012-05-01T01:00")):
        table = client.search(a.Time(start, end))
        assert len(table) > 10


def test_get_voevent(hek, client):
    for event_type in ("AR", "CE", "FL"):
        row = client.search(DAY, a.hek.EventType(event_type))[0]
        event = row.get_voevent(base_url=hek.url)["voe:VOEvent"]
        assert event["Who"]
        assert {"Who", "What", "WhereWhen", "How", "Why", "Reference", "Citations"} <= set(event)
        assert f'ivorn="{row["kb_archivid"]}"' in row.get_voevent(as_dict=False, base_url=hek.url).decode()
