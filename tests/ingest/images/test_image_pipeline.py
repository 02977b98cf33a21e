"""From file to row: what becomes of good, bad, repeated and turned images, and of passes that are cut off."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from events.domain.criteria import TimeWindow
from images import files, queries
from images.domain.header import facts_of
from images.domain.parameters import parameters
from images.domain.settings import named
from images.domain.slots import slot_of
from images.models import ImageHeader, MeasuringSettings
from images.store import FrameMissingError, parameter_store
from ingest import image_pipeline, measure
from ingest.accounts import account
from ingest.images import jp2
from ingest.models import ImageRun, QuarantinedRecord
from ingest.sources.base import SourceError
from tests.stored_images import everything, order_files

MIN = timedelta(minutes=1)
TIME = datetime(2014, 1, 10, 6, 0, 11, tzinfo=UTC)
State = ImageRun.State

pytestmark = pytest.mark.django_db


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
        (171, TIME): ["duplicate"], (171, TIME + 6 * MIN): ["duplicate"], (193, TIME): [],
        (171, TIME - 60 * 24 * MIN): [],
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


def test_what_cannot_be_an_image_is_kept_with_its_reason(ingest, quick, full_disk, places):
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
    assert len(list(places.rglob("*.jpg"))) == 3, "no pictures of what is refused"
    assert ingest(truncated=full_disk(171, TIME + 6 * MIN)) == (1, 0, 0, 0)
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


def test_a_source_that_is_sick_for_now_fails_the_pass_and_one_file_that_is_gone_does_not(
    quick, folder, full_disk
):
    (folder / "a").write_bytes(full_disk(171, TIME))
    run = order_files(folder / "gone", folder / "a")
    numbers = account(image_pipeline.work(run))
    assert (numbers["created"], numbers["quarantined"]) == (1, 1)
    assert "No such file" in QuarantinedRecord.objects.get().reason


def test_a_run_that_needs_a_window_and_has_none_fails_with_the_reason(places):
    for source in ("helioviewer", "simulator", "nonesuch"):
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
