"""The forms of this dialect: JSON bodies, errors, and which form a client wants."""

from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from api.errors import ParameterError, Problem
from api.params import Parameter, read
from api.render import json_bytes
from api.views import ApiView

_OPTIONS = orjson.OPT_UTC_Z


def json_response(body: Any, status: int = 200, content_type: str = "application/json") -> HttpResponse:
    """Any plain value as JSON; times in UTC with a Z."""
    return HttpResponse(json_bytes(body, _OPTIONS), status=status, content_type=content_type)


def json_text(value: Any) -> str:
    """Any plain value as JSON text, to be a part of an answer; times in UTC with a Z."""
    return orjson.dumps(value, option=_OPTIONS).decode()


def json_head(members: dict[str, Any]) -> str:
    """These members as JSON text that lacks the closing brace, for a list to follow."""
    return json_text(members)[:-1]


class _Finished(BaseRenderer):
    """A form whose bytes are made elsewhere; here it stands for negotiation and for the schema."""

    charset = "utf-8"

    def render(self, data: Any, *_: Any, **__: Any) -> Any:
        """The data as they are."""
        return data


class Json(_Finished):
    """One JSON object."""

    media_type, format = "application/json", "json"


class GeoJsonForm(_Finished):
    """A FeatureCollection."""

    media_type, format = "application/geo+json", "geojson"


class Csv(_Finished):
    """A table with a row of names."""

    media_type, format = "text/csv", "csv"


class NdJson(_Finished):
    """One JSON object a line."""

    media_type, format = "application/x-ndjson", "ndjson"


class Tsv(_Finished):
    """A table without a row of names, fields between tabs."""

    media_type, format = "text/tab-separated-values", "tsv"


class MfJson(_Finished):
    """OGC Moving Features JSON (19-045r3), which has no registered media type."""

    media_type, format = "application/mf+json", "mfjson"


class VoTable(_Finished):
    """A table of the International Virtual Observatory Alliance, with units."""

    media_type, format = "application/x-votable+xml", "votable"


class Npz(_Finished):
    """Arrays of numpy."""

    media_type, format = "application/x-npz", "npz"


class Parquet(_Finished):
    """A table of Apache Parquet."""

    media_type, format = "application/vnd.apache.parquet", "parquet"


class ZarrZip(_Finished):
    """A Zarr group in a zip file."""

    media_type, format = "application/zip", "zarr"


class Negotiation(DefaultContentNegotiation):
    """The parameter `format`, if it is there, whatever the Accept header says; else that header."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """The form that was asked for. Raises ParameterError where this address has no such form."""
        every = list(renderers)
        named = request.query_params.get("format", "").strip()
        if not named:
            return super().select_renderer(request, every, format_suffix)
        found = next((renderer for renderer in every if renderer.format == named.lower()), None)
        if found is None:
            known = ", ".join(renderer.format for renderer in every)
            raise ParameterError("format", f"format cannot be {named[:60]!r}; it takes one of {known}")
        return found, found.media_type

    def filter_renderers(self, renderers: Iterable[Any], format: str) -> list[Any]:  # noqa: A002, ARG002 - the framework's
        """All of them: a `format` that says anything was heard already."""
        return list(renderers)


class V1View(ApiView):
    """A view of ours: strict parameters, errors as {"error": {code, message, parameter}}."""

    renderer_classes: tuple[type[BaseRenderer], ...] = (Json,)
    content_negotiation_class = Negotiation
    negotiates = True
    cors_headers: ClassVar[dict[str, str]] = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "Accept, Content-Type, If-None-Match, If-Range, Range",
        "Access-Control-Expose-Headers": (
            "Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, Retry-After, X-Frame-Count, "
            "X-Observation-Time, X-Slot-Time"
        ),
    }
    table: ClassVar[tuple[Parameter, ...]] = ()

    def values(self, request: Request) -> dict[str, Any]:
        """The parameters that this view takes. Raises ParameterError."""
        return read(request.query_params, self.table, strict=True)

    def problem_response(self, problem: Problem) -> HttpResponse:
        """The error as JSON, whatever form was asked for."""
        error = {"code": problem.code, "message": problem.message, "parameter": problem.parameter}
        return json_response({"error": error}, problem.status)
