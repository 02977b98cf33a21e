"""The routes that ask for events: a bare list of rows, in the form that the address names."""

from typing import ClassVar

import orjson
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from api.dmlab import params, rows
from api.errors import Problem
from api.render import page_json
from api.views import ApiView

#: The content types of the forms.
TYPES = {"json": "application/json; charset=utf-8", "xml": "application/xml; charset=utf-8"}


class DmlabView(ApiView):
    """A view whose answers and errors have the form, json or xml, that stands in the address."""

    schema = None
    cors_headers: ClassVar[dict[str, str]] = {
        "Access-Control-Expose-Headers": (
            "ETag, Link, Retry-After, X-Observation-Time, X-Slot-Time, X-Total-Count"
        )
    }

    def problem_response(self, problem: Problem) -> HttpResponse:
        """An object, or an element, `error`."""
        if self.form == "xml":
            return self.answer(rows.error_xml(problem.message), problem.status)
        return self.answer(orjson.dumps({"error": problem.message}), problem.status)

    def answer(self, body: bytes | str, status: int = 200) -> HttpResponse:
        """Finished text in the address's form."""
        return HttpResponse(body, status=status, content_type=TYPES[self.form])

    @property
    def form(self) -> str:
        """Json or xml: what the address says, json where it says nothing."""
        return self.kwargs.get("form") or "json"


class TemporalView(DmlabView):
    """query/HEK/minevent/temporal/ and atemporal/: events by time."""

    @staticmethod
    def question(query: QueryDict) -> params.Question:
        """What is asked."""
        return params.temporal_question(query)

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        """A page of rows in the order of `sortby`."""
        question = self.question(request.GET)
        found = page_json(question.criteria, question.page, rows.EVENT) if question.criteria else "[]"
        return self.answer(rows.as_xml(found) if form == "xml" else found)


class SpatiotemporalView(TemporalView):
    """query/HEK/minevent/spatiotemporal/: events by time and box."""

    @staticmethod
    def question(query: QueryDict) -> params.Question:
        """What is asked, with a box."""
        return params.spatiotemporal_question(query)


class NowhereView(DmlabView):
    """Any other address under this root: a 404 in the form of the errors."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Raise what becomes the 404."""
        raise Http404(request.path)
