"""The parameters of the addresses that answer with images, their parameters and headers.

Names are read in any case, unknown ones ignored, as with the queries for events.
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from api.dmlab.cells import XML_FORMS
from api.dmlab.params import values_of
from api.frames import MATCH, PARAMETER_ID, WAVE, WITHIN
from api.params import MAX_OFFSET, TEXT, TIME, Kind, Parameter, choice, integer, window_of

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
#: The sides of the pictures, pixels, by the words of the addresses.
SIZES = {"2k": 2048, "512": 512, "256": 256}

_WAVE = Parameter("wave", WAVE, required=True)


def _read_form(text: str) -> str | None:
    """None for any other word: json and xml, which stand in the address, are said here too."""
    return text.lower() if text.lower() in XML_FORMS else None


_FORMAT = Parameter("format", Kind(_read_form, f"one of {', '.join(XML_FORMS)}"))
_STEP = integer(1, MAX_OFFSET)
FRAME = (_WAVE, Parameter("starttime", TIME, required=True), MATCH, WITHIN)
PICTURE = (*FRAME, Parameter("colour", choice(("0", "1")), default="0"))
HEATMAP = (*FRAME, Parameter("param", PARAMETER_ID, required=True))
CELLS = (*FRAME, _FORMAT)
_RANGE = (
    _WAVE,
    Parameter("starttime", TIME, required=True),
    Parameter("endtime", TIME, required=True),
    Parameter("limit", integer(0, MAX_LIMIT), default=DEFAULT_LIMIT),
    Parameter("offset", integer(0, MAX_OFFSET), default=0),
    Parameter("step", _STEP),
    Parameter("setp", _STEP),  # so one of the clients spells it
)
RANGE = (*_RANGE, _FORMAT)
TRACK_SERIES = (
    Parameter("id", TEXT, required=True),
    _WAVE,
    Parameter("param", PARAMETER_ID, required=True),
)


@dataclass(frozen=True, slots=True)
class RangeQuestion:
    """What a range was asked: of the images in [start, end) every `step`-th, of these a page."""

    wave: int
    start: datetime
    end: datetime
    step: int
    offset: int
    limit: int
    form: str | None


def range_question(query: QueryDict, *, xml: bool) -> RangeQuestion:
    """The question of a range, with the form of its XML, if it is that. Raises ParameterError."""
    values = values_of(query, RANGE if xml else _RANGE)
    window = window_of(values["starttime"], values["endtime"], name="starttime")
    return RangeQuestion(
        wave=values["wave"],
        start=window.start,
        end=window.end,
        step=values["step"] or values["setp"] or 1,
        offset=values["offset"],
        limit=values["limit"],
        form=values.get("format"),
    )
