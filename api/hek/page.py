"""One event as a page to read (`cmd=view-voevent`): what JHelioviewer's and old scripts' links open."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.template.loader import render_to_string

from events import portrait
from events.domain.vocabulary import EVENT_TYPES
from events.domain.words import iso, utc
from events.models import Event
from events.queries import neighbours_of

CONTENT_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Link:
    """Another report, with the address of its page."""

    text: str
    start: str
    address: str


@dataclass(frozen=True, slots=True)
class Relation:
    """An association in words, and the other report's page where that report is stored here."""

    words: str
    other: str
    address: str


def view_voevent(event: Event) -> str:
    """The whole page. Needs the stored event; asks for its track and its associations."""
    before, after = neighbours_of(event)
    context = {
        "concept": EVENT_TYPES[event.event_type].concept,
        "start": utc(event.event_starttime),
        "identity": portrait.identity(event),
        "pictures": portrait.pictures(event),
        "is_drawn": any((event.hpc_coord, event.hpc_bbox, event.hpc_boundcc)),
        "says_no_position": bool(event.attributes.get("noposition")),
        "track": event.frm_specificid,
        "before": before and _link(before),
        "after": after and _link(after),
        "relations": [_relation(edge) for edge in portrait.edges(event)],
        "shown": portrait.SHOWN,
        "groups": portrait.attribute_groups(event.attributes),
        "geometries": portrait.geometries(event),
        "references": portrait.references(event.attributes),
        "forms": _forms(event),
        "hek_page": portrait.hek_page(event.kb_archivid),
    }
    return render_to_string("hek/event.html", context)


def page_address(kb_archivid: str) -> str:
    """The page of another event, from this one."""
    return "?" + urlencode({"cmd": "view-voevent", "ivorn": kb_archivid})


def _link(event: Event) -> Link:
    return Link(event.kb_archivid, utc(event.event_starttime), page_address(event.kb_archivid))


def _relation(edge: portrait.Edge) -> Relation:
    verb = edge.edge_type.replace("_", " ")
    words = f"This event {verb}:" if edge.is_first else f"Another event {verb} this one:"
    return Relation(words, edge.other, page_address(edge.other) if edge.pk else "")


def _forms(event: Event) -> list[tuple[str, str]]:
    """Name and address of the event's other forms."""
    start, end = map(iso, (event.event_starttime, event.event_endtime))
    search = {
        "cmd": "search",
        "type": "column",
        "event_type": event.event_type,
        "event_starttime": start,
        "event_endtime": end,
        "param0": "kb_archivid",
        "op0": "=",
        "value0": event.kb_archivid,
        "showtests": "show",
    }
    voevent = {"cmd": "export-voevent", "cosec": 1, "ivorn": event.kb_archivid}
    forms = (("JSON", {"cosec": 2, **search}), ("XML", {"cosec": 1, **search}), ("VOEvent", voevent))
    return [(name, "?" + urlencode(query)) for name, query in forms]
