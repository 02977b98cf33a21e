"""Arrays and pictures: what is written is read, by xarray too; many write at once; nothing is half there."""

import multiprocessing
import os
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from numcodecs import Zstd
from structlog.testing import capture_logs

from images import files
from images import store as store_module
from images.domain.settings import PARAMETERS
from images.domain.slots import WAVES, slot_of
from images.files import PictureFolder, PictureMissingError, PictureUnreadableError
from images.store import (
    FRAME,
    SLOTS,
    FrameMissingError,
    FrameUnreadableError,
    OutOfStoreError,
    ParameterStore,
    StoreUnavailableError,
    hash_of,
    parameter_store,
)

TIME = datetime(2012, 1, 2, 6, 6, tzinfo=UTC)
SLOT = slot_of(TIME)
ZSTD = Zstd()


def jpeg(content: str) -> bytes:
    """What has the marks of a whole JPEG."""
    return b"\xff\xd8" + content.encode() + b"\xff\xd9"


def frame_of(number: int) -> np.ndarray:
    """A frame that no other number has; one of its cells has no data."""
    made = np.random.default_rng(number).normal(50, 20, FRAME).astype(np.float32)
    made[0, 0] = np.nan
    return made


def same(one, other) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def test_a_frame_comes_back_value_for_value(store):
    store.write(171, SLOT, frame_of(1))
    found = store.frame(171, SLOT)
    assert same(found, frame_of(1))
    assert found.dtype == np.float32
    again = ParameterStore(store.address)
    assert same(again.frame(171, SLOT), frame_of(1))


def test_xarray_opens_the_store_directly(store):
    for n, wave in enumerate((171, 193)):
        store.write(wave, SLOT + n, frame_of(n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = xarray.open_zarr(store.address)
    assert set(opened.data_vars) == {f"aia_{wave}" for wave in WAVES}
    assert opened.sizes == {"time": SLOTS, "row": 64, "column": 64, "parameter": 10}
    at = opened["aia_171"].sel(time="2012-01-02T06:06")
    assert same(at.values, frame_of(0))
    assert same(
        opened["aia_193"].sel(time="2012-01-02T06:12", parameter="mean").values,
        frame_of(1)[:, :, PARAMETERS.index("mean")],
    )
    assert np.isnan(opened["aia_193"].sel(time="2012-01-02T06:06")).all()
    assert opened["aia_171"].attrs["parameter_units"] == list(store_module.UNITS)
    assert len(store_module.UNITS) == len(PARAMETERS)


def test_one_frame_is_one_object_beside_the_others(store):
    store.write(304, SLOT, frame_of(1))
    names = sorted(path.name for path in (Path(store.address) / "aia_304").iterdir())
    assert names == [f"c.{SLOT}.0.0.0", "zarr.json"]


def test_ranges_come_frame_by_frame_and_only_those_that_are_known(store):
    for n in range(4):
        store.write(171, SLOT + n, frame_of(n))
    lazy = store.frames(
        171, [(SLOT + 2, None), (SLOT, hash_of(frame_of(0))), (SLOT + 1, hash_of(frame_of(3)))]
    )
    assert same(next(lazy), frame_of(2))
    assert same(next(lazy), frame_of(0))
    with pytest.raises(FrameMissingError, match="is being replaced"):
        next(lazy)
    with pytest.raises(FrameMissingError, match=f"171 in slot {SLOT + 9}"):
        next(store.frames(171, [(SLOT + 9, None)]))


@pytest.mark.parametrize(
    ("wave", "slot", "frame"),
    [
        (4500, SLOT, frame_of(1)),
        (171, -1, frame_of(1)),
        (171, SLOTS, frame_of(1)),
        (171, SLOT, frame_of(1)[:32, :32]),
        (171, SLOT, np.full(FRAME, np.nan, dtype=np.float32)),
    ],
)
def test_what_has_no_place_is_refused(store, wave, slot, frame):
    with pytest.raises(OutOfStoreError):
        store.write(wave, slot, frame)


def test_the_last_slot_is_the_last_of_2049(store):
    store.write(94, SLOTS - 1, frame_of(1))
    opened = xarray.open_zarr(store.address)
    assert same(opened["aia_94"].sel(time="2049-12-31T23:54").values, frame_of(1))


def test_without_a_store_the_error_says_where(tmp_path):
    for address in (str(tmp_path / "nowhere"), "nonesuch://bucket/here"):
        with pytest.raises(StoreUnavailableError, match=address):
            ParameterStore(address).frame(171, SLOT)


def test_the_store_may_be_an_object_store_of_fsspec(tmp_path):
    address = f"memory://{tmp_path.name}/parameters.zarr"
    made = ParameterStore(address)
    made.ensure()
    made.write(171, SLOT, frame_of(3))
    assert same(ParameterStore(address).frame(171, SLOT), frame_of(3))


def test_a_second_making_changes_nothing(store):
    store.write(171, SLOT, frame_of(1))
    before = {path: path.stat().st_mtime_ns for path in Path(store.address).rglob("*")}
    store.ensure()
    assert {path: path.stat().st_mtime_ns for path in Path(store.address).rglob("*")} == before


def test_a_making_that_was_cut_off_anywhere_is_finished_by_the_next(store, tmp_path, monkeypatch):
    whole = {path.relative_to(store.address) for path in Path(store.address).rglob("*") if path.is_file()}
    put = zarr.storage.LocalStore.set
    for allowed in range(len(whole)):
        left = iter(range(allowed))

        async def dying(self, key, value, left=left):
            if next(left, None) is None:
                raise OSError("cut off")
            await put(self, key, value)

        half = ParameterStore(str(tmp_path / f"half{allowed}"))
        with monkeypatch.context() as patch:
            patch.setattr(zarr.storage.LocalStore, "set", dying)
            with pytest.raises(OSError, match="cut off"):
                half.ensure()
        with pytest.raises(StoreUnavailableError):
            ParameterStore(half.address).frame(171, SLOT)
        half.ensure()
        for name in whole:
            assert (half.address / name).read_bytes() == (Path(store.address) / name).read_bytes()


def _write_many(address: str, first: int, barrier) -> None:
    """One of several processes: each makes the store, and writes its own slots, at once."""
    barrier.wait()
    own = ParameterStore(address)
    own.ensure()
    for n in range(first, first + 30):
        own.write(171, SLOT + 4 * (n % 30) + n // 30, frame_of(n))


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    """Neighbouring slots by different processes; the store is made by all of them."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    address = str(tmp_path / "parameters.zarr")
    writers = [
        context.Process(target=_write_many, args=(address, 30 * n, barrier)) for n in range(4)
    ]  # fmt: skip
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    opened = xarray.open_zarr(address)["aia_171"].isel(time=slice(SLOT, SLOT + 120)).values
    for n in range(120):
        assert same(opened[4 * (n % 30) + n // 30], frame_of(n))


def test_a_forked_process_reads_and_writes_through_the_store_of_the_settings(store, settings):
    settings.ISD_PARAMETER_STORE = store.address
    parameter_store().write(171, SLOT, frame_of(1))

    def child():
        assert same(parameter_store().frame(171, SLOT), frame_of(1))
        parameter_store().write(171, SLOT + 1, frame_of(2))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0
    assert same(parameter_store().frame(171, SLOT + 1), frame_of(2))
    assert parameter_store() is parameter_store()


def test_a_writer_cut_off_in_a_write_leaves_the_frame_as_it_was(store, monkeypatch):
    """The new bytes never stand under the chunk's name before they are all there."""
    store.write(171, SLOT, frame_of(1))

    def die(*_, **__):
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(OSError, match="full"):
            store.write(171, SLOT, frame_of(2))
    assert same(ParameterStore(store.address).frame(171, SLOT), frame_of(1))
    store.write(171, SLOT, frame_of(2))
    assert same(store.frame(171, SLOT), frame_of(2))


# --- what cannot be read


def lost(path):
    """Reading the file is an error of the disk."""
    path.unlink()
    path.symlink_to("/proc/self/mem")  # whose address 0 nothing can read: EIO


def looped(path):
    path.unlink()
    path.symlink_to(path.name)


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def of_another_shape(path):
    path.write_bytes(ZSTD.encode(np.zeros(100, dtype="<f4")))


@pytest.mark.parametrize("damage", [lost, looped, halved, emptied, of_another_shape])
def test_a_frame_that_cannot_be_read_is_a_fault_of_the_store(store, damage):
    store.write(171, SLOT, frame_of(1))
    store.write(171, SLOT + 1, frame_of(2))
    damage(Path(store.address) / f"aia_171/c.{SLOT}.0.0.0")
    with capture_logs() as said, pytest.raises(FrameUnreadableError, match=f"171 in slot {SLOT}"):
        store.frame(171, SLOT)
    assert [(entry["event"], entry["slot"]) for entry in said] == [("a frame cannot be read", SLOT)]
    assert same(store.frame(171, SLOT + 1), frame_of(2))


GROUP = b'{"zarr_format":3,"node_type":"group"}'


@pytest.mark.parametrize(
    "contents",
    [{"": b""}, {"": b"{"}, {"": b"[]"}, {"": None}, {"": GROUP, "aia_171/": GROUP},
     {"": GROUP, "aia_171/": b"[]"}, {"": GROUP, "aia_171/": None}],
)  # fmt: skip
def test_a_store_that_cannot_be_opened_is_away(store, contents):
    for folder, content in contents.items():
        metadata = Path(store.address) / f"{folder}zarr.json"
        if content is None:
            lost(metadata)
        else:
            metadata.write_bytes(content)
    with capture_logs() as said, pytest.raises(StoreUnavailableError):
        ParameterStore(store.address).frame(171, SLOT)
    assert [entry["store"] for entry in said] == [store.address]


@pytest.mark.parametrize("address", ["nowhere://x/y", "/dev/null/x"])
def test_nor_is_there_a_store_at_such_addresses(address):
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        ParameterStore(address).frame(171, SLOT)


@pytest.mark.parametrize("damage", [lost, looped, halved, emptied])
def test_a_picture_that_cannot_be_read_is_told(tmp_path, damage):
    folder = PictureFolder(tmp_path)
    folder.write(171, SLOT, {256: jpeg("small")})
    damage(folder.path(171, SLOT, 256))
    with capture_logs() as said, pytest.raises(PictureUnreadableError, match=r"171_256\.jpg"):
        folder.read(171, SLOT, 256)
    assert len(said) == 1


def test_pictures_lie_by_wave_and_day_and_are_replaced_whole(tmp_path, monkeypatch):
    folder = PictureFolder(tmp_path)
    folder.write(171, SLOT, {2048: jpeg("large"), 256: jpeg("small")})
    assert folder.path(171, SLOT, 2048) == tmp_path / "171/2012/01/02/20120102T060600_171_2048.jpg"
    assert (folder.read(171, SLOT, 2048), folder.read(171, SLOT, 256)) == (jpeg("large"), jpeg("small"))
    with pytest.raises(PictureMissingError, match=r"171_512\.jpg"):
        folder.read(171, SLOT, 512)
    for wave, size in ((172, 256), (171, 128)):
        with pytest.raises(ValueError, match="no pictures"):
            folder.path(wave, SLOT, size)

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        folder.write(171, SLOT, {2048: jpeg("half")})
    assert folder.read(171, SLOT, 2048) == jpeg("large")
    assert sorted(p.name for p in folder.path(171, SLOT, 256).parent.iterdir()) == [
        "20120102T060600_171_2048.jpg", "20120102T060600_171_256.jpg"
    ]  # fmt: skip


def test_the_folder_of_the_settings(settings, tmp_path):
    settings.ISD_IMAGE_FOLDER = str(tmp_path)
    assert files.picture_folder().folder == tmp_path
    shutil.rmtree(tmp_path)
    files.picture_folder().write(94, 0, {512: jpeg("x")})
    assert files.picture_folder().read(94, 0, 512) == jpeg("x")
