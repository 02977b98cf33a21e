"""A private Redis: Celery's broker. Its append-only file keeps queued work through a crash."""

import shutil
import socket
import subprocess
import time

from ops import packages
from ops.console import Failure, last_lines, say
from ops.service import Service, url

# docker-compose.yml starts its Redis with the same ones (tested).
FIXED = {
    "appendonly": "yes",
    "save": "",  # the append-only file is enough
    "maxmemory-policy": "noeviction",  # a queue must refuse new work rather than forget old
}
PATIENCE = 120  # seconds; a long append-only file takes a while to load


class Redis(Service):
    """One server in `redis/` of the state folder."""

    name = "redis"
    setting = "REDIS_URL"
    user = "redis"
    packages = (packages.REDIS,)

    def url(self) -> str:
        """The address of database 0."""
        port = self.state.remembered_port(self.name) or 0
        return url("redis", "", self.state.secret("redis-password"), port, "0")

    def running_port(self) -> int | None:
        """The remembered port, if what listens there accepts our password."""
        port = self.state.remembered_port(self.name)
        return port if port and self.ask(port, "PING").startswith("+OK\r\n") else None

    def ask(self, port: int, command: str) -> str:
        """Send one command after our password; the reply, empty when nobody is there."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                password = self.state.secret("redis-password")
                connection.sendall(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
                reply = b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            return ""
        return reply.decode(errors="replace").removesuffix("+OK\r\n").strip()

    def launch(self, port: int) -> None:
        """Start the server; its configuration goes in by pipe, so the password lies in one file only."""
        settings = {
            **FIXED,
            "appendonly": "yes" if self.durable else "no",
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(self.folder),
            "requirepass": self.state.secret("redis-password"),
        }
        binary = shutil.which("redis-server") or "/usr/bin/redis-server"
        with self.log.open("w") as log:
            server = subprocess.Popen(
                [binary, "-"], stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.folder, start_new_session=True, **self.account.popen(),
            )  # fmt: skip
        if server.stdin:
            server.stdin.write("".join(f'{name} "{value}"\n' for name, value in settings.items()).encode())
            server.stdin.close()
        while self.running_port() is None:
            if server.poll() is not None:
                raise Failure(f"Redis does not start; {self.log} says:\n{last_lines(self.log)}")
            time.sleep(0.02)

    def settle(self, port: int) -> None:
        """Wait until the data are loaded."""
        deadline = time.monotonic() + PATIENCE
        while not self.ask(port, "PING").endswith("+PONG"):
            if time.monotonic() > deadline:
                raise Failure(f"Redis does not answer; {self.log} says:\n{last_lines(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Write everything down and end."""
        port = self.running_port()
        if port is None:
            return
        say("stopping redis")
        self.ask(port, "SHUTDOWN")
        deadline = time.monotonic() + PATIENCE
        while self.ask(port, "PING") and time.monotonic() < deadline:
            time.sleep(0.05)
