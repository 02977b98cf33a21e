"""What the books say in sum."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest import queries
from ingest.models import Backfill, IngestRun

T0 = datetime(2014, 1, 1, tzinfo=UTC)
State = IngestRun.State

pytestmark = pytest.mark.django_db


def a_run(source="hek", state=State.SUCCEEDED, created=0, unchanged=0, **values):
    return IngestRun.objects.create(
        source=source,
        state=state,
        received=created + unchanged,
        created=created,
        unchanged=unchanged,
        **values,
    )


def test_progress_adds_up_and_knows_the_end(django_assert_num_queries):
    backfill = Backfill.objects.create(source="hek", window_start=T0, window_end=T0)
    assert queries.progress(backfill.runs.all()).is_over, "of nothing, nothing is left"
    a_run(backfill=backfill, created=3, unchanged=1)
    a_run(backfill=backfill, state=State.FAILED, created=2)
    waiting = a_run(backfill=backfill, state=State.PENDING)
    a_run(created=100)
    with django_assert_num_queries(1):
        progress = queries.progress(backfill.runs.all())
    assert (progress.total, progress.succeeded, progress.failed, progress.open) == (3, 1, 1, 1)
    assert progress.account == {"received": 6, "created": 5, "updated": 0, "unchanged": 1, "quarantined": 0}
    assert not progress.is_over
    waiting.delete()
    assert queries.progress(backfill.runs.all()).is_over


def test_open_backfills_are_those_that_want_something():
    done, failed, waiting, _empty = (
        Backfill.objects.create(source="hek", window_start=T0, window_end=T0) for _ in range(4)
    )
    a_run(backfill=done)
    a_run(backfill=failed, state=State.FAILED)
    a_run(backfill=failed)
    a_run(backfill=waiting, state=State.PENDING)
    found = [(b.pk, b.all_runs, b.succeeded_runs, b.failed_runs) for b in queries.open_backfills()]
    assert found == [(waiting.pk, 1, 0, 0), (failed.pk, 2, 1, 1)]


def test_the_last_run_and_the_totals_of_each_source():
    a_run(created=5, started_at=T0)
    newest = a_run(unchanged=5, started_at=T0 + timedelta(days=1))
    a_run(state=State.PENDING)
    other = a_run("archive", created=1, started_at=T0)
    assert list(queries.last_runs()) == [other, newest]
    assert queries.totals()["hek"] == {
        "received": 10, "created": 5, "updated": 0, "unchanged": 5, "quarantined": 0,
    }  # fmt: skip
    assert [run.state for run in queries.open_runs()] == [State.PENDING]
