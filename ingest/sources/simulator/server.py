"""A small HTTP server that answers searches as HEK's HER endpoint does.

Of HEK's dialect it speaks what an ingest needs: `cmd=search&type=column` with event types, a window of time
(inclusive overlap) and pages, as JSON (cosec=2) or XML (cosec=1), by GET or POST. The region is ignored. What
would change the answer and is not understood (filters, other orders, `return`) is refused, never ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import structlog

from events.domain.vocabulary import EVENT_TYPES
from ingest.sources.simulator.answers import json_answer, xml_answer
from ingest.sources.simulator.catalogue import Catalogue

log = structlog.get_logger(__name__)

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000
_MOST_BODY = 1_000_000
_PATH = "/hek/her"
_TIME = re.compile(r"(\d{1,4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d*)?)?)?Z?")
_FILTER = re.compile(r"s?param\d+|op\d+|value\d+")
#: Parameters with the one value (besides absence) that we understand.
_FIXED = {
    "cmd": {"search"},
    "type": {"column"},
    "temporalmode": {"overlap"},
    "showtests": {"hide", "show"},
    "sort_by": {"event_starttime"},
    "sort_order": {"asc"},
}


class BadQueryError(ValueError):
    """A query that we do not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search: `event_types` None means all; `page` counts from 1."""

    start: datetime
    end: datetime
    event_types: frozenset[str] | None
    limit: int
    page: int
    xml: bool


def parse_query(params: Mapping[str, str]) -> Query:
    """The search that these parameters (names in lower case) ask for. Raises BadQueryError."""
    for name, value in params.items():
        if _FILTER.fullmatch(name) or name == "return":
            raise BadQueryError(f"{name}: this server knows no filters and no choice of columns")
        if name in _FIXED and value.lower() not in _FIXED[name]:
            raise BadQueryError(f"{name}={value}: only {' or '.join(sorted(_FIXED[name]))}")
    if params.get("cosec", "1") not in ("1", "2"):
        raise BadQueryError(f"cosec={params['cosec']}: only 1 (XML) or 2 (JSON)")
    start, end = (_time(params, name) for name in ("event_starttime", "event_endtime"))
    if start > end:
        raise BadQueryError("event_starttime is after event_endtime")
    limit = _whole(params, "result_limit", DEFAULT_LIMIT)
    return Query(
        start=start,
        end=end,
        event_types=_event_types(params.get("event_type", "**")),
        limit=min(limit, LARGEST_LIMIT) if limit > 0 else DEFAULT_LIMIT,
        page=max(_whole(params, "page", 1), 1),  # clients exist that begin with page 0
        xml=params.get("cosec", "1") == "1",
    )


def _time(params: Mapping[str, str], name: str) -> datetime:
    match = _TIME.fullmatch(params.get(name, "").strip())
    if match is None:
        raise BadQueryError(f"{name}: a time like 2012-01-31T12:00:00 is needed, not {params.get(name)!r}")
    try:
        return datetime(*(int(part or 0) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError as error:
        raise BadQueryError(f"{name}: {error}") from None


def _whole(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise BadQueryError(f"{name}: a whole number is needed, not {text!r}")
    return int(text)


def _event_types(text: str) -> frozenset[str] | None:
    codes = {code.strip().upper() for code in text.split(",")} - {""}
    if "**" in codes or not codes:
        return None
    if unknown := codes - set(EVENT_TYPES):
        raise BadQueryError(f"event_type: no event has the type {', '.join(sorted(unknown))}")
    return frozenset(codes)


def answer(catalogue: Catalogue, query: Query) -> bytes:
    """The answer to a search. Raises BadQueryError where the catalogue cannot tell."""
    try:
        found = catalogue.entries(query.start, query.end)
        if query.event_types is not None:
            wanted = query.event_types
            found = (entry for entry in found if entry.event_type in wanted)
        first = (query.page - 1) * query.limit
        page = list(islice(found, first, first + query.limit + 1))
    except ValueError as error:
        raise BadQueryError(str(error)) from None
    render = xml_answer if query.xml else json_answer
    return render(catalogue, page[: query.limit], overmax=len(page) > query.limit)


class SimulatorServer(ThreadingHTTPServer):
    """Serves one catalogue at http://host:port/hek/her; port 0 takes a free one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, catalogue: Catalogue, host: str = "127.0.0.1", port: int = 0) -> None:
        self.catalogue = catalogue
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}{_PATH}"


class _Handler(BaseHTTPRequestHandler):
    """One connection; it is kept open between requests."""

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    # An answer goes out in one piece: head and body in two small packets would wait for one another (Nagle).
    wbufsize = -1
    timeout = 60

    def do_GET(self) -> None:
        """A search in the query string."""
        self._respond(b"")

    def do_POST(self) -> None:
        """A search in the query string and in a form; both count."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_BODY:
            self.close_connection = True
            self._send(413, "application/json", _error("the form is too long"))
            return
        self._respond(self.rfile.read(int(length)))

    def _respond(self, form: bytes) -> None:
        url = urlsplit(self.path)
        if url.path.rstrip("/") != _PATH:
            self._send(404, "application/json", _error(f"only {_PATH} is served here"))
            return
        pairs = parse_qsl(url.query, keep_blank_values=True)
        pairs += parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True)
        try:
            query = parse_query({name.lower(): value for name, value in pairs})
            body = answer(self.server.catalogue, query)
        except BadQueryError as error:
            self._send(400, "application/json", _error(str(error)))
            return
        self._send(200, "text/xml; charset=utf-8" if query.xml else "application/json", body)

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the signature of http.server
        """Into the log of the process, not to stderr."""
        log.debug("simulator request", client=self.client_address[0], request=format % args)


def _error(message: str) -> bytes:
    return orjson.dumps({"error": message, "result": [], "overmax": False})
