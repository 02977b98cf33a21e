"""A closed-loop load: `CLIENTS` processes, each sending its next request when the last was answered."""

import http.client
import multiprocessing
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
    """Requests over kept-alive connections; anything but 200 ends the measurement."""

    def connect() -> Callable[[int], int]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def request(n: int) -> int:
            connection.request("GET", paths[n % len(paths)])
            response = connection.getresponse()
            body = response.read()
            if response.status != http.client.OK:
                raise RuntimeError(f"{response.status} for {paths[n % len(paths)]}: {body[:300]!r}")
            return len(body)

        return request

    return connect


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
