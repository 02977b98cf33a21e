"""Which image a question means, in every dialect, and what is told where there is none."""

from datetime import datetime, timedelta
from typing import Any

from django.http.response import HttpResponseBase

from api.errors import NotFoundError
from api.params import Kind, Parameter, integer, members
from images import queries
from images.domain.criteria import TOLERANCE, Match
from images.domain.settings import PARAMETERS
from images.domain.slots import WAVES, UnknownWaveError, start_of, wave_of
from images.models import ImageHeader

#: Nothing further away than this, in seconds, answers a time: a day.
MAX_TOLERANCE = 86_400


def _read_wave(text: str) -> int:
    try:
        return wave_of(text)
    except UnknownWaveError as error:
        raise ValueError(text) from error


#: Zeros before it or not: the original's page sent four digits.
WAVE = Kind(
    _read_wave,
    f"one of {', '.join(map(str, WAVES))} (angstrom)",
    {"type": "string", "enum": [str(wave) for wave in WAVES]},
)
#: A parameter by the number that the original gave it.
PARAMETER_ID = integer(1, len(PARAMETERS))
MATCH = Parameter(
    "match",
    members(Match),
    "Which image answers a time. `next`: that of the slot of 6 minutes that contains it, else the next one. "
    "`previous`: the last one observed before it. `nearest`: the one observed nearest to it.",
    default=Match.NEXT,
)
WITHIN = Parameter(
    "tolerance",
    integer(0, MAX_TOLERANCE),
    "How far from the time, in seconds, the image may be.",
    default=int(TOLERANCE.total_seconds()),
)


class NoImageError(NotFoundError):
    """No image answers the time: the message names the nearest ones that are there."""

    def __init__(self, wave: int, time: datetime, within: timedelta | None = None) -> None:
        away = f" or within {within.total_seconds():g} s of it" if within else ""
        super().__init__(
            f"There is no image of {wave} angstrom at {told(time)}{away}; {_nearest(wave, time)}."
        )


def _nearest(wave: int, time: datetime) -> str:
    found = queries.neighbours(wave, time, itself=True)
    known = [told(start_of(image.slot)) for image in (found.before, found.after) if image is not None]
    if not known:
        return "there are none at all"
    return f"the nearest filled slot{'s begin' if known[1:] else ' begins'} at {' and '.join(known)}"


def image_at(
    wave: int, time: datetime, match: Match = Match.NEXT, within: timedelta = TOLERANCE
) -> ImageHeader:
    """The image of `wave` (angstrom) that answers `time`. Raises NoImageError."""
    found = find_image(wave, time, match, within)
    if found is None:
        raise NoImageError(wave, time, within)
    return found


def find_image(wave: int, time: datetime, match: Match, within: timedelta) -> ImageHeader | None:
    """The same, None where no image answers."""
    try:
        return queries.find(wave, time, match, within)
    except OverflowError:  # the end of the calendar
        return None


def image_of(values: dict[str, Any], time: datetime) -> ImageHeader:
    """The image that `wave`, `match` and `tolerance` of these values mean. Raises NoImageError."""
    within = timedelta(seconds=values["tolerance"])
    return image_at(values["wave"], time, values["match"], within)


def told(time: datetime) -> str:
    """A time of ours as text: 2012-01-02T06:00:00Z, with a fraction only where it has one."""
    return f"{time.replace(tzinfo=None).isoformat()}Z"


def tell_times(response: HttpResponseBase, image: ImageHeader) -> None:
    """Say when the image was observed, and in which slot it stands."""
    response["X-Observation-Time"] = told(image.observed)
    response["X-Slot-Time"] = told(start_of(image.slot))
