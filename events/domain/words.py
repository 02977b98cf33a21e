"""Times, and geometry notes (`events.domain.shapes`: words, details, joined by "+"), as people read them."""

from datetime import datetime
from typing import Any

#: Word -> what it says; the filter of the event list offers these.
WORDS = {
    "computed": "computed",
    "recomputed": "reported unusable, computed instead",
    "dropped": "reported unusable, left out",
    "repaired": "repaired",
    "wrapped": "longitudes brought to -180..180 deg",
    "split": "split where the angle jumps",
    "limb": "vertices beyond the limb moved to it",
    "corners": "only the corners were converted: no real box",
}
_FROM = {
    "hpc": "from the same shape in hpc",
    "hgs": "from the same shape in hgs",
    "hgc": "from the same shape in hgc",
    "hrc": "from the same shape in hrc",
    "outline": "from the outline",
    "hpc_geom": "from HEK's search area (hpc_geom)",
    "goes": "as a square sized by the GOES class",
    "point": "as a small square round the position",
    "numbers": "from the reported numbers",
}
_WHY = {
    "noposition": "the report says that the position is unknown",
    "whole-sun": "a placeholder for the whole Sun",
    "unreadable": "it cannot be read",
    "empty": "it is empty",
    "kind": "it is neither point nor area",
    "range": "its coordinates are impossible",
    "degenerate": "it has no area",
}


def iso(time: datetime) -> str:
    """A time of UTC as HEK writes it: 2014-08-30T20:36:43, years of any age with four digits."""
    return time.replace(tzinfo=None, microsecond=0).isoformat()


def utc(time: datetime | None) -> str:
    """The same with a blank, or a dash."""
    return iso(time).replace("T", " ") if time else "-"


def in_words(note: Any) -> str:
    """A note as a phrase; what is not known stands as it is."""
    return "; ".join(_phrase(part) for part in str(note).split("+")) if note else "as reported"


def _phrase(part: str) -> str:
    word, _, detail = part.partition(":")
    phrase = WORDS.get(word, word)
    if not detail:
        return phrase
    return (
        f"{phrase}: {_WHY.get(detail, detail)}"
        if word == "dropped"
        else f"{phrase} {_FROM.get(detail, detail)}"
    )
