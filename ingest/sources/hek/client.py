"""One question to a HER endpoint, asked until it is answered or there is no hope.

Upstream: https://hekapidocs.readthedocs.io (the API manual). What `ingest.sources.http` asks again for, and
answers with status 200 that are none: HTML, truncated JSON, a reported error. HEK gives such when it is
overworked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog

from ingest.sources.answers import answer_lists, beginning, decode, load_json
from ingest.sources.base import SourceError
from ingest.sources.http import HttpClient

log = structlog.get_logger(__name__)


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
        self._url = url
        self._http = HttpClient(
            timeout=timeout,
            retries=retries,
            max_bytes=max_bytes,
            cap_setting="ISD_HEK_MAX_BYTES",
            accept="application/json",
            hides_query=True,
            sleep=sleep,
        )

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, error, trace)

    def ask(self, params: Mapping[str, str | int]) -> Answer:
        """The answer to a query. Raises SourceError, as `ingest.sources.http.HttpClient.read` does."""
        return self._http.read(_answer, self._url, params)


def _answer(body: bytes, origin: str) -> Answer:
    """The answer in `body`, checked. Raises SourceError, not permanent: HEK may do better next time."""
    where = f"{origin}: status 200"
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
    return Answer(body, checked, origin)
