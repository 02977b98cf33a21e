"""A live server over recorded, tabulated, simulated and hand-written events that the tests here share."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from events.models import Event

RECORDED = (
    *("ar_spoca_201803.json", "mixed_20230329.json"),
    *("flares_ssw_20120101.json", "flares_swpc_20120101.json"),
)
#: The tables are long: what begins so is enough.
SLICES = {"flares_c1_1986-2019.csv": "2012-", "noaa_ar_2010-2020.csv": ("2012-01-", "2012-02-", "2014-06-0")}
#: Hours that the literal addresses and sunpy's own tests ask for.
SIMULATED = (
    ("2011-08-09T05:00", "2011-08-09T13:00"),
    ("2012-05-01T00:00", "2012-05-01T06:00"),
    ("2014-06-01T00:00", "2014-06-01T08:00"),
    ("2017-09-06T11:59", "2017-09-06T13:00"),
)
#: No certificates are needed here, and reading them takes longer than an answer.
QUIET: dict[str, Any] = {"timeout": 60, "verify": False}


@dataclass(frozen=True)
class Hek:
    """A live server, and what its database holds."""

    address: str
    events: list[Event]

    @property
    def url(self) -> str:
        """What sunpy takes as its client's address."""
        return f"{self.address}/hek/her?"

    def get(self, query: str) -> httpx.Response:
        """The answer to a query that is sent byte for byte as it stands."""
        return httpx.get(httpx.URL(self.address, raw_path=f"/hek/her?{query}".encode()), **QUIET)

    def ask(self, **query: Any) -> dict[str, Any]:
        """The JSON answer to a column search that must succeed."""
        fixed = {"cosec": 2, "cmd": "search", "type": "column"}
        answer = httpx.get(f"{self.address}/hek/her", params=fixed | query, **QUIET)
        assert answer.status_code == 200, answer.text[:500]
        return answer.json()

    def having(self, condition: Callable[[Event], bool]) -> list[str]:
        """The ids of the stored events that satisfy `condition`, in HEK's order: by start, then id."""
        found = [e for e in self.events if condition(e)]
        return [e.kb_archivid for e in sorted(found, key=lambda e: (e.event_starttime, e.kb_archivid))]

    def between(self, start: str, end: str, *types: str) -> list[str]:
        """The ids of what overlaps the time, both ends included."""
        first, last = (datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (start, end))
        return self.having(
            lambda e: (
                e.event_starttime <= last
                and e.event_endtime >= first
                and (not types or e.event_type in types)
            )
        )


@contextmanager
def committed(blocker: Any) -> Iterator[None]:
    """A database that also another thread sees; emptied afterwards."""
    with blocker.unblock():
        try:
            yield
        finally:
            models = [
                model for room in ("events", "ingest") for model in apps.get_app_config(room).get_models()
            ]
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in models)} CASCADE")


@contextmanager
def serving() -> Iterator[str]:
    """A live server's address."""
    server = LiveServer("127.0.0.1")
    server._live_server_modified_settings.enable()
    try:
        yield server.url
    finally:
        server.stop()
        server._live_server_modified_settings.disable()


def simulate(folder: Path, windows: Any = SIMULATED) -> None:
    for number, (start, end) in enumerate(windows):
        path = str(folder / f"simulated{number}.json")
        call_command("simulate_events", "--start", start, "--end", end, "--output", path, verbosity=0)


def cut(real_data: Path, folder: Path, name: str, begins: str | tuple[str, ...]) -> None:
    """The rows of a table that start in the given times."""
    with (real_data / "hek" / name).open() as whole, (folder / name).open("w") as part:
        reader = csv.DictReader(whole)
        writer = csv.DictWriter(part, reader.fieldnames or [])
        writer.writeheader()
        writer.writerows(row for row in reader if row["event_starttime"].startswith(begins))


def ingest(path: Path) -> None:
    call_command("ingest_events", "--source", "archive", "--path", str(path), "--no-tracks")


@pytest.fixture(scope="package")
def hek(
    django_db_setup: None, django_db_blocker: Any, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hek]:
    """The recorded answers, slices of the tables, a VOEvent and some hours of the simulated Sun, served.

    Nothing may write: the tests share it.
    """
    folder = tmp_path_factory.mktemp("archive")
    for name in RECORDED:
        (folder / name).write_bytes((real_data / "hek" / name).read_bytes())
    for name, begins in SLICES.items():
        cut(real_data, folder, name, begins)
    simulate(folder)
    (folder / "flare.xml").write_text((Path(__file__).with_name("voevent_flare.xml")).read_text())
    with committed(django_db_blocker):
        ingest(folder)
        with serving() as address:
            yield Hek(address, list(Event.objects.order_by("event_starttime", "kb_archivid")))
