"""Asks Helioviewer for files and answers, again where that may help.

Upstream: https://helioviewer.org/jp2/AIA/ (folders, as Apache lists them) and https://api.helioviewer.org
(API v2). Out come whole bodies or SourceError; nothing of httpx or tenacity does. Tried again, with
exponential back-off and jitter: a connection that fails, stalls or ends too early, and the statuses 408, 429
and 5xx (as late as their Retry-After says).
"""

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
import structlog
from django.utils import timezone
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from ingest.sources.base import SourceError

log = structlog.get_logger(__name__)

USER_AGENT = "integrated-solar-database"
#: A JP2 of 4096 x 4096 has about 1 MB; the listing of a day of one wavelength about as much.
MAX_BYTES = 64 * 1024**2
#: Seconds that we wait between two attempts at most, whatever Retry-After says: a task has its own limit.
LONGEST_WAIT = 120.0
#: `timeout` limits each wait for bytes; this many of it limit the whole answer.
ANSWER_TIMEOUTS = 4
_TRANSIENT_STATUS = frozenset({408, 429})
_BACKOFF = wait_exponential_jitter(initial=1, max=60)


class NotThereError(SourceError):
    """Status 404: there is no such file or folder."""


class HelioviewerClient:
    """A context manager: the connection is kept while it is open. `timeout` in seconds."""

    def __init__(self, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._timeout = timeout
        self._retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, SourceError) and not error.permanent),
            stop=stop_after_attempt(retries + 1),
            wait=_wait,
            sleep=sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        self._http = httpx.Client(
            timeout=timeout, follow_redirects=True, max_redirects=5, headers={"User-Agent": USER_AGENT}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, url: str, params: Mapping[str, str] | None = None) -> bytes:
        """The body of the answer. Raises NotThereError for a 404, SourceError for all else that is no 200."""
        body: bytes = self._retrying(self._attempt, url, params)
        return body

    def _attempt(self, url: str, params: Mapping[str, str] | None) -> bytes:
        try:
            with self._http.stream("GET", url, params=params) as response:
                _check_status(response)
                return self._body(response)
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise SourceError(f"{url}: {error}", permanent=True) from None
        except httpx.HTTPError as error:
            raise SourceError(f"{url}: {type(error).__name__} {error}".rstrip()) from None

    def _body(self, response: httpx.Response) -> bytes:
        deadline = time.monotonic() + ANSWER_TIMEOUTS * self._timeout
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                raise SourceError(f"{response.url}: the answer exceeds {MAX_BYTES} bytes", permanent=True)
            if time.monotonic() > deadline:
                limit = ANSWER_TIMEOUTS * self._timeout
                raise SourceError(f"{response.url}: no whole answer after {limit:g} s")
        return bytes(body)


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.NOT_FOUND:
        raise NotThereError(f"{response.url}: status 404", permanent=True)
    raise SourceError(
        f"{response.url}: status {status}",
        permanent=status not in _TRANSIENT_STATUS and status < httpx.codes.INTERNAL_SERVER_ERROR,
        retry_after=_retry_after(response.headers.get("Retry-After")),
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, be it seconds or a date (RFC 9110, 10.2.3); None if unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, SourceError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT)
    return _BACKOFF(state)


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning("asking again", error=str(error), attempt=state.attempt_number)
