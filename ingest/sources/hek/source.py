"""The source `hek`: events from a HER endpoint, LMSAL's by default."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from django.conf import settings

from events.domain.criteria import TimeWindow
from ingest.sources.answers import load_json, parse_answer
from ingest.sources.base import Parsed, RawPage, SourceError
from ingest.sources.hek.client import HekClient
from ingest.sources.hek.paging import all_pages

#: All there is: the widest window that clients have sent to HEK.
EVER = TimeWindow(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
#: HEK wants a region, and drops silently what lies outside. CMEs reach to 28 800 arcsec and get lost in the
#: usual boxes of 1200 or 5000; this is the widest that clients send (Helioviewer's).
REGION: dict[str, str | int] = {
    "event_coordsys": "helioprojective",
    "x1": -30000,
    "x2": 30000,
    "y1": -30000,
    "y2": 30000,
}


class HekSource:
    """Asks a HER endpoint for a window of time, page by page.

    `url` is the endpoint, `timeout` in seconds, `max_bytes` the cap of one answer, `retries` follow the first
    attempt, `result_limit` is the rows of a page (HEK gives 1000 at most, and stops a search after 60 s),
    `sleep` waits between attempts.
    """

    name: ClassVar[str] = "hek"
    #: The setting that holds the endpoint's address.
    url_setting: ClassVar[str] = "ISD_HEK_URL"

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        max_bytes: int,
        retries: int,
        result_limit: int = 500,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._retries = retries
        self._result_limit = result_limit
        self._sleep = sleep

    @classmethod
    def configured(cls, path: Path | None = None) -> Self:
        """The source as the settings have it. Raises SourceError when given a path: this one has none."""
        if path is not None:
            raise SourceError(
                f"the source {cls.name} reads an address, not the path {path}; set {cls.url_setting}",
                permanent=True,
            )
        return cls(
            getattr(settings, cls.url_setting),
            timeout=settings.ISD_HEK_TIMEOUT,
            max_bytes=settings.ISD_HEK_MAX_BYTES,
            retries=settings.ISD_HEK_RETRIES,
        )

    def fetch(self, window: TimeWindow | None, event_types: tuple[str, ...]) -> Iterator[RawPage]:
        """Pages with every event that touches `window`, both ends included; see `ingest.sources.base.Source`.

        Test events (event_testflag) are left out, as HEK does by default.
        """
        query: dict[str, str | int] = {
            "cosec": 2,
            "cmd": "search",
            "type": "column",
            "event_type": ",".join(event_types) or "**",
            **REGION,
            **_times(window or EVER),
            "result_limit": self._result_limit,
            "showtests": "hide",
            "as_reported": "true",  # ours: another instance then fills up nothing; others ignore it
        }
        client = HekClient(
            self._url,
            timeout=self._timeout,
            max_bytes=self._max_bytes,
            retries=self._retries,
            sleep=self._sleep,
        )
        with client:
            for answer in all_pages(lambda page: client.ask({**query, "page": page})):
                yield RawPage(answer.body, answer.origin)

    def parse(self, page: RawPage) -> Parsed:
        """The records of a page, as sent. Raises SourceError where it is no answer."""
        try:
            answer = load_json(page.body)
        except ValueError as error:
            raise SourceError(f"{page.origin}: no JSON: {error}") from None
        return parse_answer(answer, page.origin)


def _times(window: TimeWindow) -> dict[str, str]:
    """The window in HEK's form, UTC and whole seconds, widened to them so that nothing falls out."""
    start, end = (t.astimezone(UTC).replace(tzinfo=None) for t in (window.start, window.end))
    if end.microsecond and end.year < EVER.end.year:
        end += timedelta(seconds=1)
    return {
        "event_starttime": start.isoformat(timespec="seconds"),
        "event_endtime": end.isoformat(timespec="seconds"),
    }
