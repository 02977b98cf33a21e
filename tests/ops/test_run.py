"""`make run` itself, on a copy of the checkout: start, kill, start again, stop."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import leftovers
from ops.state import CHECKOUT, State, free_port
from ops.supervisor import answers

PATIENCE = 180  # seconds, for a machine that does other things too
SUPERVISE = """
import os
import sys
from ops.console import Failure
from ops.processes import Process
from ops.supervisor import supervise
port = os.environ["ISD_BIND"].rpartition(":")[2]
web = Process("web", (sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1"))
other = Process("other", ("sleep", "300"))
try:
    supervise([web, other], os.environ, "ANNOUNCED", [("echo", "FIRST"), ("false",), ("echo", "LAST")])
except Failure as failure:
    sys.exit(str(failure))
"""


class Runner:
    """A started command whose output can be waited for."""

    def __init__(self, log: Path, command: list[str], **popen: object) -> None:
        self.log = log
        with log.open("w") as sink:
            pipes = {"stdin": subprocess.DEVNULL, "stdout": sink, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen(command, start_new_session=True, **pipes, **popen)

    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def environment() -> dict[str, str]:
    """Ours without what points at the services of these tests."""
    outside = {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "ISD_STATE_DIR",
        "ISD_SIMULATOR_URL",
        leftovers.MARK,
    }
    kept = {name: value for name, value in os.environ.items() if name not in outside}
    return {**kept, "ISD_BIND": f"127.0.0.1:{free_port()}", "ISD_VENV": sys.prefix}


@pytest.fixture
def copy() -> Iterator[Path]:
    """The files of the checkout, without what a run has made there."""
    folder = Path(tempfile.mkdtemp(prefix="isd-run-")) / "checkout"
    made = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(CHECKOUT, folder, ignore=made)
    folder.parent.chmod(0o755)
    yield folder
    state = State(folder / "var")
    subprocess.run([sys.executable, "-m", "ops", "stop"], cwd=folder, check=False)
    leftovers.end(state)
    for name in ("postgres", "redis"):
        shutil.rmtree((state.path / name).resolve(), ignore_errors=True)
    shutil.rmtree(folder.parent)


def test_run_survives_kill_and_stops_cleanly(copy: Path, environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ops", "run"]
    first = Runner(tmp_path / "first", command, cwd=copy, env=environment)
    first.wait_for("admin account created")
    with urllib.request.urlopen(f"http://{environment['ISD_BIND']}/healthz", timeout=10) as answer:
        assert answer.status == 200
    refused = subprocess.run(command, cwd=copy, env=environment, text=True, capture_output=True, check=False)
    assert refused.returncode == 1
    assert f"already in use by process {first.process.pid}" in refused.stderr

    first.end(signal.SIGKILL)
    second = Runner(tmp_path / "second", command, cwd=copy, env=environment)
    second.wait_for("ready; open")
    assert "of an earlier run" in second.text()
    assert "making the database cluster" not in second.text()
    assert second.end(signal.SIGINT) == 0, second.text()
    assert second.text().endswith("stopping redis\nisd: stopping postgres\n")
    assert leftovers.marked(State(copy / "var")) == []
    assert not answers(f"http://{environment['ISD_BIND']}/healthz")


def test_steps_may_end_and_fail_without_ending_the_rest(environment: dict[str, str], tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", [sys.executable, "-c", SUPERVISE], cwd=CHECKOUT, env=environment)
    runner.wait_for("LAST")
    text = runner.text()
    assert text.index("ANNOUNCED") < text.index("FIRST") < text.index("false failed (exit code 1)")
    time.sleep(1)
    assert runner.process.poll() is None
    assert runner.end(signal.SIGTERM) == 0, runner.text()


def test_a_process_that_ends_ends_everything(environment: dict[str, str], tmp_path: Path) -> None:
    runner = Runner(tmp_path / "log", [sys.executable, "-c", SUPERVISE], cwd=CHECKOUT, env=environment)
    runner.wait_for("LAST")
    pid = runner.text().split("other started (pid=")[1].split(")")[0]
    os.kill(int(pid), signal.SIGKILL)
    assert runner.process.wait(PATIENCE) == 1
    assert "ended by itself (exit code -9)" in runner.text()
    assert not answers(f"http://{environment['ISD_BIND']}/")
