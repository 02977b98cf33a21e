"""The parts of ops that decide things: ports, secrets, locks, users, settings of the machine, URLs."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ops import address, leftovers, packages, service, tuning, virtualenv
from ops.console import Failure
from ops.state import CHECKOUT, PORTS, State, free_port, is_free

GIB = 1024**3


@pytest.fixture
def folder(tmp_path: Path) -> State:
    state = State(tmp_path / "var")
    state.create()
    return state


def occupy(port: int = 0, host: str = "127.0.0.1") -> "socket.socket":
    listener = socket.create_server((host, port))
    listener.listen()
    return listener


def test_free_port_lies_below_the_outgoing_ones() -> None:
    lowest_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert PORTS.stop <= max(lowest_outgoing, 30_000)
    assert free_port() in PORTS


def test_a_port_is_remembered_until_it_is_taken(folder: State) -> None:
    port = folder.port("redis")
    assert folder.port("redis") == port == folder.remembered_port("redis")
    with occupy(port):
        assert not is_free(port)
        assert folder.port("redis") != port


def test_a_secret_is_drawn_once_and_is_private(folder: State) -> None:
    secret = folder.secret("secret-key")
    assert folder.secret("secret-key") == secret
    assert len(secret) >= 50
    assert secret != folder.secret("other")
    assert stat.S_IMODE((folder.path / "secret-key").stat().st_mode) == 0o600


def test_the_lock_admits_one_process_and_dies_with_it(folder: State) -> None:
    code = (
        "import sys; from pathlib import Path; from ops.state import State\n"
        f"with State(Path({str(folder.path)!r})).lock(): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=CHECKOUT, text=True, **pipes) as other:
        assert other.stdout.readline() == "held\n"
        assert folder.holder() == other.pid
        with pytest.raises(Failure, match=f"process {other.pid}"), folder.lock():
            pass
        other.kill()
    assert folder.holder() is None
    with folder.lock():
        pass


def test_state_folder_is_relative_to_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ISD_STATE_DIR", raising=False)
    assert State.of().path == CHECKOUT / "var"
    assert State.of("test").path == CHECKOUT / "var" / "test"
    monkeypatch.setenv("ISD_STATE_DIR", "elsewhere")
    assert State.of().path == CHECKOUT / "elsewhere"
    monkeypatch.setenv("ISD_STATE_DIR", str(tmp_path))
    assert State.of("bench").path == tmp_path / "bench"


def test_passwords_survive_the_url() -> None:
    password = "p@ss:w/rd?#%[] ü"
    parts = urlsplit(service.url("postgis", "isd", password, 5433, "isd"))
    assert unquote(parts.password or "") == password
    assert (parts.hostname, parts.port, parts.path) == ("127.0.0.1", 5433, "/isd")


def test_a_plain_user_runs_services_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert service.account_for(tmp_path, "postgres").uid == 1234
    assert "user" not in service.account_for(tmp_path, "postgres").popen()


def test_services_do_not_see_our_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    seen = subprocess.check_output(
        ["/usr/bin/env"], **service.account_for(tmp_path, "postgres").popen(), cwd="/"
    )
    assert b"s3cret" not in seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses another user")
def test_root_runs_services_as_their_user_or_the_owner(tmp_path: Path) -> None:
    postgres = service.account_for(tmp_path / "new", "postgres")
    assert postgres.uid != 0
    assert postgres.popen()["user"] == postgres.uid
    assert not postgres.can_reach(Path("/root"))
    assert postgres.can_reach(Path("/"))
    os.chown(tmp_path, 4321, 4321)
    assert service.account_for(tmp_path, "postgres") == service.Account(4321, 4321)
    with pytest.raises(Failure, match="system user no-such-user"):
        service.account_for(tmp_path / "new", "no-such-user")


def test_settings_follow_the_machine() -> None:
    large = tuning.settings(tuning.Machine(memory=24 * GIB, cpus=2), durable=True)
    assert (large["shared_buffers"], large["effective_cache_size"]) == ("6144MB", "14745MB")
    assert (large["work_mem"], large["maintenance_work_mem"]) == ("61MB", "1024MB")
    assert "fsync" not in large
    small = tuning.settings(tuning.Machine(memory=GIB // 2, cpus=1), durable=True)
    assert (small["shared_buffers"], small["work_mem"]) == ("128MB", "4MB")
    assert small["max_parallel_workers_per_gather"] == "1"
    throwaway = tuning.settings(tuning.Machine(memory=24 * GIB, cpus=2), durable=False)
    assert (throwaway["fsync"], throwaway["shared_buffers"]) == ("off", "256MB")


def test_a_container_limit_counts_as_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(tuning, "CGROUP_LIMIT", limit)
    limit.write_text("268435456\n")
    assert tuning.Machine.here().memory == 268435456
    limit.write_text("max\n")
    assert tuning.Machine.here().memory > 268435456


def test_the_environment_is_current_until_its_lock_changes(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("a==1\n")
    assert not virtualenv.current(tmp_path, lock)
    virtualenv.stamp(tmp_path, lock).write_text(virtualenv.fingerprint(lock))
    assert virtualenv.current(tmp_path, lock)
    lock.write_text("a==2\n")
    assert not virtualenv.current(tmp_path, lock)


def test_development_lock_holds_every_runtime_pin() -> None:
    def pins(path: Path) -> set[str]:
        return {
            line.split()[0] for line in path.read_text().splitlines() if "==" in line and line[0].isalnum()
        }

    runtime, development = pins(virtualenv.RUNTIME_LOCK), pins(virtualenv.DEVELOPMENT_LOCK)
    assert len(runtime) > 20
    assert runtime <= development


def test_guards_leave_what_exists_and_remove_what_is_ours(tmp_path: Path) -> None:
    existing, ours = tmp_path / "policy", tmp_path / "new" / "conf"
    existing.write_text("the machine's own")
    with packages.guarded({existing: "x", ours: "y"}):
        assert (existing.read_text(), ours.read_text()) == ("the machine's own", "y")
    assert existing.read_text() == "the machine's own"
    assert not ours.exists()


def test_missing_packages_without_root_and_sudo_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Failure, match=r"apt-get install --no-install-recommends no-such-package$"):
        packages.require([packages.Package("no-such-package", lambda: False)])


def test_nothing_is_run_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started a program"))
    packages.require([packages.Package("present", lambda: True)])


@pytest.mark.parametrize(
    ("bind", "host", "port", "shown"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, "http://127.0.0.1:8000/"),
        ("0.0.0.0:80", "0.0.0.0", 80, "http://127.0.0.1:80/"),
        (":9000", "0.0.0.0", 9000, "http://127.0.0.1:9000/"),
        ("[::1]:8000", "::1", 8000, "http://[::1]:8000/"),
    ],
)
def test_addresses(monkeypatch: pytest.MonkeyPatch, bind: str, host: str, port: int, shown: str) -> None:
    monkeypatch.setenv("ISD_BIND", bind)
    assert address.split(bind) == (host, port)
    assert address.local_url() == shown


def test_a_taken_or_malformed_address_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with occupy() as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("ISD_BIND", f"127.0.0.1:{port}")
        with pytest.raises(Failure, match=f"127.0.0.1:{port} is taken"):
            address.require_free()
    monkeypatch.setenv("ISD_BIND", "8000")
    with pytest.raises(Failure, match="host:port"):
        address.require_free()


def test_leftovers_are_found_by_their_mark_and_ended(folder: State) -> None:
    def start(mark: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(["/usr/bin/sleep", "300"], env={leftovers.MARK: mark})

    ours, other = start(str(folder.path)), start(f"{folder.path}-other")
    try:
        assert leftovers.marked(folder) == [ours.pid]
        leftovers.send(leftovers.marked(folder), leftovers.signal.SIGTERM)
        assert ours.wait(timeout=10) == -leftovers.signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


def test_we_are_never_our_own_leftover(folder: State) -> None:
    code = (
        "from pathlib import Path; from ops import leftovers; from ops.state import State\n"
        f"print(leftovers.marked(State(Path({str(folder.path)!r}))))"
    )
    environment = {**os.environ, leftovers.MARK: str(folder.path)}
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=CHECKOUT, env=environment, text=True) == "[]\n"
