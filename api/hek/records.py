"""HEK's flat records: every key of the event's type, HEK's empty values, and what clients need to find.

What was reported stands as sent. What was not is filled up here and nowhere else:

* Every key of the type's record is there: null where HEK has a number, "" elsewhere, [] for `refs`. Booleans
  are the words "true" and "false". Keys that HEK does not have are kept behind HEK's own.
* Shapes are the text that clients read: no blank after the keyword, one ring without holes, or "".
* A report without the archive's derived geometry (CSV, VOEvent) gets ours, from the event's columns.
* sunpy reads no table in which a row lacks event_coord1, event_coord2, event_coordunit or a frame it knows. A
  report without them gets its Stonyhurst position, else its helioprojective one; where no position is known,
  what HEK itself writes then: (0,0), boxes of +-90 degrees, and noposition "true".
* Areas and wavelengths are in km2 and cm throughout HEK: a value without its unit gets that.
"""

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, FRAMES, GEOMETRY_COLUMNS, record_keys

#: The frames that clients know.
_FRAMES_READ = frozenset({"UTC-HGS-TOPO", "UTC-HPC-TOPO", "UTC-HGC-TOPO", "UTC-HCR-TOPO", "UTC-HRC-TOPO"})
#: Where any of these was sent, the archive has derived the geometry, and its gaps are meant.
DERIVED = tuple(f"{frame}_coord" for frame in FRAMES)
_BOOLEANS = tuple(a.name for a in ATTRIBUTES.values() if a.kind == "boolean")
_WORDS = {True: "true", False: "false"}
#: Kind of a shape -> how its text begins, and how many brackets, the first of all, close it.
_PLAIN = {"point": ("POINT(", 1), "polygon": ("POLYGON((", 2)}
_POSITION = ("event_coord1", "event_coord2", "event_coordunit", "event_coordsys")
#: Unit column -> HEK's unit, and the numbers that it belongs to.
_UNITS = {
    unit: (word, tuple(a.name for a in ATTRIBUTES.values() if a.is_numeric and a.unit_column == unit))
    for unit, word in {"area_unit": "km2", "obs_wavelunit": "cm"}.items()
}
#: As reporters write it -> as astropy reads it.
_UNIT_SPELLINGS = {"Angstroms": "angstrom", "angstroms": "angstrom"}
_UNKNOWN_PLACE: Mapping[str, Any] = {
    "event_coord1": 0,
    "event_coord2": 0,
    "event_coordunit": "degrees",
    "event_coordsys": "UTC-HGS-TOPO",
    "event_c1error": 90,
    "event_c2error": 90,
    "boundbox_c1ll": -90,
    "boundbox_c2ll": -90,
    "boundbox_c1ur": 90,
    "boundbox_c2ur": 90,
    "hgs_x": 0,
    "hgs_y": 0,
    "hgs_coord": "POINT(0 0)",
    "hgs_bbox": "POLYGON((-89.9 -89.9,89.9 -89.9,89.9 89.9,-89.9 89.9,-89.9 -89.9))",
    "noposition": True,
}

_POINT = re.compile(r"POINT\((-?[0-9.]+(?:e[-+]?[0-9]+)?) (-?[0-9.]+(?:e[-+]?[0-9]+)?)\)")

Shapes = Mapping[str, str | None]
Row = tuple[str, str, str, str | None]


def empty_value(name: str) -> Any:
    """What HEK writes where this attribute lacks."""
    if ATTRIBUTES[name].kind == "list":
        return []
    return None if ATTRIBUTES[name].is_numeric else ""


@cache
def empty_record(event_type: str) -> Mapping[str, Any]:
    """The record of this type in which nothing was reported but the type."""
    known = EVENT_TYPES[event_type]
    return {name: empty_value(name) for name in record_keys(event_type)} | {
        "event_type": event_type,
        "concept": known.concept,
        "eventtype": "" if known.number is None else str(known.number),
        "active": "true",
        "comment_count": "0",
        "event_testflag": "false",
        "frm_humanflag": "false",
        "hcr_checked": "false",
        "revision": "1",
        "sum_overlap_scores": "0",
    }


def hek_record(
    attributes: Mapping[str, Any],
    event_type: str,
    *,
    kb_archivid: str = "",
    shapes: Shapes | None = None,
) -> dict[str, Any]:
    """The full record of an event.

    `attributes` and `kb_archivid` as stored; `shapes` are its geometry columns as WKT, wanted only where
    `attributes` have none of `DERIVED`.
    """
    record = {**empty_record(event_type), "refs": []}
    if attributes.keys().isdisjoint(DERIVED):
        record |= _derived(attributes, event_type, shapes or {})
    if _has_position(attributes):
        record |= attributes
    else:
        place = _position(attributes, record)
        record |= place
        record |= {name: value for name, value in attributes.items() if name not in _POSITION}
        record["noposition"] = place["noposition"]
    record.pop("kb_archivurl", None)
    _fill(record, attributes, kb_archivid)
    return record


def _fill(record: dict[str, Any], attributes: Mapping[str, Any], kb_archivid: str) -> None:
    """What depends on single values: words, units, shapes, the id and the end."""
    for name in _BOOLEANS:
        value = record.get(name)
        if value is True or value is False:
            record[name] = _WORDS[value]
    if record["noposition"] == "":
        record["noposition"] = "false"
    for unit, (word, numbers) in _UNITS.items():
        if unit not in attributes and not attributes.keys().isdisjoint(numbers):
            record[unit] = word
    record["obs_wavelunit"] = _UNIT_SPELLINGS.get(record["obs_wavelunit"], record["obs_wavelunit"])
    _fill_shapes(record)
    if not record["kb_archivid"]:
        record["kb_archivid"] = kb_archivid
    if not record["event_endtime"]:
        record["event_endtime"] = record["event_starttime"]


def _fill_shapes(record: dict[str, Any]) -> None:
    for name, kind, lead, closing in _shape_names(record["event_type"]):
        text = record[name]
        # Nearly all are plain, which two looks tell.
        if text and (text.find(")") != len(text) - closing or not text.startswith(lead)):
            record[name] = _read_by_clients(text, kind)


@cache
def _shape_names(event_type: str) -> tuple[tuple[str, str, str, int], ...]:
    """The shapes in a record of this type, with their kind and what is `_PLAIN` of it."""
    kinds = ((name, ATTRIBUTES[name].kind) for name in record_keys(event_type))
    return tuple((name, kind, *_PLAIN[kind]) for name, kind in kinds if kind in _PLAIN)


def _read_by_clients(text: str, kind: str) -> str:
    """A shape as clients read it, "" where it is none of these."""
    if kind == "polygon" and ("),(" in text or ") ,(" in text or "), (" in text):
        return ""
    lead, _ = _PLAIN[kind]
    if text.startswith(lead):
        return text
    bare = text.upper().replace("POINT (", "POINT(").replace("POLYGON (", "POLYGON(").replace("( (", "((")
    return bare if bare.startswith(lead) else ""


# --- geometry of ours


def _derived(attributes: Mapping[str, Any], event_type: str, shapes: Shapes) -> dict[str, Any]:
    """The geometry that HEK derives from a report, from our columns."""
    keys = record_keys(event_type)
    found: dict[str, Any] = {name: text for name, text in shapes.items() if text and _is_simple(text)}
    for frame, names in _NUMBERS.items():
        if point := found.get(f"{frame}_coord"):
            found |= dict(zip(names, _numbers(point), strict=True))
    if found:
        found["noposition"] = False
    if found.get("hpc_x") is not None:
        found["hpc_radius"] = repr(math.hypot(found["hpc_x"], found["hpc_y"]))
    if found.get("hgc_x") is not None and "SOL_standard" not in attributes:
        start = attributes.get("event_starttime", "")
        found["SOL_standard"] = _sol_standard(start, found["hgc_x"], found["hgc_y"])
    return {name: value for name, value in found.items() if name in keys}


_NUMBERS = {
    "hpc": ("hpc_x", "hpc_y"),
    "hgs": ("hgs_x", "hgs_y"),
    "hgc": ("hgc_x", "hgc_y"),
    "hrc": ("hrc_r", "hrc_a"),
}


def _is_simple(text: str) -> bool:
    return text.startswith(("POINT(", "POLYGON((")) and "),(" not in text


def _numbers(point: str) -> tuple[float | None, float | None]:
    match = _POINT.fullmatch(point)
    if match is None:
        return None, None
    x, y = (float(text) for text in match.groups())
    return int(x) if x.is_integer() else x, int(y) if y.is_integer() else y


def _sol_standard(start: str, longitude: float, latitude: float) -> str:
    """HEK's name of a time and place: Carrington longitude and colatitude, three digits each."""
    whole = math.trunc(longitude)
    return f"SOL{start}L{whole + 360 if whole < 0 else whole:03}C{90 - math.trunc(latitude):03}"


def _has_position(attributes: Mapping[str, Any]) -> bool:
    return (
        attributes.get("event_coordsys") in _FRAMES_READ
        and "event_coord1" in attributes
        and "event_coord2" in attributes
        and "event_coordunit" in attributes
    )


def _position(attributes: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The position of a report that does not give it as clients read it."""
    for frame, system, unit in (("hgs", "UTC-HGS-TOPO", "deg deg"), ("hpc", "UTC-HPC-TOPO", "arcsec,arcsec")):
        x, y = (attributes.get(name, record.get(name)) for name in _NUMBERS[frame])
        if x is None or y is None:
            x, y = _numbers(str(attributes.get(f"{frame}_coord", "")))
        if x is not None and y is not None:
            place = dict(zip(_POSITION, (x, y, unit, system), strict=True))
            return place | {"noposition": False}
    return {name: value for name, value in _UNKNOWN_PLACE.items() if name in record}


# --- from the database


def record_of(row: Row) -> dict[str, Any]:
    """The record of (kb_archivid, event_type, attributes, shapes), as `api.hek.search` reads them."""
    kb_archivid, event_type, attributes, shapes = row
    found = dict(zip(GEOMETRY_COLUMNS, orjson.loads(shapes), strict=True)) if shapes else None
    return hek_record(orjson.loads(attributes), event_type, kb_archivid=kb_archivid, shapes=found)
