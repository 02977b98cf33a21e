"""From HEK's recorded answer to what is served: ingest, track, interpolate, ask."""

import io
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import astropy.units as u
import numpy as np
import pytest
import shapely
from astropy.coordinates import SkyCoord
from django.core.management import call_command
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective
from sunpy.sun.models import differential_rotation

from events.models import Event, TrackShape

SPOCA = "ar_spoca_201803.json"
#: Hausdorff distance between a shape carried from the nearest slot and the interpolated one, arcsec: median,
#: 95 %, 99 %, and the largest, where a ragged outline is carried that the interpolation smoothes.
BETWEEN_SLOTS = (0.2, 1, 2.5, 12)
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def reports(db, real_data):
    """The real active regions of two weeks, tracked and interpolated as an operator would have it done."""
    for command in (
        ["ingest_events", "--source", "archive", "--path", str(real_data / "hek" / SPOCA)],
        ["track_events"],
        ["interpolate_tracks"],
    ):
        call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())
    return list(Event.objects.order_by("event_starttime", "kb_archivid"))


def get(client, path, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.getvalue()
    return answer


def test_real_reports_become_tracks_shapes_and_a_state(reports, client):
    """One test, since the way there takes seconds."""
    tracks = get(client, "/api/v1/tracks", limit=1000).json()["tracks"]
    members = the_tracks_are_those_of_the_method(client, reports, tracks)
    every_report_knows_its_track_in_the_old_dialect_too(client, members)
    shapes = the_export_is_whole_and_valid(client, tracks)
    the_state_at_any_instant_is_that_of_the_tracks(client, reports, tracks, members, shapes)
    inside_its_interval_an_outline_lies_where_the_sun_had_it_before_the_end(client, reports, members)
    between_slots_shapes_are_nearly_those_of_the_reports(client, reports)
    nothing_depends_on_what_is_stored(client, members)


def the_tracks_are_those_of_the_method(client, reports, tracks):
    by_method = defaultdict(list)
    for report in reports:
        by_method[report.frm_specificid].append(report.kb_archivid)
    members = {}
    for track in tracks:
        record = get(client, f"/api/v1/tracks/{track['track']}").json()
        assert len(record["reports"]) == track["report_count"]
        members[track["track"]] = [report["kb_archivid"] for report in record["reports"]]
    assert sorted(members.values()) == sorted(by_method.values())
    assert len(members) == 19
    return members


def every_report_knows_its_track_in_the_old_dialect_too(client, members):
    for track, archivids in members.items():
        for archivid in (archivids[0], archivids[-1]):
            answer = get(client, "/api/query/solev/trackid", id=archivid, eventtype="ar").json()
            assert answer["Result"] == [{"trackid": str(track)}]


def the_export_is_whole_and_valid(client, tracks):
    text = get(client, "/api/v1/tracks/shapes").getvalue().decode()
    shapes = {}
    for line in text.splitlines():
        track, millis, wkt = line.split("\t")
        assert int(millis) % 360_000 == 0
        shapes[int(track), int(millis)] = wkt
    assert len(shapes) == len(text.splitlines()) == TrackShape.objects.count()
    polygons = shapely.from_wkt(list(shapes.values()))
    assert set(shapely.get_type_id(polygons)) == {3}
    assert shapely.is_valid(polygons).mean() > 0.999  # rounding to a thousandth of an arcsecond may touch
    assert {track for track, _ in shapes} == {track["track"] for track in tracks}
    return shapes


def the_state_at_any_instant_is_that_of_the_tracks(client, reports, tracks, members, shapes):
    start = reports[0].event_starttime.replace(minute=0, second=0)
    for hours in range(1, 200, 13):
        time = start + timedelta(hours=hours)
        items = get(client, "/api/v1/state", time=time.isoformat()).json()["events"]
        alive = [
            t["track"]
            for t in tracks
            if datetime.fromisoformat(t["event_starttime"])
            <= time
            <= datetime.fromisoformat(t["event_endtime"])
        ]
        assert sorted(item["track"] for item in items) == sorted(alive)
        millis = (time - datetime(1970, 1, 1, tzinfo=UTC)) // MILLISECOND
        for item in items:
            assert item["kb_archivid"] in members[item["track"]]
            assert item["geometry"] == shapes.get((item["track"], millis))
    track_of = {archivid: track for track, archivids in members.items() for archivid in archivids}
    for report in reports[::9]:
        items = get(client, "/api/v1/state", time=report.event_endtime.isoformat()).json()["events"]
        (own,) = [item for item in items if item["track"] == track_of[report.kb_archivid]]
        assert (own["method"], own["origin"]) == ("reported", "reported")
        outline = shapely.from_wkt(report.hpc_boundcc.wkt)
        both = shapely.from_wkt(own["geometry"])
        assert both.symmetric_difference(outline).area < 0.01 * outline.area


def inside_its_interval_an_outline_lies_where_the_sun_had_it_before_the_end(client, reports, members):
    """Vertex by vertex with sunpy's frames and rotation: of the first reports, which nothing precedes."""
    report_of = {report.kb_archivid: report for report in reports}
    distances = []
    for track, (archivid, *_) in members.items():
        report = report_of[archivid]
        outline = np.array(report.hpc_boundcc.coords[0])
        if np.hypot(*outline.T).max() > 850:  # at the limb a vertex cannot be followed
            continue
        start, end = report.event_starttime, report.event_endtime
        for time in (start, start + (end - start) * 0.63):
            items = get(client, "/api/v1/state", time=time.isoformat(), exact="true").json()["events"]
            (item,) = [item for item in items if item["track"] == track]
            expected = shapely.Polygon(rotated_by_sunpy(outline, end, time))
            found = shapely.from_wkt(item["geometry"])
            assert (item["method"], item["origin"]) == ("rotation", "extrapolated")
            assert found.hausdorff_distance(expected) < 0.5
        distances.append(shapely.Polygon(outline).centroid.distance(found.centroid))
    assert len(distances) >= 5
    assert max(distances) > 12  # arcsec in 1.5 h


def rotated_by_sunpy(points, then, time):
    """Points (n, 2) in hpc, arcsec, as the Earth saw them `then`, as it sees them at `time`."""
    seen = SkyCoord(*(points.T * u.arcsec), frame=Helioprojective(obstime=then, observer="earth"))
    surface = seen.transform_to(HeliographicStonyhurst(obstime=then))
    moved = differential_rotation(
        (time - then).total_seconds() * u.s, surface.lat, model="allen", frame_time="synodic"
    )
    later = SkyCoord(
        surface.lon + moved, surface.lat, surface.radius, frame=HeliographicStonyhurst(obstime=time)
    ).transform_to(Helioprojective(obstime=time, observer="earth"))
    return np.column_stack((later.Tx.to_value(u.arcsec), later.Ty.to_value(u.arcsec)))


def between_slots_shapes_are_nearly_those_of_the_reports(client, reports):
    """What docs/api/v1.md says of shapes that are carried from the nearest slot, at all times between."""
    apart, centres = [], []
    start = reports[0].event_endtime
    for n in range(120):
        time = (start + n * timedelta(minutes=103, seconds=7)).isoformat()
        quick, exact = (
            get(client, "/api/v1/state", time=time, exact=exact).json()["events"]
            for exact in ("false", "true")
        )
        assert [(i["track"], i["origin"]) for i in quick] == [(i["track"], i["origin"]) for i in exact]
        for pair in zip(quick, exact, strict=True):
            one, two = (item["geometry"] and shapely.from_wkt(item["geometry"]) for item in pair)
            assert (one is None) == (two is None)
            if one is not None:
                apart.append(shapely.hausdorff_distance(one.segmentize(1), two.segmentize(1)))
                centres.append(one.centroid.distance(two.centroid))
    assert len(apart) > 150
    assert (np.percentile(apart, [50, 95, 99, 100]) < BETWEEN_SLOTS).all()
    assert np.percentile(centres, 99) < 0.6


def nothing_depends_on_what_is_stored(client, members):
    track = max(members, key=lambda t: len(members[t]))
    paths = [f"/api/v1/tracks/{track}/shapes", "/api/v1/state?time=2018-03-19T12:00:00"]
    before = [get(client, path).getvalue() for path in paths]
    TrackShape.objects.all().delete()
    assert [get(client, path).getvalue() for path in paths] == before
