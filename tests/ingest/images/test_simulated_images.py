"""Frames of the simulated Sun: always the same, features where their events are, served like real ones."""

import threading
from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.management import call_command

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, WAVES, slot_of, start_of
from ingest import measure
from ingest.images.client import HelioviewerClient
from ingest.images.helioviewer import HelioviewerSource
from ingest.images.lookalike import LookalikeServer, SimulatedShelf
from ingest.images.simulator import DELAY, SimulatedImages
from ingest.sources.simulator.sky import cosine_from_centre, earth
from ingest.sources.simulator.sun import Sun, day_at

START = datetime(2014, 1, 10, 6, tzinfo=UTC)
OBSERVED = START + DELAY


@pytest.fixture(scope="module")
def images():
    return SimulatedImages(1)


@pytest.fixture(scope="module")
def frame(images):
    """The pixels of 171 and what its file says after its whole way."""
    picture, facts = measure.decode(images.jp2(171, OBSERVED))
    return picture.pixels, facts


def test_a_file_comes_back_as_what_it_was_drawn_for(images, frame):
    pixels, facts = frame
    assert (pixels.shape, pixels.dtype) == ((4096, 4096), np.uint8)
    assert (facts.observed, facts.wave, facts.quality) == (OBSERVED, 171, 1 << 30)
    assert facts.wcs.centre == (2047.5, 2047.5)
    assert facts.wcs.radius == pytest.approx(float(earth(OBSERVED.timestamp()).rsun) / 0.6)
    assert np.abs(pixels.astype(int) - images.pixels(171, OBSERVED)).mean() < 2, (
        "the compression loses little"
    )


def test_the_same_seed_draws_the_same_pixels_and_another_one_others(images):
    again = SimulatedImages(1).pixels(304, OBSERVED)
    assert np.array_equal(images.pixels(304, OBSERVED), again)
    assert not np.array_equal(SimulatedImages(2).pixels(304, OBSERVED), again)


def test_active_regions_are_bright_where_their_events_are(frame):
    """Places by the domain's own conversions, not by what drew them."""
    pixels, facts = frame
    time, observer = np.array([OBSERVED.timestamp()]), earth(OBSERVED.timestamp())
    disk = pixels[1500:2600, 1500:2600].astype(float)
    seen = 0
    for region in Sun(1).regions(day_at(OBSERVED.timestamp())):
        longitude, latitude = region.position(time)
        if cosine_from_centre(longitude, latitude, observer)[0] < 0.5 or region.half_widths(time)[0][0] < 2:
            continue
        lon, lat = np.radians(longitude[0] - float(observer.l0)), np.radians(latitude[0])
        b0 = np.radians(float(observer.b0))
        west = np.cos(lat) * np.sin(lon)
        north = np.sin(lat) * np.cos(b0) - np.cos(lat) * np.cos(lon) * np.sin(b0)
        x, y = 2047.5 + west * facts.wcs.radius, 2047.5 - north * facts.wcs.radius
        around = pixels[int(y) - 20 : int(y) + 20, int(x) - 20 : int(x) + 20].mean()
        assert around > np.median(disk) + 3 * 16, (x, y)
        seen += 1
    assert seen >= 2


def test_every_slot_of_a_window_has_an_image_of_every_wave(images):
    items = list(images.items((), TimeWindow(START, START + 3 * CADENCE), []))
    first = slot_of(START)
    assert [(item.slot, item.wave) for item in items] == [(first + n, w) for w in WAVES for n in range(3)]


def test_the_look_alike_serves_the_simulated_sun_in_helioviewers_layout(images):
    server = LookalikeServer(SimulatedShelf(images))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with HelioviewerClient(timeout=30.0, retries=0) as client:
            source = HelioviewerSource(client, server.root, server.api)
            items = list(source.items((211,), TimeWindow(START, START + 10 * CADENCE), []))
            assert [item.slot for item in items] == list(range(slot_of(START), slot_of(START) + 10))
            assert measure.read_facts(source.fetch(items[3])).observed == start_of(items[3].slot) + DELAY
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_command_writes_a_folder_that_can_be_stopped_and_gone_on_with(tmp_path, capsys):
    arguments = ["--start", "2014-01-10T06:00", "--end", "2014-01-10T06:06", "--waves", "1700"]
    for written in (1, 0):
        call_command("simulate_images", *arguments, "--output", str(tmp_path))
        assert capsys.readouterr().out.startswith(f"{written} images")
    (file,) = tmp_path.rglob("*.jp2")
    assert str(file.relative_to(tmp_path).parent) == "2014/01/10/1700"
    assert measure.read_facts(file.read_bytes()).wave == 1700
