"""The processes under honcho, with the steps that follow once they are up.

honcho ends everything when any of its processes ends, which is right for those. What may end
(the demo) therefore runs beside it, and only its output goes through honcho's printer.
Imported inside the virtual environment only.
"""

import os
import shlex
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import honcho.manager
from honcho.printer import Message

from ops.address import local_url
from ops.console import Failure, say
from ops.processes import Process

# honcho's own 5 s would cut off a worker that is finishing a task.
honcho.manager.KILL_WAIT = 20
STOPPED_BY_SIGNAL = {info["rc"] for info in honcho.manager.SIGNALS.values()}


class Follower(threading.Thread):
    """Waits for the web process, announces it, then runs commands one after the other."""

    def __init__(
        self, emit: Callable[[str], None], announcement: str, commands: Sequence[Sequence[str]], **popen: Any
    ) -> None:
        super().__init__(daemon=True, name="follower")
        self.emit, self.announcement, self.commands, self.popen = emit, announcement, commands, popen
        self.ended = threading.Event()
        self.child: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Wait, announce, follow."""
        while not answers(local_url("/healthz")):
            if self.ended.wait(0.1):
                return
        self.emit(self.announcement)
        for command in self.commands:
            if not self.ended.is_set():
                self.follow(command)

    def follow(self, command: Sequence[str]) -> None:
        """Run one command in a session of its own, which Ctrl-C does not reach, and show what it says."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.child = subprocess.Popen(command, start_new_session=True, **pipes, **self.popen)
        for line in self.child.stdout or ():
            self.emit(line)
        if self.child.wait() and not self.ended.is_set():
            self.emit(f"{shlex.join(command)} failed (exit code {self.child.returncode}); the rest goes on")

    def end(self) -> None:
        """Stop waiting or following."""
        self.ended.set()
        if self.child and self.child.poll() is None:
            self.child.terminate()
        self.join(timeout=10)


def answers(address: str) -> bool:
    """Whether a web server answers there, with whatever status."""
    try:
        urllib.request.urlopen(address, timeout=2).close()  # noqa: S310 - our own http address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def supervise(
    processes: Iterable[Process],
    environment: Mapping[str, str],
    announcement: str,
    commands: Sequence[Sequence[str]],
) -> None:
    """Run the processes until a signal ends them, which is a success, or until one of them dies."""
    manager = honcho.manager.Manager()
    for process in processes:
        manager.add_process(process.name, f"exec {shlex.join(process.command)}", env=dict(environment))

    def emit(text: str) -> None:
        manager.events.put(Message(type="line", data=text, time=datetime.now(), name="isd", colour=None))  # noqa: DTZ005 - honcho prints local time

    follower = Follower(emit, announcement, commands, env=dict(environment))
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # the terminal is gone
    follower.start()
    manager.loop()
    follower.end()
    if manager.returncode not in STOPPED_BY_SIGNAL:
        raise Failure(
            f"a process ended by itself (exit code {manager.returncode}); everything was stopped, see above"
        )
    say("all processes have stopped")
