"""What every view of every dialect has in common: light, readable from any origin, errors in its own form."""

from typing import Any, ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.views import APIView

from api.errors import Problem, problem_of


class ApiView(APIView):
    """A view for everyone: no sign-in, no cookies, no throttle; CORS for any origin.

    Answers are Django's own light responses with finished bytes, which the framework passes through; its
    types (hence the `type: ignore`) know only the kind that it would render itself.
    """

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    http_method_names = ["get", "head", "options"]
    #: Whether the client's Accept has a say in the form of the answer; else the address says it.
    negotiates: ClassVar[bool] = False
    #: Sent with every answer, beside the origin.
    cors_headers: ClassVar[dict[str, str]] = {}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """The form of the answer, which old programs do not ask for in a header."""
        if self.negotiates:
            return super().perform_content_negotiation(request, force)
        renderer = self.renderer_classes[0]()
        return renderer, renderer.media_type

    def problem_response(self, problem: Problem) -> HttpResponse:
        """The error in the dialect's own form."""
        raise NotImplementedError

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Errors that the table knows become answers; others stay exceptions."""
        problem = problem_of(exc)
        if problem is None:
            raise exc
        response = self.problem_response(problem)
        if problem.retry_after is not None:
            response["Retry-After"] = str(problem.retry_after)
        response["Cache-Control"] = "no-store"
        return response

    def options(self, *_: Any, **__: Any) -> HttpResponse:  # type: ignore[override]
        """The answer to a browser's preflight: headers only."""
        return HttpResponse(status=204)

    def finalize_response(  # type: ignore[override]
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Add what CORS asks for: beside credentials "*" is void, so an asking origin is named.

        HEAD loses its body here, not its length.
        """
        super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        response["Access-Control-Allow-Origin"] = request.META.get("HTTP_ORIGIN", "*")
        for name, value in self.cors_headers.items():
            response[name] = value
        patch_vary_headers(response, ("Origin",))
        if request.method == "HEAD" and isinstance(response, HttpResponse):
            length = len(response.content)
            response.content = b""
            response["Content-Length"] = str(length)
        return response
