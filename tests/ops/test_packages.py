"""Installing Debian packages, with an apt-get that only says what it was asked."""

import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from ops import packages

Asked = list[tuple[str, ...]]


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[set[int]], Asked]:
    """Put an apt-get in place whose calls of the given numbers fail; the list of calls."""

    def put(failing: set[int]) -> Asked:
        asked: Asked = []

        def apt_get(*words: str) -> subprocess.CompletedProcess[str]:
            assert guard.exists(), "Debian's own services would start"
            asked.append(words)
            return subprocess.CompletedProcess(words, int(len(asked) in failing), "E: the reason")

        monkeypatch.setattr(packages, "apt_get", apt_get)
        return asked

    guard = tmp_path / "policy-rc.d"
    monkeypatch.setattr(packages, "GUARDS", {guard: "#!/bin/sh\nexit 101\n"})
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/usr/bin/{name}")
    yield put
    assert not guard.exists(), "the guard must not stay"


INSTALL = ("install", "--no-install-recommends", "redis-server")


def test_lists_are_not_refreshed_without_need(apt: Callable[[set[int]], Asked]) -> None:
    asked = apt(set())
    assert packages.install(["redis-server"]) == 0
    assert asked == [INSTALL]


def test_lists_are_refreshed_once_when_missing_or_outdated(apt: Callable[[set[int]], Asked]) -> None:
    asked = apt({1})
    assert packages.install(["redis-server"]) == 0
    assert asked == [INSTALL, ("update",), INSTALL]


def test_the_reason_of_a_failure_is_shown(
    apt: Callable[[set[int]], Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    apt({1, 3})
    assert packages.install(["redis-server"]) == 1
    assert "E: the reason" in capsys.readouterr().err


def test_another_system_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    assert packages.install(["redis-server"]) == 1
    assert "no Debian" in capsys.readouterr().err


def test_a_plain_user_installs_through_sudo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """sudo is asked first whether it will do it, and without a terminal it must not wait for a password."""
    calls = tmp_path / "calls"
    sudo = tmp_path / "sudo"
    sudo.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {calls}\n')
    sudo.chmod(0o755)
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1234)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("sys.stdin", StringIO())
    packages.require([packages.Package("redis-server", lambda: False)])
    asked, done = calls.read_text().splitlines()
    assert asked == "-n -v"
    assert done.startswith("-n /")
    assert done.endswith("-m ops.packages redis-server")
