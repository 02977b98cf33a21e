"""The clients of others: installed once, alone, and only for the tests."""

from pathlib import Path

import pytest

from ops import virtualenv
from ops.console import Failure

#: Before a test puts another in its place.
REAL_INSTALL = virtualenv.install_clients


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """An environment that pretends to be complete; what is installed into it beside that, by name."""
    lock = tmp_path / "requirements-clients.txt"
    lock.write_text("client==1")
    calls: list[str] = []
    monkeypatch.setenv("ISD_VENV", str(tmp_path / "venv"))
    monkeypatch.setattr(virtualenv, "CLIENTS_LOCK", lock)
    monkeypatch.setattr(virtualenv, "install_clients", lambda _python, folder: calls.append(folder.name))
    (tmp_path / "venv").mkdir()
    for complete in (virtualenv.RUNTIME_LOCK, virtualenv.DEVELOPMENT_LOCK):
        virtualenv.stamp(tmp_path / "venv", complete).write_text(virtualenv.fingerprint(complete))
    return calls


def test_the_product_does_without_them(installed: list[str]) -> None:
    virtualenv.ensure(virtualenv.RUNTIME_LOCK)
    assert installed == []


def test_they_are_installed_once_and_again_when_their_pins_change(installed: list[str]) -> None:
    virtualenv.ensure(virtualenv.DEVELOPMENT_LOCK)
    virtualenv.ensure(virtualenv.DEVELOPMENT_LOCK)
    assert installed == ["clients"]
    virtualenv.CLIENTS_LOCK.write_text("client==2")
    virtualenv.ensure(virtualenv.DEVELOPMENT_LOCK)
    assert installed == ["clients", "clients"]


def test_a_failure_is_told_and_leaves_nothing_half_done(installed: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "venv" / "clients"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(Failure, match="could not install requirements-clients"):
        REAL_INSTALL(Path("/bin/false"), folder)
    assert not folder.exists()


def test_every_client_is_pinned_and_hashed() -> None:
    text = (virtualenv.CHECKOUT / "requirements-clients.txt").read_text()
    pins = [line for line in text.splitlines() if "==" in line]
    assert len(pins) == text.count("--hash=sha256:") == 2
