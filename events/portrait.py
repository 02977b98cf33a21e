"""All that a page says about one event, as plain values for a template; the admin and HEK's view share it."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString, mark_safe
from shapely import from_wkb
from shapely.geometry.base import BaseGeometry

from events.domain.almanac import view_from_earth
from events.domain.picture import Role, Shape, disk_svg, hrc_sector
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, FRAME_UNITS, GEOMETRY_COLUMNS, attribute
from events.domain.words import in_words, utc
from events.models import Event, EventVersion
from events.queries import associations_of

#: HEK's own identifiers; only those can be looked up there.
_HEK_ID = "ivo://helio-informatics.org/"
_HEK_PAGE = "https://www.lmsal.com/hek/her?"
#: How many earlier versions and associations one page shows, the newest first.
SHOWN = 50
_GROUPS = {
    "event": "Event",
    "measure": "Measurements",
    "position": "Position, as reported",
    "frm": "Method (FRM)",
    "obs": "Observation (OBS)",
    "archive": "Archive (KB)",
    "search": "Search",
    "": "Not in HEK's vocabulary",
}
_FRAMES = {
    "hpc": "helioprojective",
    "hgs": "Stonyhurst",
    "hgc": "Carrington",
    "hrc": "helioprojective-radial",
}
_SHAPES = {"coord": "position", "bbox": "bounding box", "boundcc": "outline"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a value with its unit and what it means; `link` is safe to follow."""

    name: str
    value: str
    unit: str = ""
    description: str = ""
    link: str = ""

    @property
    def is_long(self) -> bool:
        """Whether the value is folded away."""
        return len(self.value) > 160


@dataclass(frozen=True, slots=True)
class Group:
    """A table under a heading."""

    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute that differs between an earlier version and the newest; None: was not there."""

    name: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """An earlier version and its differences to the newest."""

    pk: int
    revision: int
    archived: str
    source: str
    superseded: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class Edge:
    """An association seen from one of its ends; `pk` is the other event's, where it is stored here."""

    edge_type: str
    is_first: bool
    other: str
    pk: int | None
    reported_by: str


# --- tables


def identity(event: Event) -> list[Row]:
    """Who, what and when."""
    kind = EVENT_TYPES[event.event_type]
    lasts = event.event_endtime - event.event_starttime
    rows = [
        Row("kb_archivid", event.kb_archivid),
        Row("event_type", f"{kind.code} - {kind.concept}"),
        Row("event_starttime", utc(event.event_starttime), "UTC"),
        Row("event_peaktime", utc(event.event_peaktime) if event.event_peaktime else "", "UTC"),
        Row("event_endtime", utc(event.event_endtime), "UTC", f"lasts {_duration(lasts)}"),
        Row("frm_name", event.frm_name, "", "the method that found it"),
        Row("frm_specificid", event.frm_specificid, "", "the method's own id, of a track"),
        Row("observed with", " ".join(_observed(event))),
        Row("ar_noaanum", _text(event.ar_noaanum), "", _original(event, "ar_noaanum")),
        Row("fl_goescls", event.fl_goescls, "", f"{event.goes_flux:g} W/m2" if event.goes_flux else ""),
        Row("revision", _text(event.revision), "", f"archived {utc(event.kb_archivdate)}"),
        Row("source", event.source, "", f"stored {utc(event.ingested_at)}, changed {utc(event.updated_at)}"),
    ]
    return [row for row in rows if row.value]


def _observed(event: Event) -> list[str]:
    return [v for v in (event.obs_observatory, event.obs_instrument, event.obs_channelid) if v]


def _original(event: Event, name: str) -> str:
    sent, stored = event.attributes.get(name), getattr(event, name)
    return f"reported as {sent}" if sent not in (None, stored) else ""


def _duration(time: timedelta) -> str:
    hours, seconds = divmod(int(time.total_seconds()), 3600)
    return f"{hours} h {seconds // 60} min {seconds % 60} s".removesuffix(" 0 s")


def position(event: Event) -> str:
    """Where the event is, for one cell: heliographic as astronomers write it, or radius and angle."""
    if event.hgs_coord is not None:
        lon, lat = event.hgs_coord.coords
        return f"{'N' if lat >= 0 else 'S'}{abs(lat):02.0f} {'W' if lon >= 0 else 'E'}{abs(lon):02.0f}"
    if event.hrc_coord is not None:
        radius, angle = event.hrc_coord.coords
        return f"{radius:.1f} Rsun, PA {angle:.0f}"
    return "-"


def geometries(event: Event) -> list[Row]:
    """The twelve geometries that the queries use, and what was done to each."""
    rows = []
    for column in GEOMETRY_COLUMNS:
        frame, shape = column.split("_")
        geometry = getattr(event, column)
        note = event.geometry_notes.get(column)
        if geometry is None and not note:
            continue
        unit = " ".join(dict.fromkeys(FRAME_UNITS[frame]))
        value = geometry.wkt if geometry is not None else "none"
        what = f"{_FRAMES[frame]} {_SHAPES[shape]}: {in_words(note)}"
        rows.append(Row(column, value, unit, what))
    known = set(GEOMETRY_COLUMNS)
    return rows + [Row(k, in_words(v)) for k, v in event.geometry_notes.items() if k not in known]


def attribute_groups(attributes: dict[str, Any]) -> list[Group]:
    """Every attribute as sent, in the vocabulary's groups and order."""
    order = {name: place for place, name in enumerate(ATTRIBUTES)}
    groups: dict[str, list[Row]] = {key: [] for key in _GROUPS}
    for name in sorted(attributes, key=lambda name: (order.get(name, len(order)), name)):
        known = attribute(name)
        row = Row(
            name,
            _text(attributes[name]),
            _unit(name, attributes),
            known.description if known else "",
            _web_address(attributes[name]),
        )
        if name != "refs":  # they have a table of their own
            groups[known.group if known and known.group in groups else ""].append(row)
    return [Group(_GROUPS[key], rows) for key, rows in groups.items() if rows]


def _unit(name: str, attributes: dict[str, Any]) -> str:
    """The unit of a value: fixed, or what the record's own unit column says (its n-th word)."""
    known = attribute(name)
    if known is None or known.unit or not known.unit_column:
        return (known.unit or "") if known else ""
    unit = str(attributes.get(known.unit_column, ""))
    words = re.split(r"[,\s]+", unit)
    return words[min(known.unit_part, len(words)) - 1] if known.unit_part else unit


def references(attributes: dict[str, Any]) -> list[Row]:
    """The record's references; those to the web are links."""
    refs = attributes.get("refs")
    return [
        Row(
            _text(ref.get("ref_name")),
            _text(ref.get("ref_url")),
            "",
            _text(ref.get("ref_type")),
            _web_address(ref.get("ref_url")),
        )
        for ref in (refs if isinstance(refs, list) else [])
        if isinstance(ref, dict)
    ]


def _web_address(value: Any) -> str:
    return value if isinstance(value, str) and re.match(r"https?://\S+$", value) else ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def hek_page(kb_archivid: str) -> str:
    """The address of the event's page at HEK; empty where the identifier is not HEK's."""
    if not kb_archivid.startswith(_HEK_ID):
        return ""
    return _HEK_PAGE + urlencode({"cmd": "view-voevent", "ivorn": kb_archivid})


# --- what stands in other tables


def changes(then: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    """The attributes that differ, in alphabetical order."""

    def text(attributes: dict[str, Any], name: str) -> str | None:
        return _text(attributes[name]) if name in attributes else None

    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return [Change(name, text(then, name), text(now, name)) for name in names]


def versions(event: Event) -> list[Version]:
    """The newest of the event's earlier versions, with what differs from the newest of all."""
    return [
        Version(
            version.pk,
            version.revision,
            utc(version.kb_archivdate),
            version.source,
            utc(version.superseded_at),
            changes(version.attributes, event.attributes),
        )
        for version in EventVersion.objects.filter(event=event).order_by("-superseded_at", "-pk")[:SHOWN]
    ]


def edges(event: Event) -> list[Edge]:
    """The associations that name the event, two queries whatever their number."""
    me = event.kb_archivid
    found_edges = list(associations_of(me)[:SHOWN])
    others = {e.second_ivorn if e.first_ivorn == me else e.first_ivorn for e in found_edges}
    stored = dict(Event.objects.filter(kb_archivid__in=others).values_list("kb_archivid", "pk"))
    return [
        Edge(e.edge_type, e.first_ivorn == me, other, stored.get(other), e.reported_by)
        for e in found_edges
        for other in [e.second_ivorn if e.first_ivorn == me else e.first_ivorn]
    ]


# --- pictures


def pictures(event: Event) -> list[SafeString]:
    """The event on the whole disk, and from near where that is worth while."""
    view = view_from_earth(event.event_starttime)
    shapes = list(_shapes(event, view.rsun))
    concept = EVENT_TYPES[event.event_type].concept
    title = f"{concept} on {utc(event.event_starttime)} UTC"
    common = {"b0": view.b0, "rsun": view.rsun, "title": title}
    drawn = [disk_svg(shapes, ident="disk", **common)]  # type: ignore[arg-type]
    if shapes and all(_is_small(shape.geometry, view.rsun) for shape in shapes):
        near = disk_svg(shapes, ident="near", close_up=True, description="From near.", **common)  # type: ignore[arg-type]
        drawn.append(near)
    return [mark_safe(svg) for svg in drawn]  # noqa: S308 - disk_svg escapes every text it is given


def _is_small(geometry: BaseGeometry, rsun: float) -> bool:
    xmin, ymin, xmax, ymax = geometry.bounds
    return max(xmax - xmin, ymax - ymin) < rsun


def _shapes(event: Event, rsun: float) -> list[Shape]:
    """Outline, box and position in hpc; of a CME the sector instead of the box, whose corners mislead."""
    shapes = []
    if event.event_type == "CE" and event.hrc_bbox is not None:
        shapes.append(Shape(hrc_sector(_shapely(event.hrc_bbox), rsun), Role.SECTOR))
    elif event.hpc_bbox is not None:
        shapes.append(Shape(_shapely(event.hpc_bbox), Role.BOX))
    if event.hpc_boundcc is not None:
        shapes.append(Shape(_shapely(event.hpc_boundcc), Role.OUTLINE))
    if event.hpc_coord is not None:
        shapes.append(Shape(_shapely(event.hpc_coord), Role.CENTRE))
    return shapes


def _shapely(geometry: Any) -> BaseGeometry:
    return from_wkb(bytes(geometry.wkb))
