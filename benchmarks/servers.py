"""The servers that are compared, each started as its users start it, on a port of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

WORKERS = 4  # as many as clients; two cores take what they get
PEERS = Path(__file__).with_name("peers")
TIPG_REQUIREMENTS = Path(__file__).with_name("requirements-tipg.txt")


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def ours() -> Iterator[int]:
    """Our web process as `make run` starts it."""
    yield from _gunicorn("isd.wsgi", {})


@contextmanager
def serializers() -> Iterator[int]:
    """The obvious DRF view (benchmarks/peers) under the same web server."""
    yield from _gunicorn("benchmarks.peers.wsgi", {"DJANGO_SETTINGS_MODULE": "benchmarks.peers.settings"})


@contextmanager
def tipg(dsn: str) -> Iterator[int]:
    """Tipg 1.6.1 in a virtual environment of its own, over the schema `tipg` (benchmarks/peers/tipg.sql)."""
    home = settings.BASE_DIR / "var" / "tipg"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", TIPG_REQUIREMENTS]
        subprocess.run(install, check=True)
    environment = {
        "DATABASE_URL": dsn,
        "TIPG_DB_SCHEMAS": '["tipg"]',
        "TIPG_DB_SPATIAL_EXTENT": "false",
        "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
        "TIPG_TABLE_CONFIG__tipg_event__DATETIMECOL": "event_starttime",
    }
    command = [python, "-m", "uvicorn", "tipg.main:app", "--workers", str(WORKERS), "--log-level", "warning"]
    yield from _serve(command, "--port", environment, "/healthz")


def _gunicorn(application: str, environment: dict[str, str]) -> Iterator[int]:
    command = [sys.executable, "-m", "gunicorn", application, "-w", str(WORKERS), "-k", "gthread"]
    command += ["--threads", "1", "--log-level", "warning"]
    yield from _serve(command, "--bind", environment, "/healthz")


def _serve(command: list, address: str, environment: dict[str, str], ready: str) -> Iterator[int]:
    port = free_port()
    where = f"127.0.0.1:{port}" if address == "--bind" else str(port)
    process = subprocess.Popen([*command, address, where], env={**os.environ, **environment})
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str, process: subprocess.Popen, patience: float = 60) -> None:
    until = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5)
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} did not come up")
