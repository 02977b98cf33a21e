"""Reading: the three hot questions, ours beside their floor and their peers, in one run.

The floor is the very SQL that our server sends, run by psycopg2 and thrown away. Every request differs:
windows and boxes are drawn with a fixed seed, the same for all targets.
"""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from benchmarks import servers
from benchmarks.dataset import FIRST, YEARS
from benchmarks.load import Connect, Rate, measure, over_http, over_sql

REQUESTS = 200
ROUNDS = 3
BOX = (330, 220)  # arcsec
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Question:
    """One question in the words of each server; `draw` gives window and box."""

    name: str
    ours: Callable[[datetime, datetime, tuple], str]
    drf: Callable[[datetime, datetime, tuple], str]
    tipg: Callable[[datetime, datetime, tuple], str] | None
    seconds: float = 4.0


def _isd(route: str, **fixed: Any) -> Callable[[datetime, datetime, tuple], str]:
    def path(start: datetime, end: datetime, box: tuple) -> str:
        corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)) if "spatio" in route else {}
        window = {"starttime": f"{start:%FT%T}", "endtime": f"{end:%FT%T}"}
        return f"{route}?{urlencode({**window, **corners, **fixed})}"

    return path


def _drf(route: str, *, with_box: bool) -> Callable[[datetime, datetime, tuple], str]:
    def path(start: datetime, end: datetime, box: tuple) -> str:
        query = {"type": "AR", "start": f"{start:%FT%TZ}", "end": f"{end:%FT%TZ}", "limit": 100, "offset": 0}
        return f"{route}?{urlencode({**query, **({'bbox': ','.join(map(str, box))} if with_box else {})})}"

    return path


def _tipg(*, with_box: bool) -> Callable[[datetime, datetime, tuple], str]:
    def path(start: datetime, end: datetime, box: tuple) -> str:
        query = {"event_type": "AR", "datetime": f"{start:%FT%TZ}/{end:%FT%TZ}", "limit": 100}
        query |= {"sortby": "event_starttime"}
        degrees = ",".join(f"{corner / 3600:.6f}" for corner in box)
        query |= {"bbox": degrees} if with_box else {}
        return f"/collections/tipg.event/items?{urlencode(query)}"

    return path


_PAGE = {"tablenames": "ar", "sortby": "event_starttime", "limit": 100, "offset": 0, "web": "True"}
QUESTIONS = (
    Question(
        "spatiotemporal page: a month x 330 x 220 arcsec, AR, 100 rows with geometry",
        _isd(
            "/api/query/spatiotemporal", **_PAGE, temporalpredicate="Overlaps", spatialpredicate="Intersects"
        ),
        _drf("/events", with_box=True),
        _tipg(with_box=True),
    ),
    Question(
        "temporal page: a month, AR, 100 rows with geometry",
        _isd("/api/query/temporal", **_PAGE, predicate="Overlaps"),
        _drf("/events", with_box=False),
        _tipg(with_box=False),
    ),
    Question(
        "monthly count over all years, AR",
        lambda *_: _isd("/analytics/api/query/sun/event/count/", eventtypes="ar")(*_all_years(), ()),
        lambda *_: _drf("/count", with_box=False)(*_all_years(), ()),
        None,
        seconds=6,
    ),
)


def _all_years() -> tuple[datetime, datetime]:
    return FIRST, FIRST + timedelta(days=YEARS * 366)


def draws() -> Iterable[tuple[datetime, datetime, tuple]]:
    """Windows of a month and boxes on the disk, seeded."""
    rng = random.Random(330220)
    for _ in range(REQUESTS):
        start = FIRST + timedelta(seconds=rng.randrange(int((YEARS * 365 - 31) * 86400)))
        x, y = rng.uniform(-700, 400), rng.uniform(-450, 250)
        yield start, start + MONTH, (round(x, 1), round(y, 1), round(x + BOX[0], 1), round(y + BOX[1], 1))


def run(dsn: str) -> dict[str, dict[str, list[Rate]]]:
    """Question -> target -> its rate in each round.

    In a round the targets take turns, so that a drift of the machine's speed meets all of them.
    """
    drawn = list(draws())
    with connection.cursor() as cursor:
        cursor.execute((servers.PEERS / "tipg.sql").read_text())
    with servers.ours() as ours, servers.serializers() as drf, servers.tipg(dsn) as tipg:
        return {
            question.name: _rounds(
                {
                    "floor": over_sql(dsn, [_statement(question.ours(*d)) for d in drawn]),
                    "ours": over_http(ours, [question.ours(*d) for d in drawn]),
                    "DRF serializers": over_http(drf, [question.drf(*d) for d in drawn]),
                    "tipg 1.6.1": question.tipg and over_http(tipg, [question.tipg(*d) for d in drawn]),
                },
                question.seconds,
            )
            for question in QUESTIONS
        }


def _rounds(targets: Mapping[str, Connect | None], seconds: float) -> dict[str, list[Rate]]:
    rates: dict[str, list[Rate]] = {name: [] for name in targets}
    for _ in range(ROUNDS):
        for name, connect in targets.items():
            if connect is not None:
                rates[name].append(measure(connect, seconds))
    return rates


@cache
def _statement(path: str) -> tuple[str, Any]:
    """The one statement that our view sends for this address."""
    sent = statements(path)
    if len(sent) != 1:
        raise RuntimeError(f"{path}: {len(sent)} statements")
    return sent[0]


def statements(path: str) -> list[tuple[str, Any]]:
    """All statements that our view sends for this address."""
    sent: list[tuple[str, Any]] = []

    def record(execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    connection.ensure_connection()  # a new one asks for types of its own
    with connection.execute_wrapper(record):
        response = Client(SERVER_NAME="127.0.0.1").get(path)
        body = response.getvalue()
    if response.status_code != HTTPStatus.OK or not sent:
        raise RuntimeError(f"{path}: status {response.status_code}: {body[:300]!r}")
    return sent
