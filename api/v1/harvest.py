"""The frames that a bulk question finds, read one at a time, and what is told beside them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.caching import tag_of
from api.v1.images_params import DEFAULT_LIMIT, MAX_LIMIT, BulkQuestion
from api.v1.images_rows import units_of
from images import queries
from images.domain.slots import start_of
from images.store import parameter_store

#: What an answer may hold: zip files of more need extensions that not every reader has.
MOST_BYTES = 2_000_000_000
MOST_CHUNKS = 60_000
_BYTES_A_NUMBER = 4
#: What writes the bytes of an answer; another version may write others.
_WRITERS = {name: version(name) for name in ("numpy", "zarr", "pyarrow", "orjson", "isal")}


@dataclass(frozen=True)
class Harvest:
    """What answers `question`: frames by slot and wave, and the time at which the next answer starts."""

    question: BulkQuestion
    frames: list[queries.Held]
    following: datetime | None

    @cached_property
    def slots(self) -> list[int]:
        """The slots in which any of the waves has a frame, in order."""
        return sorted({frame.slot for frame in self.frames})

    @cached_property
    def by_place(self) -> dict[tuple[int, int], queries.Held]:
        """The frames by (slot, wave)."""
        return {(frame.slot, frame.wave): frame for frame in self.frames}

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """With what the numbers were computed: knobs by name of the settings and wavelength, and software."""
        knobs: dict[str, dict[str, Any]] = defaultdict(dict)
        for settings in queries.settings_of(self.frames):
            knobs[settings.label][str(settings.wave)] = settings.knobs
        return {"settings": dict(knobs), "software": sorted({frame.software for frame in self.frames})}

    @property
    def units(self) -> dict[str, str]:
        """The unit of each parameter by its name."""
        return units_of(self.question.parameters)

    def tag(self, form: str) -> str:
        """The ETag of this harvest in a form: of what the bytes follow from, their writers included."""
        return tag_of(form, _WRITERS, self.question, self.following, self.frames)

    def read(self, frame: queries.Held) -> NDArray[np.float32]:
        """What was asked of a frame: (rows, columns, parameters), contiguous."""
        whole = parameter_store().frame(frame.wave, frame.slot, frame.frame_hash)
        window = whole[self.question.rows, self.question.columns]
        return np.ascontiguousarray(window[:, :, [number - 1 for number in self.question.parameters]])


def harvest_of(question: BulkQuestion, form: str) -> Harvest:
    """The first frames that answer `question`, as many as an answer in this form holds."""
    each = int(np.prod(question.shape)) * len(question.waves) * _BYTES_A_NUMBER
    holds = min(MAX_LIMIT, MOST_BYTES // each, MOST_CHUNKS // len(question.waves))
    most = min(question.limit or (DEFAULT_LIMIT if form == "json" else holds), holds)
    found = queries.held(question.waves, question.start, question.end, step=question.step, most=most + 1)
    slots = sorted({frame.slot for frame in found})
    if len(slots) <= most:
        return Harvest(question, found, None)
    kept = [frame for frame in found if frame.slot < slots[most]]
    return Harvest(question, kept, start_of(slots[most]))
