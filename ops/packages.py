"""The Debian packages the system stands on, and how the missing ones get installed.

A package counts as present when what we need from it can be found, so a PostgreSQL or Python that
came another way is used as it is, and nothing is asked of dpkg on a machine that is ready.
"""

import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.console import Failure, last_lines, say

POSTGRES_MAJOR = 15
POSTGRES_BIN = Path(f"/usr/lib/postgresql/{POSTGRES_MAJOR}/bin")
POSTGIS_CONTROL = Path(f"/usr/share/postgresql/{POSTGRES_MAJOR}/extension/postgis.control")


@dataclass(frozen=True)
class Package:
    """A Debian package and the question whether it is needed here."""

    name: str
    present: Callable[[], bool]


VENV = Package("python3-venv", lambda: importlib.util.find_spec("ensurepip") is not None)
# GeoDjango loads GDAL and GEOS; the package pulls in GEOS and PROJ.
GDAL = Package(
    "gdal-bin", lambda: bool(ctypes.util.find_library("gdal") and ctypes.util.find_library("geos_c"))
)
POSTGRES = Package(f"postgresql-{POSTGRES_MAJOR}", (POSTGRES_BIN / "initdb").exists)
POSTGIS = Package(f"postgresql-{POSTGRES_MAJOR}-postgis-3", POSTGIS_CONTROL.exists)
REDIS = Package("redis-server", lambda: shutil.which("redis-server") is not None)

# Put there only while packages install: Debian would otherwise start its own PostgreSQL and Redis.
GUARDS = {
    Path("/usr/sbin/policy-rc.d"): "#!/bin/sh\nexit 101\n",
    Path("/etc/postgresql-common/createcluster.d/isd.conf"): "create_main_cluster = false\n",
}


def require(packages: Iterable[Package]) -> None:
    """Install whichever of `packages` are missing; as root, or through sudo, or say what to type."""
    missing = [package.name for package in packages if not package.present()]
    if not missing:
        return
    prefix = privilege(missing)
    say(f"installing Debian packages: {' '.join(missing)} (once, takes a minute or two)")
    command = [*prefix, sys.executable, "-m", "ops.packages", *missing]
    if subprocess.run(command, check=False, cwd=Path(__file__).parents[1]).returncode:
        raise Failure(f"installing {' '.join(missing)} failed, see above")


def privilege(missing: list[str]) -> list[str]:
    """The words before a command that needs root."""
    if os.geteuid() == 0:
        return []
    asks_nothing = [] if sys.stdin.isatty() else ["-n"]
    if shutil.which("sudo") and subprocess.run(["sudo", *asks_nothing, "-v"], check=False).returncode == 0:
        return ["sudo", *asks_nothing]
    raise Failure(
        f"Debian packages are missing and neither root nor sudo is at hand; "
        f"ask for: apt-get install --no-install-recommends {' '.join(missing)}"
    )


@contextmanager
def guarded(guards: dict[Path, str]) -> Iterator[None]:
    """Lay down the files in `guards`, leave alone those that exist, and take ours away afterwards."""
    ours = [path for path in guards if not path.exists()]
    try:
        for path in ours:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(guards[path])
            path.chmod(0o755)
        yield
    finally:
        for path in ours:
            path.unlink(missing_ok=True)


def apt_get(*words: str) -> subprocess.CompletedProcess[str]:
    """Run apt-get without a question; wait for the lock that a fresh machine's own upgrades may hold."""
    command = ["apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300", *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        command, check=False, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def install(names: list[str]) -> int:
    """As root: install `names`, refreshing the package lists only if the first attempt fails."""
    if not shutil.which("apt-get"):
        say("this is no Debian (apt-get is missing); use docker compose, see docs/operations.md")
        return 1
    with guarded(GUARDS):
        result = apt_get("install", "--no-install-recommends", *names)
        if result.returncode:
            say("refreshing the package lists")
            apt_get("update")
            result = apt_get("install", "--no-install-recommends", *names)
    if result.returncode:
        print(last_lines(result.stdout), file=sys.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(install(sys.argv[1:]))
