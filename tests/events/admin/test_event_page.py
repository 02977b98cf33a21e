"""The page of one event, on made and on real ones."""

import re
from datetime import UTC, datetime
from uuid import UUID
from xml.etree import ElementTree

import pytest

from events.domain import shapes
from events.domain.words import WORDS, in_words
from events.models import Association, Event, EventVersion
from events.portrait import attribute_groups, changes, position
from ingest.rows import rows_of
from ingest.upsert import upsert

ME, OTHER = "ivo://helio-informatics.org/AR_Test_00000", "ivo://helio-informatics.org/AR_Test_00001"


def page(client, event):
    response = client.get(f"/admin/events/event/{event.pk}/change/")
    assert response.status_code == 200
    return response.text


def svgs(text):
    """The pictures of a page, each parsed on its own."""
    return [
        ElementTree.fromstring(svg)
        for svg in re.findall(r"(<svg xmlns.*?</svg>)</div>", text.replace("\n", " "))
    ]


def test_queries_do_not_grow_with_versions_and_edges(operator, make_event, django_assert_num_queries):
    event = make_event()
    for n in range(3):
        make_event(n + 1)
        EventVersion.objects.create(
            event=event, revision=n, content_hash=UUID(int=n), attributes={"a": n}, source="test"
        )
        Association.objects.create(
            first_ivorn=ME, second_ivorn=f"{ME[:-1]}{n + 1}", edge_type="is_followed_by", source="test"
        )
    operator.get("/admin/")
    # session, user; the event; versions; associations; which of their other ends are stored
    with django_assert_num_queries(7):
        page(operator, event)


def test_every_attribute_has_its_unit_and_meaning():
    groups = attribute_groups(
        {
            "area_raw": 12.5,
            "area_unit": "km2",
            "event_coord1": 100,
            "event_coord2": 2,
            "event_coordunit": "deg, rsun",
            "hpc_x": -3.5,
            "obs_channelid": "171",
            "my_own": {"a": [True, None]},
            "event_testflag": False,
        }
    )
    rows = {row.name: (group.title, row.value, row.unit) for group in groups for row in group.rows}
    assert rows["area_raw"] == ("Measurements", "12.5", "km2")
    assert rows["event_coord1"] == ("Position, as reported", "100", "deg")
    assert rows["event_coord2"] == ("Position, as reported", "2", "rsun")
    assert rows["hpc_x"][1:] == ("-3.5", "arcsec")
    assert rows["my_own"] == ("Not in HEK's vocabulary", '{"a": [true, null]}', "")
    assert rows["event_testflag"] == ("Event", "false", "")
    assert all(row.description for group in groups for row in group.rows if row.name != "my_own")


def test_nothing_of_a_record_becomes_html(operator, make_event):
    evil = '<script>alert("x")</script>'
    event = make_event(
        frm_name=evil,
        attributes={
            "event_description": evil,
            evil: evil,
            "gs_imageurl": "javascript:alert(1)",
            "refs": [
                {"ref_name": evil, "ref_type": "image", "ref_url": "javascript:alert(1)"},
                {"ref_name": "movie", "ref_type": "movie", "ref_url": "http://sdowww.lmsal.com/a?b=1&c=2"},
                "no object",
            ],
        },
        geometry_notes={"hpc_bbox": evil},
    )
    text = page(operator, event)
    assert evil not in text
    assert "&lt;script&gt;" in text
    assert 'href="javascript' not in text
    assert 'href="http://sdowww.lmsal.com/a?b=1&amp;c=2"' in text


def test_says_what_was_done_to_geometries(operator, make_event):
    event = make_event(
        hpc_bbox="POLYGON((0 0,0 9,9 9,0 0))",
        geometry_notes={"hpc_bbox": "recomputed:numbers+limb", "hgs_bbox": "dropped:whole-sun"},
    )
    text = page(operator, event)
    assert "reported unusable, computed instead from the reported numbers; vertices beyond the limb" in text
    assert "Stonyhurst bounding box: reported unusable, left out: a placeholder for the whole Sun" in text


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (None, "as reported"),
        ("computed:hgs", "computed from the same shape in hgs"),
        ("computed:goes", "computed as a square sized by the GOES class"),
        ("repaired+split", "repaired; split where the angle jumps"),
        ("dropped:noposition", "reported unusable, left out: the report says that the position is unknown"),
        ("of tomorrow:x", "of tomorrow x"),
        (3, "3"),
    ],
)
def test_notes_in_words(note, words):
    assert in_words(note) == words


def test_every_word_that_the_shapes_know_has_its_words():
    told = re.findall(r"^([a-z]+)(?::<\w+>)?  ", shapes.__doc__, re.MULTILINE)
    assert len(told) >= 8
    assert set(told) == set(WORDS)


def test_shows_how_earlier_versions_differ(operator, make_event):
    event = make_event(attributes={"fl_goescls": "M1.0", "new": "n", "same": 1})
    old = EventVersion.objects.create(
        event=event,
        revision=1,
        content_hash=UUID(int=9),
        source="archive",
        kb_archivdate=datetime(2014, 1, 2, tzinfo=UTC),
        attributes={"fl_goescls": "C9.9", "gone": "g", "same": 1},
    )
    text = page(operator, event)
    assert "archived 2014-01-02 00:00:00" in text
    assert "3 differences" in text
    for word in ("C9.9", "gone", "not there"):
        assert word in text
    own = operator.get(f"/admin/events/eventversion/{old.pk}/change/")
    assert own.status_code == 200
    assert "C9.9" in own.text
    assert operator.get("/admin/events/eventversion/", {"q": "AR_Test"}).text.count(f"/{old.pk}/change/") == 1


def test_changes_compare_values_and_presence():
    found = changes({"a": 1, "b": None, "c": "x"}, {"a": 2, "c": "x", "d": False})
    assert [(c.name, c.then, c.now) for c in found] == [("a", "1", "2"), ("d", None, "false")]


def test_links_to_associated_events(operator, make_event):
    event, other = make_event(0), make_event(1)
    away = "ivo://helio-informatics.org/AR_away"
    Association.objects.create(first_ivorn=ME, second_ivorn=OTHER, edge_type="is_followed_by", source="test")
    Association.objects.create(first_ivorn=away, second_ivorn=ME, edge_type="splits_into", source="test")
    text = page(operator, event)
    assert f'href="/admin/events/event/{other.pk}/change/">{OTHER}' in text
    assert f"{away} (not stored here)" in text
    for term in (ME, "AR_away"):
        assert "splits_into" in operator.get("/admin/events/association/", {"q": term}).text
    edge = Association.objects.get(edge_type="splits_into")
    assert operator.get(f"/admin/events/association/{edge.pk}/change/").status_code == 200


def test_an_event_associated_with_itself_is_no_trouble(operator, make_event):
    Association.objects.create(first_ivorn=ME, second_ivorn=ME, edge_type="contains", source="test")
    assert "contains" in page(operator, make_event())


def test_links_to_hek_only_for_its_own_identifiers(operator, make_event):
    link = "cmd=view-voevent&amp;ivorn=ivo%3A%2F%2Fhelio-informatics.org%2FAR_Test_00000"
    assert link in page(operator, make_event(0))
    assert "view-voevent" not in page(operator, make_event(1, kb_archivid="ivo://elsewhere/1"))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"hgs_coord": "POINT(34.4 20.6)"}, "N21 W34"),
        ({"hgs_coord": "POINT(-5.4 -0.4)"}, "S00 E05"),
        ({"hrc_coord": "POINT(2 100)"}, "2.0 Rsun, PA 100"),
        ({}, "-"),
    ],
)
def test_position_in_one_cell(make_event, columns, words):
    assert position(make_event(**columns)) == words


# --- real reports


@pytest.fixture
def real(db, hek_answer):
    """The event of this number in a recorded answer, as the ingest stores it."""

    def store(name, choose):
        (record,) = [r for r in hek_answer(name)["result"] if choose(r)][:1]
        rows, rejected = rows_of([record], "archive")
        assert not rejected
        upsert(rows)
        return Event.objects.get(kb_archivid=record["kb_archivid"])

    return store


def roles(svg):
    return [path.get("data-role") for path in svg.iter() if path.get("data-role")]


def test_a_region_is_shown_on_the_disk_and_from_near(operator, real):
    text = page(operator, real("ar_spoca_201803.json", lambda r: True))
    disk, near = svgs(text)
    assert roles(disk) == roles(near) == ["bounding box", "outline", "position"]
    assert "Active Region on 2018-03-16 23:31:46 UTC" in text
    assert "radius 964 arcsec" in text  # the report's own hpc_radius / hrc_r, 964.54, is for 696,000 km
    assert "SDO Movie" in text
    assert "Nothing is drawn" not in text


def test_a_coronal_mass_ejection_is_its_sector(operator, real):
    (svg,) = svgs(page(operator, real("mixed_20230329.json", lambda r: r["event_type"] == "CE")))
    assert roles(svg) == ["sector of the corona", "position"]


def test_an_unknown_position_is_told_and_not_drawn(operator, real):
    text = page(operator, real("flares_swpc_20120101.json", lambda r: r["noposition"] == "true"))
    (svg,) = svgs(text)
    assert roles(svg) == []
    assert "Nothing is drawn: the report says that its position is not known." in text


def test_all_real_reports_have_their_page(operator, db, hek_answer):
    names = ("ar_spoca_201803", "mixed_20230329", "flares_ssw_20120101", "flares_swpc_20120101")
    records = [record for name in names for record in hek_answer(f"{name}.json")["result"][::9]]
    upsert(rows_of(records, "archive")[0])
    events = Event.objects.all()
    assert len(events) == len(records) > 15
    for event in events:
        assert 1 <= len(svgs(page(operator, event))) <= 2
