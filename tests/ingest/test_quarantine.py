"""Nothing that came is lost: what cannot be stored is kept, counted, and can be tried again."""

import json

import pytest
from django.utils import timezone

from events.models import Association, Event
from ingest.models import IngestRun, QuarantinedRecord
from ingest.quarantine import Retried, quarantine, retry, upsert_or_refuse
from ingest.rows import rows_of
from ingest.sources.base import Rejected
from ingest.upsert import Counts

pytestmark = pytest.mark.django_db

FLARE = {
    "kb_archivid": "ivo://x/FL_1", "event_type": "FL",
    "event_starttime": "2014-01-01T00:00:00", "event_endtime": "2014-01-01T01:00:00",
}  # fmt: skip


def rows(count):
    made, rejected = rows_of([{**FLARE, "kb_archivid": f"ivo://x/FL_{n:03}"} for n in range(count)], "test")
    assert not rejected
    return made


def test_the_same_payload_is_one_record_that_is_counted():
    run = IngestRun.objects.create(source="test")
    piece = Rejected("{broken", "no JSON")
    assert quarantine([piece, piece, Rejected("other", "too")], source="test") == 3
    first = QuarantinedRecord.objects.get(payload="{broken")
    assert (first.times_seen, first.reason, first.run, first.source) == (2, "no JSON", None, "test")
    QuarantinedRecord.objects.update(resolved_at=timezone.now(), last_seen_at="2001-01-01T00:00Z")
    assert quarantine([Rejected("{broken", "still no JSON")], source="test", run=run) == 1
    again = QuarantinedRecord.objects.get(payload="{broken")
    assert (again.pk, again.times_seen, again.reason) == (first.pk, 3, "still no JSON")
    assert (again.run, again.resolved_at, again.last_seen_at.year > 2001) == (run, None, True)
    assert QuarantinedRecord.objects.count() == 2
    assert quarantine([], source="test") == 0


@pytest.mark.parametrize("payload", ["a\0b", "\udcff<html>", "", "x" * 100_000, "tab\tand\\slash\n%s %(a)s"])
def test_every_payload_can_be_kept(payload):
    assert quarantine([Rejected(payload, "why\0")], source="test") == 1
    kept = QuarantinedRecord.objects.get()
    assert kept.payload == payload.replace("\0", "\\u0000").replace("\udcff", "\\udcff")
    assert kept.reason == "why\\u0000"


@pytest.mark.parametrize("bad", [{0}, {99}, {3, 4, 50}, set(range(0, 100, 7)), set(range(100))])
def test_only_what_the_database_refuses_is_left_out(bad):
    batch = rows(100)
    for n in bad:
        batch[n] = batch[n]._replace(event_endtime="2013-01-01T00:00:00")
    counts, refused = upsert_or_refuse(batch)
    assert counts == Counts(created=100 - len(bad))
    assert [r.payload for r in refused] == [batch[n].attributes for n in sorted(bad)]
    assert all("event_end_not_before_start" in r.reason and "\n" not in r.reason for r in refused)
    stored = set(Event.objects.values_list("kb_archivid", flat=True))
    assert stored == {row.kb_archivid for n, row in enumerate(batch) if n not in bad}


@pytest.mark.parametrize(
    "values",
    [
        {"hpc_coord": "zz"},
        {"hpc_bbox": "0101"},
        {"frm_name": "\udcff"},
        {"frm_name": "\0"},
        {"event_type": "AAA"},
    ],
)
def test_every_kind_of_refusal_is_understood(values):
    batch = rows(3)
    batch[1] = batch[1]._replace(**values)
    counts, refused = upsert_or_refuse(batch)
    assert (counts, len(refused)) == (Counts(created=2), 1)


def test_a_retry_stores_what_can_be_stored_now_and_keeps_the_rest():
    """As after a repair of the ingest: two reasons that no longer hold, one that does, and no records."""
    edge = {"first_ivorn": "ivo://a", "second_ivorn": "ivo://b", "edge_type": "causes"}
    pieces = [
        Rejected(json.dumps(FLARE), "once not understood"),
        Rejected(json.dumps({**FLARE, "kb_archivid": "ivo://x/2", "event_starttime": "?"}), "old reason"),
        Rejected("a,broken,line", "3 fields"),
        Rejected("[1]", "no object"),
        Rejected(json.dumps(edge), "once not understood either"),
    ]
    quarantine(pieces, source="test")
    assert retry(QuarantinedRecord.objects.order_by("pk")) == Retried(stored=2, refused=3)
    assert Event.objects.get().kb_archivid == "ivo://x/FL_1"
    assert Association.objects.get().edge_type == "causes"
    open_ = QuarantinedRecord.objects.filter(resolved_at=None)
    assert open_.count() == 3
    assert open_.get(payload__contains="?").reason.startswith("event_starttime")
    assert open_.get(payload="a,broken,line").reason == "3 fields"
    assert retry(QuarantinedRecord.objects.all()) == Retried(stored=0, refused=3), (
        "the stored ones are left alone"
    )


def test_a_row_that_the_database_refused_can_be_retried_from_its_payload():
    (bad,) = rows(1)
    _, refused = upsert_or_refuse([bad._replace(revision=2**40)])
    quarantine(refused, source="test")
    assert retry(QuarantinedRecord.objects.all()) == Retried(stored=1)
    assert Event.objects.get().kb_archivid == bad.kb_archivid
