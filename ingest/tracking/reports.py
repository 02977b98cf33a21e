"""What goes into the tracking and what comes out of it; all of it immutable."""

from dataclasses import dataclass
from datetime import datetime

from shapely.geometry.base import BaseGeometry

#: Types of events that are things on the Sun, carried along by its rotation and reported again and again:
#: active regions, coronal holes, emerging flux, filaments, plages, sigmoids, sunspots. All others happen once
#: (flares, eruptions, jets ...), leave the Sun (CMEs), or have no place of their own (cavities, loops at the
#: limb, NR, HY, OT): those are never linked.
TRACKABLE = ("AR", "CH", "EF", "FI", "PG", "SG", "SS")

#: Why a report was passed over; the words of `Skipped.why`.
NOT_TRACKABLE = "not_trackable"  # its type is not one of TRACKABLE; it is in no track
NO_PLACE = "no_place"  # neither a usable shape nor a point: only facts can link it
REPEATED = "repeated"  # its id was given before; the first in the canonical order counts


@dataclass(frozen=True, slots=True)
class Report:
    """One report as the tracking sees it.

    `shape` is its outline, else its box, else None, and `point` its centre: Stonyhurst (longitude, latitude)
    in degrees at `start`. `start` and `end` are UTC. `specific_id` is frm_specificid ("": none), `noaa` the
    NOAA number in five digits, `area` is area_atdiskcenter and `intensity` is intensmean, in any units that
    do not change within a method.
    """

    id: int
    kb_archivid: str
    event_type: str
    method: str
    start: datetime
    end: datetime
    shape: BaseGeometry | None = None
    point: tuple[float, float] | None = None
    specific_id: str = ""
    noaa: int | None = None
    area: float | None = None
    intensity: float | None = None


@dataclass(frozen=True, slots=True)
class KnownEdge:
    """One of HEK's associations between two reports, by their ids.

    Of the edge types only `is_followed_by` and `splits_into` (in HEK it covers merges, too) tell of tracks.
    """

    first: int
    second: int
    edge_type: str
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """The thing in report `first` is, or becomes part of, the thing in the later report `second`.

    `kind` is "follows" (the same thing), "splits" (a part of first leaves as second) or "merges" (first ends
    in second). `source` is "association", "specificid", "noaanum" (facts, with probability 1) or "tracker".
    """

    first: int
    second: int
    kind: str
    source: str
    probability: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A report that the tracker passed over, and why: NOT_TRACKABLE, NO_PLACE or REPEATED."""

    report: int
    why: str


@dataclass(frozen=True, slots=True)
class Tracking:
    """Edges, tracks and what was passed over.

    A track is a maximal chain of "follows" edges, ids in time; its own id is that of its first report. Every
    report of a trackable type is in exactly one, alone if need be. All lists are in the order of the reports
    (by start, then kb_archivid).
    """

    edges: list[Edge]
    tracks: list[tuple[int, ...]]
    skipped: list[Skipped]


def order(report: Report) -> tuple[datetime, str, int]:
    """The canonical order of reports, a total one: nothing depends on the order in which they are given."""
    return report.start, report.kb_archivid, report.id


def chains(ids: list[int], edges: list[Edge]) -> list[tuple[int, ...]]:
    """The maximal chains of the "follows" edges, each id in exactly one.

    `ids` are in the canonical order; every edge leads from an earlier id to a later one, and no id has two
    successors or two predecessors. The chains are in the order of their first ids.
    """
    following = {edge.first: edge.second for edge in edges if edge.kind == "follows"}
    later = set(following.values())
    tracks = []
    for first in ids:
        if first in later:
            continue
        track = [first]
        while (after := following.get(track[-1])) is not None:
            track.append(after)
        tracks.append(tuple(track))
    return tracks
