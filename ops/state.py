"""The state folder: everything that a run of this checkout remembers, in one place.

`var/` by default, ISD_STATE_DIR elsewhere. Tests and benchmarks have their own folder inside it, so
that nothing they do reaches the data of `make run`.
"""

import fcntl
import os
import random
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.console import Failure

CHECKOUT = Path(__file__).resolve().parent.parent
# Below the ports that Linux gives to outgoing connections, so a remembered one stays free.
PORTS = range(20_000, 30_000)


@dataclass(frozen=True)
class State:
    """A folder with secrets, remembered ports and the lock of the one command that uses it."""

    path: Path

    @classmethod
    def of(cls, purpose: str = "") -> "State":
        """The folder for `purpose` ("test", "bench"), or the main one."""
        base = Path(os.environ.get("ISD_STATE_DIR") or CHECKOUT / "var")
        return cls((CHECKOUT / base / purpose).resolve())

    def create(self) -> None:
        """Make the folder, passable (the services run as other users) but not readable."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o711)
        except OSError as error:
            raise Failure(
                f"{self.path} cannot be used ({error.strerror}); run as the user it belongs to, "
                "or set ISD_STATE_DIR to another folder"
            ) from error

    def secret(self, name: str) -> str:
        """The secret of that name, drawn at its first use and readable by its owner only."""
        path = self.path / name
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text().strip()

    def port(self, name: str) -> int:
        """The remembered port of a service, or a new one when it has none or someone else took it."""
        path = self.path / f"{name}.port"
        remembered = int(path.read_text()) if path.exists() else 0
        if remembered and is_free(remembered):
            return remembered
        port = free_port()
        path.write_text(f"{port}\n")
        return port

    def remembered_port(self, name: str) -> int | None:
        """The port chosen last time, whether or not something listens on it."""
        path = self.path / f"{name}.port"
        return int(path.read_text()) if path.exists() else None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process.

        A POSIX record lock: it ends with the process however that dies, and children do not inherit it.
        """
        self.create()
        with (self.path / "run.pid").open("a+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Failure(f"already in use by process {self.holder()}: `make stop` ends it") from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield
            file.truncate(0)

    def holder(self) -> int | None:
        """The process that holds the lock, if one does."""
        path = self.path / "run.pid"
        if not path.exists():
            return None
        with path.open("r+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(file.read().strip() or 0) or None
        return None


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As every server does: a port with connections that have only just ended counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Some port that nobody listens on; drawn at random, so that two checkouts rarely meet."""
    for port in random.sample(PORTS, 200):
        if is_free(port):
            return port
    raise Failure(f"no free port among {PORTS.start}-{PORTS.stop} on 127.0.0.1")
