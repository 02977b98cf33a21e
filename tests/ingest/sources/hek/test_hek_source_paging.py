"""Pages of a HER endpoint: nothing is lost while rows come and go, and nothing goes on for ever."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.domain.criteria import TimeWindow
from ingest.sources.base import SourceError
from ingest.sources.hek.client import Answer
from ingest.sources.hek.paging import MAX_STALE_PAGES, MAX_WALKS, all_pages

WINDOW = TimeWindow(datetime(2012, 1, 1, tzinfo=UTC), datetime(2012, 1, 2, tzinfo=UTC))


def records(source, window=WINDOW, types=()):
    return [record for page in source.fetch(window, types) for record in source.parse(page).records]


def test_the_question_is_as_wide_as_can_be(endpoint, say) -> None:
    endpoint.script = [say([], overmax=False)]
    east = timezone(timedelta(hours=2))
    start = datetime(2012, 1, 1, 2, 0, 0, 700_000, tzinfo=east)
    window = TimeWindow(start, datetime(2012, 1, 1, 6, 29, 59, 1, tzinfo=UTC))
    assert records(endpoint.source(result_limit=500), window, ("FL", "AR")) == []
    assert endpoint.queries == [
        {
            "cosec": "2",
            "cmd": "search",
            "type": "column",
            "event_type": "FL,AR",
            "event_coordsys": "helioprojective",
            "x1": "-30000",
            "x2": "30000",
            "y1": "-30000",
            "y2": "30000",
            "event_starttime": "2012-01-01T00:00:00",
            "event_endtime": "2012-01-01T06:30:00",
            "result_limit": "500",
            "showtests": "hide",
            "as_reported": "true",
            "page": "1",
        }
    ]


def test_without_window_and_types_all_there_is_is_asked_for(endpoint, say) -> None:
    endpoint.script = [say([], overmax=False)]
    assert records(endpoint.source(), None) == []
    asked = endpoint.queries[0]
    assert asked["event_type"] == "**"
    assert (asked["event_starttime"], asked["event_endtime"]) == (
        "0001-01-01T00:00:00",
        "9999-01-01T00:00:00",
    )


def test_the_last_instant_of_time_can_be_asked_for(endpoint, say) -> None:
    endpoint.script = [say([], overmax=False)]
    records(endpoint.source(), TimeWindow(WINDOW.start, datetime.max.replace(tzinfo=UTC)))
    assert endpoint.queries[0]["event_endtime"] == "9999-12-31T23:59:59"


def test_a_single_page_is_asked_once(endpoint, event, serve) -> None:
    table = [event(n) for n in range(3)]
    endpoint.script = [serve(lambda: table)]
    assert records(endpoint.source()) == table
    assert len(endpoint.queries) == 1


def test_several_pages_are_walked_twice_and_given_once(endpoint, event, serve) -> None:
    table = [event(n) for n in range(8)]
    endpoint.script = [serve(lambda: table)]
    assert records(endpoint.source()) == table
    assert [query["page"] for query in endpoint.queries] == ["1", "2", "3", "1", "2", "3"]


def test_origin_names_the_question(endpoint, event, serve) -> None:
    endpoint.script = [serve(lambda: [event(0)])]
    (page,) = endpoint.source().fetch(WINDOW, ("AR",))
    assert page.origin.startswith(f"{endpoint.url}?cosec=2&cmd=search")
    assert "event_type=AR" in page.origin


def test_rows_inserted_while_paging_push_others_but_lose_none(endpoint, event, serve) -> None:
    table = [event(n) for n in range(10, 20)]

    def growing() -> list:
        if len(endpoint.queries) == 2:
            table[:0] = [event(1), event(2)]
        return table

    endpoint.script = [serve(growing)]
    found = {record["kb_archivid"] for record in records(endpoint.source())}
    assert found == {record["kb_archivid"] for record in table}


def test_a_row_that_slips_to_a_page_already_read_is_found_by_the_next_walk(endpoint, event, serve) -> None:
    table = [event(n) for n in range(8)]

    def shrinking() -> list:
        if len(endpoint.queries) == 2:
            del table[0]  # what stood first on page 2 is now last on page 1
        return table

    endpoint.script = [serve(shrinking)]
    found = [record["kb_archivid"] for record in records(endpoint.source())]
    assert event(3)["kb_archivid"] in found
    assert set(found) == {event(n)["kb_archivid"] for n in range(8)}
    assert len(endpoint.queries) == 9, "a walk with news is followed by one more"


def test_a_revised_row_counts_as_new(endpoint, event, serve) -> None:
    table = [event(n) for n in range(5)]

    def revising() -> list:
        if len(endpoint.queries) == 3:
            table[0] = event(0) | {"revision": "2"}
        return table

    endpoint.script = [serve(revising)]
    found = records(endpoint.source())
    assert {record["revision"] for record in found if record["kb_archivid"] == event(0)["kb_archivid"]} == {
        "1",
        "2",
    }


def test_rows_that_never_come_to_rest_are_an_error(endpoint, event, serve) -> None:
    endpoint.script = [serve(lambda: [event(n + len(endpoint.queries)) for n in range(5)])]
    with pytest.raises(SourceError, match=f"in each of {MAX_WALKS} walks") as failure:
        records(endpoint.source())
    assert not failure.value.permanent


def test_endless_repeats_of_a_page_are_an_error_after_its_rows_were_given(endpoint, event, say) -> None:
    endpoint.script = [say([event(0), event(1)], overmax=True)]
    source, found = endpoint.source(), []
    with pytest.raises(SourceError, match="hold nothing new"):
        found.extend(source.parse(page) for page in source.fetch(WINDOW, ()))
    assert found
    assert len(endpoint.queries) == 1 + MAX_STALE_PAGES


def test_endless_empty_pages_are_an_error(endpoint, say) -> None:
    endpoint.script = [say([], overmax=True)]
    with pytest.raises(SourceError, match="hold nothing new"):
        records(endpoint.source())


def test_a_page_repeated_once_is_harmless(endpoint, event, say) -> None:
    first, second = say([event(0), event(1)], overmax=True), say([event(2)], overmax=False)
    endpoint.script = [first, first, second, first, second]
    assert {record["kb_archivid"] for record in records(endpoint.source())} == {
        event(n)["kb_archivid"] for n in range(3)
    }


@pytest.mark.parametrize("end", [False, "false", "False"])
def test_overmax_as_a_word_is_understood(endpoint, event, say, end) -> None:
    walk = [say([event(0)], overmax="true"), say([event(1)], overmax=end)]
    endpoint.script = walk * 2
    assert records(endpoint.source()) == [event(0), event(1)]
    assert len(endpoint.queries) == 4


@pytest.mark.parametrize("absent", [{}, {"overmax": None}])
def test_without_overmax_pages_are_asked_until_one_holds_nothing_new(endpoint, event, say, absent) -> None:
    walk = [say([event(0)], **absent), say([event(1)], **absent), say([], **absent)]
    endpoint.script = walk * 2
    assert records(endpoint.source()) == [event(0), event(1)]
    assert len(endpoint.queries) == 6


@pytest.mark.parametrize("word", ["maybe", "", 3, []])
def test_an_unreadable_overmax_is_an_error(endpoint, event, say, word) -> None:
    endpoint.script = [say([event(0)], overmax=word)]
    with pytest.raises(SourceError, match="'overmax' is"):
        records(endpoint.source())


def test_rows_without_id_are_told_apart_by_what_they_hold(endpoint, serve) -> None:
    table = [{"event_type": "AR", "ar_numspots": n} for n in range(5)] + [17, "text"]
    endpoint.script = [serve(lambda: table)]
    assert records(endpoint.source()) == table[:5]
    assert len(endpoint.queries) == 6


def test_a_new_association_alone_makes_a_page_worth_giving() -> None:
    asked = []

    def ask(page: int) -> Answer:
        asked.append(page)
        edges = [{"first_ivorn": "a", "second_ivorn": "b"}] if len(asked) > 2 else []
        content = {"result": [{"kb_archivid": f"x{page}"}], "association": edges, "overmax": page < 2}
        return Answer(json.dumps(content).encode(), content, "test")

    given_pages = list(all_pages(ask))
    assert any(answer.content["association"] for answer in given_pages)


@given(
    st.integers(2, 5),
    st.integers(0, 25),
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(["insert", "delete"]), st.integers(0, 40)), max_size=4
    ),
)
def test_no_row_is_lost_to_any_changes_during_one_walk(limit, size, changes) -> None:
    """Changes fall between the questions of the first walk; every row there all the time is given."""
    table = list(range(size))
    asked = walks = 0

    def ask(page: int) -> Answer:
        nonlocal asked, walks
        asked += 1
        walks += page == 1
        for number, (when, what, where) in enumerate(changes):
            if walks == 1 and when == asked and what == "insert":
                table.insert(where % (len(table) + 1), 100 + number)
            elif walks == 1 and when == asked and table:
                del table[where % len(table)]
        rows = [{"kb_archivid": str(row)} for row in table[(page - 1) * limit : page * limit]]
        content = {"result": rows, "overmax": page * limit < len(table)}
        return Answer(json.dumps(content).encode(), content, f"page {page}")

    found = {row["kb_archivid"] for answer in all_pages(ask) for row in answer.content["result"]}
    assert {str(row) for row in table} - found == set()
