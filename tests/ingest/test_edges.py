"""Associations: what is an edge, and that each is stored once with the newest of what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.models import Association
from ingest.edges import edges_of, upsert_associations

EDGE = {
    "first_ivorn": "ivo://a", "second_ivorn": "ivo://b", "edge_type": "is_followed_by",
    "first_id": 1, "second_id": "2", "first_event_type": "ar", "second_event_type": "AR",
    "strength": "1.0", "reported_by": "eds",
}  # fmt: skip
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


def test_text_and_numbers_give_the_same_edge():
    edges, rejected = edges_of([EDGE, {**EDGE, "first_id": "1", "second_id": 2, "strength": 1}], "x")
    assert rejected == []
    assert edges[0] == edges[1]
    assert edges[0]._asdict() == {
        **EDGE, "second_id": 2, "first_event_type": "AR", "strength": 1.0, "source": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"second_ivorn": ""}, "association: second_ivorn is missing"),
        ({"edge_type": None}, "association: edge_type is missing"),
        ({"first_ivorn": 7}, "association: first_ivorn is no text"),
        ({"first_ivorn": "a\0b"}, "association: first_ivorn has characters that are no text"),
        ({"first_id": "x"}, "association: first_id is no number of a report"),
        ({"first_id": 2**63}, "association: first_id is no number of a report"),
        ({"strength": "nan"}, "association: strength is no number"),
        ({"first_id": 1.5}, "association: first_id is no number of a report"),
        ({"strength": [1]}, "association: strength is no number"),
        ({"strength": float("inf")}, "association: strength is no number"),
        ({"strength": 10**400}, "association: strength is no number"),
        ({"strength": "strong"}, "association: strength is no number"),
    ],
)
def test_what_is_no_edge_is_rejected_with_a_reason(change, reason):
    edges, rejected = edges_of([{**EDGE, **change}], "x")
    assert edges == []
    assert [r.reason for r in rejected] == [reason]


@pytest.mark.django_db
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(EDGE, WILD) | {"more": WILD}))
def test_nothing_wild_raises(record):
    edges, rejected = edges_of([record], "x")
    assert len(edges) + len(rejected) == 1
    assert all(isinstance(r.payload, str) for r in rejected)


@pytest.mark.django_db
def test_an_edge_is_stored_once_and_tells_the_newest():
    (edge,), _ = edges_of([EDGE], "x")
    assert upsert_associations([edge, edge]) == 1
    assert upsert_associations([edge]) == 0
    assert upsert_associations([edge._replace(strength=0.5), edge._replace(edge_type="causes")]) == 2
    assert set(Association.objects.values_list("edge_type", "strength")) == {
        ("is_followed_by", 0.5),
        ("causes", 1.0),
    }
    assert upsert_associations([]) == 0


@pytest.mark.django_db
def test_the_real_edges_go_in(hek_answer):
    records = hek_answer("ar_spoca_201803.json")["association"]
    edges, rejected = edges_of(records, "test")
    assert (upsert_associations(edges), rejected) == (79, [])
    names = [name for name in EDGE if name != "source"]
    stored = {tuple(row) for row in Association.objects.values_list(*names)}
    assert stored == {tuple(record[name] for name in names) for record in records}
