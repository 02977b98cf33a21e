"""One parameter along the track of an event."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from events.models import Event, Track, TrackReport

START = datetime(2012, 2, 13, 20, tzinfo=UTC)
PATH = "params/SDO/AIA/param/track/ts"


@pytest.fixture
def track(db, make_event):
    """Three reports twelve minutes apart, each 64 px further to the west; the second has no box."""
    events = []
    for n in range(3):
        x = n * 64 * 0.6 + 5
        box = f"POLYGON(({x} 5,{x + 50} 5,{x + 50} 30,{x} 30,{x} 5))" if n != 1 else None
        events.append(make_event(n, start=START + timedelta(minutes=12 * n), hpc_bbox=box))
    events = Event.objects.bulk_create(events)
    made = Track.objects.create(
        pk=events[0].pk, event_type="AR", report_count=3,
        event_starttime=START, event_endtime=events[-1].event_endtime,
    )  # fmt: skip
    for position, event in enumerate(events):
        TrackReport.objects.create(
            event=event, track=made, position=position, event_starttime=event.event_starttime,
            observed=event.event_starttime,
        )  # fmt: skip
    return events


def series(get, key, param=2, wave=171):
    answer = get(f"{PATH}?id={key}&wave={wave}&param={param}")
    assert answer.status_code == 200
    return json.loads(answer.content)


def mean_under(sky, slot, box):
    """Of parameter 2, cell by cell in arcsec: cell c reaches from (64 c - 2048) 0.6 on, rows from north."""
    side = 64 * 0.6
    frame = sky.store.frame(171, slot)
    touched = [
        float(frame[row, column, 1])
        for row in range(64)
        for column in range(64)
        if shapely.box(*box).intersects(
            shapely.box((column - 32) * side, (31 - row) * side, (column - 31) * side, (32 - row) * side)
        )
    ]
    return np.mean(touched)


def test_the_mean_over_the_cells_that_the_track_s_box_touches(get, client, sky, track):
    found = series(get, track[2].kb_archivid)
    times = ["20:00:00", "20:06:01", "20:12:12.350000", "20:24:00"]
    assert [entry["time"] for entry in found] == [f"2012-02-13T{time}Z" for time in times]
    answer = client.get(f"/api/v1/tracks/{track[0].pk}/shapes", {"format": "geojson"})
    shapes = json.loads(answer.getvalue())["features"]
    boxes = [shapely.geometry.shape(one["geometry"]).bounds for one in shapes[:5]]
    assert (boxes[0], boxes[4]) == ((5, 5, 55, 30), (81.8, 5, 131.8, 30)), "as reported"
    expected = [mean_under(sky, 156920 + n, boxes[n]) for n in (0, 1, 2, 4)]
    assert [entry["value"] for entry in found] == pytest.approx(expected, abs=1e-4)


def test_of_very_many_images_every_so_many_th(get, sky, track, monkeypatch):
    whole = series(get, track[0].pk)
    monkeypatch.setattr("api.dmlab.series.MOST_VALUES", 2)
    assert series(get, track[0].pk) == whole[::2]


def test_a_constant_parameter_has_its_value(get, empty_sky, track):
    frame = np.full((64, 64, 10), np.nan, dtype=np.float32)
    frame[30:34, 30:36] = np.arange(1, 11)
    empty_sky.add(START, frame=frame)
    for param in range(1, 11):
        assert series(get, track[0].kb_archivid, param) == [{"time": "2012-02-13T20:00:00Z", "value": param}]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_event_of_a_track_gives_the_same(get, sky, track, which):
    assert series(get, track[which].kb_archivid) == series(get, track[0].pk)


def test_an_event_without_a_track_is_its_own(get, sky, make_event):
    event = make_event(9, start=START, hpc_bbox="POLYGON((0 0,50 0,50 30,0 30,0 0))")
    event.save()
    assert [entry["time"] for entry in series(get, event.kb_archivid)] == ["2012-02-13T20:00:00Z"]


def test_a_report_that_shows_its_last_image_is_placed_on_that(get, sky, make_event):
    """SPoCA's outlines are those of the end; the image of 20:24 is nearest to that."""
    box = "POLYGON((0 0,50 0,50 30,0 30,0 0))"
    columns = {"start": START, "end": START + timedelta(minutes=25), "hpc_bbox": box}
    spoca, other = make_event(8, frm_name="SPoCA", **columns), make_event(9, frm_name="NOAA", **columns)
    Event.objects.bulk_create([spoca, other])
    cells = np.ix_((31, 32), (31, 32, 33))
    for event, time, slot in ((spoca, "20:24:00", 156924), (other, "20:00:00", 156920)):
        (entry,) = series(get, event.kb_archivid)
        assert entry["time"] == f"2012-02-13T{time}Z"
        assert entry["value"] == pytest.approx(sky.store.frame(171, slot)[cells][..., 1].mean(), abs=1e-3)


def test_without_images_the_array_is_empty(get, sky, track):
    assert series(get, track[0].kb_archivid, wave=1700) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("id=none&wave=171&param=1", 404), ("wave=171&param=1", 400), ("id=none&param=1", 400),
        ("id=none&wave=171", 400), ("id=none&wave=171&param=11", 400), ("id=%00&wave=171&param=1", 400),
        ("id=999999999999999999999&wave=171&param=1", 404), ("id=99&wave=171&param=1", 404),
    ],
)  # fmt: skip
def test_bad_questions(get, sky, query, status):
    answer = get(f"{PATH}?{query}")
    assert (answer.status_code, list(json.loads(answer.content))) == (status, ["error"])
