"""Frames one after the other, as JSON."""

from collections.abc import Generator

import orjson

from api.v1.answers import json_head
from api.v1.harvest import Harvest
from images.domain.slots import start_of

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY


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
