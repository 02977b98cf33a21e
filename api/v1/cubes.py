"""Frames as one array over time and wavelength: arrays of numpy, or a Zarr group, both in a zip file.

The array `parameters` has the dimensions (time, wave, row, column, parameter); its times are those at which
any of the waves has a frame, and where one has none it is NaN, `observed` not-a-time and `quality` 0. The
frames are not compressed, so that the length of the file is known before it is made, and a client that was
cut off can ask for the rest.
"""

import asyncio
import io
import warnings
from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

import numpy as np
import orjson
import zarr
from numpy.typing import NDArray
from zarr.buffer import default_buffer_prototype
from zarr.errors import ZarrUserWarning
from zarr.storage import MemoryStore

from api.v1.harvest import Harvest
from api.zips import Entry, Late
from images.domain.slots import CADENCE, EPOCH, start_of
from images.queries import Held

_DIMENSIONS = ["time", "wave", "row", "column", "parameter"]
_SECONDS = {"units": f"seconds since {EPOCH:%F %T}", "calendar": "proleptic_gregorian"}


# --- what both hold


def _axes(harvest: Harvest) -> dict[str, NDArray[Any]]:
    """The coordinates, in the order of the dimensions."""
    question = harvest.question
    return {
        "wave": np.array(question.waves, dtype=np.int16),
        "row": np.arange(question.rows.start, question.rows.stop, dtype=np.int16),
        "column": np.arange(question.columns.start, question.columns.stop, dtype=np.int16),
        "parameter": np.array(question.names),
    }


def _quality(harvest: Harvest) -> NDArray[np.uint32]:
    """QUALITY by (time, wave); 0 where there is no frame."""
    rows = [
        [_or(harvest, slot, wave, "quality", 0) for wave in harvest.question.waves] for slot in harvest.slots
    ]
    return np.array(rows, dtype=np.uint32).reshape(len(harvest.slots), len(harvest.question.waves))


def _observed(harvest: Harvest) -> NDArray[np.datetime64]:
    """Times of observation by (time, wave), microseconds, UTC; not-a-time where there is no frame."""
    times = np.full((len(harvest.slots), len(harvest.question.waves)), np.datetime64("NaT"), dtype="M8[us]")
    for i, slot in enumerate(harvest.slots):
        for j, wave in enumerate(harvest.question.waves):
            observed = _or(harvest, slot, wave, "observed", None)
            if observed is not None:
                times[i, j] = np.datetime64(observed.replace(tzinfo=None), "us")
    return times


def _or(harvest: Harvest, slot: int, wave: int, name: str, default: Any) -> Any:
    frame = harvest.by_place.get((slot, wave))
    return default if frame is None else getattr(frame, name)


# --- npz


def npz_entries(harvest: Harvest) -> Sequence[Entry]:
    """The arrays parameters, time, wave (angstrom), row, column, parameter and its unit.

    Beside them observed and quality, both by (time, wave), and provenance (JSON).
    """
    shape = (len(harvest.slots), len(harvest.question.waves), *harvest.question.shape)
    times = np.array([start_of(slot).replace(tzinfo=None) for slot in harvest.slots], dtype="M8[s]")
    small = {
        "time": times,
        **_axes(harvest),
        "unit": np.array([*harvest.units.values()]),
        "observed": _observed(harvest),
        "quality": _quality(harvest),
        "provenance": np.array(orjson.dumps(harvest.provenance).decode()),
    }
    head = npy_head(shape)
    frames = Entry("parameters.npy", len(head) + 4 * int(np.prod(shape)), lambda: _npy_frames(harvest, head))
    return [*(Entry.of(f"{name}.npy", npy(array)) for name, array in small.items()), frames]


def npy(array: NDArray[Any]) -> bytes:
    """The file of an array in numpy's own format."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def npy_head(shape: tuple[int, ...]) -> bytes:
    """What stands in such a file before the numbers of an array of float32 of this shape."""
    buffer = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()


def _npy_frames(harvest: Harvest, head: bytes) -> Generator[bytes | Late, None, None]:
    nothing = np.full(harvest.question.shape, np.nan, dtype="<f4").tobytes()
    yield head
    for slot in harvest.slots:
        for wave in harvest.question.waves:
            frame = harvest.by_place.get((slot, wave))
            yield nothing if frame is None else _late(harvest, frame)


def _late(harvest: Harvest, frame: Held) -> Late:
    """The numbers of one frame."""
    length = 4 * int(np.prod(harvest.question.shape))
    return Late(length, lambda: harvest.read(frame).astype("<f4", copy=False).tobytes())


# --- zarr


def zarr_entries(harvest: Harvest) -> Sequence[Entry]:
    """A Zarr v3 group that `xarray.open_zarr` opens; a chunk is one frame, and missing ones are left out."""
    made = asyncio.run(_contents(_group(harvest)))
    length = 4 * int(np.prod(harvest.question.shape))
    waves = {wave: place for place, wave in enumerate(harvest.question.waves)}
    times = {slot: place for place, slot in enumerate(harvest.slots)}
    chunks = [
        Entry(
            f"parameters/c/{times[frame.slot]}/{waves[frame.wave]}/0/0/0",
            length,
            partial(_chunk, harvest, frame),
        )
        for frame in harvest.frames
    ]
    return [*(Entry.of(name, content) for name, content in sorted(made.items())), *chunks]


def _chunk(harvest: Harvest, frame: Held) -> tuple[Late]:
    return (_late(harvest, frame),)


async def _contents(store: MemoryStore) -> dict[str, bytes]:
    names = [name async for name in store.list()]
    values = {name: await store.get(name, prototype=default_buffer_prototype()) for name in names}
    return {name: value.to_bytes() for name, value in values.items() if value is not None}


def _group(harvest: Harvest) -> MemoryStore:
    """The group with everything but its frames."""
    store = MemoryStore()
    title = "AIA image parameters; row 0 in the north, column 0 in the east"
    group = zarr.create_group(store, attributes={"title": title, **harvest.provenance})
    slots, waves = len(harvest.slots), len(harvest.question.waves)
    cadence = int(CADENCE.total_seconds())
    times = np.array(harvest.slots, dtype=np.int64) * cadence
    _put(group, "time", times, ["time"], {**_SECONDS, "long_name": "start of the slot, UTC"})
    for name, values in _axes(harvest).items():
        text = values.astype(np.dtypes.StringDType()) if values.dtype.kind == "U" else values
        _put(group, name, text, [name], {"units": "angstrom"} if name == "wave" else {})
    observed = (_observed(harvest) - np.datetime64(EPOCH.replace(tzinfo=None), "us")) / np.timedelta64(1, "s")
    about = {**_SECONDS, "long_name": "start of the exposure, UTC"}
    _put(group, "observed", observed.astype(np.float64), ["time", "wave"], about)
    _put(group, "quality", _quality(harvest), ["time", "wave"], {"long_name": "bits of quality"})
    group.create_array(
        "parameters",
        shape=(slots, waves, *harvest.question.shape),
        chunks=(1, 1, *harvest.question.shape),
        dtype="float32",
        fill_value=float("nan"),
        compressors=None,
        dimension_names=_DIMENSIONS,
        attributes={"parameter_units": [*harvest.units.values()]},
    )
    with warnings.catch_warnings():
        # An extension that xarray looks for; whoever does not know it loses nothing.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(store)
    return store


def _put(
    group: zarr.Group, name: str, values: NDArray[Any], dimensions: list[str], about: dict[str, Any]
) -> None:
    group.create_array(name, data=values, dimension_names=dimensions, attributes=about)
