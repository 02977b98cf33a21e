"""The parameters of labels: which images, which events, and which cells. An unknown one is an error."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import QueryDict

from api.errors import ParameterError
from api.frames import MATCH, WAVE, WITHIN
from api.params import Parameter, choice, integer, read
from api.v1 import images_params
from api.v1.images_params import BulkQuestion, bulk_question
from api.v1.params import JSON_ONLY
from api.v1.tracks_params import STATE
from events.domain.tracks import StateCriteria
from images.store import WHOLE

#: The types whose areas are reported regularly: regions, coronal holes, filaments.
DEFAULT_TYPES = ("AR", "CH", "FI")
#: Every frame costs some statements, so an answer has fewer than one of parameters.
DEFAULT_LIMIT, MAX_LIMIT = 100, 1_000

_BULK = {parameter.name: parameter for parameter in images_params.BULK}
_STATE = {parameter.name: parameter for parameter in STATE}
_WHOM = (
    replace(
        _STATE["event_type"],
        about="Types of events, in the order wanted, none twice; repeat it, or give a comma list. "
        f"{', '.join(DEFAULT_TYPES)} without it.",
    ),
    *(_STATE[name] for name in ("frm_name", "extrapolate", "max_gap")),
)
_CELLS = (_BULK["rows"], _BULK["columns"])
LABELS = (
    Parameter("wave", WAVE, "Wavelength of the images, angstrom.", required=True),
    *(_BULK[name] for name in ("start", "end", "step")),
    *_WHOM,
    *_CELLS,
    Parameter(
        "limit",
        integer(1, MAX_LIMIT),
        "Images in an answer; the header Link says where to go on.",
        default=DEFAULT_LIMIT,
    ),
    replace(_BULK["format"], kind=choice(("json", "npz"))),
)
IMAGE_LABELS = (MATCH, WITHIN, *_WHOM, *_CELLS, JSON_ONLY)


@dataclass(frozen=True, slots=True)
class Whom:
    """Of which events, and for which cells, labels were asked; None is all, of `max_gap` any."""

    types: tuple[str, ...]
    frm_name: tuple[str, ...] | None
    extrapolate: bool
    max_gap: timedelta | None
    rows: slice
    columns: slice

    def at(self, time: datetime) -> StateCriteria:
        """The same events at an instant."""
        return StateCriteria(
            time=time,
            types=self.types,
            frm_name=self.frm_name,
            extrapolate=self.extrapolate,
            max_gap=self.max_gap,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the labels of one image: (types, rows, columns)."""
        rows, columns = (part.stop - part.start for part in (self.rows, self.columns))
        return len(self.types), rows, columns


@dataclass(frozen=True, slots=True)
class LabelsQuestion:
    """Labels of which images of a wavelength: those whose parameters answer `frames`; `limit` of them."""

    frames: BulkQuestion
    whom: Whom
    limit: int

    @property
    def wave(self) -> int:
        """The wavelength, angstrom."""
        return self.frames.waves[0]


def labels_question(query: QueryDict) -> LabelsQuestion:
    """The question of /api/v1/labels. Raises ParameterError."""
    values = read(query, LABELS, strict=True)
    frames = bulk_question(values | {"wave": (values["wave"],), "parameter": None})
    return LabelsQuestion(frames, whom_of(query, values), values["limit"])


def whom_of(query: QueryDict, values: dict[str, Any]) -> Whom:
    """The events and cells that these values of the query mean. Raises ParameterError."""
    _check_once(query, values["event_type"])
    gap = values["max_gap"]
    return Whom(
        types=values["event_type"] or DEFAULT_TYPES,
        frm_name=values["frm_name"],
        extrapolate=values["extrapolate"],
        max_gap=None if gap is None else timedelta(seconds=gap),
        rows=values["rows"] or WHOLE,
        columns=values["columns"] or WHOLE,
    )


def _check_once(query: QueryDict, types: tuple[str, ...] | None) -> None:
    """Check that no type stands twice: each has a place of its own in the array."""
    texts = [part for text in query.getlist("event_type") for part in text.split(",") if part.strip()]
    if len(texts) > len(types or ()):
        raise ParameterError("event_type", "event_type names a type twice; give each once")
