"""SPoCA's own tracks of March 2018: found without knowing them, and kept where they are known."""

from datetime import UTC, datetime

import pytest
import shapely

from ingest.tracking import KnownEdge, Report, track
from tests.ingest.tracking.scenes import follows


@pytest.fixture(scope="module")
def recorded(hek_answer):
    """Reports with their ids hidden, the associations, and the ids."""
    answer = hek_answer("ar_spoca_201803.json")
    numbers = {record["kb_archivid"]: n for n, record in enumerate(answer["result"])}
    reports = [
        Report(
            id=numbers[record["kb_archivid"]],
            kb_archivid=record["kb_archivid"],
            event_type=record["event_type"],
            method=record["frm_name"],
            start=datetime.fromisoformat(record["event_starttime"]).replace(tzinfo=UTC),
            end=datetime.fromisoformat(record["event_endtime"]).replace(tzinfo=UTC),
            shape=shapely.from_wkt(record["hgs_boundcc"]),
            point=(record["hgs_x"], record["hgs_y"]),
            area=record["area_atdiskcenter"],
            intensity=record["intensmean"],
        )
        for record in answer["result"]
    ]
    known = [
        KnownEdge(
            numbers[edge["first_ivorn"]], numbers[edge["second_ivorn"]], edge["edge_type"], edge["strength"]
        )
        for edge in answer["association"]
    ]
    return reports, known, [record["frm_specificid"] for record in answer["result"]]


def test_the_tracks_are_found(recorded):
    reports, known, names = recorded
    truth = {(edge.first, edge.second) for edge in known}
    tracking = track(reports)
    found = follows(tracking.edges)
    assert len(found & truth) / len(found) >= 0.99
    assert len(found & truth) / len(truth) >= 0.99
    assert {edge.source for edge in tracking.edges} == {"tracker"}
    assert sorted(map(len, tracking.tracks)) == sorted(names.count(name) for name in set(names))


def test_the_tracks_are_those_told(recorded):
    reports, known, names = recorded
    tracking = track(reports, known)
    told = [edge for edge in tracking.edges if edge.source == "association"]
    assert follows(told) == {(edge.first, edge.second) for edge in known}
    assert all(len({names[n] for n in own}) == 1 for own in tracking.tracks)


def test_the_method_s_own_ids_do_without_associations(recorded):
    reports, known, names = recorded
    named = [
        Report(**{name: getattr(r, name) for name in Report.__slots__} | {"specific_id": names[r.id]})
        for r in reports
    ]
    facts = [edge for edge in track(named).edges if edge.source == "specificid"]
    assert follows(facts) == {(edge.first, edge.second) for edge in known}
