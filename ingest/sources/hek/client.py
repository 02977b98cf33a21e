"""One question to a HER endpoint, asked until it is answered or there is no hope.

Upstream: https://hekapidocs.readthedocs.io (the API manual). Out come whole answers or SourceError; nothing
of httpx or tenacity does. Tried again, with exponential back-off and jitter: a connection that fails or
stalls, the statuses 408, 429 and 5xx (as late as their Retry-After says), and answers with status 200 that
are none: HTML, truncated JSON, a reported error. HEK gives such when it is overworked.
"""

import random
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential_jitter,
)

from ingest.sources.answers import answer_lists, beginning, decode, load_json
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


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its bytes, the JSON object in them (it has a list `result`), and where it came from."""

    body: bytes
    content: dict[str, Any]
    origin: str


class HekClient:
    """A HER endpoint. A context manager: the connection is kept while it is open.

    `timeout` is in seconds, `max_bytes` caps one answer, unpacked; `retries` follow the first attempt.
    User and password in the address are sent, but never shown.
    """

    def __init__(
        self, url: str, *, timeout: float, max_bytes: int, retries: int, sleep: Callable[[float], None]
    ) -> None:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise SourceError(f"the address of the endpoint is unreadable: {error}", permanent=True) from None
        user = (address.username, address.password) if address.userinfo else None
        self._url = address.copy_with(userinfo=b"")
        self._shown = str(self._url.copy_with(query=None))
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._retries = retries
        self._sleep = sleep
        self._http = httpx.Client(
            auth=user,
            timeout=timeout,
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def ask(self, params: Mapping[str, str | int]) -> Answer:
        """The answer to a query.

        Raises SourceError, naming address, status and the first characters, when all attempts have failed, or
        at once where another would not help (`permanent`).
        """
        origin = f"{self._shown}?{httpx.QueryParams(dict(params))}"
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, SourceError) and not error.permanent),
            stop=stop_after_attempt(self._retries + 1),
            wait=_wait,
            sleep=self._sleep,
            before_sleep=_log_retry,
            reraise=True,
        )
        answer: Answer = retrying(self._attempt, params, origin)
        return answer

    def _attempt(self, params: Mapping[str, str | int], origin: str) -> Answer:
        try:
            with self._http.stream("GET", self._url.copy_merge_params(dict(params))) as response:
                _check_status(response, origin)
                body = self._body(response, origin)
                status = response.status_code
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            raise SourceError(f"{origin}: {error}", permanent=True) from None
        except httpx.HTTPError as error:
            raise SourceError(f"{origin}: {type(error).__name__} {error}".rstrip()) from None
        return Answer(body, _content(body, f"{origin}: status {status}"), origin)

    def _body(self, response: httpx.Response, origin: str) -> bytes:
        """All bytes of the body, unpacked. Raises SourceError when it is too large or too slow."""
        deadline = time.monotonic() + ANSWER_TIMEOUTS * self._timeout
        body = bytearray()
        for piece in _unpacked(response, origin):
            body += piece
            if len(body) > self._max_bytes:
                raise SourceError(
                    f"{origin}: the answer exceeds {self._max_bytes} bytes (ISD_HEK_MAX_BYTES)",
                    permanent=True,
                )
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
    raise SourceError(
        f"{origin}: status {status}: {beginning(decode(text))}",
        permanent=status not in _TRANSIENT_STATUS and status < httpx.codes.INTERNAL_SERVER_ERROR,
        retry_after=_retry_after(response.headers.get("Retry-After")),
    )


def _content(body: bytes, where: str) -> dict[str, Any]:
    """The answer in `body`, checked. Raises SourceError, not permanent: HEK may do better next time."""
    try:
        content = load_json(body)
    except ValueError as error:
        raise SourceError(f"{where}: no JSON ({error}): {beginning(decode(body[:500]))}") from None
    answer_lists(content, where)
    try:
        body.decode()
    except UnicodeDecodeError as error:
        log.warning("bytes that are no UTF-8 become U+FFFD in their records", where=where, first=str(error))
    checked: dict[str, Any] = content
    return checked


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
