"""What a slot holds: the first image observed in it, whole, whatever comes when, from where, and again."""

import io
import shutil
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from images import files, queries
from images import store as store_module
from images.domain.picture import Picture
from images.domain.quality import Flag, Seen
from images.domain.settings import SettingsError, named
from images.domain.slots import CADENCE, slot_of, start_of
from images.models import ImageHeader, MeasuringSettings, Replacement
from images.store import ParameterStore, StoreUnavailableError, parameter_store
from ingest import image_pipeline, measure
from ingest.accounts import account, is_transient
from ingest.images import jp2
from ingest.images.base import Item
from ingest.images.layout import file_name
from ingest.models import ImageRun, QuarantinedRecord
from ingest.sources.base import SourceError
from tests.stored_images import everything, order_files

MIN = timedelta(minutes=1)
TIME = datetime(2014, 1, 10, 6, 0, 11, tzinfo=UTC)
NONE = {"received": 0, "created": 0, "updated": 0, "unchanged": 0, "quarantined": 0}

pytestmark = pytest.mark.django_db


@pytest.fixture
def frame(places, full_disk):
    """frame(time, 3, pixels=5): a frame that nobody measured, told from others by these numbers."""
    parameter_store().ensure()
    header = jp2.read_header(full_disk(171, TIME))
    facts = measure.read_facts(full_disk(171, TIME))
    jpegs = {}
    for number in range(16):
        file = io.BytesIO()
        Image.fromarray(np.full((8, 8), number, dtype=np.uint8)).save(file, "JPEG")
        jpegs[number] = file.getvalue()

    def make(observed: datetime, number: int, pixels: int, label: str = "reference-1") -> measure.Frame:
        values = np.full((64, 64, 10), 100.0 * number, dtype=np.float32)
        values += named(label, 171).canny_low
        return measure.Frame(
            facts=replace(facts, observed=observed), header=header, parameters=values,
            pictures=dict.fromkeys(files.SIZES, jpegs[number]), flags=Flag(0),
            seen=Seen(values[..., 1], uuid.UUID(int=pixels).hex), settings=named(label, 171),
            content_hash=uuid.UUID(int=number),
        )  # fmt: skip

    return make


class Listing:
    """A source that lists these files of a wavelength and slot and counts what is fetched."""

    name, attempts = "listing", 1

    def __init__(self, **contents: bytes) -> None:
        self.contents, self.fetched = contents, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def items(self, waves, window, paths):
        del waves, paths
        for origin in self.contents:
            yield Item(origin, 171, slot_of(window.start))

    def fetch(self, item):
        self.fetched.append(item.origin)
        return self.contents[item.origin]


@pytest.fixture
def listed(places, monkeypatch):
    """listed(origin=bytes): a run over a listing of the slot of TIME; its account and what was fetched."""

    def do(**contents):
        source = Listing(**contents)
        monkeypatch.setattr(image_pipeline, "image_source", lambda _: source)
        begin = start_of(slot_of(TIME))
        window = {"window_start": begin, "window_end": begin + CADENCE}
        run = ImageRun.objects.create(source="listing", waves=[171], **window)
        return account(image_pipeline.work(run)), source.fetched

    return do


SLOTS = count(slot_of(TIME) + 100, 2)
#: The slot (of two), the seconds into it, and the pixels, of one image.
IMAGES = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0, 11, 11.5, 71, 359]), st.integers(0, 2)), max_size=6
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(IMAGES, st.data())
def test_any_order_of_arrival_gives_the_same_store(frame, drawn, data):
    base = next(SLOTS)
    made = [
        frame(start_of(base + slot) + timedelta(seconds=seconds), number + 1, pixels + 1)
        for number, (slot, seconds, pixels) in enumerate(drawn)
    ]
    order = data.draw(st.permutations(made))
    ImageHeader.objects.all().delete()
    for one in order:
        measure.store(one, source="test", origin=str(one.content_hash.int))
    best: dict[int, measure.Frame] = {}
    for one in sorted(made, key=lambda one: (one.facts.observed, one.content_hash)):
        best.setdefault(one.slot, one)
    rows = {row.slot: row for row in ImageHeader.objects.all()}
    assert set(rows) == set(best)
    seen = set()
    for slot, one in sorted(best.items()):
        row = rows[slot]
        assert (row.observed, row.content_hash) == (one.facts.observed, one.content_hash)
        assert measure.is_whole(row)
        assert np.array_equal(parameter_store().frame(171, slot), one.parameters)
        assert files.picture_folder().read(171, slot, 256) == one.pictures[256]
        assert row.flags == (["duplicate"] if one.seen.fingerprint in seen else [])
        seen.add(one.seen.fingerprint)


def test_an_earlier_image_of_the_slot_takes_the_place_of_a_later_one(ingest, quick, full_disk):
    later, earlier = full_disk(171, TIME + MIN, 120), full_disk(171, TIME)
    assert ingest(later=later) == (1, 0, 0, 0)
    assert ingest(earlier=earlier) == (0, 1, 0, 0)
    assert ingest(later=later) == (0, 0, 1, 0)
    (row,) = ImageHeader.objects.all()
    assert row.observed == TIME
    assert parameter_store().frame(171, row.slot)[32, 32, 0] < 110


def test_the_original_of_a_duplicate_that_leaves_makes_it_one_no_more(frame):
    first, twin = frame(TIME + MIN, 1, 7), frame(TIME + 6 * MIN, 2, 7)
    for one in (first, twin):
        measure.store(one, source="test", origin="")
    assert ImageHeader.objects.get(slot=twin.slot).flags == ["duplicate"]
    measure.store(frame(TIME, 3, 8), source="test", origin="")
    assert ImageHeader.objects.get(slot=twin.slot).flags == []


def test_a_full_disk_leaves_what_was_there(frame, monkeypatch):
    measure.store(frame(TIME + MIN, 1, 1), source="test", origin="old")
    before = everything()

    def full(*_):
        raise OSError(28, "No space left on device")

    for place, name in ((ParameterStore, "write"), (files, "write_whole")):
        for new in (frame(TIME, 2, 2), frame(TIME + MIN, 1, 1, "jp2-1")):
            proper = getattr(place, name)
            with monkeypatch.context() as patch:
                patch.setattr(place, name, full)
                if place is files and new.content_hash.int == 1:
                    continue  # its pictures are there already
                with pytest.raises(OSError, match="No space"):
                    measure.store(new, source="test", origin="new")
            assert getattr(place, name) is proper
            measure.put_back_all()
            assert everything() == before
    assert not Replacement.objects.exists()


@pytest.mark.parametrize("lost", ["store", "pictures", "both", "one picture", "a torn frame"])
def test_what_is_lost_from_store_or_folder_is_made_again_from_the_image(
    ingest, quick, full_disk, places, lost
):
    data, slot = full_disk(171, TIME), slot_of(TIME)
    ingest(a=data)
    before = everything()
    if lost in ("store", "both"):
        shutil.rmtree(places / "parameters.zarr")
    if lost in ("pictures", "both"):
        shutil.rmtree(places / "pictures")
    if lost == "one picture":
        files.picture_folder().path(171, slot, 512).unlink()
    if lost == "a torn frame":
        chunk = places / f"parameters.zarr/aia_171/c.{slot}.0.0.0"
        chunk.write_bytes(chunk.read_bytes()[:100])
    assert ingest(a=data) == (0, 1, 0, 0)
    assert everything() == before
    assert ingest(a=data) == (0, 0, 1, 0)


def test_a_witness_that_cannot_be_read_is_none(ingest, quick, full_disk, places):
    ingest(a=full_disk(171, TIME))
    chunk = places / f"parameters.zarr/aia_171/c.{slot_of(TIME)}.0.0.0"
    chunk.write_bytes(b"torn")
    assert ingest(b=full_disk(171, TIME + 6 * MIN, 120)) == (1, 0, 0, 0)


def test_the_last_good_image_is_the_witness(places, real_data):
    """Every six minutes the Sun of 2024, which has no marker; the second and third time turned."""
    path = next((real_data / "images").glob("2024_04_16*304.jp2"))
    picture, facts = measure.decode(path.read_bytes())
    parameter_store().ensure()
    for n, turns in enumerate((0, 1, 1, 0, 0)):
        at = replace(facts, observed=facts.observed + n * CADENCE)
        noise = np.random.default_rng(n).integers(0, 3, picture.pixels.shape, dtype=np.uint8)
        pixels = np.ascontiguousarray(np.rot90(picture.pixels // 2 + noise, turns))
        frame = measure.frame_of(
            Picture(pixels, picture.header), at, uuid.UUID(int=n), "reference-1", measure.seen_before(at)
        )
        measure.store(frame, source="test", origin=str(n))
    flags = ImageHeader.objects.order_by("slot").values_list("flags", flat=True)
    assert list(flags) == [[], ["rotated"], ["rotated"], [], []]


def test_content_decides_whatever_address_it_comes_from(listed, quick, full_disk, settings):
    data = full_disk(171, TIME)
    assert listed(a=data) == ({**NONE, "received": 1, "created": 1}, ["a"])
    assert listed(b=data) == ({**NONE, "received": 1, "unchanged": 1}, []), "the slot needs no fetching"
    settings.ISD_IMAGE_SETTINGS = "jp2-1"
    assert listed(b=data) == ({**NONE, "received": 1, "updated": 1}, ["b"])
    assert ImageHeader.objects.get().settings.label == "jp2-1"


def test_a_listed_file_that_is_earlier_by_its_name_is_fetched(listed, quick, full_disk):
    later, earlier = (file_name(171, time) for time in (TIME + MIN, TIME))
    listed(**{later: full_disk(171, TIME + MIN, 120)})
    assert listed(**{later: b""})[1] == []
    assert listed(**{earlier: full_disk(171, TIME)}) == ({**NONE, "received": 1, "updated": 1}, [earlier])
    assert listed(**{earlier: b"", later: b""})[1] == []


@pytest.mark.parametrize(("wave", "time"), [(193, TIME), (171, TIME + 60 * MIN)])
def test_a_listed_image_that_is_another_one_is_refused(listed, quick, full_disk, wave, time):
    assert listed(a=full_disk(wave, time)) == ({**NONE, "received": 1, "quarantined": 1}, ["a"])
    reason = QuarantinedRecord.objects.get().reason
    assert reason.startswith("listed as 171 in the slot of 2014-01-10T06:00:00Z")
    assert reason.endswith(f"by its header it is {wave} of {time:%FT%TZ}")
    assert not ImageHeader.objects.exists()


def test_a_quarantined_file_is_resolved_by_its_own_content_alone(ingest, quick, full_disk):
    data = full_disk(171, TIME + MIN)
    ingest(torn=data[: len(data) // 2])
    record = QuarantinedRecord.objects.get()
    ingest(other=full_disk(171, TIME, 120))
    assert ingest(torn=data) == (0, 0, 1, 0)
    record.refresh_from_db()
    assert record.resolved_at is None
    assert record.reason.startswith("its slot is taken by /")
    assert record.reason.endswith("/other")
    ImageHeader.objects.all().delete()
    assert ingest(torn=data) == (1, 0, 0, 0)
    record.refresh_from_db()
    assert record.resolved_at is not None


def test_a_quarantined_address_says_who_has_its_slot(listed, quick, full_disk):
    data = full_disk(171, TIME)
    listed(torn=data[: len(data) // 2])
    listed(whole=data)
    assert listed(torn=data)[1] == []
    assert QuarantinedRecord.objects.get().reason == "its slot is taken by whole"


def test_other_knobs_of_the_same_name_fail_the_run(folder, full_disk, quick):
    MeasuringSettings.objects.create(name="reference", version=1, wave=171, knobs={"canny_low": 1})
    (folder / "a").write_bytes(full_disk(171, TIME))
    run = order_files(folder / "a")
    with pytest.raises(SettingsError, match="reference-1 when it had another"):
        image_pipeline.work(run)
    assert (run.state, QuarantinedRecord.objects.count()) == (ImageRun.State.FAILED, 0)
    assert not ImageHeader.objects.exists()


def test_a_store_that_is_away_is_a_matter_of_time():
    assert is_transient(StoreUnavailableError("away"))
    assert not is_transient(SettingsError("never"))
    assert not is_transient(SourceError("gone", permanent=True))


def test_the_witness_is_the_newest_of_its_time_without_such_a_flag(frame):
    given = {-61: Flag(0), -60: Flag(0), -30: Flag.MARKED, -12: Flag.DARK, 0: Flag(0)}
    for number, (minutes, flags) in enumerate(given.items()):
        one = replace(frame(TIME + minutes * MIN, number, number), flags=flags)
        measure.store(one, source="test", origin=str(minutes))

    def witness(minutes):
        found = queries.last_without(171, frozenset({"dark"}), TIME + minutes * MIN, timedelta(hours=1))
        return found and int(found.origin)

    assert [witness(minutes) for minutes in (-60, -59, -30, 0, 1, 61)] == [-61, -60, -60, -30, 0, None]


def test_a_frame_and_the_names_on_the_way_to_it_are_synced(frame, places, monkeypatch):
    synced = []
    monkeypatch.setattr(store_module, "sync_to_disk", synced.append)
    one = frame(TIME, 1, 1)
    parameter_store().write(171, one.slot, one.parameters)
    folder = places / "parameters.zarr"
    assert synced == [folder / f"aia_171/c.{one.slot}.0.0.0", folder / "aia_171", folder, places]
    synced.clear()
    shutil.rmtree(folder)
    parameter_store().ensure()
    assert [path for path in synced if path.name == "zarr.json"][-1] == folder / "zarr.json", "the root last"
    assert {path for path in folder.rglob("*") if path.is_file()} <= set(synced)


def test_new_folders_of_pictures_are_synced(places, monkeypatch):
    synced = []
    monkeypatch.setattr(files, "sync_to_disk", synced.append)
    folder = places / "pictures"
    files.PictureFolder(folder).write(171, slot_of(TIME), {256: b"x"})
    day = folder / "171/2014/01/10"
    assert synced[1:] == [day, *day.parents[:5]], "down to the folder that was there"
