"""The arrays of the ten parameters, as one Zarr group.

One Zarr v3 group, which `xarray.open_zarr(address)` opens directly. In it stands one array a wavelength,
`aia_94` to `aia_1700`, with the dimensions (time, row, column, parameter) = (slots, 64, 64, 10) of float32,
and the coordinates `time` (the start of the slot, UTC) and `parameter` (the names). Array row 0 is solar
north and column 0 solar east.

A chunk is one frame: reading one is one read, and writers of different slots never touch the same object.
The extent is fixed, so that no writer ever resizes; a slot that was never written is NaN and costs nothing.
A chunk is written whole or not at all. What stands here counts only where a row of ImageHeader says so.
"""

import hashlib
import os
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import structlog
import zarr
from django.conf import settings
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.buffer import default_buffer_prototype
from zarr.codecs import BloscCodec, ZstdCodec

# In no public module, but a client of an object store must live in one event loop: that of Zarr's own calls.
from zarr.core.sync import sync
from zarr.errors import ZarrUserWarning
from zarr.storage import FsspecStore, LocalStore, MemoryStore

from images.domain.settings import GRID, PARAMETERS
from images.domain.slots import CADENCE, EPOCH, WAVES, slot_of
from images.files import sync_to_disk

log = structlog.get_logger(__name__)

#: The shape of a frame: rows, columns, parameters in the order of the API.
FRAME = (GRID, GRID, len(PARAMETERS))
#: The end of the arrays' time, and so the number of slots.
END = datetime(2050, 1, 1, tzinfo=UTC)
SLOTS = slot_of(END)
#: Units of the parameters in their order; DN is a grey level of the 8-bit image.
UNITS = ("bit", "DN", "DN", "1", "1", "1", "1", "1", "DN2", "rad2")
#: All rows, or all columns, of a frame.
WHOLE = slice(0, GRID)

_DIMENSIONS = ["time", "row", "column", "parameter"]
# Read first by whoever opens the group, so written last by whoever makes it.
_ROOT = "zarr.json"
# Chunks of one array stand in one folder, c.SLOT.0.0.0; the usual slashes would make four folders a frame.
_KEYS: Any = {"name": "default", "separator": "."}


class OutOfStoreError(ValueError):
    """A slot beyond the arrays' extent, a wavelength that has none, or a frame of another shape."""


class StoreUnavailableError(Exception):
    """The arrays cannot be opened where ISD_PARAMETER_STORE says that they are, or not be read."""


class FrameUnreadableError(StoreUnavailableError):
    """A frame is there, but cannot be read: it is cut short or changed, or the disk fails."""


class FrameMissingError(LookupError):
    """No frame was ever written for this wavelength and slot."""


def array_name(wave: int) -> str:
    """The array of a wavelength (angstrom) within the group."""
    return f"aia_{wave}"


def hash_of(frame: NDArray[np.float32]) -> UUID:
    """What tells one frame's values from another's, the same before it is written and after it is read."""
    plain = np.ascontiguousarray(frame, dtype="<f4")
    return UUID(bytes=hashlib.blake2b(plain.data, digest_size=16).digest())


class ParameterStore:
    """The group at an address: a folder, or what fsspec understands (s3://bucket/prefix).

    Safe to use from many threads and processes at once; only one may write any one frame
    (`ingest.measure` sees to it with a lock).
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._arrays: dict[int, zarr.Array] = {}

    def ensure(self) -> None:
        """Make the group where it is not there yet.

        Many may do so at once, and be killed in it: everybody writes the same bytes, the root last.
        """
        target = _at(self.address)
        if not sync(target.exists(_ROOT)):
            sync(_put(_empty_group(), target))

    def write(self, wave: int, slot: int, frame: NDArray[np.float32]) -> None:
        """Put one frame of shape (64, 64, 10) in its place; it survives a loss of power when this returns.

        Raises OutOfStoreError, also for a frame that is NaN all over, and StoreUnavailableError.
        """
        if frame.shape != FRAME:
            raise OutOfStoreError(f"a frame has the shape {FRAME}, not {frame.shape}")
        if np.isnan(frame).all():
            raise OutOfStoreError("a frame without any number is no frame")
        array = self._array(wave, slot)
        array[slot] = frame
        _sync(array.store, f"{array.path}/{array.metadata.encode_chunk_key((slot, 0, 0, 0))}")

    def frame(self, wave: int, slot: int, known: UUID | None = None) -> NDArray[np.float32]:
        """All parameters of one frame: (64, 64, 10), [row, column, parameter], row 0 in the north.

        `known`: the `frame_hash` of the image's row. Another frame is there for a moment while an image is
        replaced, and for longer where a process was killed in that: it is not the row's.
        Raises FrameMissingError where none was written, or that other one, OutOfStoreError, and
        StoreUnavailableError: its kind FrameUnreadableError where it is this frame that fails.
        """
        array = self._array(wave, slot)
        try:
            frame = np.asarray(array[slot], dtype=np.float32)
        except Exception as error:  # whatever stores and codecs may raise
            log.exception("a frame cannot be read", store=self.address, wave=wave, slot=slot)
            reason = f"the frame of {wave} in slot {slot} cannot be read: {error}"
            raise FrameUnreadableError(reason) from error
        if np.isnan(frame).all():
            raise FrameMissingError(f"the store holds no frame of {wave} in slot {slot}")
        if known is not None and hash_of(frame) != known:
            raise FrameMissingError(f"the frame of {wave} in slot {slot} is being replaced")
        return frame

    def frames(self, wave: int, wanted: Iterable[tuple[int, UUID | None]]) -> Iterator[NDArray[np.float32]]:
        """The frames of (slot, what is known of it) in turn, one at a time, so that memory stays flat.

        As `frame` has them; raises what it does, at the frame concerned.
        """
        for slot, known in wanted:
            yield self.frame(wave, slot, known)

    def _array(self, wave: int, slot: int) -> zarr.Array:
        if not 0 <= slot < SLOTS:
            raise OutOfStoreError(f"slot {slot} is not one of the {SLOTS} slots from {EPOCH:%F} to {END:%F}")
        if wave not in WAVES:
            raise OutOfStoreError(f"there is no array for {wave} angstrom")
        if wave not in self._arrays:
            self._arrays[wave] = self._open(wave)
        return self._arrays[wave]

    def _open(self, wave: int) -> zarr.Array:
        try:
            array = zarr.open_group(_at(self.address), mode="r+")[array_name(wave)]
            if not isinstance(array, zarr.Array):
                raise TypeError(f"{array_name(wave)} is no array")
        except Exception as error:  # whatever stores, their clients and metadata may raise
            log.warning("the store cannot be opened", store=self.address, error=repr(error))
            reason = f"the parameters cannot be opened at {self.address}: {error}"
            raise StoreUnavailableError(reason) from error
        return array


def parameter_store() -> ParameterStore:
    """The store of ISD_PARAMETER_STORE; the same one for all threads of a process, but none inherited."""
    return _store_of(settings.ISD_PARAMETER_STORE, os.getpid())


@lru_cache(maxsize=4)
def _store_of(address: str, _pid: int) -> ParameterStore:
    return ParameterStore(address)


def _at(address: str) -> Store:
    if "://" in address:
        return FsspecStore.from_url(address)
    return LocalStore(Path(address))


def _sync(store: Store, key: str) -> None:
    """Return when what stands under a key is on the disk, and with it the names on the way to it.

    An object store sees to that itself.
    """
    if isinstance(store, LocalStore):
        path, above = store.root / key, store.root.parent
        for place in (path, *path.parents[: len(path.relative_to(above).parts)]):
            sync_to_disk(place)


async def _put(made: MemoryStore, target: Store) -> None:
    """Copy a group; its root last."""
    keys = [key async for key in made.list()]
    for key in sorted(keys, key=lambda key: (key == _ROOT, key)):
        value = await made.get(key, prototype=default_buffer_prototype())
        assert value is not None  # noqa: S101 - it was listed
        await target.set(key, value)
        _sync(target, key)


def _empty_group() -> MemoryStore:
    """The whole group without a frame; the same bytes each time."""
    memory = MemoryStore()
    title = "AIA image parameters on the 6-minute grid of slots, 64 x 64 cells"
    group = zarr.create_group(memory, zarr_format=3, attributes={"title": title})
    group.create_array(
        "time",
        data=np.arange(SLOTS, dtype=np.int64) * int(CADENCE.total_seconds()),
        chunks=(SLOTS,),
        compressors=BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle", typesize=8),  # 20 kB of 28 MB
        dimension_names=["time"],
        attributes={
            "units": f"seconds since {EPOCH:%F %T}",
            "calendar": "proleptic_gregorian",
            "long_name": "start of the slot, UTC",
        },
    )
    group.create_array(
        "parameter",
        data=np.array(PARAMETERS, dtype=np.dtypes.StringDType()),
        dimension_names=["parameter"],
        attributes={"long_name": "the parameters 1 to 10 of the API, in their order"},
    )
    for wave in WAVES:
        group.create_array(
            array_name(wave),
            shape=(SLOTS, *FRAME),
            chunks=(1, *FRAME),
            dtype="float32",
            fill_value=float("nan"),
            compressors=ZstdCodec(level=1),  # docs/benchmarks.md has what it costs
            chunk_key_encoding=_KEYS,
            dimension_names=_DIMENSIONS,
            attributes={
                "long_name": f"parameters of AIA {wave} angstrom; row 0 in the north, column 0 in the east",
                "wavelength": wave,
                "parameter_units": list(UNITS),
            },
        )
    with warnings.catch_warnings():
        # Metadata in one place are an extension that xarray looks for; whoever ignores it loses nothing.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(memory)
    return memory
