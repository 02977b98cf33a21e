"""The Earth's place against sunpy at the very instant; it costs the web process neither sunpy nor network."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.time import Time
from sunpy.coordinates import get_earth, sun

from events.domain.frames import wrap
from ingest import ephemeris
from ingest.ephemeris import observers

ROOT = Path(__file__).resolve().parents[2]


def random_times(count: int) -> list[datetime]:
    seconds = np.random.default_rng(20180316).uniform(0, 60 * 365.25 * 86_400, count)
    return [datetime(1975, 1, 1, tzinfo=UTC) + timedelta(seconds=float(second)) for second in seconds]


def test_between_the_nodes_it_is_sunpy() -> None:
    times = random_times(300)
    ours = observers(times)
    earth = get_earth(Time(times))
    assert np.abs(ours.b0 - earth.lat.deg).max() < 1e-5
    off = np.abs(wrap(ours.l0 - sun.L0(Time(times)).deg))
    assert (off > 1e-5).sum() <= 1  # one of these days has a leap second
    assert off.max() < 2e-4
    assert np.abs(ours.distance - earth.radius.to_value("km")).max() < 10


def test_it_goes_on_over_the_beginning_of_a_rotation() -> None:
    """L0 falls to 0 and begins anew at 360 deg; no value in between may be an average of the two."""
    times = [datetime(2018, 3, 1, tzinfo=UTC) + timedelta(minutes=10 * i) for i in range(28 * 144)]
    steps = wrap(np.diff(observers(times).l0))
    assert steps.max() < -0.09
    assert steps.min() > -0.093


def test_sunpy_is_asked_once_for_times_close_by(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = ephemeris._ask_sunpy
    monkeypatch.setattr(ephemeris, "_nodes", {})
    monkeypatch.setattr(ephemeris, "_ask_sunpy", lambda seconds: asked.append(seconds.size) or real(seconds))
    start = datetime(2012, 1, 1, 0, 30, tzinfo=UTC)
    for _ in range(2):
        observers([start + timedelta(seconds=i) for i in range(3600)])
    assert asked == [2]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ephemeris, "_nodes", {})
    monkeypatch.setattr(ephemeris, "_MOST_NODES", 5)
    times = random_times(8)
    whole = observers(times)  # what one call needs, it gets
    one_by_one = []
    for time in reversed(times):
        ephemeris._nodes.pop(next(iter(ephemeris._nodes)))
        one_by_one.append(observers([time]).l0[0])
    assert len(ephemeris._nodes) <= 5
    np.testing.assert_allclose(whole.l0, one_by_one[::-1])


def test_any_year_a_report_can_have() -> None:
    seen = observers([datetime(year, 1, 1, tzinfo=UTC) for year in (1, 1610, 2500)])
    last = observers([datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
    assert np.isfinite([seen.b0, seen.l0, seen.distance]).all()
    assert np.isfinite([last.b0, last.l0, last.distance]).all()
    assert np.abs(seen.b0).max() < 7.4


def test_no_times_no_observers() -> None:
    assert observers([]).b0.size == 0


def test_sunpy_comes_late_and_without_network() -> None:
    """In a fresh process: importing the ingest loads no sunpy, and an ephemeris opens no connection."""
    script = """
import socket, sys
def refuse(*args, **kwargs): raise AssertionError("network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import ingest.rows
assert "sunpy" not in sys.modules and "astropy" not in sys.modules
from datetime import datetime, UTC
from ingest.ephemeris import observers
seen = observers([datetime(2018, 3, 16, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)])
assert "sunpy" in sys.modules
print(f"{seen.b0[0]:.2f} {seen.l0[0]:.1f}")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "-7.16 91.4\n"
