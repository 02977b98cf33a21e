"""/hek/her: one address for all commands."""

from typing import ClassVar

import orjson
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request

from api.errors import NotFoundError, Problem
from api.hek.page import view_voevent
from api.hek.params import callback_of, command_of, ivorn_of, merged, search_of
from api.hek.search import JSON, JSONP, search_response, wrapped
from api.hek.voevent import export_voevent
from api.hek.xml import CONTENT_TYPE as XML
from api.hek.xml import error_xml
from api.views import ApiView
from events.models import Event
from events.queries import associations_of, event_of

_HTML = "text/html; charset=utf-8"


class HerView(ApiView):
    """GET and POST; parameters of the query string and of a form body count alike."""

    schema = None
    http_method_names = ["get", "post", "head", "options"]
    parser_classes = (FormParser, MultiPartParser)
    cors_headers: ClassVar[dict[str, str]] = {
        "Access-Control-Allow-Methods": "GET, POST, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Accept, Content-Type",
    }
    _given: dict[str, str]

    def get(self, request: Request) -> HttpResponseBase:
        """Do what `cmd` says."""
        self._given = merged(request.GET, request.POST)
        command = command_of(self._given)
        if command == "search":
            # A server may well exhaust a stream before it leaves the body out.
            return search_response(search_of(self._given), whole=request.method == "HEAD")
        if command == "home":
            return HttpResponse(render_to_string("hek/home.html"), content_type=_HTML)
        return _one_event(command, ivorn_of(self._given))

    post = get

    def problem_response(self, problem: Problem) -> HttpResponse:
        """The error in the form that was asked for, beside an empty result: clients look for both."""
        given = getattr(self, "_given", {})
        if given.get("cosec", "").strip() == "1":
            return HttpResponse(error_xml(problem.message), status=problem.status, content_type=XML)
        body = {"error": problem.message, "result": [], "overmax": False}
        callback = callback_of(given)
        text = b"".join(wrapped([orjson.dumps(body)], callback))
        return HttpResponse(text, status=problem.status, content_type=JSONP if callback else JSON)


def _one_event(command: str, ivorn: str) -> HttpResponse:
    """The VOEvent or the page of an event. Raises NotFoundError."""
    event: Event | None = event_of(ivorn).first()
    if event is None:
        raise NotFoundError(f"ivorn: there is no event {ivorn}", parameter="ivorn")
    if command == "view-voevent":
        return HttpResponse(view_voevent(event), content_type=_HTML)
    return HttpResponse(export_voevent(event, associations_of(ivorn)), content_type=XML)
