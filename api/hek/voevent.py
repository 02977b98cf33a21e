"""One event as a VOEvent 1.1 in the shape that SSW's export_event.pro gave to HEK's (`cmd=export-voevent`).

Every attribute stands under its own name, as an `lmsal:` element or as a Param of a Group, but for those that
VOEvent has a place for: the id, the times, position and box, concept, probability, description, references.
The box stands twice, since its centre and size do not give the corners back to the last digit. Empty
attributes are left out. What HEK derived or its archive added has Groups of its own.

What a VOEvent cannot carry: associations other than `is_followed_by` (VOEvent knows follow-ups,
supersessions and retractions, and nothing else), their strength and who reported them; the case of names
and the types of values that are not in HEK's vocabulary; characters that XML forbids. Earlier versions
are not cited, since a revision keeps its id.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from api.hek.xml import as_text
from events.domain.markup import clean
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, Attribute
from events.domain.words import iso
from events.models import Association, Event

CONTENT_TYPE = "text/xml; charset=utf-8"
_STC = "http://www.ivoa.net/xml/STC/stc-v1.30.xsd"
_ROOT = {
    "role": "observation",
    "version": "1.1",
    "xmlns:voe": "http://www.ivoa.net/xml/VOEvent/v1.1",
    "xmlns:stc": _STC,
    "xmlns:lmsal": "http://www.lmsal.com/helio-informatics/lmsal-v1.0.xsd",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": "http://www.ivoa.net/xml/VOEvent/v1.1"
    " http://www.lmsal.com/helio-informatics/VOEvent-v1.1.xsd",
}
_AUTHOR = "ivo://helio-informatics.org/"
#: Attributes with a place of their own; all others stand under their names.
_PLACED = frozenset(
    {
        *("event_type", "kb_archivid", "kb_archivdate", "concept", "refs"),
        *("event_description", "event_expires", "event_probability", "event_starttime", "event_endtime"),
        *("event_coordsys", "event_coordunit", "event_coord1", "event_coord2"),
        *("event_c1error", "event_c2error"),
    }
)
_CITED = {"supersedes", "retraction"}
#: Of the references one has to be there; an empty one is read as none.
_NO_REFERENCE = {"uri": ""}

Attributes = Mapping[str, Any]
_Choice = Callable[[Attribute], bool]


def export_voevent(event: Event, associations: Iterable[Association] = ()) -> bytes:
    """The VOEvent of an event; of the associations those that name it and that VOEvent has a word for."""
    attributes = event.attributes
    root = Element("voe:VOEvent", {"ivorn": clean(event.kb_archivid), **_ROOT})
    _who(SubElement(root, "Who"), attributes)
    _what(SubElement(root, "What"), event)
    _where_when(SubElement(root, "WhereWhen"), event)
    _how(SubElement(root, "How"), attributes)
    _why(SubElement(root, "Why"), event)
    for reference in _references(attributes):
        SubElement(root, "Reference", reference)
    _cite(SubElement(root, "Citations"), event.kb_archivid, associations)
    indent(root)
    # A bare carriage return would be read as the end of a line; in attributes it is escaped already.
    text = tostring(root, encoding="unicode").replace("\r", "&#13;")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


# --- the parts


def _who(who: Element, attributes: Attributes) -> None:
    _add(who, "AuthorIVORN", _AUTHOR)
    _add(SubElement(who, "Author"), "contactName", attributes.get("frm_contact", ""))
    if "kb_archivdate" in attributes:
        _add(who, "Date", attributes["kb_archivdate"])
    _own_elements(who, attributes, lambda a: a.group == "archive" and _is_reported(a))


def _what(what: Element, event: Event) -> None:
    """Measurements: the required ones, the optional ones, and what the archive made or added."""
    attributes, code = event.attributes, event.event_type
    name = EVENT_TYPES[code].name
    of_what = ("measure", "event", "search")
    required = _chosen(attributes, lambda a: code in a.required_for and a.group in of_what)
    optional = _chosen(
        attributes, lambda a: code not in a.required_for and a.group in of_what and _is_reported(a)
    )
    derived = _chosen(attributes, lambda a: a.origin == "derived")
    archive = _chosen(attributes, lambda a: a.origin == "archive")
    unknown = {k: v for k, v in sorted(attributes.items()) if k not in ATTRIBUTES}
    _group(what, f"{name}_required", required)
    _group(what, f"{name}_optional", optional)
    for title, values in (("derived", derived), ("archive", archive), ("other", unknown)):
        if values:
            _group(what, f"{name}_{title}", values)
    SubElement(what, "Description")


def _where_when(where: Element, event: Event) -> None:
    """Times, position and box in the frame of the report; the outline in a Group."""
    attributes = event.attributes
    frame = {"coord_system_id": clean(attributes.get("event_coordsys", ""))}
    data = SubElement(where, "ObsDataLocation", {"xmlns": _STC})
    observatory = SubElement(data, "ObservatoryLocation")
    SubElement(observatory, "AstroCoordSystem")
    SubElement(observatory, "AstroCoords", {"coord_system_id": "UTC-GEOD-TOPO"})
    location = SubElement(data, "ObservationLocation", {"id": "obs"})
    SubElement(location, "AstroCoordSystem")
    _coordinates(SubElement(location, "AstroCoords", frame), attributes)
    _area(SubElement(location, "AstroCoordArea", frame), event)
    position = _chosen(attributes, lambda a: a.group == "position" and _is_reported(a))
    _group(where, f"{EVENT_TYPES[event.event_type].name}_optional", position)


def _coordinates(coords: Element, attributes: Attributes) -> None:
    instant = SubElement(SubElement(coords, "Time"), "TimeInstant")
    _add(instant, "ISOTime", attributes.get("event_starttime", ""))
    position = SubElement(coords, "Position2D", {"unit": clean(attributes.get("event_coordunit", ""))})
    for name, first, second in (
        ("Value2", "event_coord1", "event_coord2"),
        ("Error2", "event_c1error", "event_c2error"),
    ):
        _pair(position, name, attributes.get(first), attributes.get(second))


def _area(area: Element, event: Event) -> None:
    attributes = event.attributes
    interval = SubElement(area, "TimeInterval")
    _add(SubElement(interval, "StartTime"), "ISOTime", attributes.get("event_starttime", ""))
    end = attributes.get("event_endtime") or iso(event.event_endtime)
    _add(SubElement(interval, "StopTime"), "ISOTime", end)
    corners = (attributes.get(f"boundbox_c{axis}{corner}") for axis in (1, 2) for corner in ("ll", "ur"))
    x1, x2, y1, y2 = (math.nan if corner is None else corner for corner in corners)
    centre, size = ((x1 + x2) / 2, (y1 + y2) / 2), (x2 - x1, y2 - y1)
    if all(map(math.isfinite, (*centre, *size))):
        box = SubElement(area, "Box2")
        _pair(box, "Center", *centre)
        _pair(box, "Size", *size)


def _how(how: Element, attributes: Attributes) -> None:
    _own_elements(SubElement(how, "lmsal:data"), attributes, lambda a: a.group == "obs")
    _own_elements(SubElement(how, "lmsal:method"), attributes, lambda a: a.group == "frm")


def _why(why: Element, event: Event) -> None:
    attributes, kind = event.attributes, EVENT_TYPES[event.event_type]
    if "event_expires" in attributes:
        why.set("expires", clean(attributes["event_expires"]))
    if "event_probability" in attributes:
        SubElement(why, "Inference", {"probability": as_text(attributes["event_probability"])})
    if "concept" in attributes:
        _add(why, "Concept", attributes["concept"])
    _add(why, "lmsal:EVENT_TYPE", f"{kind.code}: {kind.name}")
    _add(why, "Description", attributes.get("event_description", ""))


def _references(attributes: Attributes) -> list[dict[str, str]]:
    references = []
    for reference in attributes.get("refs") or ():
        if isinstance(reference, Mapping):
            names = {"name": "ref_name", "type": "ref_type", "uri": "ref_url"}
            parts = {ours: as_text(reference[sent]) for ours, sent in names.items() if sent in reference}
            references.append(parts | ({} if "uri" in parts else _NO_REFERENCE))
    return references or [_NO_REFERENCE]


def _cite(citations: Element, kb_archivid: str, associations: Iterable[Association]) -> None:
    """The reports that this one follows up, and those that it supersedes or retracts.

    The word stands in two attributes: VOEvent's own is `cite`, that of HEK's reporters `action`.
    """
    for edge in associations:
        if edge.edge_type == "is_followed_by" and edge.second_ivorn == kb_archivid:
            action, other = "followup", edge.first_ivorn
        elif edge.edge_type in _CITED and edge.first_ivorn == kb_archivid:
            action, other = edge.edge_type, edge.second_ivorn
        else:
            continue
        _add(citations, "EventIVORN", other, cite=action, action=action)


# --- elements


def _is_reported(attribute: Attribute) -> bool:
    return attribute.origin == "report"


def _chosen(attributes: Attributes, choice: _Choice) -> dict[str, Any]:
    """The attributes without a place of their own that satisfy `choice`, in the vocabulary's order."""
    return {
        name: attributes[name]
        for name, attribute in ATTRIBUTES.items()
        if name in attributes and name not in _PLACED and choice(attribute)
    }


def _own_elements(parent: Element, attributes: Attributes, choice: _Choice) -> None:
    for name, value in _chosen(attributes, choice).items():
        _add(parent, f"lmsal:{_spelled(name)}", value)


@cache
def _spelling() -> dict[str, str]:
    names = json.loads(files(__package__).joinpath("spelling.json").read_text("utf-8"))
    return {name.lower(): name for name in names}


def _spelled(name: str) -> str:
    """A name as HEK's reporters write it, FL_GOESCls; readers of VOEvents may look for just that."""
    return _spelling().get(name, name)


def _group(parent: Element, name: str, values: Mapping[str, Any]) -> None:
    group = SubElement(parent, "Group", {"name": name})
    for key, value in values.items():
        SubElement(group, "Param", {"name": clean(_spelled(key)), "value": as_text(value)})


def _pair(parent: Element, name: str, first: Any, second: Any) -> None:
    if first is None and second is None:
        return
    pair = SubElement(parent, name)
    for axis, value in (("C1", first), ("C2", second)):
        if value is not None:
            _add(pair, axis, value)


def _add(parent: Element, name: str, value: Any, /, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = as_text(value)
