"""From file to row: what becomes of good, bad, repeated and turned images, and of passes that are cut off."""

import io
import os
import signal
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from PIL import Image

from events.domain.criteria import TimeWindow
from images import files, queries
from images.domain.header import facts_of
from images.domain.parameters import parameters
from images.domain.settings import named
from images.domain.slots import slot_of
from images.models import ImageHeader, MeasuringSettings
from images.store import FrameMissingError, ParameterStore, parameter_store
from ingest import image_pipeline, measure
from ingest.accounts import account
from ingest.image_tasks import order_files
from ingest.images import jp2
from ingest.models import ImageRun, QuarantinedRecord
from ingest.sources.base import SourceError

MIN = timedelta(minutes=1)
TIME = datetime(2014, 1, 10, 6, 0, 11, tzinfo=UTC)
State = ImageRun.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(places):
    made = places / "in"
    made.mkdir()
    return made


@pytest.fixture
def ingest(folder):
    """ingest(name=bytes, ...): a run over these files; (created, updated, unchanged, quarantined) of it."""

    def do(window=None, wave=None, **contents):
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (run,) = order_files([str(folder / name) for name in contents], window, wave)
        numbers = account(image_pipeline.work(run))
        assert numbers.pop("received") == sum(numbers.values())
        return tuple(numbers.values())

    return do


_DECODED: dict[bytes, np.ndarray] = {}


@pytest.fixture
def quick(monkeypatch):
    """Parameters that cost nothing, a pixel of each cell, ten times; the same pixels are decoded once."""

    def means(image, settings, missing=None):
        cells = image[32::64, 32::64].astype(np.float32)
        return np.repeat(cells[:, :, np.newaxis] + 1, 10, axis=2)

    def pixels(data):
        stream = data[data.index(b"jp2c") :]
        if stream not in _DECODED:
            _DECODED[stream] = decoded(data)
        return _DECODED[stream]

    decoded = jp2._pixels
    monkeypatch.setattr(measure, "parameters", means)
    monkeypatch.setattr(jp2, "_pixels", pixels)


def everything():
    """All that can be seen of images: rows, frames, pictures."""
    seen = []
    for row in ImageHeader.objects.order_by("wave", "slot"):
        frame = ParameterStore(parameter_store().address).frame(row.wave, row.slot)
        pictures = [files.picture_folder().read(row.wave, row.slot, size) for size in files.SIZES]
        values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
        seen.append(
            ({k: v for k, v in values.items() if k not in ("id", "measured_at")}, frame.tobytes(), pictures)
        )
    return seen


def test_real_images_come_through_value_for_value(ingest, real_data):
    images = sorted((real_data / "images").glob("*.jp2")) + sorted((real_data / "images").glob("*.fits"))
    assert ingest(**{path.name: path.read_bytes() for path in images}) == (3, 0, 0, 3)
    reasons = {record.payload.rpartition("/")[2]: record.reason for record in QuarantinedRecord.objects.all()}
    assert reasons["2013_06_24__17_31_30_84__SDO_AIA_AIA_193.jp2"].startswith(
        "410 x 410 pixels cannot be cut"
    )
    assert "store holds 64 x 64" in reasons["aia_171_level1.fits"]
    assert reasons["aia_171_cutout.fits"].startswith("705 x 769")
    row = queries.find(193, datetime(2022, 1, 1, tzinfo=UTC))
    old = (row.x0, row.y0, row.r_sun, row.dsun, row.cdelt, row.quality)
    assert old == (2039.83, 2039.2, 1626.6655, 1.4709111e11, 0.60071403, 1 << 30)
    assert (row.crpix1, row.crpix2, row.crota2, row.size, row.flags) == (2048.5, 2048.5, 0, 4096, ["marked"])
    assert (row.cdelt1, row.hgln_obs) == (pytest.approx(0.60000008), None)
    assert row.crln_obs == float(row.header["CRLN_OBS"])
    assert row.header["T_OBS"] == "2022-01-01T00:03:53.835"
    assert row.settings.knobs["canny_high"] == 7.5
    picture = jp2.read(next(path for path in images if path.name.startswith("2022")))
    expected = parameters(picture.pixels, named("reference-1", 193))
    assert np.array_equal(parameter_store().frame(193, row.slot), expected)
    for size in files.SIZES:
        jpeg = Image.open(io.BytesIO(files.picture_folder().read(193, row.slot, size)))
        assert (jpeg.format, jpeg.mode, jpeg.size) == ("JPEG", "L", (size, size))
        step = 4096 // size
        exact = picture.pixels.reshape(size, step, size, step).mean(axis=(1, 3))
        assert np.abs(np.asarray(jpeg) - exact).mean() < 2.5


@pytest.mark.parametrize("turn", [0.0, 0.02, 30.0, 179.5, -120.0])
def test_the_columns_of_a_row_give_the_coordinate_system_back(full_disk, turn):
    """West and north of every corner, whichever way the camera was turned."""
    header = jp2.read_header(
        full_disk(171, TIME, CROTA2=turn, CRPIX1=2040.25, CRPIX2=2051.5, CDELT2=0.61, CRVAL1=3.0, CRVAL2=-2.0)
    )
    facts = facts_of(header, 4096, 4096)
    row = ImageHeader(**measure._columns(facts))
    corners = ([0, 0, 4095, 4095, 2000], [0, 4095, 0, 4095, 2100])
    assert np.allclose(row.wcs.pixel_to_arcsec(*corners), facts.wcs.pixel_to_arcsec(*corners), atol=1e-6)
    assert (row.wcs.dsun, row.wcs.rsun, row.wcs.rows) == (facts.wcs.dsun, facts.wcs.rsun, 4096)


def test_the_same_files_again_change_nothing_and_are_not_decoded(ingest, quick, full_disk, monkeypatch):
    data = full_disk(171, TIME)
    assert ingest(a=data) == (1, 0, 0, 0)
    before = everything()
    monkeypatch.setattr(measure, "decode", None)
    assert ingest(a=data) == (0, 0, 1, 0)
    assert everything() == before


def test_the_first_image_in_a_slot_wins(ingest, quick, full_disk):
    first, second, next_slot = full_disk(171, TIME), full_disk(171, TIME + MIN, 120), TIME + 6 * MIN
    assert ingest(a=first, b=second, c=full_disk(171, next_slot)) == (2, 0, 1, 0)
    assert [row.observed for row in ImageHeader.objects.order_by("slot")] == [TIME, TIME + 6 * MIN]
    assert parameter_store().frame(171, slot_of(TIME))[32, 32, 0] < 110


def test_a_picture_served_for_two_times_is_flagged(ingest, quick, full_disk):
    ingest(a=full_disk(171, TIME), b=full_disk(171, TIME + 6 * MIN), c=full_disk(193, TIME))
    ingest(d=full_disk(171, TIME - 60 * 24 * MIN))
    flags = {(row.wave, row.observed): row.flags for row in ImageHeader.objects.all()}
    assert flags == {
        (171, TIME): [], (171, TIME + 6 * MIN): ["duplicate"], (193, TIME): [],
        (171, TIME - 60 * 24 * MIN): ["duplicate"],
    }  # fmt: skip


def test_a_turned_image_and_a_dark_one_are_flagged(ingest, full_disk, real_data):
    path = real_data / "images/2021_01_06__00_01_41_13__SDO_AIA_AIA_304.jp2"
    upright = jp2.read(path)
    frame = measure.frame_of(
        type(upright)(np.ascontiguousarray(np.rot90(upright.pixels)), upright.header),
        measure.decode(path.read_bytes())[1], measure.content_hash(b"turned"), "reference-1",
    )  # fmt: skip
    parameter_store().ensure()
    assert measure.store(frame, source="files", origin="turned") == measure.Outcome.CREATED
    assert "rotated" in ImageHeader.objects.get().flags
    assert ingest(dark=full_disk(171, TIME, IMG_TYPE="DARK")) == (1, 0, 0, 0)
    assert ImageHeader.objects.get(wave=171).flags == ["dark"]
    assert queries.find(171, TIME).flags == ["dark"]


def test_what_cannot_be_an_image_is_kept_with_its_reason(ingest, quick, full_disk):
    good = full_disk(171, TIME)
    bad = {
        "truncated": good[: len(good) // 2], "empty": b"", "text": b"no image at all",
        "early": full_disk(171, datetime(2010, 4, 1, tzinfo=UTC)),
        "late": full_disk(171, TIME.replace(year=2060)),
        "other": full_disk(171, TIME, WAVELNTH=4500),
        "timeless": full_disk(171, TIME, **{"DATE-OBS": "soon"}),
    }  # fmt: skip
    assert ingest(**bad, good=good) == (1, 0, 0, len(bad))
    reasons = {r.payload.rpartition("/")[2]: r.reason for r in QuarantinedRecord.objects.all()}
    assert set(reasons) == set(bad)
    for name, word in {
        "truncated": "ends after", "early": "before", "late": "slots", "other": "4500",
        "timeless": "DATE-OBS",
    }.items():  # fmt: skip
        assert word in reasons[name]
    assert ingest(truncated=good.replace(b"LIGHT", b"light")) == (0, 0, 1, 0), "the slot is taken"
    assert QuarantinedRecord.objects.get(payload__endswith="/truncated").resolved_at is not None


def test_only_what_is_asked_for_is_taken(ingest, quick, full_disk):
    contents = {"a": full_disk(171, TIME), "b": full_disk(193, TIME), "c": full_disk(171, TIME + 6 * MIN)}
    start = TIME - timedelta(seconds=11)
    assert ingest(TimeWindow(start, start + 6 * MIN), 171, **contents) == (1, 0, 0, 0)
    assert ImageHeader.objects.get().observed == TIME


def test_other_settings_measure_the_same_file_anew(ingest, full_disk, settings):
    data = full_disk(193, TIME)
    ingest(a=data)
    first = ImageHeader.objects.get()
    settings.ISD_IMAGE_SETTINGS = "jp2-1"
    assert ingest(a=data) == (0, 1, 0, 0)
    second = ImageHeader.objects.get()
    assert (first.settings.label, second.settings.label) == ("reference-1", "jp2-1")
    assert set(MeasuringSettings.objects.values_list("name", "version", "wave")) == {
        ("reference", 1, 193), ("jp2", 1, 193),
    }  # fmt: skip
    assert ingest(a=data) == (0, 0, 1, 0)


def test_settings_that_do_not_exist_fail_the_run_and_not_the_images(ingest, full_disk, settings):
    settings.ISD_IMAGE_SETTINGS = "best-7"
    with pytest.raises(ValueError, match="best-7"):
        ingest(a=full_disk(171, TIME))
    run = ImageRun.objects.get()
    assert (run.state, QuarantinedRecord.objects.count()) == (State.FAILED, 0)
    assert "best-7" in run.error


#: Where a process may end: everything that it writes, in the order in which it does.
STEPS = {
    "before anything": (measure, "_exclusive"),
    "writing the arrays": (ParameterStore, "write"),
    "writing the pictures": (files.PictureFolder, "write"),
    "with one picture written": (files, "sync_to_disk"),
    "writing the settings": (MeasuringSettings.objects, "get_or_create"),
    "writing the row": (ImageHeader.objects, "create"),
    "writing the account": (image_pipeline.books, "enter"),
    "closing the books": (image_pipeline.accounts, "succeed"),
}


class Killed(BaseException):
    """As SIGKILL: nobody handles it but what PostgreSQL does by itself."""


@pytest.mark.parametrize("moment", [f"{when} {step}" for step in STEPS for when in ("on", "after")])
def test_a_pass_that_ends_at_any_step_shows_nothing_half_and_is_done_by_the_next(
    quick, folder, full_disk, monkeypatch, moment
):
    when, _, step = moment.partition(" ")
    (folder / "a").write_bytes(full_disk(171, TIME))
    (run,) = order_files([str(folder / "a")])
    place, name = STEPS[step]
    proper = getattr(place, name)

    def dying(*args, **kwargs):
        if when == "after":
            proper(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dying)
        with pytest.raises(Killed):
            image_pipeline.work(run)
    committed = step in ("writing the account", "closing the books")
    assert ImageHeader.objects.count() == committed
    assert len(everything()) == committed, "what has a row is whole"
    run.refresh_from_db()
    assert run.received == run.created + run.unchanged
    if run.state != State.SUCCEEDED:
        run.state = State.PENDING
        run.save()
        image_pipeline.work(run)
    run.refresh_from_db()
    assert (run.state, run.received) == (State.SUCCEEDED, 1)
    ((row, frame, pictures),) = everything()
    assert row["observed"] == TIME
    assert parameter_store().frame(171, row["slot"]).tobytes() == frame
    assert len(pictures) == 3


def test_an_image_that_is_measured_anew_is_gone_until_it_is_whole_again(
    quick, folder, full_disk, monkeypatch, settings
):
    (folder / "a").write_bytes(full_disk(171, TIME))
    image_pipeline.work(order_files([str(folder / "a")])[0])
    settings.ISD_IMAGE_SETTINGS = "jp2-1"
    (run,) = order_files([str(folder / "a")])
    with monkeypatch.context() as patch:

        def die(*_):
            raise Killed

        patch.setattr(files.PictureFolder, "write", die)
        with pytest.raises(Killed):
            image_pipeline.work(run)
    assert everything() == []
    (again,) = order_files([str(folder / "a")])
    image_pipeline.work(again)
    assert [row["settings_id"] for row, *_ in everything()] == [MeasuringSettings.objects.get(name="jp2").pk]


@pytest.mark.django_db(transaction=True)
def test_processes_that_store_the_same_slots_at_once_store_each_one_whole_and_once(quick, folder, full_disk):
    """Each slot has three different images; three processes take one each, at once, the whole way."""
    times = [TIME + n * 6 * MIN for n in range(2)]
    for n, time in enumerate(times):
        for level in range(3):
            name = f"{n}_{level}"
            (folder / name).write_bytes(full_disk(171, time + level * MIN, 60 + 30 * level))
    runs = [order_files([str(folder / f"{n}_{level}") for n in range(2)])[0] for level in range(3)]
    connection.close()
    children = []
    for run in runs:
        if not (child := os.fork()):
            status = 1
            try:
                image_pipeline.work(run)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 3
    rows = ImageHeader.objects.order_by("slot")
    assert [row.slot for row in rows] == [slot_of(time) for time in times]
    for row in rows:
        level = int(row.origin[-1])
        stored = parameter_store().frame(171, row.slot)[32, 32, 0]
        assert abs(stored - (61 + 30 * level)) < 5, "the arrays are those of the row's own image"
        small = Image.open(io.BytesIO(files.picture_folder().read(171, row.slot, 256)))
        assert abs(int(np.asarray(small)[128, 128]) - (60 + 30 * level)) < 5
    total = [account(ImageRun.objects.get(pk=run.pk)) for run in runs]
    assert sum(one["created"] for one in total) == 2
    assert sum(one["unchanged"] for one in total) == 4


@pytest.mark.django_db(transaction=True)
def test_a_killed_process_lets_go_of_its_slot_and_run(quick, folder, full_disk):
    """A real SIGKILL between arrays and row."""
    (folder / "a").write_bytes(full_disk(171, TIME))
    (run,) = order_files([str(folder / "a")])
    connection.close()
    if not (child := os.fork()):
        files.PictureFolder.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        try:
            image_pipeline.work(run)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert ImageHeader.objects.count() == 0
    run.refresh_from_db()
    assert run.state == State.RUNNING
    assert account(image_pipeline.work(run))["created"] == 1
    assert len(everything()) == 1


def test_a_source_that_is_sick_for_now_fails_the_pass_and_one_file_that_is_gone_does_not(
    quick, folder, full_disk
):
    (folder / "a").write_bytes(full_disk(171, TIME))
    (run,) = order_files([str(folder / "gone"), str(folder / "a")])
    numbers = account(image_pipeline.work(run))
    assert (numbers["created"], numbers["quarantined"]) == (1, 1)
    assert "No such file" in QuarantinedRecord.objects.get().reason


def test_a_run_that_needs_a_window_and_has_none_fails_with_the_reason(places):
    for source in ("helioviewer", "simulation", "nonesuch"):
        run = ImageRun.objects.create(source=source)
        with pytest.raises(SourceError):
            image_pipeline.work(run)
        assert (run.state, bool(run.error)) == (State.FAILED, True)


def test_a_row_without_its_frame_is_told_and_not_served(ingest, quick, full_disk, places):
    ingest(a=full_disk(171, TIME))
    slot = slot_of(TIME)
    (places / f"parameters.zarr/aia_171/c.{slot}.0.0.0").unlink()
    with pytest.raises(FrameMissingError):
        parameter_store().frame(171, slot)
    assert measure.seen_before(measure.read_facts(full_disk(171, TIME + 6 * MIN))) is None
