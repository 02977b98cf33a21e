"""Processes that a killed `make run` left behind.

Every process we start carries MARK in its environment, so they are found without a list that could be
lost or outdated. The services do not need this: they are adopted (see `ops.service`).
"""

import os
import signal
import time
from pathlib import Path

from ops.console import say
from ops.state import State

MARK = "ISD_RUN"


def marked(state: State) -> list[int]:
    """The processes of this state folder, ourselves and those above us left out."""
    needle = f"{MARK}={state.path}".encode()
    ours = lineage()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in ours:
            try:
                if needle in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:  # gone meanwhile, or another user's
                continue
    return found


def alive(pid: int) -> bool:
    """Whether a process still runs; a zombie, which only waits to be asked for its status, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def lineage() -> set[int]:
    """Our own process and all its ancestors."""
    pid, found = os.getpid(), set()
    while pid and pid not in found:
        found.add(pid)
        # The program's name, in parentheses, may hold anything; the parent is the second word after it.
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def end(state: State, patience: float = 10) -> None:
    """Ask the leftovers to end, wait, and insist."""
    if not (pids := marked(state)):
        return
    say(f"ending {len(pids)} processes of an earlier run")
    send(pids, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while (pids := marked(state)) and time.monotonic() < deadline:
        time.sleep(0.1)
    send(pids, signal.SIGKILL)


def send(pids: list[int], number: signal.Signals) -> None:
    """Signal each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
