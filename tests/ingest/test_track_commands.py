"""track_events, interpolate_tracks, and what ingest_events does for tracks: words, effects and exit codes."""

from io import StringIO

import django.db
import pytest
from django.core.management import CommandError, call_command

from events.models import Track, TrackShape
from ingest import chains, shapes
from ingest.management.commands import load_demo
from ingest.models import ShapeOrder, TrackingOrder
from tests.ingest.solar_reports import carried, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    """`run(command, ...)`: what it says on stdout and on stderr, as lines."""

    def called(*arguments):
        out, err = StringIO(), StringIO()
        call_command(*map(str, arguments), stdout=out, stderr=err)
        return out.getvalue().splitlines(), err.getvalue().splitlines()

    return called


def test_tracking_and_interpolation_tell_what_they_did_and_do_it_once(run):
    store([*carried("A", [0, 4, 8]), *carried("H", [0], event_type="CH")])
    day = "2014-01-01 to 2014-01-01"
    assert run("track_events") == (
        ["edges +2 -0, reports placed 4, tracks removed 0"],
        [
            f"AR Square Finder, {day}: 3 reports; edges +2 -0, reports placed 3, tracks removed 0",
            f"CH Square Finder, {day}: 1 reports; edges +0 -0, reports placed 1, tracks removed 0",
            "2 tracks wait for shapes",
        ],
    )
    out, err = run("interpolate_tracks")
    assert out == ["2 tracks: shapes +162 -0"]
    assert err == ["1 tracks: shapes +121 -0", "2 tracks: shapes +162 -0"]
    assert run("track_events") == (
        ["edges +0 -0, reports placed 0, tracks removed 0"],
        ["0 tracks wait for shapes"],
    )
    assert run("interpolate_tracks") == (["0 tracks: shapes +0 -0"], [])


def test_again_repairs_what_somebody_has_broken_and_only_where_asked(run):
    store([*carried("A", [0, 4]), *carried("B", [240, 244], longitude=-150.0, latitude=-20.0)])
    run("track_events")
    run("interpolate_tracks")
    count = Track.objects.count()
    Track.objects.all().delete()
    _, err = run("track_events", "--again", "--start", "2014-01-01", "--end", "2014-01-02", "--types", "ar")
    assert err[0] == "1 days of reports are ordered"
    assert TrackingOrder.objects.count() == 0
    # Whatever is near enough to matter to what was asked for is brought in order with it.
    assert Track.objects.count() == count
    Track.objects.all().delete()
    run("track_events", "--again", "--types", "CH")
    assert not Track.objects.exists()
    run("track_events", "--again")
    assert Track.objects.count() == count
    run("interpolate_tracks", "--again", "--start", "2014-01-01", "--end", "2014-01-05")
    assert TrackShape.objects.count() == 162
    assert ShapeOrder.objects.count() == 1, "of the other track, which lives later"


@pytest.mark.parametrize("command", ["track_events", "interpolate_tracks"])
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--start", "2014-01-01"], "--start and --end go together"),
        (["--start", "soon", "--end", "2014-01-01"], "--start soon"),
        (["--start", "2014-01-02", "--end", "2014-01-01"], "after the end"),
        (["--start", "2014-01-02", "--end", "2014-01-02"], "is empty"),
        (["--types", "AR,QQ"], "QQ"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, command, arguments, line):
    with pytest.raises(CommandError, match=line) as error:
        run(command, *arguments)
    assert error.value.returncode == 1
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "fault",
    [
        (django.db.OperationalError("server closed"), 1, "the database: OperationalError: server closed"),
        (KeyboardInterrupt(), 130, "stopped; run it again to go on"),
    ],
)
@pytest.mark.parametrize(("command", "place"), [("track_events", chains), ("interpolate_tracks", shapes)])
def test_faults_end_it_with_one_line_and_a_status(run, monkeypatch, command, place, fault):
    error, status, line = fault
    store(carried("A", [0, 4]))
    if place is shapes:
        run("track_events")

    def broken(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(place, "write_edges" if place is chains else "write", broken)
        with pytest.raises(CommandError, match=line) as raised:
            run(command)
    assert raised.value.returncode == status
    run("track_events")
    run("interpolate_tracks")
    assert TrackShape.objects.count() == 81


def test_ingest_events_tracks_at_its_end_unless_told_not_to(run, real_data):
    arguments = ["ingest_events", "--source", "archive", "--path", real_data / "hek" / "ar_spoca_201803.json"]
    run(*arguments, "--no-tracks")
    assert (Track.objects.count(), TrackingOrder.objects.count()) == (0, 10)
    out, err = run(*arguments)
    assert out == ["received 98 = created 0 + updated 0 + unchanged 98 + quarantined 0"]
    assert err[-1].startswith("AR SPoCA, 2018-03-16 to 2018-03-25: 98 reports; edges +79 -0")
    assert Track.objects.count() == 19


def test_the_demo_ends_with_tracks_and_their_shapes(run):
    store([*carried("A", [0, 4]), *carried("H", [0], event_type="CH")])
    command = load_demo.Command(stdout=StringIO(), stderr=StringIO())
    command._track()
    assert (Track.objects.count(), TrackShape.objects.values("track").distinct().count()) == (2, 2)
    assert "2 tracks: shapes +122 -0" in command.stderr._out.getvalue()
