"""Asks a server over HTTP, again where that may help; for the sources of events and of images alike.

Out come whole answers or SourceError; nothing of httpx or tenacity does. Tried again, with exponential
back-off and jitter: a connection that fails, stalls or ends too early, the statuses 408, 429 and 5xx (as late
as their Retry-After says), and answers that their reader finds to be none. An answer has a limit in time and
in bytes, unpacked ones too. User and password in an address are sent, but never shown.
"""

import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from ingest.sources.answers import beginning, decode
from ingest.sources.base import SourceError

log = structlog.get_logger(__name__)

USER_AGENT = "integrated-solar-database"
MAX_REDIRECTS = 5
#: Seconds that we wait between two attempts at most, whatever Retry-After says: a task has its own limit.
LONGEST_WAIT = 120.0
#: A Retry-After beyond a day is a mistake.
LONGEST_RETRY_AFTER = 86_400.0
#: `timeout` limits each wait for bytes; this many of it limit the whole answer, or a trickle would never end.
ANSWER_TIMEOUTS = 4
#: Bytes unpacked at a time: what a packed bomb can cost before the cap sees it.
PIECE = 65_536
_TRANSIENT_STATUS = frozenset({408, 429})
_BACKOFF = wait_exponential_jitter(initial=1, max=60)
_Read = TypeVar("_Read")
_Params = Mapping[str, str | int]


class NotThereError(SourceError):
    """Status 404: there is nothing at the address."""


class HttpClient:
    """A context manager: connections are kept while it is open.

    `timeout` is in seconds, `max_bytes` caps one answer, unpacked, and `cap_setting` is the setting that says
    so, if one does; `retries` follow the first attempt; `accept` is the type of answers that are wanted. With
    `hides_query`, of what an address asks only the `params` are shown: the rest may hold a secret.
    """

    def __init__(
        self,
        *,
        timeout: float,
        retries: int,
        max_bytes: int,
        cap_setting: str = "",
        accept: str = "*/*",
        hides_query: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timeout, self._max_bytes, self._cap_setting = timeout, max_bytes, cap_setting
        self._hides_query = hides_query
        self._retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, SourceError) and not error.permanent),
            stop=stop_after_attempt(retries + 1),
            wait=_wait,
            sleep=sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        self._http = httpx.Client(
            timeout=timeout,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            headers={"User-Agent": USER_AGENT, "Accept": accept, "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, url: str, params: _Params | None = None) -> bytes:
        """The body of the answer. Raises what `read` does."""
        return self.read(lambda body, _: body, url, params)

    def read(self, reader: Callable[[bytes, str], _Read], url: str, params: _Params | None = None) -> _Read:
        """What `reader` makes of the answer's body and of its origin, the address as it may be shown.

        `params` are added to those of the address. Where the reader raises a SourceError that is not
        permanent, the server is asked again. Raises SourceError, naming address, status and the first
        characters, when all attempts have failed, or at once where another would not help (`permanent`);
        NotThereError, which is one, for a 404.
        """
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise SourceError(f"the address is unreadable: {error}", permanent=True) from None
        user = (address.username, address.password) if address.userinfo else None
        address = address.copy_with(userinfo=b"")
        asked = address.copy_merge_params(dict(params or {}))
        shown = address.copy_with(query=None).copy_merge_params(dict(params or {}))
        origin = str(shown if self._hides_query else asked)
        request = self._http.build_request("GET", asked)
        found: _Read = self._retrying(self._attempt, reader, request, user, origin)
        return found

    def _attempt(
        self,
        reader: Callable[[bytes, str], _Read],
        request: httpx.Request,
        user: tuple[str, str] | None,
        origin: str,
    ) -> _Read:
        try:
            response = self._http.send(request, auth=user, stream=True)
            try:
                _check_status(response, origin)
                body = self._body(response, origin)
            finally:
                response.close()
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise SourceError(f"{origin}: {error}", permanent=True) from None
        except httpx.HTTPError as error:
            raise SourceError(f"{origin}: {type(error).__name__} {error}".rstrip()) from None
        return reader(body, origin)

    def _body(self, response: httpx.Response, origin: str) -> bytes:
        """All bytes of the body, unpacked. Raises SourceError when it is too large or too slow."""
        deadline = time.monotonic() + ANSWER_TIMEOUTS * self._timeout
        body = bytearray()
        for piece in _unpacked(response, origin):
            body += piece
            if len(body) > self._max_bytes:
                cap = f"{self._max_bytes} bytes" + (f" ({self._cap_setting})" if self._cap_setting else "")
                raise SourceError(f"{origin}: the answer exceeds {cap}", permanent=True)
            if time.monotonic() > deadline:
                raise SourceError(f"{origin}: no whole answer after {ANSWER_TIMEOUTS * self._timeout:g} s")
        return bytes(body)


def _unpacked(response: httpx.Response, origin: str) -> Iterator[bytes]:
    """The body in pieces of bounded size. httpx would unpack a whole packet at once, a thousandfold."""
    coding = response.headers.get("Content-Encoding", "").strip().lower() or "identity"
    if coding == "identity":
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(f"{origin}: Content-Encoding {coding!r} was not asked for", permanent=True)
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, as the bytes say
    try:
        for packed in response.iter_raw():
            rest = packed
            while True:
                piece = unpacker.decompress(rest, PIECE)
                yield piece
                rest = unpacker.unconsumed_tail
                if not rest and len(piece) < PIECE:
                    break
            if unpacker.eof:
                return  # whatever follows is no part of the answer, and would be kept without a limit
    except zlib.error as error:
        raise SourceError(f"{origin}: the packed answer is broken: {error}") from None
    raise SourceError(f"{origin}: the packed answer ends in the middle")


def _check_status(response: httpx.Response, origin: str) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    text = b""
    with suppress(SourceError, httpx.HTTPError):  # the status is what counts
        text = next(_unpacked(response, origin), b"")
    message = f"{origin}: status {status}: {beginning(decode(text))}"
    if status == httpx.codes.NOT_FOUND:
        raise NotThereError(message, permanent=True)
    raise SourceError(
        message,
        permanent=status not in _TRANSIENT_STATUS and status < httpx.codes.INTERNAL_SERVER_ERROR,
        retry_after=_retry_after(response.headers.get("Retry-After")),
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, be it seconds or a date (RFC 9110, 10.2.3); None if unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, SourceError) and error.retry_after is not None:
        # A little more than asked, and not all at the same instant.
        return min(error.retry_after + random.uniform(0, 1), LONGEST_WAIT)  # noqa: S311  no secret
    return _BACKOFF(state)


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = round(state.upcoming_sleep, 1)
    log.warning("asking again", error=str(error), attempt=state.attempt_number, seconds=seconds)
