"""A private PostgreSQL cluster with PostGIS.

Reached over 127.0.0.1 only, by password only. The application's role owns its database but is no
superuser; the extensions, which only a superuser may install, are put into template1, so that test
databases have them too.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops import packages
from ops.console import Failure, last_lines, say
from ops.service import Service, url
from ops.tuning import Machine, settings

SCHEMA = Path(__file__).with_name("bootstrap.sql")
ADMIN = "postgres"
APPLICATION = "isd"
OWN_FILE = "isd.conf"
CONF_TAIL = f"""
# Written by `make run` at every start:
include '{OWN_FILE}'
# Yours, read last:
include_if_exists 'local.conf'
"""


class Postgres(Service):
    """One cluster in `postgres/data` of the state folder."""

    name = "postgres"
    setting = "DATABASE_URL"
    user = "postgres"
    packages = (packages.POSTGRES, packages.POSTGIS)

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "data"

    def url(self) -> str:
        """The address of the application's database, for the application's role."""
        port = self.running_port() or self.state.remembered_port(self.name) or 0
        return url("postgis", APPLICATION, self.state.secret("postgres-password"), port, APPLICATION)

    def running_port(self) -> int | None:
        """The port in postmaster.pid, if the process named there is this cluster's.

        After a kill -9 the file stays, and its number may since belong to another process (always so in
        a container that starts anew), which PostgreSQL itself would take for its own.
        """
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            words = Path(f"/proc/{int(lines[0])}/cmdline").read_text().split("\0")
            return int(lines[3]) if str(self.data) in words else None
        except (OSError, ValueError, IndexError):
            return None

    def launch(self, port: int) -> None:
        """Start the cluster, made first if there is none."""
        if not self.data.exists():
            self.initialise()
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != str(packages.POSTGRES_MAJOR):
            raise Failure(
                f"{self.data} is of PostgreSQL {version}, not {packages.POSTGRES_MAJOR}: dump and restore it"
            )
        self.configure(port)
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # running_port has found it stale
        self.start_server()

    def initialise(self) -> None:
        """Make the cluster under another name first: an interrupted initdb is never taken for a cluster."""
        say("making the database cluster (once)")
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8"]
        with self.password_file() as path:
            who = [f"--username={ADMIN}", f"--pwfile={path}"]
            result = self.run("initdb", *options, *who, f"--pgdata={unfinished}")
        if result.returncode:
            raise Failure(f"initdb failed:\n{last_lines(result.stdout)}")
        with (unfinished / "postgresql.conf").open("a") as conf:
            conf.write(CONF_TAIL)
        unfinished.rename(self.data)

    @contextmanager
    def password_file(self) -> Iterator[str]:
        """Show the superuser's password to initdb, which runs as a user that cannot read our secrets."""
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as file:  # mode 0600
            file.write(self.state.secret("postgres-admin-password") + "\n")
            file.flush()
            os.chown(file.name, self.account.uid, self.account.gid)
            yield file.name

    def configure(self, port: int) -> None:
        """Write our settings, computed anew because the machine may have changed."""
        own = {
            **settings(Machine.here(), durable=self.durable),
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "logging_collector": "on",  # one file a weekday, each overwritten after a week
            "log_directory": str(self.folder),
            "log_filename": "postgres-%a.log",
            "log_truncate_on_rotation": "on",
            "log_rotation_age": "1d",
            "log_rotation_size": "0",
        }
        path = self.data / OWN_FILE
        path.write_text("".join(f"{name} = '{value}'\n" for name, value in own.items()))
        path.chmod(0o644)  # it holds no secret; root writes it, the server's user reads it

    def start_server(self) -> None:
        """Start and wait; the backends of a killed postmaster need a moment to notice and leave."""
        words = ["start", "--wait", "--timeout=300", "--silent", f"--log={self.log}", f"--pgdata={self.data}"]
        for _ in range(10):
            self.log.unlink(missing_ok=True)
            if self.run("pg_ctl", *words).returncode == 0:
                return
            if "still in use" not in self.last_words():
                break
            time.sleep(1)
        raise Failure(f"PostgreSQL does not start; {self.folder} says:\n{last_lines(self.last_words())}")

    def last_words(self) -> str:
        """What the server logged most recently, in whichever of its files."""
        logs = sorted(self.folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
        return "".join(path.read_text(errors="replace") for path in logs)[-4000:]

    def client(self) -> dict[str, str]:
        """What psql, pg_dump and pg_basebackup read: the superuser, on the application's database."""
        port = self.running_port() or self.state.remembered_port(self.name) or 0
        password = self.state.secret("postgres-admin-password")
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGDATABASE": APPLICATION}
        return {**where, "PGUSER": ADMIN, "PGPASSWORD": password}

    def settle(self, port: int) -> None:
        """Run bootstrap.sql, which changes only what is missing."""
        password = self.state.secret("postgres-password")
        environment = {**os.environ, **self.client(), "PGPORT": str(port), "ISD_DB_PASSWORD": password}
        words = ["--no-psqlrc", "--quiet", "--dbname=postgres", f"--file={SCHEMA}"]
        command = [str(packages.POSTGRES_BIN / "psql"), *words]
        result = subprocess.run(command, check=False, env=environment, text=True, capture_output=True)
        if result.returncode:
            raise Failure(f"preparing the database failed:\n{last_lines(result.stderr)}")

    def stop(self) -> None:
        """Disconnect every client, write everything down, end."""
        if self.running_port() is not None:
            say("stopping postgres")
            words = ["--wait", "--timeout=120", "--mode=fast", "--silent", f"--pgdata={self.data}"]
            result = self.run("pg_ctl", "stop", *words)
            if result.returncode:
                raise Failure(f"PostgreSQL does not stop:\n{last_lines(result.stdout)}")

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the cluster's user.

        Output goes to a file, not a pipe: the server inherits it and would keep a pipe open for ever.
        """
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            command = [str(packages.POSTGRES_BIN / program), *words]
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
            options = {"cwd": self.folder, **streams, **self.account.popen()}
            code = subprocess.run(command, check=False, **options).returncode
            output.seek(0)
            return subprocess.CompletedProcess(command, code, output.read())
