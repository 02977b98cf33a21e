"""Backfills: ordered by a form, watched, and their failed windows run again."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.broker import messages_waiting
from ingest.models import Backfill, IngestRun

LIST = "/admin/ingest/backfill/"
FORM = {
    "source": "simulator",
    "window_start_0": "2014-01-01",
    "window_start_1": "00:00:00",
    "window_end_0": "2014-01-03",
    "window_end_1": "12:00:00",
    "event_types": ["AR", "FL"],
}


@pytest.fixture
def backfill(db, make_run):
    made = Backfill.objects.create(
        source="simulator",
        window_start=datetime(2014, 1, 1, tzinfo=UTC),
        window_end=datetime(2014, 1, 2, tzinfo=UTC),
    )
    for n, state in enumerate(("succeeded", "succeeded", "failed", "pending")):
        make_run(n, state, received=10 if state == "succeeded" else 0, backfill=made)
    return made


def test_the_form_orders_and_leads_to_the_progress(
    operator, broker, settings, django_capture_on_commit_callbacks
):
    settings.ISD_WINDOW = timedelta(hours=6)
    assert "AR Active Region" in operator.get(f"{LIST}add/").text
    with django_capture_on_commit_callbacks(execute=True):
        response = operator.post(f"{LIST}add/", FORM)
    made = Backfill.objects.get()
    assert response.headers["Location"] == f"{LIST}{made.pk}/change/"
    assert (made.source, made.event_types) == ("simulator", ["AR", "FL"])
    runs = list(made.runs.order_by("window_start"))
    assert len(runs) == 10
    assert runs[0].window_start == datetime(2014, 1, 1, tzinfo=UTC)
    assert runs[-1].window_end == datetime(2014, 1, 3, 12, tzinfo=UTC)
    assert {(run.state, tuple(run.event_types)) for run in runs} == {("pending", ("AR", "FL"))}
    assert messages_waiting() == 10
    text = operator.get(f"{LIST}{made.pk}/change/").text
    assert "Ordered in 10 windows." in text
    assert '<progress class="isd-progress" value="0" max="10"' in text


def test_without_a_broker_the_order_is_kept(operator, no_broker, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = operator.post(f"{LIST}add/", FORM, follow=True)
    assert "The broker cannot be reached." in response.text
    assert Backfill.objects.get().runs.filter(state="pending").count() == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window_end_0": "2013-01-01"}, "The end must be after the start."),
        ({"window_end_0": "2014-01-01", "window_end_1": "00:00:00"}, "The end must be after the start."),
        ({"window_end_0": "2900-01-01"}, "days can be ordered at once"),
        ({"window_start_0": "soon"}, "Enter a valid date."),
        ({"event_types": ["XX"]}, "XX is not one of the available choices."),
        ({"source": "archive"}, "archive is not one of the available choices."),
    ],
)
def test_the_form_says_what_is_wrong(operator, change, message):
    response = operator.post(f"{LIST}add/", {**FORM, **change})
    assert response.status_code == 200
    assert message in response.text
    assert not Backfill.objects.exists()
    assert not IngestRun.objects.exists()


def test_list_and_page_show_progress_and_account(operator, backfill):
    for address in (LIST, f"{LIST}{backfill.pk}/change/"):
        text = operator.get(address).text
        assert 'value="3" max="4"' in text
        assert "2 of 4 windows, 1 failed" in text
    assert "20 received, 20 created, 0 updated, 0 unchanged, 0 quarantined" in text
    assert f"/admin/ingest/ingestrun/?backfill__id__exact={backfill.pk}&amp;state__exact=failed" in text
    failed = operator.get(f"/admin/ingest/ingestrun/?backfill__id__exact={backfill.pk}&state__exact=failed")
    assert failed.text.count("isd-state-failed") == 1
    assert '<meta http-equiv="refresh"' in text
    backfill.runs.update(state="succeeded")
    assert '<meta http-equiv="refresh"' not in operator.get(f"{LIST}{backfill.pk}/change/").text


def test_the_list_takes_a_fixed_number_of_queries(operator, backfill, django_assert_num_queries):
    for _ in range(5):
        Backfill.objects.create(
            source="hek", window_start=backfill.window_start, window_end=backfill.window_end
        )
    operator.get(LIST)
    with django_assert_num_queries(5):  # session, user; plan and count of the paginator; the page
        operator.get(LIST)


def test_runs_what_failed_again_and_nothing_else(operator, backfill, broker):
    choice = {"action": "run_failed_again", "_selected_action": backfill.pk, "index": 0}
    assert "1 run ordered again." in operator.post(LIST, choice, follow=True).text
    assert sorted(backfill.runs.values_list("state", flat=True)) == ["pending"] * 2 + ["succeeded"] * 2


def test_an_onlooker_cannot_order(onlooker, backfill):
    assert onlooker.get(f"{LIST}add/").status_code == 403
    assert onlooker.post(f"{LIST}add/", FORM).status_code == 403
    text = onlooker.get(f"{LIST}{backfill.pk}/change/").text
    assert "2 of 4 windows" in text
    assert "Run the failed windows again" not in text
