"""The form of every answer of this dialect: Status, StatusCode, Msg, Result."""

from typing import Any, ClassVar

import orjson
from django.http import HttpResponse

from api.errors import Problem
from api.views import ApiView

_CONTENT_TYPE = "application/json; charset=utf-8"
_SUCCESSFUL = '{{"Status":"OK","StatusCode":1,"Msg":"Successful","Result":{}}}'


def successful(rows: str) -> HttpResponse:
    """The envelope around the finished JSON text of a list."""
    return HttpResponse(_SUCCESSFUL.format(rows), content_type=_CONTENT_TYPE)


def failed(message: str, status: int, **more: Any) -> HttpResponse:
    """The envelope of a failure; `more` are further keys beside an empty Result."""
    body = {"Status": "FAIL", "StatusCode": 2, "Msg": message, "Result": [], **more}
    return HttpResponse(orjson.dumps(body), status=status, content_type=_CONTENT_TYPE)


class IsdView(ApiView):
    """A view whose errors come in the envelope, with the CORS headers of the original."""

    schema = None
    cors_headers: ClassVar[dict[str, str]] = {
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, DELETE, PUT, PATCH, POST",
        "Access-Control-Allow-Headers": "Origin",
    }

    def problem_response(self, problem: Problem) -> HttpResponse:
        """The envelope of this problem."""
        return failed(problem.message, problem.status)
