"""Every event type and attribute, under HEK's own names; the words themselves are data, in vocabulary.json.

Kinds of an attribute, and the canonical JSON type that we store for it:

=========  ======================================================================
number     JSON number (whole values without a decimal point); unit in `unit` or in the column `unit_column`
integer    JSON number without a fraction
boolean    true / false (HEK writes the words "true" and "false")
time       text, YYYY-MM-DDTHH:MM:SS, UTC
point      text, WKT POINT
polygon    text, WKT POLYGON
wkb        text, hexadecimal WKB
list       list (of references)
text       text
=========  ======================================================================
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["number", "integer", "boolean", "time", "point", "polygon", "wkb", "list", "text"]

#: Frames of every shape: helioprojective (arcsec), Stonyhurst and Carrington (deg), and
#: helioprojective-radial (radius in solar radii, position angle in deg counter-clockwise from north).
FRAMES = ("hpc", "hgs", "hgc", "hrc")
#: Shapes in every frame: the mean position, the bounding box, the outline ("bounding chain code").
SHAPES = ("coord", "bbox", "boundcc")
GEOMETRY_COLUMNS = tuple(f"{frame}_{shape}" for frame in FRAMES for shape in SHAPES)
FRAME_UNITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"hpc": ("arcsec", "arcsec"), "hgs": ("deg", "deg"), "hgc": ("deg", "deg"), "hrc": ("solRad", "deg")}
)
#: Methods (`frm_name`) whose shapes in hpc are what an image at the end of the report's interval showed;
#: those of all others hold at its start. SPoCA reports every few hours what its latest image shows, as of the
#: time since the one before: its kb_archivid bears event_endtime as the image's time, and in HEK's records
#: regions stand the further west the longer the interval (docs/geometry.md, When a shape holds).
METHODS_OBSERVED_AT_END = frozenset({"SPoCA"})


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event: HEK's two-letter code, its name, its concept, and HEK's number where known."""

    code: str
    name: str
    concept: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One column of a HEK record."""

    name: str
    kind: Kind
    description: str
    group: str
    origin: Literal["report", "derived", "archive"]
    event_types: frozenset[str]
    required_for: frozenset[str]
    unit: str | None = None
    unit_column: str | None = None
    unit_part: int | None = None
    is_unit: bool = False
    form: Literal["integer", "decimal", "flag"] | None = None

    @property
    def is_numeric(self) -> bool:
        """Whether HEK writes a JSON number (or null)."""
        return self.kind in ("number", "integer")


@cache
def _data() -> dict[str, Any]:
    return json.loads(files(__package__).joinpath("vocabulary.json").read_text("utf-8"))


def _event_types() -> Mapping[str, EventType]:
    types = (EventType(t["code"], t["name"], t["concept"], t["eventtype"]) for t in _data()["event_types"])
    return MappingProxyType({t.code: t for t in types})


EVENT_TYPES: Mapping[str, EventType] = _event_types()


def _attribute(raw: dict[str, Any]) -> Attribute:
    def types(value: str | list[str]) -> frozenset[str]:
        return frozenset(EVENT_TYPES) if value == "all" else frozenset(value)

    sets = {key: types(raw[key]) for key in ("event_types", "required_for")}
    return Attribute(**{**raw, **sets})


#: name -> attribute, in the order of the attribute table. Names are lower case but for SOL_standard.
ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType({c["name"]: _attribute(c) for c in _data()["columns"]})
_NAMES = {name.lower(): name for name in ATTRIBUTES}
_ALIASES: Mapping[str, str] = _data()["filter_aliases"]


def attribute(name: str) -> Attribute | None:
    """The attribute of this name in any case, or None; sunpy's aliases (`AR_IntensMin`) are followed."""
    key = name.lower()
    canonical = _NAMES.get(_ALIASES.get(key, key))
    return ATTRIBUTES[canonical] if canonical else None


@cache
def record_keys(event_type: str) -> tuple[str, ...]:
    """The keys of a HEK record of this type, in table order (HEK_API: the key rule)."""
    rule = _data()["key_rule"]
    always = {*rule["geometry"], *rule["housekeeping"]}
    if event_type != "CE":
        always |= set(rule["position_extras_not_ce"])
    never = set(rule["never_in_answers"])
    return tuple(
        a.name
        for a in ATTRIBUTES.values()
        if a.name not in never
        and (a.name in always or (a.origin == "report" and event_type in a.event_types))
    )


def observed_at(frm_name: str, start: datetime, end: datetime) -> datetime:
    """When the shapes of a method's report on this interval hold."""
    return end if frm_name in METHODS_OBSERVED_AT_END else start
