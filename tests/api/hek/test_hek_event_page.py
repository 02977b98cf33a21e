"""The readable page of one event (cmd=view-voevent): complete, safe, usable without mouse or scripts."""

import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from api.hek.page import view_voevent
from events.models import Association, Event
from events.queries import neighbours_of

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """A page's elements; fails where they are not properly nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def links(text):
    return [a["href"] for a in Page(text).of("a")]


@pytest.fixture
def event(make_event):
    event = make_event(1, hpc_bbox="POLYGON((0 0,9 0,9 9,0 9,0 0))", hpc_coord="POINT(4 4)")
    event.save()
    return event


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        *("ar_spoca_201803.json", "mixed_20230329.json"),
        *("flares_ssw_20120101.json", "flares_swpc_20120101.json"),
    ],
)
def test_every_real_event_has_a_page(real_data, name):
    call_command("ingest_events", "--source", "archive", "--path", str(real_data / "hek" / name), verbosity=0)
    for event in Event.objects.all():
        text = view_voevent(event)
        page = Page(text)
        assert len(page.of("h1")) == len(page.of("title")) - text.count("<svg xmlns") == 1
        assert not page.of("script")
        assert set(event.attributes) - {"refs"} <= set(re.findall(r'<th scope="row">(.*?)</th>', text))
        for svg in re.findall(r"<svg xmlns.*?</svg>(?=</div>)", text, re.DOTALL):
            ElementTree.fromstring(svg)


@pytest.mark.django_db
@pytest.mark.parametrize("year", ["0001", "1066", "9999"])
def test_years_of_any_age(make_event, client, year):
    time = datetime.fromisoformat(f"{year}-01-01T00:00:00+00:00")
    event = make_event(1, "FL", time, hpc_coord="POINT(4 4)", attributes={"event_starttime": f"{year}-01-01"})
    event.save()
    text = client.get("/hek/her", {"cmd": "view-voevent", "ivorn": event.kb_archivid}).text
    assert f"{year}-01-01 00:00:00 UTC" in text
    json, xml, voevent = links(text)[1:4]
    assert [r["kb_archivid"] for r in client.get(f"/hek/her{json}").json()["result"]] == [event.kb_archivid]
    assert event.kb_archivid.encode() in client.get(f"/hek/her{xml}").getvalue()
    assert f"<ISOTime>{year}-01-01T00:00:00</ISOTime>" in client.get(f"/hek/her{voevent}").text


@pytest.mark.django_db
def test_it_is_made_for_everyone(event):
    page = Page(view_voevent(event))
    assert page.of("html") == [{"lang": "en"}]
    assert page.of("meta")[1]["content"] == "width=device-width, initial-scale=1"
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [s["aria-labelledby"] for s in page.of("section")]
    assert labels
    assert set(labels) <= set(ids)
    assert page.of("a")[0] == {"class": "skip", "href": "#event"}
    assert len(page.of("main")) == len(page.of("h1")) == 1
    (sheet,) = [link["href"] for link in page.of("link")]
    assert finders.find(sheet.removeprefix("/static/"))
    assert not [a for a in page.elements if "src" in a[1] or "onclick" in a[1] or "style" in a[1]]


@pytest.mark.django_db
def test_nothing_that_was_sent_becomes_markup(event):
    evil = '<script>alert("x")</script>'
    event.attributes = {
        "event_title": evil, "my_own": {evil: [evil]}, "frm_url": "javascript:alert(1)", "noposition": True,
        "refs": [
            {"ref_name": evil, "ref_type": "html", "ref_url": "javascript:alert(1)"},
            {"ref_name": "data", "ref_url": "data:text/html,x"},
            {"ref_name": "good", "ref_url": "https://example.org/?a=1&b=2"},
        ],
    }  # fmt: skip
    event.frm_name = event.frm_specificid = event.source = evil
    event.kb_archivid = f'ivo://x/"{evil}&a=1'
    event.save()
    Association.objects.create(
        first_ivorn=event.kb_archivid, second_ivorn=evil, edge_type=evil, source="test"
    )
    text = view_voevent(event)
    assert not Page(text).of("script")
    assert evil not in text
    followed = [href for href in links(text) if not href.startswith(("?cmd=", "?cosec=", "#"))]
    assert followed == ["https://example.org/?a=1&b=2"]


@pytest.mark.django_db
def test_its_other_forms_ask_for_this_event_alone(event):
    json, xml, voevent = (parse_qs(href[1:]) for href in links(view_voevent(event))[1:4])
    assert json == {
        "cosec": ["2"], "cmd": ["search"], "type": ["column"], "event_type": ["AR"], "showtests": ["show"],
        "event_starttime": ["2014-08-30T00:00:00"], "event_endtime": ["2014-08-30T00:00:00"],
        "param0": ["kb_archivid"], "op0": ["="], "value0": [event.kb_archivid],
    }  # fmt: skip
    assert xml == json | {"cosec": ["1"]}
    assert voevent == {"cmd": ["export-voevent"], "cosec": ["1"], "ivorn": [event.kb_archivid]}


@pytest.mark.django_db
def test_neighbours_in_the_track_and_associations_are_linked(make_event):
    hour = timedelta(hours=1)
    start = make_event(0).event_starttime
    track = {"frm_specificid": "T1", "frm_name": "SPoCA"}
    events = [make_event(n, start=start + n * hour, **track) for n in range(3)]
    tied = make_event(9, start=start + 2 * hour, **track)
    others = [
        make_event(5, start=start + hour),
        make_event(6, start=start + hour, frm_specificid="T1", frm_name="x"),
        make_event(7, "CH", start=start + hour, **track),
    ]  # fmt: skip
    Event.objects.bulk_create([*events, tied, *others])
    first, middle, last = events
    assert neighbours_of(first) == (None, middle)
    assert neighbours_of(middle) == (first, last)
    assert neighbours_of(last) == (middle, tied)
    assert neighbours_of(tied) == (last, None)
    assert neighbours_of(others[0]) == (None, None)
    for other in (others[0].kb_archivid, "ivo://elsewhere"):
        Association.objects.create(
            first_ivorn=middle.kb_archivid, second_ivorn=other, edge_type="splits_into", source="test"
        )
    text = view_voevent(middle)
    shown = [parse_qs(href[1:])["ivorn"][0] for href in links(text) if href.startswith("?cmd=view-voevent")]
    assert shown == [first.kb_archivid, last.kb_archivid, others[0].kb_archivid]
    assert re.search(r'ivo://elsewhere <span class="quiet">\(not stored here\)', text)
    assert "This event splits into:" in text
    assert "it is the first" in view_voevent(first)


@pytest.mark.django_db
def test_it_asks_few_questions(event, django_assert_num_queries):
    event.frm_specificid = "T1"
    event.save()
    for n in range(5):
        Association.objects.create(
            first_ivorn=event.kb_archivid, second_ivorn=f"ivo://{n}", edge_type="contains", source="test"
        )
    with django_assert_num_queries(4):  # before, after, associations, which of their ends are stored
        view_voevent(event)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("attributes", "words"),
    [({"noposition": True}, "The report says that the position is not known."), ({}, "no usable position")],
)
def test_without_a_position_it_says_so(make_event, attributes, words):
    event = make_event(2)
    event.attributes = attributes
    event.save()
    assert words in view_voevent(event)
