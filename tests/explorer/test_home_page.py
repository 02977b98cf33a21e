"""The start page: what it holds, what can be clicked, and that it stands without JavaScript or a database."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.staticfiles import finders
from django.db import connection

from events import queries
from events.models import Event
from ingest.models import Backfill, ImageWatermark, IngestRun, QuarantinedRecord, Watermark

START = datetime(2014, 1, 1, tzinfo=UTC)


def event(n, code, start):
    return Event(
        kb_archivid=f"ivo://test/{n}",
        event_type=code,
        event_starttime=start,
        event_endtime=start + timedelta(hours=1),
        attributes={},
        content_hash=UUID(int=n),
        source="test",
    )


@pytest.fixture
def holdings(db):
    """Three days of flares, one active region, and an ingest that has met everything."""
    made = [event(n, "FL", START + n * timedelta(hours=1)) for n in range(72)]
    Event.objects.bulk_create([*made, event(100, "AR", START + timedelta(days=30))])
    backfill = Backfill.objects.create(source="simulator", window_start=START, window_end=START)
    for state in ("succeeded", "failed", "pending"):
        IngestRun.objects.create(source="simulator", state=state, backfill=backfill)
    IngestRun.objects.create(
        source="hek", state="succeeded", started_at=START,
        received=1812, created=1700, updated=12, unchanged=98, quarantined=2,
    )  # fmt: skip
    Watermark.objects.create(source="hek", polled_until=START)
    ImageWatermark.objects.create(source="helioviewer", polled_until=START)
    QuarantinedRecord.objects.create(source="hek", reason="x", payload="x", payload_hash=UUID(int=1))


def text_of(response):
    """What a reader sees, blanks put together."""
    words = re.sub(r"<(style|title|head).*?</\1>|<[^>]+>", " ", response.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(words))


def test_says_what_it_holds(client, holdings):
    text = text_of(client.get("/"))
    assert "Events 73 Types 2 First 2014-01-01 Last 2014-01-31" in text
    assert "Flare FL 72 2014-01-01 00:00 2014-01-03 23:00" in text
    assert "Active Region AR 1 2014-01-31 00:00 2014-01-31 00:00" in text


def test_says_how_the_ingest_stands(client, holdings):
    text = text_of(client.get("/"))
    assert "received created updated unchanged quarantined" in text
    assert "hek succeeded 1,812 1,700 12 98 2 2014-01-01 00:00" in text
    assert "Backfill of simulator, 2014-01-01 to 2014-01-01: 1 of 3 windows, 1 failed" in text
    assert "hek is polled without a gap until 2014-01-01 00:00 UTC" in text
    assert "Images of helioviewer are polled until 2014-01-01 00:00 UTC" in text
    assert "1 record could not be stored and waits in the quarantine" in text


def test_takes_few_queries_whatever_it_holds(client, holdings, django_assert_num_queries):
    # statistics, counts, spans; last runs, backfills, watermarks of events and images, quarantine
    with django_assert_num_queries(8):
        client.get("/")


def test_spans_are_those_of_the_events(holdings):
    assert queries.spans_by_type() == {
        "FL": (START, START + timedelta(hours=71)),
        "AR": (START + timedelta(days=30), START + timedelta(days=30)),
    }


def test_estimates_are_called_so(client, holdings, monkeypatch):
    monkeypatch.setattr(queries, "COUNTED_BELOW", 0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    assert "Events about 7" in text_of(client.get("/"))


def test_every_link_of_the_page_is_answered(client, holdings):
    links = [unescape(link) for link in re.findall(r'href="([^"#]+)"', client.get("/").text)]
    examples = [link for link in links if "?" in link]
    assert len(examples) == 2 + 4  # the last day of each type; first questions
    for link in links:
        if link.startswith("/static/"):
            assert finders.find(link.removeprefix("/static/"))
        elif link.startswith("/admin/"):
            assert client.get(link).status_code == 302  # to sign in
        else:
            assert client.get(link).status_code == 200, link


def test_the_last_day_of_a_type_is_not_empty(client, holdings):
    for link in re.findall(r'<a href="([^"]+)" aria-label', client.get("/").text):
        assert client.get(unescape(link)).json()["returned"] > 0


@pytest.mark.parametrize("time", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 22, tzinfo=UTC)])
def test_an_event_at_an_end_of_the_calendar_breaks_nothing(client, db, time):
    for n, code in enumerate(("FL", "AR")):
        event(n, code, time).save()
    response = client.get("/")
    assert response.status_code == 200
    for link in re.findall(r'<li><a href="(/a[^"]+\?[^"]+)"', response.text):
        assert client.get(unescape(link)).status_code == 200, link


class Checker(HTMLParser):
    """Notes what a page loads, its headings, and elements that stay open."""

    void = {"meta", "link", "img", "br", "input"}

    def __init__(self):
        super().__init__()
        self.loads, self.headings, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in self.void:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        attrs = dict(attrs)
        if tag in ("link", "img", "script", "iframe"):
            self.loads.append((tag, attrs.get("href") or attrs.get("src")))
        if tag == "img":
            assert "alt" in attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("is_empty", [True, False])
def test_the_page_is_sound_and_loads_nothing_from_elsewhere(client, db, request, is_empty):
    if not is_empty:
        request.getfixturevalue("holdings")
    page = Checker()
    page.feed(client.get("/").text)
    assert page.open == []
    assert page.headings[0] == 1
    assert set(page.headings[1:]) == {2}
    assert {tag for tag, _ in page.loads} == {"link", "img"}  # no script
    assert all(address.startswith("/static/explorer/") for _, address in page.loads)


def test_the_style_sheet_loads_nothing_and_knows_both_themes():
    css = Path(finders.find("explorer/home.css")).read_text("utf-8")
    assert "url(" not in css
    assert "@import" not in css
    assert "prefers-color-scheme: dark" in css


def test_an_empty_database_is_no_dead_end(client, db):
    text = text_of(client.get("/"))
    assert "No events yet." in text
    assert "Nothing has been asked for yet." in text
    assert "No record waits in quarantine." in text


def test_without_a_database_the_page_says_so(client, settings, django_db_blocker):
    with django_db_blocker.unblock():
        given = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict |= {"PORT": "1"}
        try:
            response = client.get("/")
        finally:
            connection.settings_dict |= given
            connection.close()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "10"
    assert "The database cannot be reached" in response.text


def test_only_looking_is_possible(client, db):
    assert client.post("/").status_code == 405
    assert client.head("/").status_code == 200
