"""A pass over a window: what is stored, what the books say, and what is left when something breaks."""

import threading
from datetime import UTC, datetime, timedelta

import django.db
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.domain.criteria import TimeWindow
from events.models import Association, Event
from ingest.accounts import MAX_ATTEMPTS, WindowBusy, account
from ingest.batches import BATCH, ahead
from ingest.models import IngestRun, QuarantinedRecord
from ingest.pipeline import ingest_window, work
from ingest.sources import get_source
from ingest.sources.base import Parsed, RawPage, Rejected, SourceError

State = IngestRun.State
DAY = TimeWindow(datetime(2014, 1, 1, tzinfo=UTC), datetime(2014, 1, 2, tzinfo=UTC))
EDGE = {"first_ivorn": "ivo://a", "second_ivorn": "ivo://b", "edge_type": "causes"}


def flares(start, stop, **values):
    return [
        {
            "kb_archivid": f"ivo://x/FL_{n}", "event_type": "FL", "event_starttime": "2014-01-01T00:00:00",
            "event_endtime": "2014-01-01T01:00:00", **values,
        }
        for n in range(start, stop)
    ]  # fmt: skip


class Shelf:
    """A source of prepared pages: what each holds, or the error in its place."""

    name = "shelf"

    def __init__(self, *pages):
        self.pages = pages
        self.asked = []

    def fetch(self, window, event_types):
        self.asked.append((window, event_types))
        for number, page in enumerate(self.pages):
            if isinstance(page, Exception):
                raise page
            yield RawPage(str(number).encode(), f"shelf/{number}")

    def parse(self, page):
        return self.pages[int(page.body)]


def accounts(run):
    run.refresh_from_db()
    return tuple(account(run).values())


@pytest.mark.django_db
def test_the_account_holds_everything_that_came():
    source = Shelf(
        Parsed(flares(0, 3), [EDGE, {**EDGE, "edge_type": ""}], [Rejected("<broken", "no record")]),
        Parsed([*flares(2, 5), *flares(7, 8, event_starttime="soon"), *flares(1, 2, revision="2")]),
    )
    run = ingest_window(source, DAY, ("FL",))
    assert source.asked == [(DAY, ("FL",))]
    assert accounts(run) == (10, 5, 0, 2, 3)
    assert (run.state, run.pages, run.associations, run.origin) == (State.SUCCEEDED, 2, 1, "shelf/0")
    assert (run.attempts, run.error, run.event_types) == (1, "", ["FL"])
    assert run.queued_at <= run.finished_at
    assert Event.objects.get(kb_archivid="ivo://x/FL_1").revision == 2
    assert Association.objects.count() == 1
    assert QuarantinedRecord.objects.filter(run=run, source="shelf").count() == 3
    assert accounts(ingest_window(source, DAY, ("FL",))) == (10, 0, 0, 7, 3)


@pytest.mark.django_db
def test_the_real_data_twice_second_time_all_unchanged(real_data):
    source = get_source("archive", path=real_data / "hek")
    first = ingest_window(source, None, ())
    # 146 events of HEK, 11 901 and 39 037 rows of the tables, of which 40 are exact repeats (MANIFEST.md).
    assert accounts(first) == (51_084, 51_044, 0, 40, 0)
    assert (first.associations, Event.objects.count()) == (79, 51_044)
    before = list(Event.objects.order_by("pk").values_list("pk", "content_hash", "updated_at"))
    assert accounts(ingest_window(source, None, ())) == (51_084, 0, 0, 51_084, 0)
    assert list(Event.objects.order_by("pk").values_list("pk", "content_hash", "updated_at")) == before


@pytest.mark.django_db
def test_a_large_page_is_cut_and_small_pages_are_put_together():
    stages = []
    large = Shelf(Parsed(flares(0, 5 * BATCH + 1), [EDGE]))
    run = ingest_window(large, DAY, (), tell=lambda run: stages.append((run.pages, run.received)))
    assert stages == [(1, 2 * BATCH), (1, 4 * BATCH), (1, 5 * BATCH + 1)]
    assert (run.created, run.associations) == (5 * BATCH + 1, 1)
    stages.clear()
    small = Shelf(*(Parsed(flares(n, n + 1)) for n in range(BATCH + 2)))
    ingest_window(small, DAY, (), tell=lambda run: stages.append((run.pages, run.received)))
    assert stages == [(BATCH, BATCH), (BATCH + 2, BATCH + 2)]


@pytest.mark.django_db
@pytest.mark.parametrize("pages", [[], [Parsed()]])
def test_a_source_without_events_is_no_failure(pages):
    run = ingest_window(Shelf(*pages), DAY, ())
    assert (run.state, run.pages, accounts(run)) == (State.SUCCEEDED, len(pages), (0, 0, 0, 0, 0))


@pytest.mark.django_db
@pytest.mark.parametrize("permanent", [True, False])
def test_a_source_that_breaks_off_fails_the_run_but_not_what_came_before(permanent):
    source = Shelf(Parsed(flares(0, 2)), SourceError("http://hek:\n 503", permanent=permanent))
    with pytest.raises(SourceError):
        ingest_window(source, DAY, ())
    run = IngestRun.objects.get()
    assert accounts(run) == (2, 2, 0, 0, 0)
    assert (run.state, run.error) == (State.FAILED, "http://hek: 503")
    assert run.finished_at >= run.started_at


@pytest.mark.django_db
def test_a_fault_of_ours_is_named_in_the_books():
    source = Shelf(Parsed(flares(0, 2)), ZeroDivisionError("by zero"))
    with pytest.raises(ZeroDivisionError):
        ingest_window(source, DAY, (), again=False)
    run = IngestRun.objects.get()
    assert (run.state, run.error) == (State.FAILED, "ZeroDivisionError: by zero")


@pytest.mark.django_db
def test_a_source_that_is_away_for_now_is_asked_again_later_but_not_for_ever():
    run = IngestRun.objects.create(source="shelf", window_start=DAY.start, window_end=DAY.end)
    waits = []
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with pytest.raises(SourceError):
            ingest_window(Shelf(SourceError("busy")), DAY, (), run, again=True)
        run.refresh_from_db()
        assert (run.attempts, run.error) == (attempt, "busy")
        if run.state == State.PENDING:
            waits.append((run.not_before - run.finished_at).total_seconds())
    assert run.state == State.FAILED
    assert run.not_before is None
    expected = [min(30 * 2**n, 3600) for n in range(MAX_ATTEMPTS - 1)]
    assert all(0.74 * e < w < 1.26 * e for w, e in zip(waits, expected, strict=True))


@pytest.mark.django_db
def test_retry_after_is_honoured_and_a_permanent_error_is_not_retried():
    run = IngestRun.objects.create(source="shelf", window_start=DAY.start, window_end=DAY.end)
    with pytest.raises(SourceError):
        ingest_window(Shelf(SourceError("busy", retry_after=7200)), DAY, (), run, again=True)
    run.refresh_from_db()
    assert run.state == State.PENDING
    assert timedelta(seconds=7199) < run.not_before - timezone.now() <= timedelta(seconds=7200)
    with pytest.raises(SourceError):
        ingest_window(Shelf(SourceError("busy", retry_after=float("inf"))), DAY, (), run, again=True)
    run.refresh_from_db()
    assert run.not_before - timezone.now() <= timedelta(days=1), "but not for ever"
    with pytest.raises(SourceError):
        ingest_window(Shelf(SourceError("404", permanent=True)), DAY, (), run, again=True)
    run.refresh_from_db()
    assert (run.state, run.not_before) == (State.FAILED, None)


@pytest.mark.django_db
def test_a_run_whose_every_attempt_was_cut_off_is_given_up():
    run = IngestRun.objects.create(
        source="shelf", window_start=DAY.start, window_end=DAY.end, attempts=8, state=State.RUNNING
    )
    source = Shelf(Parsed(flares(0, 1)))
    ingest_window(source, DAY, (), run, again=True)
    run.refresh_from_db()
    assert (run.state, source.asked) == (State.FAILED, [])
    assert run.error == "given up: 8 attempts were cut off or failed"


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED])
def test_a_second_delivery_of_a_run_that_is_over_does_nothing(state):
    run = IngestRun.objects.create(
        source="shelf", window_start=DAY.start, window_end=DAY.end, state=state, received=1, created=1
    )
    source = Shelf(Parsed(flares(0, 1)))
    assert ingest_window(source, DAY, (), run, again=True).state == state
    assert (source.asked, accounts(run)) == ([], (1, 1, 0, 0, 0))


@pytest.mark.django_db
def test_ctrl_c_leaves_true_books_and_a_run_that_can_be_made_again():
    def stop(run):
        raise KeyboardInterrupt

    source = Shelf(*(Parsed(flares(n * BATCH, (n + 1) * BATCH)) for n in range(3)))
    with pytest.raises(KeyboardInterrupt):
        ingest_window(source, DAY, (), tell=stop)
    run = IngestRun.objects.get()
    assert (run.state, run.error) == (State.FAILED, "stopped before its end")
    assert accounts(run) == (BATCH, BATCH, 0, 0, 0)
    assert accounts(ingest_window(source, DAY, ())) == (3 * BATCH, 2 * BATCH, 0, BATCH, 0)


@pytest.mark.django_db(transaction=True)
def test_two_processes_never_work_on_one_window_at_the_same_time():
    """Two real connections; the second says so and does nothing. Another window is not in the way."""
    inside, go_on, errors = threading.Event(), threading.Event(), []
    other_day = TimeWindow(DAY.end, DAY.end + timedelta(days=1))

    def hold(run):
        inside.set()
        assert go_on.wait(timeout=30)

    def first():
        try:
            ingest_window(Shelf(Parsed(flares(0, 1))), DAY, (), tell=hold)
        except Exception as error:  # noqa: BLE001 - it fails the test
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(timeout=30)
    run = IngestRun.objects.get()
    assert (run.state, run.received) == (State.RUNNING, 1), "the books are open while it runs"
    source = Shelf(Parsed(flares(0, 1)))
    with pytest.raises(WindowBusy, match="shelf 2014-01-01T00:00:00Z"):
        ingest_window(source, DAY, ())
    assert (source.asked, IngestRun.objects.count()) == ([], 1)
    assert ingest_window(source, other_day, ()).state == State.SUCCEEDED
    go_on.set()
    thread.join(timeout=30)
    assert not errors
    assert accounts(ingest_window(source, DAY, ())) == (1, 0, 0, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_is_one_clean_error_and_the_run_can_be_resumed():
    run = IngestRun.objects.create(source="shelf", window_start=DAY.start, window_end=DAY.end)
    source = Shelf(*(Parsed(flares(n * BATCH, (n + 1) * BATCH)) for n in range(3)))

    def cut_the_line(run):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        finally:
            other.close()

    with pytest.raises((django.db.OperationalError, django.db.InterfaceError)):
        ingest_window(source, DAY, (), run, again=True, tell=cut_the_line)
    assert accounts(run) == (BATCH, BATCH, 0, 0, 0), "the books were open again at once"
    assert (run.state, run.not_before is None) == (State.PENDING, False)
    assert run.error.startswith("OperationalError: ")
    assert ingest_window(source, DAY, (), run, again=True).state == State.SUCCEEDED
    assert accounts(run) == (3 * BATCH, 2 * BATCH, 0, BATCH, 0)
    assert run.attempts == 2


@pytest.mark.django_db
def test_work_finds_the_source_in_the_books(real_data):
    path = real_data / "hek" / "mixed_20230329.json"
    run = IngestRun.objects.create(source="archive", origin=str(path))
    assert accounts(work(run)) == (23, 23, 0, 0, 0)
    gone = IngestRun.objects.create(source="archive", origin="/nowhere/at/all.json")
    with pytest.raises(SourceError):
        work(gone, again=True)
    unknown = IngestRun.objects.create(source="nonesuch")
    with pytest.raises(SourceError):
        work(unknown, again=True)
    assert set(IngestRun.objects.exclude(pk=run.pk).values_list("state", flat=True)) == {State.FAILED}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["received", "created", "updated", "unchanged", "quarantined"])
def test_the_database_refuses_books_that_do_not_balance(name):
    with pytest.raises(IntegrityError, match="ingestrun_account_balances"), transaction.atomic():
        IngestRun.objects.create(source="shelf", **{name: 1})
    IngestRun.objects.create(source="shelf", received=1, created=1)


def test_what_is_made_ahead_comes_in_order_and_errors_in_their_place():
    def items():
        yield from range(5)
        raise SourceError("broken")

    seen = []
    with pytest.raises(SourceError, match="broken"):
        seen.extend(ahead(ahead(items())))
    assert seen == list(range(5))


def test_closing_ends_the_threads_and_the_source(wait_for):
    before = threading.active_count()
    closed = []

    def items():
        try:
            n = 0
            while True:
                n += 1
                yield n
        finally:
            closed.append(n)

    made = ahead(ahead(items()))
    assert [next(made), next(made)] == [1, 2]
    made.close()
    wait_for(lambda: threading.active_count() == before, "the threads to end")
    assert closed[0] < 10, "it was never more than a few items ahead"


def test_the_next_item_is_made_while_this_one_is_used():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2

    assert [(item, made.wait(timeout=30)) for item in ahead(items())] == [(1, True), (2, True)]
