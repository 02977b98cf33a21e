"""VOEvent 1.1 as HEK's reporters write it (SSW's export_event.pro), back into a flat HEK record.

Most attributes stand under their own names, as `lmsal:` elements or as Params of a Group. The others have
places of their own:

==============================================  ==========================================================
`ivorn` of the root                             kb_archivid
Who/Date                                        kb_archivdate
AstroCoords and AstroCoordArea (STC)            event_coordsys, event_coordunit, event_coord1 and 2,
                                                event_c1error, event_c2error, boundbox_*, the times
Why/@expires, Inference/@probability, Concept   event_expires, event_probability, concept
Why/Description, else What/Description          event_description
Why/lmsal:EVENT_TYPE, "FL: Flare"               event_type, "FL"
Reference                                       refs
Citations/EventIVORN                            associations (`citations`)
==============================================  ==========================================================

An attribute under its own name takes precedence. The rest is in VOEvent 1.1, IVOA REC 2006-11-01.
"""

from xml.etree.ElementTree import Element, tostring

from events.domain.vocabulary import attribute
from ingest.sources.archive.tags import local_name, named, text_of
from ingest.sources.base import Record, Rejected


def record(event: Element) -> Record | Rejected:
    """The record of a VOEvent element, values as text; rejected if it tells neither an id nor a time."""
    who, what, why = (next(named(event, part), None) for part in ("Who", "What", "Why"))
    found: Record = {
        "kb_archivid": event.get("ivorn", ""),
        "kb_archivdate": text_of(who, "Date"),
        "concept": text_of(why, "Concept"),
        "event_description": text_of(why, "Description") or text_of(what, "Description"),
        **_where_when(event),
    }
    if why is not None:
        found["event_expires"] = why.get("expires", "")
        inference = next(named(why, "Inference"), None)
        found["event_probability"] = inference.get("probability", "") if inference is not None else ""
    found |= _own_names(event)
    found["event_type"] = found.get("event_type", "").partition(":")[0].strip()
    found["refs"] = [
        {"ref_name": ref.get("name", ""), "ref_type": ref.get("type", ""), "ref_url": ref.get("uri", "")}
        for ref in event
        if local_name(ref) == "Reference"
    ]
    known = {name: value for name, value in found.items() if value}
    if "kb_archivid" not in known and "event_starttime" not in known:
        return Rejected(tostring(event, "unicode"), "a VOEvent without ivorn and time")
    return known


def citations(event: Element) -> list[Record]:
    """The edges that a VOEvent cites, as associations; none for another element.

    Who follows up an event is the second end of HEK's `is_followed_by`; `supersedes` and `retraction` keep
    VOEvent's words and lead from this event to the one cited.
    """
    edges: list[Record] = []
    this = event.get("ivorn", "")
    for cited in named(event, "EventIVORN"):
        other, action = (cited.text or "").strip(), cited.get("cite") or cited.get("action") or ""
        if not other or not this:
            continue
        follows = action.lower() == "followup"
        first, second = (other, this) if follows else (this, other)
        edge = "is_followed_by" if follows else action
        edges.append({"first_ivorn": first, "second_ivorn": second, "edge_type": edge})
    return edges


def _own_names(event: Element) -> Record:
    """What stands under its own name and is not empty: lmsal: elements and Params, unknown ones included."""
    found: Record = {}
    for element in event.iter():
        is_param = local_name(element) == "Param"
        if len(element) or not (is_param or "lmsal" in element.tag):
            continue
        name = (element.get("name") or "" if is_param else local_name(element)).strip()
        value = ((element.get("value") if is_param else element.text) or "").strip()
        known = attribute(name)
        if name and value:
            found[known.name if known else name.lower()] = value
    return found


def _where_when(event: Element) -> Record:
    """Times, position and box from the STC elements of the observation."""
    location = next(named(event, "ObservationLocation"), None)
    if location is None:
        return {}
    coords = next(named(location, "AstroCoords"), None)
    area = next(named(location, "AstroCoordArea"), None)
    position = next(named(coords, "Position2D"), None) if coords is not None else None
    instant = text_of(coords, "TimeInstant", "ISOTime")
    found: Record = {
        "event_coordsys": coords.get("coord_system_id", "") if coords is not None else "",
        "event_coordunit": position.get("unit", "") if position is not None else "",
        "event_coord1": text_of(position, "Value2", "C1"),
        "event_coord2": text_of(position, "Value2", "C2"),
        "event_c1error": text_of(position, "Error2", "C1"),
        "event_c2error": text_of(position, "Error2", "C2"),
        "event_starttime": text_of(area, "StartTime", "ISOTime") or instant,
        "event_endtime": text_of(area, "StopTime", "ISOTime"),
    }
    for axis in ("1", "2"):
        found |= _box_side(area, axis)
    return found


def _box_side(area: Element | None, axis: str) -> Record:
    """Both ends of a box on one axis, from its centre and its full size."""
    try:
        centre = float(text_of(area, "Box2", "Center", f"C{axis}"))
        half = float(text_of(area, "Box2", "Size", f"C{axis}")) / 2
    except ValueError:
        return {}
    return {f"boundbox_c{axis}ll": repr(centre - half), f"boundbox_c{axis}ur": repr(centre + half)}
