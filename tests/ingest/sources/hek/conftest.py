"""A HER endpoint on loopback that does exactly what a test tells it, faults included."""

import io
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ingest.sources.hek.source import HekSource

Reply = Callable[["Handler", dict[str, str]], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Endpoint"

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query))
        with self.server.lock:
            self.server.queries.append(query)
            self.server.paths.append(urlsplit(self.path).path)
            self.server.headers.append(dict(self.headers))
            script = self.server.script
            reply = script.pop(0) if len(script) > 1 else script[0]
        reply(self, query)

    def send(self, body: bytes | str, status: int = 200, **headers: str) -> None:
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Close with RST, as a dying server or a proxy does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.wfile = io.BytesIO()  # what the server still flushes goes nowhere

    def log_message(self, *args: Any) -> None:
        pass


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.script: list[Reply] = []
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        self.slept: list[float] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hek/her"

    def source(self, **options: Any) -> HekSource:
        options = {
            "timeout": 5.0,
            "max_bytes": 1_000_000,
            "retries": 3,
            "result_limit": 3,
            "sleep": self.slept.append,
        } | options
        return HekSource(options.pop("url", self.url), **options)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def event() -> Callable[[int], dict[str, Any]]:
    """A small record, the n-th in HEK's order."""

    def make(n: int) -> dict[str, Any]:
        return {
            "kb_archivid": f"ivo://test/AR_{n:06d}",
            "event_type": "AR",
            "event_starttime": f"2012-01-01T{n // 60 % 24:02d}:{n % 60:02d}:00",
            "event_endtime": "2012-01-02T00:00:00",
            "revision": "1",
        }

    return make


@pytest.fixture
def say() -> Callable[..., Reply]:
    """say(rows, overmax=False): a reply with these rows; say(raw=b"...", status=...): with these bytes."""

    def make(rows: Any = None, *, raw: bytes | str | None = None, status: int = 200, **more: Any) -> Reply:
        headers = more.pop("headers", {})
        body = raw if raw is not None else json.dumps({"result": rows, "association": [], **more})
        return lambda handler, query: handler.send(body, status, **headers)

    return make


@pytest.fixture
def serve() -> Callable[[Callable[[], list[Any]]], Reply]:
    """An honest endpoint over a table that may change between questions: pages of `result_limit` rows."""

    def make(table: Callable[[], list[Any]]) -> Reply:
        def reply(handler: Handler, query: dict[str, str]) -> None:
            rows, limit, page = table(), int(query["result_limit"]), int(query["page"])
            shown = rows[(page - 1) * limit : page * limit]
            body = {"result": shown, "association": [], "overmax": page * limit < len(rows)}
            handler.send(json.dumps(body))

        return reply

    return make
