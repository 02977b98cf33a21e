"""What all tests share: where the real data are, how hypothesis draws, and who is signed in."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import kombu.pools
import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from isd import celery_app

# The same examples in every run, and nothing remembered between runs: a test fails for all of us or for none.
hypothesis.settings.register_profile("isd", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("isd")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the recorded answers of HEK (hek/MANIFEST.md in it says what they hold).

    Missing, it fails the tests in continuous integration, and skips them with a reason elsewhere.
    """
    folder = Path(os.environ.get("ISD_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "hek").is_dir():
        reason = f"no real data in {folder}: set ISD_REAL_DATA"
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def hek_answer(real_data: Path) -> Callable[[str], dict[str, Any]]:
    """Reads one recorded answer: `hek_answer("ar_spoca_201803.json")["result"]`; a fresh copy each time."""

    def read(name: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((real_data / "hek" / name).read_text("utf-8"))
        return answer

    return read


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of the test run's own, so that queues can be filled, looked at and lost."""
    binary = shutil.which("redis-server")
    assert binary, "redis-server is missing: apt-get install redis-server"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(
        command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(lambda: _listens(port), "Redis to answer")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def broker(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty broker that this process, too, sends its tasks to."""
    redis.Redis.from_url(redis_url).flushdb()
    yield from _broker_at(redis_url, monkeypatch)


@pytest.fixture
def broker_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Nothing listens where the broker should be."""
    with socket.socket() as taken:  # bound and not listening: nobody else can begin to
        taken.bind(("127.0.0.1", 0))
        yield from _broker_at(f"redis://127.0.0.1:{taken.getsockname()[1]}/0", monkeypatch)


@pytest.fixture
def own_environment(broker: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a process that shall use the test's database, broker and folders."""
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    return {
        **os.environ,
        "DATABASE_URL": address.geturl(),
        "REDIS_URL": broker,
        "ISD_PARAMETER_STORE": str(tmp_path / "parameters.zarr"),
        "ISD_IMAGE_FOLDER": str(tmp_path / "pictures"),
    }


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """`wait_for(condition, "what it is", seconds=60)`: the condition's first true value, or a failure."""
    return _wait_for


def _wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """The first true value of `condition`; a failure that says what was waited for, if none comes."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
    return found


def _broker_at(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    def forget() -> None:
        kombu.pools.reset()
        celery_app.amqp._producer_pool = celery_app._pool = None

    monkeypatch.setenv("CELERY_BROKER_URL", url)  # Celery reads it again for every connection
    forget()
    yield url
    forget()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def operator(db: None, client: Client) -> Client:
    """A client signed in as a superuser."""
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def onlooker(db: None, client: Client) -> Client:
    """A client signed in as staff who may look at everything and order nothing."""
    user = User.objects.create_user("onlooker", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client
