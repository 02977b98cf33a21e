"""The addresses of tracks: the list, one track, its graph, its shapes, and the shapes of many."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.found import find_track
from api.paging import cursor_after
from api.render import Columns
from api.v1 import tracks_params as params
from api.v1 import tracks_rows as rows
from api.v1 import tracks_schema as schema
from api.v1.answers import Csv, GeoJsonForm, Json, MfJson, NdJson, Tsv, V1View, json_response
from api.v1.listing import Listing, list_response, window_and_box
from api.v1.tracks_shapes import bulk_response, shapes_response
from events.domain.tracks import TrackPage
from events.statements import Statement
from events.tracks import (
    graph_around,
    links_of,
    page_of_tracks,
    reports_of,
    tracks_with_numbers,
)


class TracksView(V1View):
    """Tracks by type, time, place, method, region and length."""

    renderer_classes = (Json, GeoJsonForm, Csv, NdJson)
    table = params.TRACKS

    @schema.tracks
    def get(self, request: Request) -> HttpResponseBase:
        """A page of tracks ordered by start, or all of them as CSV or NDJSON."""
        question = params.tracks_question(request.query_params)
        return list_response(request, _listing(question), request.accepted_renderer.format)


def _listing(question: params.TracksQuestion) -> Listing:
    return Listing(
        name="tracks",
        head={"predicate": _predicate(question), "frame": "hpc", "units": rows.UNITS},
        limit=question.limit,
        columns=rows.COLUMNS,
        features=rows.FEATURE,
        statement=partial(_statement, question),
        cursor=lambda row: cursor_after(row["event_starttime"], row["track"]),
    )


def _statement(question: params.TracksQuestion, limit: int | None, columns: Columns) -> Statement:
    return columns.statement(page_of_tracks(question.criteria, TrackPage(limit, question.after)))


def _predicate(question: params.TracksQuestion) -> dict[str, Any]:
    """What the answer is complete for, in the words of the parameters; null where it was not asked."""
    criteria = question.criteria
    lives = criteria.min_duration
    return {
        **window_and_box(criteria),
        "event_type": criteria.types,
        "frm_name": criteria.frm_name,
        "ar_noaanum": criteria.ar_noaanum,
        "min_reports": criteria.min_reports,
        "min_duration": None if lives is None else lives.total_seconds(),
    }


class TrackView(V1View):
    """One track, by its number or by any of its reports."""

    table = params.TRACK

    @schema.track
    def get(self, request: Request, key: str) -> HttpResponse:
        """Its reports in order, and all edges at which one of them stands."""
        self.values(request)
        track = find_track(key)
        return json_response(rows.record(track, reports_of(track), links_of([track.pk])))


class GraphView(V1View):
    """The tracks that splits and merges connect with one."""

    table = params.GRAPH

    @schema.graph
    def get(self, request: Request, key: str) -> HttpResponse:
        """Tracks as nodes; every edge inside and between them, with both reports, source and probability."""
        depth = self.values(request)["depth"]
        track = find_track(key)
        found = graph_around(track, depth, params.MAX_NODES)
        return json_response(rows.graph(track, depth, found, tracks_with_numbers(found.distance)))


class ShapesView(V1View):
    """The shapes of one track in time."""

    renderer_classes = (Json, GeoJsonForm, MfJson, Csv, Tsv)
    table = params.SHAPES

    @schema.shapes
    def get(self, request: Request, key: str) -> HttpResponseBase:
        """At the instants of the stored cadence, or at others; stored ones are read, others computed."""
        question = params.shapes_question(request.query_params)
        return shapes_response(request, find_track(key), question, request.accepted_renderer.format)


class BulkView(V1View):
    """The shapes of many tracks, one row each."""

    renderer_classes = (Tsv, Csv, NdJson)
    table = params.BULK

    @schema.bulk
    def get(self, request: Request) -> HttpResponseBase:
        """All of them, track by track, streamed; inside the window, if there is one."""
        question = params.bulk_question(request.query_params)
        return bulk_response(request, question, request.accepted_renderer.format)
