"""The upsert against a plain model of its rule, in all orders and batches."""

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from itertools import permutations

import orjson
import pytest
from django.db import DataError, IntegrityError, InternalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Event, EventVersion
from ingest.rows import EventRow, rows_of
from ingest.upsert import Counts, upsert

HEK = "ivo://helio-informatics.org/"


def row(name="FL_1", *, revision=1, archived=None, text="", **values) -> EventRow:
    """A row as the ingest makes it, of a small flare report."""
    record = {
        "kb_archivid": HEK + name,
        "event_type": "FL",
        "event_starttime": "2014-01-01T00:00:00",
        "event_endtime": "2014-01-01T01:00:00",
        "revision": str(revision),
        "kb_archivdate": archived or "",
        "event_description": text,
        **values,
    }
    (made,), rejected = rows_of([record], "test")
    assert not rejected
    return made


def contents() -> dict[str, tuple[str, frozenset[str]]]:
    """Event -> its current content hash, and those of its earlier versions."""
    versions = defaultdict(set)
    for name, content in EventVersion.objects.values_list("event__kb_archivid", "content_hash"):
        versions[name].add(str(content))
    return {
        name: (str(content), frozenset(versions[name]))
        for name, content in Event.objects.values_list("kb_archivid", "content_hash")
    }


def age(one: EventRow) -> tuple:
    return (one.revision, one.kb_archivdate or "")


class Model:
    """The rule of the module's docstring, one row after the other."""

    def __init__(self):
        self.current: dict[str, EventRow] = {}
        self.earlier: dict[str, set[str]] = defaultdict(set)

    def batch(self, rows) -> tuple[int, int]:
        before = dict(self.current)
        fresh = [
            r for r in rows if (b := before.get(r.kb_archivid)) is None or b.content_hash != r.content_hash
        ]
        by_event = defaultdict(list)
        for one in fresh:
            by_event[one.kb_archivid].append(one)
        for name, candidates in by_event.items():
            stored = before.get(name)
            able = [
                c for c in candidates
                if stored is None or age(c) > age(stored)
                or (age(c) == age(stored) and c.content_hash not in self.earlier[name])
            ]  # fmt: skip
            winner = max(able, key=lambda c: (*age(c), c.content_hash), default=stored)
            seen = {c.content_hash for c in candidates} | ({stored.content_hash} if stored else set())
            self.earlier[name] = (self.earlier[name] | seen) - {winner.content_hash}
            self.current[name] = winner
        created = len(self.current.keys() - before.keys())
        updated = sum(self.current[n].content_hash != b.content_hash for n, b in before.items())
        return created, updated

    def contents(self):
        return {n: (r.content_hash, frozenset(self.earlier[n])) for n, r in self.current.items()}


def revisions(dates=(None, "2014-01-02T00:00:00", "2014-01-03T00:00:00")):
    """Contents of two events, in several revisions."""
    return st.builds(
        row,
        st.sampled_from(["FL_1", "FL_2"]),
        revision=st.integers(1, 2),
        archived=st.sampled_from(dates),
        text=st.sampled_from(["", "a", "b"]),
    )


@pytest.mark.django_db
def test_created_unchanged_updated_and_the_earlier_version_kept():
    first, second = row(text="as reported"), row(revision=2, text="corrected", fl_goescls="M1.5")
    assert upsert([first, row("FL_2")]) == Counts(created=2)
    assert upsert([first]) == Counts(unchanged=1)
    assert upsert([second]) == Counts(updated=1)
    event = Event.objects.get(kb_archivid=HEK + "FL_1")
    assert (event.revision, event.fl_goescls, event.goes_flux) == (2, "M1.5", 1.5e-5)
    assert event.attributes["event_description"] == "corrected"
    version = EventVersion.objects.get()
    assert version.event == event
    assert (version.revision, version.attributes["event_description"]) == (1, "as reported")
    assert str(version.content_hash) == first.content_hash


@pytest.mark.django_db
def test_updated_at_moves_only_with_the_content():
    upsert([row()])
    Event.objects.update(updated_at="2001-01-01T00:00Z", ingested_at="2001-01-01T00:00Z")
    upsert([row()])
    assert Event.objects.get().updated_at.year == 2001
    upsert([row(text="new")])
    event = Event.objects.get()
    assert (event.updated_at.year > 2001, event.ingested_at.year) == (True, 2001)


@pytest.mark.django_db
def test_an_old_content_at_a_tie_never_comes_back():
    first, second = row(text="a"), row(text="b")
    upsert([first])
    assert upsert([second]) == Counts(updated=1), "the later arrival wins"
    assert upsert([first]) == Counts(unchanged=1)
    assert contents() == {HEK + "FL_1": (second.content_hash, frozenset({first.content_hash}))}


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_tie_within_a_batch_does_not_depend_on_its_order(order):
    three = [row(text=text) for text in "abc"]
    greatest = max(three, key=lambda r: r.content_hash)
    batch = [three[i] for i in order] + [three[order[0]]]
    assert upsert(batch) == Counts(created=1, unchanged=3)
    assert upsert(batch) == Counts(unchanged=4)
    assert contents()[HEK + "FL_1"] == (
        greatest.content_hash,
        frozenset(r.content_hash for r in three if r is not greatest),
    )


@pytest.mark.django_db
def test_no_date_is_older_than_any_date():
    dated, undated = row(archived="2014-01-02T00:00:00"), row()
    upsert([dated])
    assert upsert([undated]) == Counts(unchanged=1)
    assert contents() == {HEK + "FL_1": (dated.content_hash, frozenset({undated.content_hash}))}


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(revisions(), max_size=6), max_size=5))
def test_counts_and_contents_are_those_of_the_rule(batches):
    model = Model()
    with transaction.atomic():
        for batch in batches:
            counts = upsert(batch)
            assert counts.created + counts.updated + counts.unchanged == len(batch)
            assert (counts.created, counts.updated) == model.batch(batch)
            assert contents() == model.contents()
        transaction.set_rollback(True)


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_the_end_does_not_depend_on_order_or_batches(data):
    """Of contents that differ in revision or date; the same in every arrangement, repeats included."""
    drawn = data.draw(
        st.lists(revisions(), min_size=1, max_size=8, unique_by=lambda r: (r.kb_archivid, *age(r)))
    )
    newest = {}
    for one in drawn:
        newest[one.kb_archivid] = max(newest.get(one.kb_archivid, one), one, key=age)
    hashes = {name: {r.content_hash for r in drawn if r.kb_archivid == name} for name in newest}
    expected = {
        name: (best.content_hash, frozenset(hashes[name] - {best.content_hash}))
        for name, best in newest.items()
    }
    arrived = data.draw(st.permutations(drawn * 2))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrived)), max_size=4)) | {len(arrived)})
    with transaction.atomic():
        for start, end in zip([0, *cuts], cuts, strict=False):
            upsert(arrived[start:end])
        assert contents() == expected
        transaction.set_rollback(True)


@pytest.mark.django_db
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_arrives_as_it_was(text):
    """Through COPY's text format, with its backslashes, tabs and ends of line."""
    with transaction.atomic():
        made = row()._replace(
            frm_name=text,
            attributes=orjson.dumps({"frm_name": text}).decode(),
            content_hash=str(uuid.uuid4()),
        )
        upsert([made])
        event = Event.objects.get()
        assert (event.frm_name, event.attributes) == (text, {"frm_name": text})
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_the_real_records_go_in_with_all_that_they_say(hek_answer):
    records = hek_answer("ar_spoca_201803.json")["result"]
    rows, rejected = rows_of(records, "test")
    assert (upsert(rows), rejected) == (Counts(created=98), [])
    assert upsert(rows) == Counts(unchanged=98)
    stored = {event.kb_archivid: event for event in Event.objects.all()}
    for record in records:
        event = stored[record["kb_archivid"]]
        assert f"{event.event_starttime:%FT%T}" == record["event_starttime"]
        assert event.attributes["area_raw"] == record["area_raw"]
        assert event.hpc_coord.x == pytest.approx(record["hpc_x"], abs=0.1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"event_type": "XX"}, IntegrityError),
        ({"event_endtime": "2013-01-01T00:00:00"}, IntegrityError),
        ({"hpc_coord": "0101"}, InternalError),
        ({"revision": 2**40}, DataError),
        ({"attributes": '{"a":"\\u0000"}'}, DataError),
    ],
)
def test_a_refused_row_leaves_nothing_of_its_batch(values, error):
    with pytest.raises(error):
        upsert([row("FL_0"), row("FL_1")._replace(**values), row("FL_2")])
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_events_in_opposite_orders_do_not_block_each_other_for_ever():
    """Four threads, each with its connection, write overlapping batches; a deadlock would be an error."""
    names = [f"FL_{n}" for n in range(40)]
    upsert([row(name) for name in names[::2]])
    errors: list[Exception] = []
    together = threading.Barrier(4)

    def write(number: int) -> None:
        try:
            for turn in range(6):
                mine = names[::-1] if number % 2 else names
                batch = [row(name, revision=turn + 1, text=str(number)) for name in mine]
                together.wait(timeout=30)
                upsert(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it fails the test
            errors.append(error)
            together.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    assert Event.objects.count() == 40
    assert set(Event.objects.values_list("revision", flat=True)) == {6}
    # 6 revisions by 4 writers are 24 contents, and revision 1 of every other event came first without a text.
    assert Event.objects.count() + EventVersion.objects.count() == 40 * 24 + 20


@pytest.mark.django_db(transaction=True)
def test_a_batch_without_conflicts_is_one_insert(django_assert_num_queries: Callable):
    with django_assert_num_queries(6) as queries:  # BEGIN, the look, stage, insert, its end, COMMIT
        upsert([row(f"FL_{n}") for n in range(100)])
    assert sum("INSERT INTO events_event" in q["sql"] for q in queries.captured_queries) == 1
