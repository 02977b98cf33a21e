"""Frames one after the other, as rows of cells in Apache Parquet.

To be imported where it is used: Arrow takes 40 MB of memory, which few web processes need.
"""

from collections.abc import Generator
from datetime import datetime
from itertools import groupby

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from api.ranges import Sink
from api.v1.harvest import Harvest
from images.domain.slots import start_of
from images.queries import Held

_INSTANT = pa.timestamp("us", "UTC")


def parquet_parts(harvest: Harvest) -> Generator[bytes, None, None]:
    """A row a cell, in the order of time, wave, row, column; a row group a time."""
    question = harvest.question
    fields = [
        *(pa.field(name, _INSTANT) for name in ("time", "observed")),
        pa.field("wave", pa.int16(), metadata={"unit": "angstrom"}),
        *(pa.field(name, pa.int16()) for name in ("row", "column")),
        pa.field("quality", pa.uint32()),
        *(pa.field(name, pa.float32(), metadata={"unit": unit}) for name, unit in harvest.units.items()),
    ]
    schema = pa.schema(fields, metadata={"provenance": orjson.dumps(harvest.provenance)})
    rows, columns, _ = question.shape
    place = np.indices((rows, columns), dtype=np.int16).reshape(2, -1)
    corner = np.array([[question.rows.start], [question.columns.start]], dtype=np.int16)
    sink = Sink()
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
