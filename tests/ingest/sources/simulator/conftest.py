"""One simulated Sun, one server of it, and HEK's record types as real answers show them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ingest.sources.simulator.catalogue import Catalogue, SimulatedCatalogue
from ingest.sources.simulator.server import SimulatorServer
from ingest.sources.simulator.sun import Sun

#: A few days near a maximum of the cycle.
START, END = datetime(2014, 1, 10, tzinfo=UTC), datetime(2014, 1, 14, tzinfo=UTC)


@contextmanager
def _serving(catalogue: Catalogue) -> Iterator[SimulatorServer]:
    """A server of this catalogue on a free port."""
    server = SimulatorServer(catalogue)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def serving() -> Callable[[Catalogue], AbstractContextManager[SimulatorServer]]:
    """`with serving(catalogue) as server`: a server of a catalogue on a free port."""
    return _serving


@pytest.fixture(scope="session")
def sun() -> Sun:
    return Sun(seed=7)


@pytest.fixture(scope="session")
def catalogue() -> SimulatedCatalogue:
    return SimulatedCatalogue(Sun(seed=7))


@pytest.fixture(scope="session")
def records(catalogue: SimulatedCatalogue) -> list[dict[str, Any]]:
    """The records of a few days, first copies only."""
    rows = [orjson.loads(catalogue.record(entry)) for entry in catalogue.entries(START, END)]
    return list({row["kb_archivid"]: row for row in reversed(rows)}.values())[::-1]


@pytest.fixture(scope="session")
def reports(records: list[dict[str, Any]]) -> Callable[..., list[dict[str, Any]]]:
    """`reports("AR", "SPoCA")`: the records of one type and method."""

    def choose(event_type: str, frm_name: str) -> list[dict[str, Any]]:
        chosen = [r for r in records if (r["event_type"], r["frm_name"]) == (event_type, frm_name)]
        assert chosen
        return chosen

    return choose


@pytest.fixture(scope="session")
def server(catalogue: SimulatedCatalogue) -> Iterator[SimulatorServer]:
    with _serving(catalogue) as server:
        yield server
