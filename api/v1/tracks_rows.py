"""Tracks, their reports, edges and graphs as rows and records of this dialect."""

from collections.abc import Iterable
from typing import Any

from django.db.models import TextField, Value
from django.db.models.functions import JSONObject, NullIf

from api.render import Columns, GeoJson, Rfc3339, wkt
from events.domain.interpolation import Settings
from events.domain.rotation import EARTH, EQUATOR, SLOWING
from events.domain.vocabulary import FRAME_UNITS
from events.models import Track, TrackReport
from events.sightings import shape_settings
from events.tracks import Graph, Link

_PLAIN: dict[str, Any] = {
    "track": "id",
    "event_type": "event_type",
    "frm_name": NullIf("frm_name", Value(""), output_field=TextField()),
    "event_starttime": Rfc3339("event_starttime"),
    "event_endtime": Rfc3339("event_endtime"),
    "report_count": "report_count",
    "ar_noaanums": "ar_noaanums",
}
COLUMNS = Columns(_PLAIN | {"hpc_bbox": wkt("hpc_bbox")})
FEATURE = Columns({"geometry": GeoJson("hpc_bbox"), "properties": JSONObject(**_PLAIN)})
UNITS = {"hpc_bbox": list(FRAME_UNITS["hpc"])}
AREA_UNIT = "arcsec2"


def rotation_law(settings: Settings) -> str:
    """How shapes are carried along, in words, with the numbers."""
    law = f"{EQUATOR} - {SLOWING} sin^2(latitude)"
    if settings.mode == "gsu":
        return f"sidereal, {law} deg/day; B0 = 0, fixed distance"
    return f"synodic, {law} - {EARTH} deg/day; B0 and distance of the Earth at the time"


def how(frame: str) -> dict[str, Any]:
    """How shapes in an answer are made, and in which frame and units they are written."""
    settings = shape_settings()
    return {
        "cadence": settings.step.total_seconds(),
        "interpolation": settings.method,
        "rotation": rotation_law(settings),
        "frame": frame,
        "units": list(FRAME_UNITS[frame]),
        "area_unit": AREA_UNIT,
    }


def identity(track: Track) -> dict[str, Any]:
    """Which track it is."""
    return {
        "track": track.pk,
        "event_type": track.event_type,
        "frm_name": track.frm_name or None,
        "event_starttime": track.event_starttime,
        "event_endtime": track.event_endtime,
    }


def record(track: Track, reports: Iterable[TrackReport], links: Iterable[Link]) -> dict[str, Any]:
    """All that is known of one track: its reports in order, and the edges at which one of them stands."""
    return {
        **identity(track),
        "report_count": track.report_count,
        "ar_noaanums": track.ar_noaanums,
        "hpc_bbox": track.hpc_bbox.wkt.replace(", ", ",").replace(" (", "(") if track.hpc_bbox else None,
        "units": UNITS,
        "reports": [_report(place) for place in reports],
        "edges": [edge(link) for link in links],
        "updated_at": track.updated_at,
    }


def _report(place: TrackReport) -> dict[str, Any]:
    event = place.event
    return {
        "id": event.pk,
        "kb_archivid": event.kb_archivid,
        "event_starttime": event.event_starttime,
        "event_endtime": event.event_endtime,
        "ar_noaanum": event.ar_noaanum,
        "hpc_coord": [event.hpc_coord.x, event.hpc_coord.y] if event.hpc_coord else None,
        "skipped": place.skipped or None,
    }


def edge(link: Link) -> dict[str, Any]:
    """An edge: what became of the first report, who says so, and in which tracks both stand."""
    return {
        "first": link.first_archivid,
        "second": link.second_archivid,
        "first_track": link.first_track,
        "second_track": link.second_track,
        "kind": link.kind,
        "source": link.source,
        "probability": link.probability,
    }


def graph(track: Track, depth: int, found: Graph, tracks: Iterable[Track]) -> dict[str, Any]:
    """The graph around a track: nodes by distance, then by start."""
    nodes = sorted(tracks, key=lambda node: (found.distance[node.pk], node.event_starttime, node.pk))
    return {
        "track": track.pk,
        "depth": depth,
        "truncated": found.truncated,
        "nodes": [
            identity(node) | {"report_count": node.report_count, "distance": found.distance[node.pk]}
            for node in nodes
        ],
        "edges": [edge(link) for link in found.links],
    }
