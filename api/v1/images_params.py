"""The parameters of the addresses of images, their parameters and headers. An unknown one is an error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from api.errors import ParameterError
from api.frames import MATCH, WAVE, WITHIN
from api.paging import IMAGE_CURSOR
from api.params import (
    FLAG,
    MAX_OFFSET,
    TEXT,
    TIME,
    Kind,
    Parameter,
    choice,
    integer,
    number,
    read_time,
    window_of,
)
from api.v1.params import JSON_ONLY
from events.domain.criteria import TimeWindow
from images.domain.colour import RAMPS
from images.domain.criteria import ImageCriteria
from images.domain.quality import TOLERATED, Flag
from images.domain.settings import GRID, PARAMETERS
from images.domain.slots import EPOCH, WAVES, UnknownWaveError, start_of, wave_of
from images.files import SIZES
from images.store import SLOTS

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
#: Frames of a series under a moving shape.
DEFAULT_FRAMES, MAX_FRAMES = 100, 1_000
DEFAULT_QUANTILES, MAX_QUANTILES = (0.25, 0.5, 0.75), 20
#: Days of one answer about what there is.
MAX_DAYS = 366
#: No image is later than the arrays reach.
END = start_of(SLOTS)
_WORD = 0xFFFFFFFF
#: Every bit with which an image is not usually still good.
INTOLERABLE = _WORD & ~sum(1 << bit for bit in TOLERATED)


# --- kinds


def _read_mask(text: str) -> int:
    if text.lower() == "intolerable":
        return INTOLERABLE
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    mask = int(text, 0)
    if not 0 <= mask <= _WORD:
        raise ValueError(text)
    return mask


MASK = Kind(
    _read_mask,
    "a number of 32 bits, decimal or like 0x1000, or the word intolerable",
    {"type": "string", "examples": ["intolerable", "4096"]},
)
_FLAGS = [flag.name.lower() for flag in Flag if flag.name]


def _read_parameter(text: str) -> int:
    word = text.lower().replace(" ", "_")
    return PARAMETERS.index(word) + 1 if word in PARAMETERS else integer(1, len(PARAMETERS)).read(text)


PARAMETER = Kind(
    _read_parameter,
    f"a name or number of one of 1 {PARAMETERS[0]} to {len(PARAMETERS)} {PARAMETERS[-1]}",
    {"type": "string", "examples": ["entropy", "10"]},
)


def _read_cells(text: str) -> slice:
    first, colon, end = text.partition(":")
    whole = integer(0, GRID)
    begin, stop = (whole.read(first), whole.read(end)) if colon else (whole.read(text), whole.read(text) + 1)
    if not begin < stop <= GRID:
        raise ValueError(text)
    return slice(begin, stop)


CELLS = Kind(
    _read_cells,
    f"one number from 0 to {GRID - 1}, or first:end of which the end is not among them",
    {"type": "string", "examples": ["16:48", "5"]},
)


# --- tables

_WAVES = Parameter("wave", WAVE, "Wavelengths, angstrom; repeat it, or give a comma list.", many=True)
_START = Parameter("start", TIME, "Start of the window of time; without it the window is open.")
_END = Parameter("end", TIME, "End of the window of time, excluded; without it the window is open.")
_MASK = Parameter(
    "quality_mask",
    MASK,
    "Images with any of these bits of QUALITY are left out. `intolerable`: all but 0 to 4, 8 and 30, which "
    "are usually tolerated; bit 30 (quicklook) is set in every JP2.",
    default=0,
)
_WITHOUT = Parameter(
    "without_flag", choice(_FLAGS), "Images with any of these flags of ours are left out.", many=True
)
_WITH = Parameter("flag", choice(_FLAGS), "Only images with one of these flags of ours.", many=True)
_LIMIT = Parameter("limit", integer(1, MAX_LIMIT), "Images in an answer.", default=DEFAULT_LIMIT)
_CURSOR = Parameter("cursor", IMAGE_CURSOR, "Where to go on: from the `next` of an answer.")
_TIME = Parameter(
    "time", TIME, "Instead of a window: of each wavelength the one image that answers this time."
)
LIST = (_WAVES, _START, _END, _TIME, MATCH, WITHIN, _MASK, _WITHOUT, _WITH, _LIMIT, _CURSOR, JSON_ONLY)
HEADERS = (
    *(_WAVES, _START, _END, _MASK, _WITHOUT, _WITH),
    Parameter(
        "limit",
        integer(1, MAX_LIMIT),
        f"Headers in an answer. Without it: all in csv, {DEFAULT_LIMIT} in the others.",
    ),
    _CURSOR,
    Parameter("format", choice(("json", "csv", "votable")), "Form of the answer; else by Accept, else json."),
)
IMAGE = (MATCH, WITHIN, JSON_ONLY)
_SIZE = Parameter("size", choice(map(str, SIZES)), "Pixels on each side.", default=str(SIZES[0]))
#: Compared with `api.caching.version_of`.
_VERSION = Parameter(
    "version",
    TEXT,
    "The image's `version`: while it is that, the answer can be kept for ever. It chooses nothing.",
)
PICTURE = (
    *(MATCH, WITHIN, _SIZE, _VERSION),
    Parameter("colour", choice(("grey", "aia")), "`aia`: the usual colours of the channel.", default="grey"),
)
HEATMAP = (
    *(MATCH, WITHIN, _SIZE, _VERSION),
    Parameter("parameter", PARAMETER, "Which parameter is shown.", required=True),
    Parameter("ramp", choice(RAMPS), "Colours, from the least value to the greatest.", default="heat"),
    Parameter("legend", FLAG, "What the colours stand for, beside.", default=False),
)
_PARAMETERS = Parameter(
    "parameter",
    PARAMETER,
    "Parameters by name or number, in the order wanted; all ten without it.",
    many=True,
)
_STEP = Parameter(
    "step", integer(1, MAX_OFFSET), "Every so many slots of 6 minutes from `start` on.", default=1
)
BULK_FORMATS = ("json", "npz", "parquet", "zarr")
BULK = (
    _WAVES,
    Parameter("start", TIME, "Start of the window of time.", required=True),
    Parameter("end", TIME, "End of the window of time, excluded.", required=True),
    _STEP,
    _PARAMETERS,
    Parameter("rows", CELLS, "Rows of cells, 0 in the north; all without it."),
    Parameter("columns", CELLS, "Columns of cells, 0 in the east; all without it."),
    Parameter(
        "limit",
        integer(1, MAX_LIMIT),
        f"Times in an answer. Without it {DEFAULT_LIMIT} in json and as many as an answer can hold "
        "in the others; the header Link says where to go on.",
    ),
    Parameter("format", choice(BULK_FORMATS), "Form of the answer; else by Accept, else json."),
)
AVAILABILITY = (
    _WAVES,
    Parameter("start", TIME, "The first day."),
    Parameter("end", TIME, f"The last day; at most {MAX_DAYS} days in an answer."),
    JSON_ONLY,
)
UNDER_SHAPE = (
    Parameter("wave", WAVE, "Wavelength, angstrom.", required=True),
    _PARAMETERS,
    Parameter(
        "quantile",
        number(0, 1),
        f"Quantiles over the covered cells, at most {MAX_QUANTILES}; 0.25, 0.5 and 0.75 without it.",
        many=True,
    ),
    Parameter("start", TIME, "Only images from here on."),
    Parameter("end", TIME, "Only images before this."),
    Parameter("step", integer(1, MAX_OFFSET), "Every so many images.", default=1),
    Parameter("limit", integer(1, MAX_FRAMES), "Images in an answer.", default=DEFAULT_FRAMES),
    JSON_ONLY,
)


# --- questions


def window(start: datetime | None, end: datetime | None) -> TimeWindow:
    """The window, from the first slot to the last where it is open. Raises ParameterError."""
    return window_of(start or EPOCH, end or END, name="start")


def criteria_of(values: dict[str, Any]) -> ImageCriteria:
    """What a list of images or headers was asked. Raises ParameterError."""
    asked = window(values["start"], values["end"])
    return ImageCriteria(
        start=asked.start,
        end=asked.end,
        waves=values["wave"] or WAVES,
        unwanted_quality=values["quality_mask"],
        unwanted_flags=frozenset(values["without_flag"] or ()),
        wanted_flags=frozenset(values["flag"] or ()),
        after=values["cursor"],
    )


def check_one_way(values: dict[str, Any], asked: Callable[[str], Any]) -> None:
    """Check that `time` stands without what asks for a list, and `match` with it. Raises ParameterError."""
    listing = ("start", "end", "quality_mask", "without_flag", "flag", "limit", "cursor")
    if values["time"] and (beside := [name for name in listing if asked(name)]):
        raise ParameterError("time", f"time stands instead of {beside[0]}; give one of them")
    for name in ("match", "tolerance"):
        if asked(name) and not values["time"]:
            raise ParameterError(name, f"{name} needs time beside it")


@dataclass(frozen=True, slots=True)
class BulkQuestion:
    """Which frames were asked for, and what of each. `limit` is None where none was given."""

    waves: tuple[int, ...]
    start: datetime
    end: datetime
    step: int
    parameters: tuple[int, ...]
    rows: slice
    columns: slice
    limit: int | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what is taken of a frame: (rows, columns, parameters)."""
        rows, columns = (part.stop - part.start for part in (self.rows, self.columns))
        return rows, columns, len(self.parameters)

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [PARAMETERS[identity - 1] for identity in self.parameters]


def bulk_question(values: dict[str, Any]) -> BulkQuestion:
    """The question of these values. Raises ParameterError."""
    asked = window_of(values["start"], values["end"], name="start")
    whole = slice(0, GRID)
    return BulkQuestion(
        waves=tuple(sorted(values["wave"] or WAVES)),
        start=max(asked.start, EPOCH),
        end=min(asked.end, END),
        step=values["step"],
        parameters=numbers_of(values),
        rows=values["rows"] or whole,
        columns=values["columns"] or whole,
        limit=values["limit"],
    )


def wave_in_address(text: str) -> int:
    """The wavelength of an address. Raises ParameterError."""
    try:
        return wave_of(text)
    except UnknownWaveError as error:
        raise ParameterError("wave", str(error)) from error


def days_of(values: dict[str, Any]) -> tuple[datetime, datetime] | None:
    """The first and the last day, or None where none was asked for; none is later than the arrays reach.

    Raises ParameterError.
    """
    start, end = values["start"], values["end"]
    if start is None and end is None:
        return None
    if start is None or end is None:
        missing = "start" if start is None else "end"
        raise ParameterError(missing, f"{missing} is missing; start and end stand together")
    asked = window_of(start, end, name="start")
    if asked.end - asked.start >= timedelta(days=MAX_DAYS):
        raise ParameterError("end", f"end is more than {MAX_DAYS} days after start")
    return min(asked.start, END), min(asked.end, END)


def key_of(text: str) -> int | datetime:
    """A slot's number or a time of an address. Raises ParameterError."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    try:
        return read_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        takes = f"the number of a slot, or {TIME.takes}"
        raise ParameterError("time", f"{text[:60]!r} is neither {takes}") from None


def quantiles_of(values: dict[str, Any]) -> Sequence[float]:
    """The quantiles that were asked for, in their order. Raises ParameterError."""
    asked: Sequence[float] = values["quantile"] or DEFAULT_QUANTILES
    if len(asked) > MAX_QUANTILES:
        raise ParameterError(
            "quantile", f"quantile has {len(asked)} values; it takes at most {MAX_QUANTILES}"
        )
    return asked


def numbers_of(values: dict[str, Any]) -> tuple[int, ...]:
    """The numbers of the parameters that were asked for, in their order, or all."""
    return values["parameter"] or tuple(range(1, len(PARAMETERS) + 1))
