"""The HEK dialect: full records by the hundred and by the thousand, years of flares page by page, memory.

Every record of an answer has all keys of its type, as sunpy needs them. The floor is every statement that our
view sends for an address, run by psycopg2 and thrown away.
"""

import http.client
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psycopg2

from benchmarks import servers
from benchmarks.dataset import FIRST, YEARS
from benchmarks.load import Connect, Rate, measure, over_http
from benchmarks.read import statements

ROUNDS = 3
PAGE, LARGE_PAGE = 100, 1000
PAGES, LARGE_PAGES = 200, 30  # addresses drawn
#: The question that made a user of sunpy wait for 16 hours, and that HEK itself answered in about 5 minutes.
FLARES, FLARES_SECONDS = 6_300, 300.0
FLARE_YEARS = (datetime(2011, 1, 1), datetime(2015, 1, 1))  # noqa: DTZ001 - written without a zone, read as UTC
_COLUMN_SEARCH: dict[str, Any] = {
    "cosec": 2, "cmd": "search", "type": "column",
    "event_coordsys": "helioprojective", "x1": -5000, "x2": 5000, "y1": -5000, "y2": 5000,
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What was measured: rates of the small page in each round, and seconds, rows and MB of the rest."""

    ours: list[Rate]
    floor: list[Rate]
    first_byte: float
    last_byte: float
    large_page_bytes: float
    flares: int
    flares_seconds: float
    first_flares_seconds: float
    memory_mb: float


def run(dsn: str) -> Result:
    """Measure against the database of `dsn`, which Django uses, too.

    Floor and ours take turns, so that a drift of the machine's speed meets both.
    """
    small = list(_addresses(PAGES, PAGE))
    thrown_away = over_statements(dsn, [statements(path) for path in small])
    floor, ours = [], []
    with servers.ours() as port:
        for _ in range(ROUNDS):
            floor.append(measure(thrown_away))
            ours.append(measure(over_http(port, small)))
        first, last, size = _large_pages(port, list(_addresses(LARGE_PAGES, LARGE_PAGE)))
        flares, seconds, first_seconds = _flares(port)
        memory = _peak_mb(port)
    return Result(ours, floor, first, last, size, flares, seconds, first_seconds, memory)


def table(result: Result) -> str:
    """Markdown: what, how much, and what it should be."""
    shares = [own.per_second / rate.per_second for own, rate in zip(result.ours, result.floor, strict=True)]
    share = f"{median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f}) of the floor"
    faster = FLARES_SECONDS / result.first_flares_seconds
    small, large = f"{PAGE}-row page", f"{LARGE_PAGE}-row page"
    flares = f"four years of SWPC flares >= C1 in pages of {LARGE_PAGE}"
    sooner = f"{faster:,.0f} times HEK's {FLARES_SECONDS / 60:.0f} minutes"
    last = f"{result.last_byte * 1e3:.0f} ms, {result.large_page_bytes / 1e6:.1f} MB"
    rows = (
        (f"{small}, floor: the same SQL, thrown away", _rate(result.floor), ""),
        (f"{small}, **ours**", f"{_rate(result.ours)}: {share}", "0.6"),
        (f"{large}, first byte", f"{result.first_byte * 1e3:.0f} ms", "100 ms"),
        (f"{large}, last byte", last, ""),
        (f"{flares}, the first {FLARES:,}", f"{result.first_flares_seconds:.2f} s: {sooner}", "2 s"),
        (f"the same, all {result.flares:,}", f"{result.flares_seconds:.2f} s", ""),
        ("a web worker's memory, at its peak in all this", f"{result.memory_mb:.0f} MB", "200 MB"),
    )
    lines = (f"| {what} | {measured} | {goal} |" for what, measured, goal in rows)
    return "\n".join(("| what | measured | goal |", "|---|---|---:|", *lines))


def _rate(rounds: list[Rate]) -> str:
    """Medians of the rounds."""
    rate, half, most, size = (
        median(getattr(one, field) for one in rounds)
        for field in ("per_second", "median_ms", "p95_ms", "bytes_each")
    )
    return f"{rate:.0f} requests/s, median {half:.1f} ms, 95 % {most:.1f} ms, {size / 1000:.0f} kB each"


def _addresses(number: int, rows: int) -> Iterator[str]:
    """Pages of regions and holes, each of another month; seeded."""
    rng = random.Random(10930)
    for _ in range(number):
        start = FIRST + timedelta(seconds=rng.randrange(int((YEARS * 365 - 31) * 86400)))
        yield _address(start, start + timedelta(days=30), event_type="ar,ch", result_limit=rows)


def _address(start: datetime, end: datetime, **query: Any) -> str:
    window = {"event_starttime": f"{start:%FT%T}", "event_endtime": f"{end:%FT%T}"}
    return f"/hek/her?{urlencode(_COLUMN_SEARCH | window | query)}"


def over_statements(dsn: str, requests: list[list[tuple[str, Any]]]) -> Connect:
    """All statements of a request on a kept-open connection, rows fetched and thrown away."""

    def connect() -> Callable[[int], int]:
        kept = psycopg2.connect(dsn)
        kept.autocommit = True
        cursor = kept.cursor()

        def execute(n: int) -> int:
            received = 0
            for sql, params in requests[n % len(requests)]:
                cursor.execute(sql, params)
                rows = cursor.fetchall() if cursor.description else ()
                received += sum(len(field) for row in rows for field in row if isinstance(field, str))
            return received

        return execute

    return connect


def _large_pages(port: int, paths: list[str]) -> tuple[float, float, float]:
    """Medians of one client: seconds to the first byte, to the last, and bytes."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    firsts, lasts, sizes = [], [], []
    for path in paths:
        begin = time.perf_counter()
        client.request("GET", path)
        response = client.getresponse()
        first = response.read(1)
        firsts.append(time.perf_counter() - begin)
        sizes.append(len(first + response.read()))
        lasts.append(time.perf_counter() - begin)
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status} for {path}")
    return median(firsts), median(lasts), median(sizes)


def _flares(port: int) -> tuple[int, float, float]:
    """Rows, seconds, and the seconds after which the first `FLARES` of them were there, parsed."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    filters = {"param0": "FL_GOESCls", "op0": ">=", "value0": "C1.0"}
    filters |= {"param1": "FRM_Name", "op1": "=", "value1": "SWPC"}
    rows, page, more, reached = 0, 0, True, 0.0
    begin = time.perf_counter()
    while more:
        page += 1
        path = _address(*FLARE_YEARS, event_type="FL", result_limit=LARGE_PAGE, page=page, **filters)
        client.request("GET", path)
        answer = json.loads(client.getresponse().read())
        rows, more = rows + len(answer["result"]), answer["overmax"]
        if rows < FLARES or not reached:
            reached = time.perf_counter() - begin
    return rows, time.perf_counter() - begin, reached


def _peak_mb(port: int) -> float:
    """The largest resident memory that any process serving this port ever had."""
    peaks = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
            if f"127.0.0.1:{port}" in command:
                status = (process / "status").read_text()
                peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
        except (OSError, IndexError):
            continue  # it ended meanwhile
    return max(peaks)
