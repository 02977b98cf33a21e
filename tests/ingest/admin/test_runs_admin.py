"""Runs: their accounts are seen, and a window is run again with one click."""

import pytest

from ingest.broker import messages_waiting
from ingest.models import ImageWatermark, IngestRun, Watermark

from datetime import UTC, datetime, timedelta  # isort: skip

LIST = "/admin/ingest/ingestrun/"


def order_again(client, *runs):
    choice = {"action": "run_again", "_selected_action": [run.pk for run in runs], "index": 0}
    return client.post(LIST, choice, follow=True)


def test_a_run_shows_its_account(operator, make_run):
    run = make_run(
        received=812, created=700, updated=12, unchanged=98, quarantined=2, event_types=["AR", "FL"],
        started_at=datetime(2020, 1, 1, tzinfo=UTC), finished_at=datetime(2020, 1, 1, 1, 2, 3, tzinfo=UTC),
    )  # fmt: skip
    text = operator.get(LIST).text
    for cell in (
        "812 received = 700 created + 12 updated + 98 unchanged + 2 quarantined",
        "simulator: AR, FL",
        "2014-01-01 00:00 .. 06:00",
        "1 h 2 min",
        "isd-state-succeeded",
    ):
        assert cell in text
    assert operator.get(f"{LIST}{run.pk}/change/").status_code == 200


def test_the_list_takes_a_fixed_number_of_queries(operator, make_run, django_assert_num_queries):
    for n in range(120):
        make_run(n)
    operator.get(LIST)
    # session, user; sources to filter by; plan and count of the paginator; the page
    with django_assert_num_queries(6):
        assert operator.get(LIST).text.count("isd-state-succeeded") == 100


def test_filters_by_state(operator, make_run):
    make_run(0)
    failed = make_run(1, "failed", error="HTTP 503 " + "x" * 200 + "<b>")
    text = operator.get(LIST, {"state__exact": "failed"}).text
    assert f"{LIST}{failed.pk}/change/" in text
    assert "isd-state-succeeded" not in text
    assert "HTTP 503 xxx" in text
    assert "&lt;b&gt;" in operator.get(f"{LIST}{failed.pk}/change/").text


def test_a_page_loads_itself_again_while_its_run_is_open(operator, make_run):
    reload = '<meta http-equiv="refresh"'
    assert reload in operator.get(f"{LIST}{make_run(0, 'running').pk}/change/").text
    assert reload in operator.get(f"{LIST}{make_run(1, 'pending').pk}/change/").text
    assert reload not in operator.get(f"{LIST}{make_run(2).pk}/change/").text


def test_a_failed_run_is_taken_up_again(operator, make_run, broker, django_capture_on_commit_callbacks):
    failed = make_run(1, "failed", error="HTTP 503", attempts=8)
    assert 'value="Run again"' in operator.get(f"{LIST}{failed.pk}/change/").text
    with django_capture_on_commit_callbacks(execute=True):
        response = order_again(operator, failed)
    assert "1 run ordered again." in response.text
    assert messages_waiting() == 1
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.error) == ("pending", 0, "")


def test_what_succeeded_keeps_its_account_and_gets_a_new_run(operator, make_run, broker):
    done = [make_run(n, received=5, event_types=["FL"]) for n in range(2)]
    assert "2 runs ordered again." in order_again(operator, *done).text
    assert IngestRun.objects.filter(state="succeeded", received=5).count() == 2
    new = IngestRun.objects.filter(state="pending")
    assert {(run.window_start, tuple(run.event_types)) for run in new} == {
        (run.window_start, ("FL",)) for run in done
    }


def test_without_a_broker_the_order_is_kept_and_the_operator_told(
    operator, make_run, no_broker, django_capture_on_commit_callbacks
):
    failed = make_run(1, "failed")
    with django_capture_on_commit_callbacks(execute=True):
        response = order_again(operator, failed)
    assert response.status_code == 200
    assert "The broker cannot be reached." in response.text
    failed.refresh_from_db()
    assert failed.state == "pending"


def test_an_onlooker_cannot_order(onlooker, make_run):
    failed = make_run(1, "failed")
    text = onlooker.get(f"{LIST}{failed.pk}/change/").text
    assert "failed" in text
    assert 'value="Run again"' not in text
    order_again(onlooker, failed)
    failed.refresh_from_db()
    assert failed.state == "failed"


@pytest.mark.parametrize("page", ["ingestrun", "watermark", "imagewatermark", "quarantinedrecord"])
def test_the_books_cannot_be_written(operator, page):
    assert operator.get(f"/admin/ingest/{page}/add/").status_code == 403


@pytest.mark.parametrize("model", [Watermark, ImageWatermark])
def test_watermarks_show_how_far_behind_they_are(operator, model):
    model.objects.create(
        source="simulator", polled_until=datetime.now(UTC) - timedelta(days=3, hours=5, minutes=1)
    )
    assert "3 d 5 h" in operator.get(f"/admin/ingest/{model._meta.model_name}/").text
