"""A closed-loop load: `CLIENTS` processes, each sending its next request when the last was answered."""

import multiprocessing
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any

import psycopg2

CLIENTS = 4
SECONDS = 8.0

#: Makes, inside the client's process, a function that sends the n-th request and returns the bytes received.
Connect = Callable[[], Callable[[int], int]]


@dataclass(frozen=True)
class Rate:
    """What one target did under load."""

    per_second: float
    median_ms: float
    p95_ms: float
    bytes_each: float


def over_http(port: int, paths: Sequence[str]) -> Connect:
    """Requests over kept-alive connections; anything but 200 ends the measurement.

    A bare socket instead of http.client, whose parsing would take a third of the server's own time away
    from the two cores that all share.
    """

    def connect() -> Callable[[int], int]:
        wire = socket.create_connection(("127.0.0.1", port), timeout=60)
        requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode() for path in paths]

        def request(n: int) -> int:
            wire.sendall(requests[n % len(requests)])
            head, _, body = _head(wire)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{paths[n % len(paths)]}: {head[:200]!r} {body[:300]!r}")
            length = _LENGTH.search(head)
            if length is None:
                return _chunked(wire, body)
            received = len(body)
            while received < int(length[1]):
                received += len(wire.recv(_PIECE))
            return received

        return request

    return connect


_PIECE = 1 << 18
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def _head(wire: socket.socket) -> tuple[bytes, bytes, bytes]:
    seen = b""
    while b"\r\n\r\n" not in seen:
        if not (piece := wire.recv(_PIECE)):
            raise RuntimeError("the server hung up")
        seen += piece
    return seen.partition(b"\r\n\r\n")


def _chunked(wire: socket.socket, body: bytes) -> int:
    """Bytes of a chunked body, up to the empty chunk that ends it."""
    while not body.endswith(b"0\r\n\r\n"):
        body += wire.recv(_PIECE)
    return len(body)


def over_sql(dsn: str, statements: Sequence[tuple[str, Any]]) -> Connect:
    """The bare statements on a kept-open connection, rows fetched and thrown away."""

    def connect() -> Callable[[int], int]:
        connection = psycopg2.connect(dsn)
        connection.autocommit = True
        cursor = connection.cursor()

        def execute(n: int) -> int:
            cursor.execute(*statements[n % len(statements)])
            return sum(len(str(field)) for row in cursor.fetchall() for field in row)

        return execute

    return connect


def measure(connect: Connect, seconds: float = SECONDS) -> Rate:
    """Requests a second of all clients together, after a warm-up of a quarter of the time."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    clients = [
        context.Process(target=_client, args=(connect, seconds, n, results), daemon=True)
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    answers = [results.get() for _ in clients]
    for client in clients:
        client.join()
    if failed := [answer for answer in answers if isinstance(answer, str)]:
        raise RuntimeError(failed[0])
    times = sorted(t for answer in answers for t in answer[0])
    received = sum(answer[1] for answer in answers)
    return Rate(
        per_second=len(times) / seconds,
        median_ms=median(times) * 1e3,
        p95_ms=times[int(len(times) * 0.95)] * 1e3,
        bytes_each=received / len(times),
    )


def _client(connect: Connect, seconds: float, number: int, results: Any) -> None:
    try:
        send, own = connect(), _numbers(number)
        until = time.perf_counter() + seconds / 4
        while time.perf_counter() < until:
            send(next(own))
        times, received = [], 0
        until = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < until:
            received += send(next(own))
            times.append(time.perf_counter() - begin)
        results.put((times, received))
    except Exception as error:  # noqa: BLE001 - told by the parent
        results.put(f"{type(error).__name__}: {error}")


def _numbers(client: int) -> Iterator[int]:
    """Every client walks the same requests from another place."""
    return islice(cycle(range(10_000)), client * 50, None)
