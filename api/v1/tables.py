"""Frames one after the other: as JSON, and as rows of cells in Apache Parquet."""

from collections.abc import Generator
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from api.v1.answers import json_head
from api.v1.harvest import Harvest
from images.domain.slots import start_of
from images.queries import Held

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
_INSTANT = pa.timestamp("us", "UTC")


def json_parts(harvest: Harvest, following: str | None) -> Generator[bytes, None, None]:
    """One object: what was asked, then the frames, values as [row][column][parameter], null for NaN."""
    question = harvest.question
    head = {
        "returned": len(harvest.frames),
        "truncated": following is not None,
        "next": following,
        "waves": question.waves,
        "step": question.step,
        "rows": [question.rows.start, question.rows.stop],
        "columns": [question.columns.start, question.columns.stop],
        "parameters": question.names,
        "units": harvest.units,
        **harvest.provenance,
    }
    before = f'{json_head(head)},"frames":['.encode()
    for frame in harvest.frames:
        body = {
            "wave": frame.wave,
            "time": start_of(frame.slot),
            "observed": frame.observed,
            "quality": frame.quality,
            "values": harvest.read(frame),
        }
        yield before + orjson.dumps(body, option=_OPTIONS)
        before = b","
    yield (b"" if harvest.frames else before) + b"]}"


class _Sink:
    """A file that only takes, and gives away what it took."""

    closed = False

    def __init__(self) -> None:
        self._taken: list[bytes] = []

    def write(self, data: Any) -> int:
        self._taken.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def given(self) -> bytes:
        """What was written since the last time."""
        data, self._taken = b"".join(self._taken), []
        return data


def parquet_parts(harvest: Harvest) -> Generator[bytes, None, None]:
    """A row a cell, in the order of time, wave, row, column; a row group a time."""
    question = harvest.question
    fields = [
        *(pa.field(name, _INSTANT) for name in ("time", "observed")),
        *(pa.field(name, pa.int16()) for name in ("wave", "row", "column")),
        pa.field("quality", pa.uint32()),
        *(pa.field(name, pa.float32(), metadata={"unit": unit}) for name, unit in harvest.units.items()),
    ]
    schema = pa.schema(fields, metadata={"provenance": orjson.dumps(harvest.provenance)})
    rows, columns, _ = question.shape
    place = np.indices((rows, columns), dtype=np.int16).reshape(2, -1)
    corner = np.array([[question.rows.start], [question.columns.start]], dtype=np.int16)
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for _, frames in groupby(harvest.frames, key=lambda frame: frame.slot):
            batches = [_batch(harvest, frame, place + corner, schema) for frame in frames]
            writer.write_table(pa.Table.from_batches(batches))
            yield sink.given()
    yield sink.given()


def _batch(harvest: Harvest, frame: Held, place: np.ndarray, schema: pa.Schema) -> pa.RecordBatch:
    """The cells of one frame."""
    count = place.shape[1]

    def same(value: datetime | int, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), count)

    values = harvest.read(frame).reshape(count, -1).T
    return pa.RecordBatch.from_arrays(
        [
            *(same(time, _INSTANT) for time in (start_of(frame.slot), frame.observed)),
            same(frame.wave, pa.int16()),
            *(pa.array(axis) for axis in place),
            same(frame.quality, pa.uint32()),
            *(pa.array(np.ascontiguousarray(value)) for value in values),
        ],
        schema=schema,
    )
