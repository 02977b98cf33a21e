"""What can go wrong with a question, and the HTTP status that tells it: one table for all dialects.

Each dialect writes a `Problem` in its own form. An exception that is not in the table is a fault of ours
and stays one: Django logs it and answers 500.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from psycopg2.errors import QueryCanceled
from rest_framework.exceptions import APIException

from images.files import PictureMissingError, PictureUnreadableError
from images.store import FrameMissingError, FrameUnreadableError, StoreUnavailableError

#: What a client is told to wait, in seconds, when the database, or the images' store, is away.
RETRY_AFTER = 30


class QuestionError(Exception):
    """A question that cannot be answered: `message` says why, in words for the one who asked."""

    status = 400
    code = "bad_request"

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter


class ParameterError(QuestionError):
    """A parameter is missing, unknown, repeated or unreadable."""

    code = "bad_parameter"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message, parameter=parameter)


class NotFoundError(QuestionError):
    """There is no such event, track or image."""

    status = 404
    code = "not_found"


class NoPositionError(QuestionError):
    """The event is known, but not where it was, and the question is about places."""

    status = 422
    code = "no_position"


class PreconditionFailedError(QuestionError):
    """The client wants one version of the answer (If-Match), and it is another one now."""

    status = 412
    code = "precondition_failed"

    def __init__(self) -> None:
        super().__init__("The answer is not the one that If-Match names: ask without it for what it is now.")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it is told: `retry_after` in seconds, where asking again can help."""

    status: int
    code: str
    message: str
    parameter: str | None = None
    retry_after: int | None = None


def _asked(error: QuestionError) -> Problem:
    return Problem(error.status, error.code, error.message, error.parameter)


def _framework(error: APIException) -> Problem:
    return Problem(error.status_code, str(error.get_codes()), str(error.detail))


def _database(error: Exception) -> Problem:
    if isinstance(error.__cause__, QueryCanceled):
        return Problem(504, "too_slow", "This took too long: ask for a shorter time, fewer types or rows.")
    return Problem(
        503, "database_unavailable", "The database is away; ask again later.", retry_after=RETRY_AFTER
    )


def _store(_: Exception) -> Problem:
    # A header without its frame is told in the same way: the store lost it, or is not all there (yet).
    return Problem(503, "store_unavailable", "The images are away; ask again later.", retry_after=RETRY_AFTER)


def _unreadable(_: Exception) -> Problem:
    return Problem(
        503,
        "store_unavailable",
        "This image is stored, but cannot be read; ask again later.",
        retry_after=RETRY_AFTER,
    )


_TABLE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[..., Problem]], ...] = (
    (QuestionError, _asked),
    (Http404, lambda _: Problem(404, "not_found", "There is nothing at this address.")),
    (APIException, _framework),
    (SuspiciousOperation, lambda error: Problem(400, "bad_request", str(error) or "Unreadable request.")),
    ((OperationalError, InterfaceError), _database),
    ((FrameUnreadableError, PictureUnreadableError), _unreadable),
    ((StoreUnavailableError, FrameMissingError, PictureMissingError), _store),
)


def problem_of(error: Exception) -> Problem | None:
    """How `error` is told to the client, or None where it is a fault of the server."""
    return next((tell(error) for kind, tell in _TABLE if isinstance(error, kind)), None)
