"""The addresses of this dialect. Each view parses, calls a query, hands on the bytes."""

from functools import cache

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.errors import ParameterError
from api.found import find_event
from api.v1 import params, rows, schema
from api.v1.answers import Csv, GeoJsonForm, Json, NdJson, V1View, json_response
from api.v1.events import event_listing
from api.v1.listing import list_response
from api.v1.status import status
from events.queries import associations_of, versions_of


class EventsView(V1View):
    """Events by type, time, place and method."""

    renderer_classes = (Json, GeoJsonForm, Csv, NdJson)
    table = params.EVENTS

    @schema.events
    def get(self, request: Request) -> HttpResponseBase:
        """A page of events ordered by start, or all of them as CSV or NDJSON."""
        question = params.events_question(request.query_params)
        form = request.accepted_renderer.format
        if question.image_wave and form != Json.format:
            raise ParameterError("include", "include is there in json only")
        return list_response(request, event_listing(question), form)


class EventView(V1View):
    """One event, by HEK's id or by ours."""

    table = params.EVENT

    @schema.event
    def get(self, request: Request, key: str) -> HttpResponse:
        """All that is known of it."""
        values = self.values(request)
        event = find_event(key, **rows.shape_columns(geojson=values["shapes"] == "geojson"))
        versions, edges = versions_of(event).count(), associations_of(event.kb_archivid)
        return json_response(rows.record(event, versions, edges))


class EventTypesView(V1View):
    """The vocabulary: types, their attributes, units and frames."""

    table = params.NOTHING

    @schema.event_types
    def get(self, request: Request) -> HttpResponse:
        """Everything that event records are written in."""
        self.values(request)
        return HttpResponse(_vocabulary(), content_type=Json.media_type)


@cache
def _vocabulary() -> bytes:
    return orjson.dumps(rows.vocabulary())


class StatusView(V1View):
    """How complete and how fresh the holdings are."""

    table = params.NOTHING

    @schema.status
    def get(self, request: Request) -> HttpResponse:
        """The last run of each source with its account, what is still to be fetched, events by type."""
        self.values(request)
        return json_response(status())


class NowhereView(V1View):
    """Any other address under this root."""

    schema = None

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Raise what becomes the 404."""
        raise Http404(request.path)
