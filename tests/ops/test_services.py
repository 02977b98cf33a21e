"""Real servers in a temporary folder, and what becomes of them when they or their starter are killed."""

import contextlib
import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops import leftovers
from ops.postgres import Postgres
from ops.redis import Redis
from ops.service import started
from ops.state import State, is_free


def connect(service: Postgres, database: str = "isd") -> "psycopg2.extensions.connection":
    connection = psycopg2.connect(service.url().replace("postgis://", "postgresql://"), dbname=database)
    connection.autocommit = True
    return connection


def ask(service: Postgres, query: str) -> object:
    connection = connect(service)
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone() if cursor.description else None
    connection.close()
    return row and row[0]


def kill(pid: int) -> None:
    """Kill, and wait until the process is gone or a zombie; it is seldom our own child."""
    os.kill(pid, signal.SIGKILL)
    status = Path(f"/proc/{pid}/stat")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        while status.read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)


def test_postgres_keeps_data_through_kill_and_recycled_pid(state: State) -> None:
    service = Postgres(state)
    service.start()
    assert str(ask(service, "SELECT postgis_version()")).startswith("3.")
    assert ask(service, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(service, "SHOW jit") == "off"
    ask(service, "CREATE TABLE kept AS SELECT 42 AS answer")

    pid_file = service.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill(int(lines[0]))
    assert service.running_port() is None
    # The worst case: the number in the stale file now belongs to a living process of the cluster's user.
    sleeper = service_sleeper(service)
    try:
        pid_file.write_text("\n".join([str(sleeper.pid), *lines[1:]]) + "\n")
        service.start()
        assert ask(service, "SELECT answer FROM kept") == 42
        assert sleeper.poll() is None, "a foreign process was hurt"
    finally:
        sleeper.kill()
        sleeper.wait()
    service.stop()
    assert service.running_port() is None


def service_sleeper(service: Postgres) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["/usr/bin/sleep", "300"], **service.account.popen())


def test_test_databases_have_the_extensions(state: State) -> None:
    """The application's role may create databases but no PostGIS: template1 must bring it."""
    service = Postgres(state, durable=False)
    service.start()
    ask(service, "CREATE DATABASE trial")
    connection = connect(service, "trial")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(extname ORDER BY extname) FROM pg_extension WHERE extname <> 'plpgsql'"
        )
        assert cursor.fetchone() == (["btree_gist", "postgis"],)
    connection.close()


def test_a_wrong_password_is_refused(state: State) -> None:
    database, queue = Postgres(state, durable=False), Redis(state, durable=False)
    with started([database, queue]):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(
                host="127.0.0.1", port=database.running_port(), user="isd", password="no", dbname="isd"
            )
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=queue.running_port() or 0, retry=Retry(NoBackoff(), 0)).ping()


def test_redis_keeps_the_queue_through_a_kill(state: State) -> None:
    service = Redis(state)
    service.start()
    client = redis.from_url(service.url())
    client.lpush("queue", "task")
    client.config_set("appendfsync", "always")
    kill(client.info()["process_id"])
    service.start()
    assert redis.from_url(service.url()).lrange("queue", 0, -1) == [b"task"]


def test_leftover_servers_are_adopted_not_doubled(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(leftovers.MARK, str(state.path))
    services = [Postgres(state, durable=False), Redis(state)]
    for service in services:
        service.start()
    ports = [service.running_port() for service in services]
    again = [Postgres(state, durable=False), Redis(state)]
    assert leftovers.marked(state) == [], "the next start would end them"
    with started([*again]):
        assert [service.running_port() for service in again] == ports
    assert all(is_free(port) for port in ports if port)


def test_a_taken_port_is_chosen_anew(state: State) -> None:
    service, other = Redis(state), Redis(State(state.path.parent / "other"))
    service.start()
    port = service.running_port()
    service.stop()
    other.state.create()
    (other.state.path / "redis.port").write_text(f"{port}\n")
    try:
        other.start()
        service.start()
        assert service.running_port() not in (None, port)
        assert redis.from_url(service.url()).ping()
    finally:
        other.remove()


def test_folders_and_secrets_are_private(state: State) -> None:
    services = [Postgres(state, durable=False), Redis(state)]
    with started([*services]):
        for service in services:
            assert stat.S_IMODE(service.folder.stat().st_mode) == 0o700
            if os.geteuid() == 0:
                assert service.folder.stat().st_uid != 0
        secrets = [path for path in state.path.iterdir() if path.name.endswith("-password")]
        assert len(secrets) == 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
        listening = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        for service in services:
            port = f":{service.running_port():04X} "
            owners = {line.split()[1] for line in listening.splitlines() if port in line and " 0A " in line}
            assert owners == {f"0100007F{port.strip()}"}, "listens beyond 127.0.0.1"
