"""README and docs/api: every example is run and gives what the page shows; every parameter is there."""

import contextlib
import io
import re
import shlex
import sys
from datetime import timedelta
from pathlib import Path

import numpy
import pytest
from django.core.management import call_command
from django.test import Client

from api.dmlab import frame_params as frames
from api.dmlab import params as dmlab
from api.errors import RETRY_AFTER
from api.isd import params as isd
from api.isd import redirects
from api.v1 import images_params as images
from api.v1 import labels_params as labels
from api.v1 import params as v1
from api.v1 import tracks_params as tracks
from tests.api.conftest import SKY_TIME

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "api"
HOST = "http://127.0.0.1:8000"
PAGES = ("dmlab.md", "isd.md", "v1.md")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def examples(page):
    """(command, output) of every command in a console block; its output reaches to the next one."""
    for block in blocks(page, "console"):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            yield pytest.param(command, output, id=f"{page.name}: {command[9:]}")


def run(command):
    """What curl would print."""
    program, *arguments = shlex.split(command)
    assert program == "curl"
    assert arguments[0] == "-s"
    answer = Client(headers={"host": "127.0.0.1:8000"}).get(arguments[-1].removeprefix(HOST))
    text = answer.getvalue().decode()
    if arguments[1] == "-w":
        text += arguments[2].replace("\\n", "\n").replace("%{http_code}", str(answer.status_code))
    return text.replace("\r\n", "\n")


@pytest.mark.parametrize(("command", "output"), [e for page in PAGES for e in examples(DOCS / page)])
def test_example(request, tracked, sky, command, output):
    if "/labels" in command:
        request.getfixturevalue("region")
    answers(command, output)


@pytest.fixture
def region(make_event):
    """One region on the images, whose day is not that of the other events."""
    box = "POLYGON((0 0,57.6 0,57.6 38.4,0 38.4,0 0))"
    make_event(7, start=SKY_TIME, end=SKY_TIME + timedelta(hours=4), hpc_bbox=box).save()


@pytest.fixture
def demo(tmp_path, empty_sky):
    """The days and the image of the demo that the README asks for, as `make run` would load them."""
    recorded, pictures = str(tmp_path / "days.json"), str(tmp_path / "pictures")
    call_command("simulate_events", "--start", "2014-01-14", "--end", "2014-01-17", "--output", recorded)
    call_command("ingest_events", "--source", "archive", "--path", recorded)
    slot = ("--start", "2014-01-10T06:00", "--end", "2014-01-10T06:06")
    call_command("simulate_images", *slot, "--waves", "193", "--output", pictures)
    call_command("ingest_images", "--source", "files", "--path", pictures)


def test_readme(demo, subtests):
    shown = list(examples(ROOT / "README.md"))
    assert len(shown) == 7
    for example in shown:
        with subtests.test(example.id):
            answers(*example.values)


def answers(command, output):
    """Where the page shows `...`, anything may stand."""
    pattern = ".*?".join(re.escape(part) for part in output.rstrip("\n").split("..."))
    got = run(command).rstrip("\n")
    assert re.fullmatch(pattern, got, re.DOTALL), got


@pytest.fixture
def old_clients(monkeypatch):
    """The DMLab clients, which a page's program points to us; the next test shall not notice."""
    folder = Path(sys.prefix) / "clients"
    assert folder.is_dir(), "the clients are missing: make test installs them"
    monkeypatch.syspath_prepend(str(folder))
    for name in ("int", "float"):  # put back what the program gives them
        monkeypatch.setattr(numpy, name, None, raising=False)
    yield
    for module in [name for name in sys.modules if name.split(".")[0] in ("sdo", "sdo_image_parameter_api")]:
        del sys.modules[module]


@pytest.mark.parametrize("page", PAGES)
def test_program(live_server, tracked, sky, old_clients, page):
    programs, outputs = blocks(DOCS / page, "python"), blocks(DOCS / page, "text")
    for program, output in zip(programs, outputs, strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(program.replace(HOST, live_server.url), {})
        assert printed.getvalue() == output


TABLES = {
    "isd.md": [
        *(isd._TEMPORAL_QUERY, isd._SPATIOTEMPORAL_QUERY, isd._CLOSE_BY, isd.ONE_EVENT, isd._AGGREGATE),
        *(view.table for view in (redirects.ImageView, redirects.ParameterImageView)),
        *(view.table for view in (redirects.ParametersView, redirects.TrackSeriesView)),
    ],
    "v1.md": [
        *(v1.EVENTS, v1.EVENT),
        *(images.LIST, images.IMAGE, images.PICTURE, images.HEATMAP, images.BULK, images.HEADERS),
        *(images.AVAILABILITY, images.UNDER_SHAPE, labels.LABELS, labels.IMAGE_LABELS),
        *(tracks.STATE, tracks.TRACKS, tracks.TRACK, tracks.GRAPH, tracks.SHAPES, tracks.BULK),
    ],
    "dmlab.md": [
        *(dmlab.SPATIOTEMPORAL, frames.PICTURE, frames.HEATMAP, frames.CELLS, frames.RANGE),
        frames.TRACK_SERIES,
    ],
}


@pytest.mark.parametrize("page", PAGES)
def test_every_parameter_is_documented(page):
    text = (DOCS / page).read_text()
    names = {parameter.name for table in TABLES[page] for parameter in table}
    assert not {name for name in names if f"`{name}`" not in text and f"`{name}=" not in text}


def test_numbers_in_the_pages_are_those_of_the_code():
    page = (DOCS / "isd.md").read_text()
    assert f"| 0 to {isd.MAX_LIMIT}; more is an error | {isd.DEFAULT_LIMIT} |" in page
    assert (
        f"| 0 to {dmlab.MAX_LIMIT}; more is an error | {dmlab.DEFAULT_LIMIT} |"
        in (DOCS / "dmlab.md").read_text()
    )
    assert f"a whole number from 0 to {isd.MAX_LOOKBACK_HOURS} |" in page
    assert f"| 1 to {v1.MAX_LIMIT} | {v1.DEFAULT_LIMIT} in json" in (DOCS / "v1.md").read_text()
    assert (
        f"images in an answer, 1 to {labels.MAX_LIMIT} | {labels.DEFAULT_LIMIT} |"
        in (DOCS / "v1.md").read_text()
    )
    assert f"at most {tracks.MAX_INSTANTS} of them" in (DOCS / "v1.md").read_text()
    assert f"away: 0 to {tracks.MAX_DEPTH} | {tracks.DEFAULT_DEPTH} |" in (DOCS / "v1.md").read_text()
    assert f"at most {tracks.MAX_NODES} tracks" in (DOCS / "v1.md").read_text()
    assert RETRY_AFTER > 0
