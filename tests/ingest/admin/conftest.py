"""Books to look at, and brokers that are there or not."""

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app

from ingest.models import IngestRun

EPOCH = datetime(2014, 1, 1, tzinfo=UTC)


@pytest.fixture
def make_run(db):
    """Stores a run of the n-th six hours of 2014; it received `received` events, all new."""

    def make(n=0, state="succeeded", received=0, **columns):
        start = EPOCH + n * timedelta(hours=6)
        given = {"window_start": start, "window_end": start + timedelta(hours=6), "source": "simulator"}
        if state != "pending":
            given |= {"started_at": EPOCH, "finished_at": None if state == "running" else EPOCH}
        return IngestRun.objects.create(
            **{**given, "state": state, "received": received, "created": received, **columns}
        )

    return make


@pytest.fixture
def broker():
    """The real broker with an empty queue, before and after."""
    current_app.control.purge()
    yield current_app
    current_app.control.purge()


@pytest.fixture
def no_broker():
    """A broker's address where nobody listens, for connections yet to be made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
        current_app._after_fork()  # forgets the pool of open connections
        yield
    current_app._after_fork()
