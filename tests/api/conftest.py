"""Events to ask about, and short ways to ask."""

import io
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import numpy as np
import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.core.management import call_command
from django.test import Client
from PIL import Image

from events.domain.vocabulary import GEOMETRY_COLUMNS
from events.models import Event
from images.domain.slots import slot_of
from images.files import SIZES, PictureFolder
from images.models import ImageHeader
from images.store import ParameterStore
from tests.image_rows import image_row, settings_row

EPOCH = datetime(2014, 8, 30, tzinfo=UTC)
#: When the images begin.
SKY_TIME = datetime(2012, 2, 13, 20, tzinfo=UTC)


def _event(number: int, event_type: str = "AR", start: Any = EPOCH, end: Any = None, **columns: Any) -> Event:
    for column in set(columns) & set(GEOMETRY_COLUMNS):
        columns[column] = columns[column] and GEOSGeometry(columns[column], srid=0)
    defaults = {
        "kb_archivid": f"ivo://test/{event_type}_{number:05}",
        "attributes": {},
        "content_hash": UUID(int=number + 1),
        "source": "test",
    }
    return Event(
        event_type=event_type, event_starttime=start, event_endtime=end or start, **(defaults | columns)
    )


@pytest.fixture
def make_event() -> Callable[..., Event]:
    """Builds, but does not store, an event; shapes as WKT."""
    return _event


def box_wkt(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"POLYGON(({x0} {y0},{x1} {y0},{x1} {y1},{x0} {y1},{x0} {y0}))"


@pytest.fixture
def sample(db: None) -> list[Event]:
    """Six events of the last days of August 2014, as the pages in docs/api show them."""
    hour = timedelta(hours=1)
    spoca = {"frm_name": "SPoCA", "obs_observatory": "SDO", "obs_instrument": "AIA", "obs_meanwavel": 1.71e-6}
    units = {"event_coordunit": "arcsec,arcsec"}
    region = box_wkt(400, 80, 600, 220)
    outline = "POLYGON((400 80,600 100,580 220,420 200,400 80))"
    heliographic = {"hgs_bbox": box_wkt(25, 10, 38, 19), "hgs_coord": "POINT(31 14)"}
    events = [
        _event(1, "AR", EPOCH, EPOCH + 4 * hour, hpc_bbox=region, hpc_boundcc=outline, ar_noaanum=12149,
               hpc_coord="POINT(500 150)", frm_specificid="SPOCA_AR_0017", **spoca, **heliographic,
               attributes={**units, "event_type": "AR", "ar_noaanum": 12149, "frm_name": "SPoCA",
                           "frm_humanflag": False, "frm_daterun": "2014-08-30T06:10:00",
                           "area_atdiskcenter": 5200000000, "area_unit": "km2"}),
        _event(2, "AR", EPOCH + 4 * hour, EPOCH + 8 * hour, hpc_bbox=box_wkt(430, 80, 630, 220),
               hpc_coord="POINT(530 150)", frm_specificid="SPOCA_AR_0017", ar_noaanum=12149, **spoca,
               hgs_bbox=box_wkt(27, 10, 40, 19), attributes=dict(units)),
        _event(3, "CH", EPOCH - 2 * hour, EPOCH + 2 * hour, hpc_bbox=box_wkt(-300, 500, 100, 900),
               hpc_boundcc="POLYGON((-300 500,100 500,-100 900,-300 500))", hpc_coord="POINT(-100 600)",
               hgs_bbox=box_wkt(-30, 30, 10, 70), **spoca, attributes=dict(units)),
        _event(4, "FL", EPOCH + 12 * hour, EPOCH + 12.5 * hour, event_peaktime=EPOCH + 12.2 * hour,
               hpc_bbox=box_wkt(470, 120, 530, 180), hpc_coord="POINT(500 150)", frm_name="SWPC",
               hgs_bbox=box_wkt(29, 13, 33, 16), obs_observatory="GOES", fl_goescls="M1.2",
               goes_flux=1.2e-5, ar_noaanum=12149,
               attributes={"event_coordunit": "degrees", "fl_goescls": "M1.2"}),
        _event(5, "FL", EPOCH + 24 * hour, EPOCH + 24 * hour, frm_name="SWPC", fl_goescls="C3.4",
               goes_flux=3.4e-6, attributes={"fl_goescls": "C3.4"}),
        _event(6, "CE", EPOCH + 36 * hour, EPOCH + 48 * hour, hpc_bbox=box_wkt(900, -200, 2400, 1500),
               hpc_coord="POINT(1650 650)", frm_name="CACTus (Computer Aided CME Tracking)",
               attributes={"event_coordunit": "deg, rsun", "cme_radiallinvel": 410.5,
                           "cme_radiallinvelunit": "km/sec"}),
    ]  # fmt: skip
    return Event.objects.bulk_create(events)


@pytest.fixture
def tracked(sample: list[Event]) -> list[Event]:
    """The six, of which the active regions are one track, the coronal hole another; with their shapes."""
    for command in (["track_events", "--again"], ["interpolate_tracks"]):
        call_command(*command, stdout=io.StringIO(), stderr=io.StringIO())
    return sample


@pytest.fixture
def ask(client: Client) -> Callable[..., tuple[int, Any]]:
    """Asks a GET of a path with parameters; gives the status and the JSON."""

    def get(path: str, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, Any]:
        response = client.get(f"{path}?{urlencode(query, doseq=True)}", headers=headers or {})
        return response.status_code, json.loads(response.getvalue())

    return get


@pytest.fixture
def isd_rows(ask: Callable[..., tuple[int, Any]]) -> Callable[..., list[dict[str, Any]]]:
    """Asks a route of the ISD dialect that must succeed; gives the Result."""

    def rows(path: str, **query: Any) -> list[dict[str, Any]]:
        status, body = ask(path, **query)
        assert (status, body["Status"], body["StatusCode"], body["Msg"]) == (200, "OK", 1, "Successful"), body
        return body["Result"]

    return rows


@cache
def _jpegs() -> dict[int, bytes]:
    """Pictures by size: dark in the east, bright in the west."""
    grey = Image.linear_gradient("L").rotate(90)
    pictures = {}
    for size in SIZES:
        buffer = io.BytesIO()
        grey.resize((size, size)).save(buffer, "JPEG", quality=90)
        pictures[size] = buffer.getvalue()
    return pictures


class Sky:
    """Images in a folder, and their rows: `add` puts both there, as the ingest would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = ParameterStore(str(folder / "parameters.zarr"))
        self.pictures = PictureFolder(folder / "images")

    @staticmethod
    def frame(wave: int, slot: int) -> np.ndarray:
        """Parameters like those of an image: of all magnitudes, the same for the same arguments."""
        scale = np.array([2, 60, 20, 0.4, 3, 10, 0.1, 0.3, 4000, 0.03], dtype=np.float32)
        values = np.random.default_rng((wave, slot)).gamma(2.0, 1.0, (64, 64, 10)).astype(np.float32) * scale
        values[:, :, 4:6] -= scale[4:6]  # skewness and kurtosis have both signs
        values[0, :8, :] = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0]  # constant cells
        return values

    def write(self, observed: datetime, wave: int, frame: np.ndarray | None = None) -> None:
        """Arrays and pictures, which count for nothing without a row."""
        slot = slot_of(observed)
        self.store.write(wave, slot, self.frame(wave, slot) if frame is None else frame)
        self.pictures.write(wave, slot, _jpegs())

    def row(self, observed: datetime, wave: int = 171, **columns: Any) -> ImageHeader:
        """The row of an image whose arrays are written."""
        row = image_row(observed, wave, **columns)
        row.save()
        return row

    def add(
        self, observed: datetime, wave: int = 171, frame: np.ndarray | None = None, **columns: Any
    ) -> ImageHeader:
        """Store an image: arrays and pictures first, then the row."""
        self.write(observed, wave, frame)
        return self.row(observed, wave, **columns)


#: The images of `sky`: five of 171, none in the slot of 20:18; one of 94.
SKY = (
    *(
        (SKY_TIME + timedelta(minutes=m, seconds=s), 171)
        for m, s in ((0, 0), (6, 1), (12, 12.35), (24, 0), (30, 1))
    ),
    (SKY_TIME + timedelta(minutes=12), 94),
)


@pytest.fixture(scope="session")
def no_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without a frame, to be copied."""
    sky = Sky(tmp_path_factory.mktemp("no_images"))
    sky.store.ensure()
    return sky.folder


@pytest.fixture(scope="session")
def some_images(tmp_path_factory: pytest.TempPathFactory, no_images: Path) -> Path:
    """The arrays and pictures of `SKY`."""
    sky = Sky(Path(shutil.copytree(no_images, tmp_path_factory.mktemp("some_images"), dirs_exist_ok=True)))
    for observed, wave in SKY:
        sky.write(observed, wave)
    return sky.folder


def _at(folder: Path, settings: Any) -> Sky:
    settings.ISD_PARAMETER_STORE = str(folder / "parameters.zarr")
    settings.ISD_IMAGE_FOLDER = str(folder / "images")
    return Sky(folder)


@pytest.fixture
def empty_sky(db: None, settings: Any, tmp_path: Path, no_images: Path) -> Sky:
    """A store of the test's own without an image."""
    return _at(Path(shutil.copytree(no_images, tmp_path / "sky")), settings)


@pytest.fixture
def sky(db: None, settings: Any, some_images: Path) -> Sky:
    """The half hour from 2012-02-13T20:00:00. The rows are the test's own, the folder is not."""
    made = _at(some_images, settings)
    settings_of = {wave: settings_row(wave) for _, wave in SKY}
    ImageHeader.objects.bulk_create(image_row(*image, settings_of[image[1]]) for image in SKY)
    return made
