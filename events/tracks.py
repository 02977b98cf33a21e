"""Every read of tracks, of their reports and of the edges between these.

Where NULL changes an answer: a track none of whose reports has a shape satisfies no spatial predicate, not
even Disjoint.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from events.domain.tracks import TrackCriteria, TrackPage
from events.models import Track, TrackEdge, TrackReport
from events.queries import is_overlap, spatial, temporal, timeline

_ORDER = ("event_starttime", "pk")


def matching_tracks(criteria: TrackCriteria) -> QuerySet[Track]:
    """The tracks that satisfy all of `criteria`, in no order."""
    tracks = _anywhen(criteria)
    return tracks.filter(temporal(criteria.temporal, criteria.window)) if criteria.window else tracks


def _anywhen(criteria: TrackCriteria) -> QuerySet[Track]:
    conditions = []
    if criteria.types is not None:
        conditions.append(Q(event_type__in=criteria.types))
    if criteria.area is not None:
        conditions.append(spatial(criteria.spatial, "hpc_bbox", criteria.area))
    if criteria.frm_name is not None:
        conditions.append(Q(frm_name__in=criteria.frm_name))
    if criteria.ar_noaanum is not None:
        conditions.append(Q(ar_noaanums__contains=[criteria.ar_noaanum]))
    if criteria.min_reports is not None:
        conditions.append(Q(report_count__gte=criteria.min_reports))
    if criteria.min_duration is not None:
        conditions.append(Q(event_endtime__gte=F("event_starttime") + criteria.min_duration))
    return Track.objects.filter(*conditions)


def page_of_tracks(criteria: TrackCriteria, page: TrackPage) -> QuerySet[Track]:
    """The asked part of the answer, by start, ties by id."""

    def first_of(tracks: QuerySet[Track]) -> QuerySet[Track]:
        return tracks.filter(_after(page)).order_by(*_ORDER)[: page.limit]

    window = criteria.window
    by_place = criteria.area is not None  # few are there: the GiST index finds them
    if window is None or page.limit is None or by_place or not is_overlap(criteria.temporal, window):
        return first_of(matching_tracks(criteria))
    found = timeline(_anywhen(criteria), criteria.temporal, window, first_of)
    return found.order_by(*_ORDER)[: page.limit]


def _after(page: TrackPage) -> Q:
    """What the order puts after `page.after`; the first condition is one that a B-tree can start from."""
    if page.after is None:
        return Q()
    start = page.after.event_starttime
    return Q(event_starttime__gte=start) & (Q(event_starttime__gt=start) | Q(pk__gt=page.after.id))


# --- one track


def track_of_number(number: int) -> QuerySet[Track]:
    """The track in which the report of this number of ours stands; its first report's is the track's own."""
    return Track.objects.filter(reports__event=number)


def track_of_archivid(kb_archivid: str) -> QuerySet[Track]:
    """The track in which the report of this kb_archivid stands."""
    return Track.objects.filter(reports__event__kb_archivid=kb_archivid)


def tracks_with_numbers(track_ids: Collection[int]) -> QuerySet[Track]:
    """These tracks, in no order."""
    return Track.objects.filter(pk__in=track_ids)


def reports_of(track: Track) -> QuerySet[TrackReport]:
    """The places of its reports in order, each with its event; without the attributes, which are long."""
    return track.reports.select_related("event").defer("event__attributes").order_by("position")


# --- the graph

#: Edges between tracks; `follows` runs inside of one.
BETWEEN = (TrackEdge.Kind.SPLITS, TrackEdge.Kind.MERGES)


@dataclass(frozen=True, slots=True)
class Link:
    """An edge with the names of its ends; a report that stands in no track (yet) has None for it."""

    first: int
    second: int
    first_archivid: str
    second_archivid: str
    first_track: int | None
    second_track: int | None
    kind: str
    source: str
    probability: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Tracks that splits and merges connect, and every edge that runs inside or between them.

    `distance`: track id -> how many splits and merges away. `truncated`: whether some lead on to other
    tracks, further away than was asked, or more than were taken.
    """

    distance: dict[int, int]
    links: list[Link]
    truncated: bool


def links_of(track_ids: Collection[int]) -> list[Link]:
    """The edges of which either end is a report of these tracks, by the time of the second report."""
    rows = (
        _touching(track_ids, TrackEdge.objects.all())
        .order_by("second__event_starttime", "first", "second")
        .values_list(
            *("first", "second", "first__kb_archivid", "second__kb_archivid"),
            *("first__in_track__track", "second__in_track__track", "kind", "source", "probability"),
        )
    )
    return [Link(*row) for row in rows]


def _touching(track_ids: Collection[int], edges: QuerySet[TrackEdge]) -> QuerySet[TrackEdge]:
    """Those of `edges` that begin or end at a report of these tracks; each end by its own index."""
    mine = TrackReport.objects.filter(track__in=track_ids).values("event")
    begin, end = (edges.filter(**{f"{side}__in": mine}).values("pk") for side in ("first", "second"))
    return TrackEdge.objects.filter(pk__in=begin.union(end))


def graph_around(track: Track, depth: int, most: int) -> Graph:
    """The graph up to `depth` splits and merges away from `track`, of at most `most` tracks.

    One statement a step and one for the edges, however many tracks there are.
    """
    distance = {track.pk: 0}
    frontier = {track.pk}
    for step in range(1, depth + 1):
        met = _neighbours(frontier) - distance.keys()
        taken = sorted(met)[: most - len(distance)]
        distance |= dict.fromkeys(taken, step)
        frontier = set(taken)
        if not frontier:
            break
    links = links_of(distance)
    inside = [link for link in links if {link.first_track, link.second_track} <= distance.keys()]
    return Graph(distance, inside, truncated=len(inside) < len(links))


def _neighbours(track_ids: Collection[int]) -> set[int]:
    """The tracks at either end of the splits and merges of these."""
    edges = _touching(track_ids, TrackEdge.objects.filter(kind__in=BETWEEN))
    pairs = edges.values_list("first__in_track__track", "second__in_track__track")
    return {track for pair in pairs for track in pair if track is not None}
