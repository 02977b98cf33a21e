"""What the addresses of images ask of what stands behind them, and what they say when that fails."""

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Track, TrackReport
from images.domain.slots import start_of
from tests.api.conftest import SKY_TIME

HOUR = "start=2012-02-13T20:00:00&end=2012-02-13T21:00:00&wave=171"
OLD = "wave=171&starttime=2012-02-13T20:06:00"
OLD_HOUR = "wave=171&starttime=2012-02-13T20:06:00&endtime=2012-02-13T21:00:00"
V1, D = "/api/v1", "/dmlabapi"
BOX = "POLYGON((0 0,50 0,50 30,0 30,0 0))"
#: What reads the frame of 20:06, and how many statements it takes.
FRAMES = {
    f"{V1}/images/171/156921/heatmap.png?parameter=1": 1,
    f"{V1}/images/171/2012-02-13T20:06:00/heatmap.jpg?parameter=1&legend=true&size=512": 1,
    f"{V1}/parameters?{HOUR}&format=json": 2,
    f"{V1}/parameters?{HOUR}&format=parquet": 2,
    f"{V1}/events/1/parameters?wave=171": 2,
    f"{V1}/tracks/1/parameters?wave=171": 4,
    f"{D}/images/SDO/AIA/param/64/256/?{OLD}&param=1": 1,
    f"{D}/params/SDO/AIA/64/full/?{OLD}": 1,
    f"{D}/params/SDO/AIA/json/64/full/?{OLD}": 1,
    f"{D}/params/SDO/AIA/64/full/range/?{OLD_HOUR}": 2,
    f"{D}/params/SDO/AIA/json/64/full/range/?{OLD_HOUR}": 2,
    f"{D}/params/SDO/AIA/param/track/ts?id=ivo://test/AR_00001&wave=171&param=1": 6,
}
PICTURES = {
    f"{V1}/images/171/156921.jpg": 1,
    f"{V1}/images/171/156921.jpg?colour=aia": 1,
    f"{D}/images/SDO/AIA/2k/?{OLD}": 1,
    f"{D}/images/SDO/AIA/2k/?{OLD}&colour=1": 1,
}
#: What is told of images without reading them, or reads frames later.
ROWS = {
    f"{V1}/images?{HOUR}": 1,
    f"{V1}/images?time=2012-02-13T20:06:00": 9,  # one a wavelength
    f"{V1}/images?time=2012-02-13T20:06:00&match=nearest": 18,
    f"{V1}/images/171/156921": 4,  # neighbours and keywords
    f"{V1}/headers?{HOUR}&format=json": 1,
    f"{V1}/headers?{HOUR}&format=csv": 3,  # the cursor in its transaction
    f"{V1}/headers?{HOUR}&format=votable": 1,
    f"{V1}/availability?start=2012-02-13&end=2012-02-20&wave=171": 4,
    f"{V1}/events?include=header&wave=171&start=2012-02-13": 4,
    f"{V1}/parameters?{HOUR}&format=npz": 2,
    f"{V1}/parameters?{HOUR}&format=zarr": 2,
    f"{D}/header/SDO/AIA/json/?{OLD}": 1,
    f"{D}/header/SDO/AIA/xml/?{OLD}": 1,
}


@pytest.fixture
def one(empty_sky, make_event):
    """The image of 20:06, and an event with a box at that time, which is its own track."""
    empty_sky.add(start_of(156921))
    event = make_event(1, pk=1, start=SKY_TIME, end=SKY_TIME + timedelta(minutes=10), hpc_bbox=BOX)
    event.save()
    life = {"event_starttime": event.event_starttime, "event_endtime": event.event_endtime}
    track = Track.objects.create(pk=1, event_type="AR", report_count=1, **life)
    report = {"event_starttime": event.event_starttime, "observed": event.instant}
    TrackReport.objects.create(event=event, track=track, position=0, **report)
    return empty_sky


def lost(path):
    """Reading the file is an error of the disk: nothing can read the address 0 of a process."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def assert_away(answer):
    body = answer.getvalue()
    assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "30", "no-store")
    assert "ETag" not in answer
    if answer["Content-Type"].startswith("application/xml"):
        said = ElementTree.fromstring(body).text
    else:
        said = json.loads(body)["error"]
        said = said if isinstance(said, str) else said["message"]
    assert "cannot be read; ask again later" in said


@pytest.mark.parametrize("damage", [lost, halved, emptied])
@pytest.mark.parametrize("address", FRAMES)
def test_a_frame_that_cannot_be_read_is_503(client, one, address, damage):
    assert client.get(address).status_code == 200
    damage(one.folder / "parameters.zarr" / "aia_171" / "c.156921.0.0.0")
    assert_away(client.get(address))


@pytest.mark.parametrize("damage", [lost, halved, emptied])
@pytest.mark.parametrize("address", PICTURES)
def test_a_picture_that_cannot_be_read_is_503(client, one, address, damage):
    assert client.get(address).status_code == 200
    damage(one.pictures.path(171, 156921, 2048))
    assert_away(client.get(address))


def test_a_picture_whose_inside_is_spoilt_is_503_where_it_is_opened(client, one):
    path = one.pictures.path(171, 156921, 2048)
    path.write_bytes(b"\xff\xd8" + b"x" * 1000 + b"\xff\xd9")
    for address in PICTURES:
        if "colour" in address:
            assert_away(client.get(address))


@pytest.mark.parametrize("form", ["npz", "zarr"])
def test_a_file_whose_frame_cannot_be_read_breaks_off(client, one, form):
    """Its head was sent before."""
    lost(one.folder / "parameters.zarr" / "aia_171" / "c.156921.0.0.0")
    answer = client.get(f"{V1}/parameters?{HOUR}&format={form}")
    assert answer.status_code == 200
    with pytest.raises(Exception, match="cannot be read"):
        answer.getvalue()


@pytest.mark.parametrize(("address", "bound"), [*FRAMES.items(), *PICTURES.items(), *ROWS.items()])
def test_no_address_takes_more_statements_than_it_needs(client, one, address, bound):
    one.add(start_of(156922))
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
        answer.getvalue()
    assert answer.status_code == 200
    assert len(asked) <= bound, [query["sql"] for query in asked]
