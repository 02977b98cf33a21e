"""The list of events: fast whatever their number, found by what an operator knows, never written to."""

import re

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.admin.readonly import EstimatingPaginator
from events.models import Event

LIST = "/admin/events/event/"


def ids(response):
    """The numbers of the listed events, in order."""
    assert response.status_code == 200
    return [int(n) for n in re.findall(r"/admin/events/event/(\d+)/change/", response.text)[::2]]


def test_five_hundred_events_take_a_fixed_number_of_queries(operator, many_events, django_assert_num_queries):
    operator.get(LIST)  # loads what Django caches, such as content types
    # session, user; known values of the filters; plan and count of the paginator; the page
    with django_assert_num_queries(6), CaptureQueriesContext(connection) as queries:
        response = operator.get(LIST)
    assert len(ids(response)) == 100
    (page,) = (q["sql"] for q in queries if q["sql"].endswith("LIMIT 100"))
    assert '"events_event"."attributes"' not in page
    assert "geometry_notes" not in page


def test_newest_first_and_the_next_page_goes_on(operator, many_events):
    newest = list(Event.objects.order_by("-event_starttime").values_list("pk", flat=True))
    assert ids(operator.get(LIST)) == newest[:100]
    assert ids(operator.get(LIST, {"p": 2})) == newest[100:200]
    assert "500 events" in operator.get(LIST).text


@pytest.mark.parametrize(
    ("query", "column", "value"),
    [
        ({"event_type": "FL"}, "event_type", "FL"),
        ({"frm_name": "CACTus (Computer Aided CME Tracking)"}, "event_type", "CE"),
        ({"obs_observatory": "SDO"}, "obs_observatory", "SDO"),
        ({"source": "test"}, "source", "test"),
        ({"position": "known"}, "hpc_coord__isnull", False),
        ({"position": "unknown"}, "hpc_coord__isnull", True),
    ],
)
def test_filters(operator, many_events, query, column, value):
    wanted = Event.objects.filter(**{column: value})
    assert 0 < wanted.count() <= 500
    response = operator.get(LIST, {**query, "all": "1"})
    assert set(ids(response)) == set(wanted.values_list("pk", flat=True))


def test_filters_by_start_keep_whole_days(operator, many_events):
    shown = Event.objects.filter(
        pk__in=ids(operator.get(LIST, {"from": "2014-01-03", "until": "2014-01-04"}))
    )
    assert sorted({str(day) for day in shown.values_list("event_starttime__date", flat=True)}) == [
        "2014-01-03",
        "2014-01-04",
    ]
    assert shown.count() == 48


@pytest.mark.parametrize("day", ["yesterday", "2014-13-01", "9999-12-31", "0000-00-00", "'; --"])
def test_a_date_that_is_none_is_told(operator, many_events, day):
    response = operator.get(LIST, {"until": day})
    assert ids(response) == []
    assert "Start: " in response.text


def test_filters_offer_what_there_is_and_carry_the_others_along(operator, many_events):
    # What is offered comes from the planner's statistics: those of these events, not of another test's.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    text = operator.get(LIST, {"event_type": "FL", "from": "2014-01-02", "q": "AR_Test"}).text
    assert "FL Flare" in text
    assert "CH Coronal Hole" not in text
    method = "?event_type=FL&amp;frm_name=SSW+Latest+Events&amp;from=2014-01-02&amp;q=AR_Test"
    assert method in text
    assert text.count('<input type="hidden" name="q" value="AR_Test">') == 5  # one in every form


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        ("reported", {0}),
        ("computed", {1, 2}),
        ("recomputed", {3}),
        ("limb", {2}),
        ("dropped", {3}),
        ("x", set()),
    ],
)
def test_filters_by_what_was_done_to_the_geometry(operator, make_event, choice, numbers):
    notes = [
        {},
        {"hgs_bbox": "computed:hpc"},
        {"hgs_bbox": "computed:hpc+limb"},
        {"hpc_bbox": "recomputed:goes", "hgs_bbox": "dropped:degenerate"},
    ]
    made = [make_event(n, geometry_notes=note).pk for n, note in enumerate(notes)]
    assert set(ids(operator.get(LIST, {"geometry": choice}))) == {made[n] for n in numbers}


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("ivo://helio-informatics.org/AR_Test_00001", {1}),
        ("AR_Test_0000", {0, 1, 2}),
        ("ivo://elsewhere", {3}),
        ("13664", {1, 2}),
        ("3664", {1, 2}),  # as SSW writes it
        ("SPoCA_v1.0_AR_0000021639", {2}),
        ("AR%", set()),
        ("Test", set()),  # the middle of an identifier is not searched: no index finds it
    ],
)
def test_search(operator, make_event, term, found):
    given = [
        {},
        {"ar_noaanum": 13664},
        {"ar_noaanum": 13664, "frm_specificid": "SPoCA_v1.0_AR_0000021639"},
        {"kb_archivid": "ivo://elsewhere/1"},
    ]
    made = [make_event(n, **columns).pk for n, columns in enumerate(given)]
    assert set(ids(operator.get(LIST, {"q": term}))) == {made[n] for n in found}


@pytest.mark.parametrize("name", ["q", "event_type", "from", "geometry", "content_hash"])
def test_a_nul_is_no_error_of_ours(operator, make_event, name):
    make_event()
    response = operator.get(LIST, {name: "a\0b"}, follow=True)
    assert response.status_code == 200
    assert "no text can contain" in response.text


def test_cells(operator, make_event):
    make_event(
        event_type="FL",
        ar_noaanum=11389,
        fl_goescls="X1.5",
        frm_name="<b>SWPC</b>",
        hgs_coord="POINT(-5.4 -20.6)",
    )
    text = operator.get(LIST).text
    for cell in (
        "2014-01-01 00:00:00",
        "2014-01-01 04:00:00",
        ">11389<",
        ">X1.5<",
        ">S21 E05<",
        "AR_Test_00000",
    ):
        assert cell in text
    assert "&lt;b&gt;SWPC&lt;/b&gt;" in text
    assert "<b>SWPC</b>" not in text


def test_nothing_can_be_added_changed_or_deleted(operator, make_event):
    event = make_event()
    page = f"{LIST}{event.pk}/"
    assert operator.get(f"{LIST}add/").status_code == 403
    assert operator.post(f"{page}change/", {"kb_archivid": "x"}).status_code == 403
    assert operator.get(f"{page}delete/").status_code == 403
    operator.post(
        LIST, {"action": "delete_selected", "_selected_action": event.pk, "index": 0, "post": "yes"}
    )
    assert Event.objects.count() == 1
    assert "delete_selected" not in operator.get(LIST).text


def test_who_may_view_may_view(onlooker, make_event):
    made = make_event()
    assert ids(onlooker.get(LIST)) == [made.pk]
    assert onlooker.get(f"{LIST}{made.pk}/change/").status_code == 200


def test_a_stranger_is_sent_to_sign_in(client, db):
    assert client.get(LIST).headers["Location"].startswith("/admin/login/")


# --- the paginator


def test_counts_exactly_what_is_little(many_events):
    for queryset in (Event.objects.all(), Event.objects.filter(event_type="FL"), Event.objects.none()):
        paginator = EstimatingPaginator(queryset.order_by("pk"), 100)
        assert paginator.count == Paginator(queryset.order_by("pk"), 100).count
        assert not paginator.is_estimate
    assert EstimatingPaginator(Event.objects.filter(pk__in=[]).order_by("pk"), 100).count == 0


def test_estimates_what_is_much_without_counting_it(many_events, monkeypatch, operator):
    monkeypatch.setattr(EstimatingPaginator, "EXACT", 100)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    with CaptureQueriesContext(connection) as queries:
        paginator = EstimatingPaginator(Event.objects.order_by("pk"), 100)
        assert paginator.count == pytest.approx(500, rel=0.1)
        assert paginator.is_estimate
    assert not [q["sql"] for q in queries if "COUNT" in q["sql"]]
    assert "about 500 events" in operator.get(LIST).text


def test_an_estimate_is_never_less_than_what_was_counted(many_events, monkeypatch):
    monkeypatch.setattr(EstimatingPaginator, "EXACT", 100)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    # The planner does not know how these two go together and expects too few rows.
    odd = Event.objects.filter(event_type="FL", frm_name="SSW Latest Events").order_by("pk")
    paginator = EstimatingPaginator(odd, 100)
    assert odd.count() > 101
    assert paginator.count >= 101
