"""What PostgreSQL and Redis have in common as private services of one checkout."""

import os
import pwd
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from ops.console import Failure, say
from ops.packages import Package
from ops.state import CHECKOUT, State
from ops.terminal import undisturbed

# For root in a checkout which the services' own users cannot reach (/root, a private temporary folder).
ELSEWHERE = Path("/var/lib/isd")


@dataclass(frozen=True)
class Account:
    """A system user that a service runs as."""

    uid: int
    gid: int

    def popen(self) -> dict[str, Any]:
        """The arguments of subprocess that make the child this user; only root may and need say so.

        The environment stays behind: it holds secrets, and the mark by which leftovers are ended.
        """
        clean = {"env": {"PATH": os.defpath, "LANG": "C.UTF-8"}}
        if os.geteuid() != 0:
            return clean
        return {**clean, "user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, folder: Path) -> bool:
        """Whether this user may enter `folder`; asked of the kernel, which knows ACLs and mounts too."""
        command = ["/usr/bin/test", "-x", str(folder)]
        return subprocess.run(command, check=False, cwd="/", **self.popen()).returncode == 0


def account_for(folder: Path, preferred: str) -> Account:
    """Who runs a service: we ourselves, or for root (which PostgreSQL refuses) a system user.

    A folder that exists decides by its owner, so root can go on with what a plain user began.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if folder.exists() and folder.stat().st_uid != 0:
        return Account(folder.stat().st_uid, folder.stat().st_gid)
    try:
        entry = pwd.getpwnam(preferred)
    except KeyError:
        raise Failure(
            f"the system user {preferred} is missing; run as a plain user instead of root"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def url(scheme: str, user: str, password: str, port: int, path: str) -> str:
    """A connection URL; user and password may hold any character."""
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}/{path}"


class Service(ABC):
    """A server with its own folder, port and password.

    `start` adopts a server that an earlier, killed run left behind, so nothing runs twice on one folder.
    """

    name: ClassVar[str]
    setting: ClassVar[str]  # the environment variable that points elsewhere and so switches this one off
    user: ClassVar[str]  # the system user that Debian's package brings
    packages: ClassVar[tuple[Package, ...]]

    def __init__(self, state: State, *, durable: bool = True) -> None:
        self.state = state
        self.durable = durable  # False: may lose its data in a crash, and is faster for it (tests)
        self.link = state.path / self.name

    @property
    def folder(self) -> Path:
        """The real folder, any symbolic link resolved."""
        return self.link.resolve()

    @property
    def account(self) -> Account:
        """The user this service runs as."""
        return account_for(self.folder, self.user)

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say while it starts."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Bring the server up and wait until it answers."""
        self.state.create()
        self.place()
        if self.running_port() is None:
            say(f"starting {self.name}")
            self.launch(self.state.port(self.name))
        self.settle(self.running_port() or 0)

    def place(self) -> None:
        """Make the service's folder where its user can reach it."""
        if self.link.is_symlink() and not self.link.exists():
            say(f"{self.link.readlink()} is gone; {self.name} starts empty")
            self.link.unlink()
        account = self.account
        if not self.link.exists():
            if account.can_reach(self.state.path):
                self.link.mkdir(mode=0o700)
            else:
                self.place_elsewhere()
            if os.geteuid() == 0:
                os.chown(self.folder, account.uid, account.gid)
        if not account.can_reach(self.folder):
            raise Failure(
                f"user {account.uid} of {self.name} cannot enter {self.folder}; see its parents' modes"
            )

    def place_elsewhere(self) -> None:
        """Put the folder under /var/lib/isd, reached through a link from the state folder."""
        ELSEWHERE.mkdir(parents=True, exist_ok=True)
        ELSEWHERE.chmod(0o755)
        self.link.symlink_to(tempfile.mkdtemp(prefix=f"{CHECKOUT.name}-{self.name}-", dir=ELSEWHERE))
        say(f"{self.user} cannot enter {self.state.path}: the data of {self.name} go to {self.folder}")

    def remove(self) -> None:
        """Stop the server and delete its data, wherever they lie."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.link.is_symlink():
            self.link.unlink()

    @abstractmethod
    def running_port(self) -> int | None:
        """The port on which our own server answers now; None when it is not running."""

    @abstractmethod
    def launch(self, port: int) -> None:
        """Start the server on `port`; raise Failure with its last words if it dies."""

    @abstractmethod
    def settle(self, port: int) -> None:
        """Wait until a server, ours or adopted, can be used, and bring its content up to date."""

    @abstractmethod
    def stop(self) -> None:
        """End the server in good order; nothing happens when it does not run."""

    @abstractmethod
    def url(self) -> str:
        """The value of `setting` that leads here."""

    def client(self) -> dict[str, str]:
        """Variables that lead this service's own tools here, with every right; none by default."""
        return {}


def environment(services: Iterable[Service], base: Mapping[str, str]) -> dict[str, str]:
    """`base` with the address of each service."""
    return {**base, **{service.setting: service.url() for service in services}}


@contextmanager
def started(services: list[Service]) -> Iterator[None]:
    """Run `services` for the length of a block; they end in reverse order, whatever happens in it."""
    running = ExitStack()
    try:
        for service in services:
            running.callback(service.stop)
            service.start()
        yield
    finally:
        with undisturbed():
            running.close()
