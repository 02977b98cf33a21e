"""The quarantine: what came and why it stays, and a retry that stores it once that is possible."""

import json

import pytest

from events.models import Event
from ingest import image_tasks
from ingest.admin import quarantined
from ingest.broker import messages_waiting
from ingest.models import ImageRun, QuarantinedRecord
from ingest.quarantine import quarantine, resolve
from ingest.sources.base import Rejected

LIST = "/admin/ingest/quarantinedrecord/"
GOOD = {
    "kb_archivid": "ivo://helio-informatics.org/FL_Test_1",
    "event_type": "FL",
    "event_starttime": "2014-01-01T00:00:00",
    "event_endtime": "2014-01-01T00:30:00",
    "frm_name": "Test",
}


@pytest.fixture
def records(db, make_run):
    """One that can be stored now, one that cannot yet, one that never will."""
    bad = {
        **GOOD,
        "kb_archivid": "ivo://helio-informatics.org/FL_Test_2",
        "event_endtime": "2013-01-01T00:00:00",
    }
    rejected = [
        Rejected(json.dumps(GOOD), "a fault that we have mended since"),
        Rejected(json.dumps(bad), "the end is before the start <script>"),
        Rejected("<result><param", "not readable"),
    ]
    quarantine(rejected, source="hek", run=make_run(0, source="hek"))
    return list(QuarantinedRecord.objects.order_by("pk"))


def by_reason(text):
    return QuarantinedRecord.objects.get(reason__contains=text)


def retry(client, *records):
    choice = {"action": "try_again", "_selected_action": [r.pk for r in records], "index": 0}
    return client.post(LIST, choice, follow=True)


def test_the_list_says_why(operator, records):
    text = operator.get(LIST).text
    for reason in ("a fault that we have mended since", "not readable", "start &lt;script&gt;"):
        assert reason in text
    assert "<script>" not in text.partition("<tbody>")[2].partition("</tbody>")[0]
    only = operator.get(LIST, {"reason": "not readable"}).text
    assert only.count("field-source") == 1
    assert operator.get(LIST, {"q": "FL_Test_1"}).text.count("field-source") == 1


def test_the_list_leaves_the_payloads_where_they_are(operator, records, django_assert_num_queries):
    operator.get(LIST)
    # session, user; sources and reasons to filter by; plan and count of the paginator; the page
    with django_assert_num_queries(7) as queries:
        operator.get(LIST)
    assert not [q["sql"] for q in queries if '"payload"' in q["sql"] and "LIMIT 100" in q["sql"]]


def test_the_page_shows_the_record_as_it_came(operator, records):
    text = operator.get(f"{LIST}{by_reason('before the start').pk}/change/").text
    assert "{\n  &quot;kb_archivid&quot;: &quot;ivo://helio-informatics.org/FL_Test_2&quot;," in text
    assert f"/admin/ingest/ingestrun/{records[0].run_id}/change/" in text
    assert "&lt;result&gt;&lt;param" in operator.get(f"{LIST}{by_reason('not readable').pk}/change/").text


def test_retry_stores_what_can_be_stored_and_says_so(operator, records):
    good = by_reason("mended")
    text = retry(operator, *records).text
    assert "1 stored." in text
    assert "2 refused again" in text
    assert Event.objects.get().kb_archivid == GOOD["kb_archivid"]
    good.refresh_from_db()
    assert good.resolved_at is not None
    assert operator.get(LIST).text.count("field-source") == 2
    assert operator.get(LIST, {"state": "resolved"}).text.count("field-source") == 1
    assert operator.get(LIST, {"state": "all"}).text.count("field-source") == 3
    page = operator.get(f"{LIST}{good.pk}/change/").text
    assert "Try to store again" not in page


@pytest.fixture
def images(db):
    """Three of two runs, one of which is stored by now."""
    runs = [
        ImageRun.objects.create(source="helioviewer", waves=[171], state="succeeded"),
        ImageRun.objects.create(source="files", paths=["/x.jp2", "/y.jp2"], state="succeeded"),
    ]
    for run, origin in zip((runs[0], runs[1], runs[1]), ("http://x/1.jp2", "/x.jp2", "/y.jp2"), strict=True):
        quarantine([Rejected(origin, "ends after 17 bytes")], source=run.source, run=run)
    resolve("http://x/1.jp2")
    return runs


def test_of_images_the_runs_are_ordered_again(
    operator, images, broker, django_capture_on_commit_callbacks, records
):
    with django_capture_on_commit_callbacks(execute=True):
        text = retry(operator, *QuarantinedRecord.objects.all()).text
    assert "1 stored." in text
    assert "2 refused again" in text
    assert "1 run over images ordered again" in text
    assert "left for the next click" not in text
    assert messages_waiting(image_tasks.QUEUE) == 1
    again = ImageRun.objects.get(state="pending")
    assert (again.source, again.paths) == ("files", ["/x.jp2", "/y.jp2"])
    assert QuarantinedRecord.objects.get(payload="/x.jp2").resolved_at is None, "the run will tell"


def test_an_image_leads_to_the_run_that_saw_it_last(operator, images):
    pk = QuarantinedRecord.objects.get(payload="/x.jp2").pk
    assert f"/admin/ingest/imagerun/{images[1].pk}/change/" in operator.get(f"{LIST}{pk}/change/").text
    assert operator.get("/admin/ingest/imagerun/", {"wave": "171"}).text.count("field-which") == 1
    assert operator.get("/admin/ingest/imagerun/", {"wave": "x"}).text.count("field-which") == 2


def test_one_click_takes_no_more_than_one_can_wait_for(operator, records, monkeypatch):
    monkeypatch.setattr(quarantined, "MOST_AT_ONCE", 2)
    assert "1 of your choice were left for the next click." in retry(operator, *records).text


def test_an_onlooker_cannot_retry(onlooker, records):
    assert "Try to store again" not in onlooker.get(f"{LIST}{records[0].pk}/change/").text
    retry(onlooker, *records)
    assert not Event.objects.exists()
