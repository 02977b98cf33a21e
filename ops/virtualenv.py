"""The virtual environment, made from a lock file and made again only when that file changes."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ops.console import Failure, last_lines, progress, say
from ops.state import CHECKOUT

RUNTIME_LOCK = CHECKOUT / "requirements.txt"
DEVELOPMENT_LOCK = CHECKOUT / "requirements-dev.txt"  # a superset of the other, pin by pin (tested)
#: Programs that the tests run against us; their pins conflict with ours, so nothing is installed with them.
CLIENTS_LOCK = CHECKOUT / "requirements-clients.txt"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def location() -> Path:
    """Where the environment lies: `.venv` of the checkout, or ISD_VENV."""
    return Path(os.environ.get("ISD_VENV") or CHECKOUT / ".venv").absolute()


def fingerprint(lock: Path) -> str:
    """What an environment made from `lock` by this version of Python is known by."""
    return hashlib.sha256(lock.read_bytes() + VERSION.encode()).hexdigest()


def clients(venv: Path) -> Path:
    """The folder with the clients; not on the environment's own path."""
    return venv / "clients"


def stamp(venv: Path, lock: Path) -> Path:
    """The file which records that `lock` has been installed completely."""
    return venv / f".installed-{lock.name}"


def current(venv: Path, lock: Path) -> bool:
    """Whether `venv` already holds what `lock` says."""
    mark = stamp(venv, lock)
    return mark.exists() and mark.read_text() == fingerprint(lock)


def ensure(lock: Path) -> Path:
    """Make or refresh the environment; the path of its Python.

    The stamp is written last: an interrupted installation is simply done again.
    """
    venv = location()
    python = venv / "bin" / "python"
    if not current(venv, lock):
        create(venv)
        install(python, lock)
        for finished in {lock, RUNTIME_LOCK}:
            stamp(venv, finished).write_text(fingerprint(finished))
    if lock == DEVELOPMENT_LOCK and not current(venv, CLIENTS_LOCK):
        install_clients(python, clients(venv))
        stamp(venv, CLIENTS_LOCK).write_text(fingerprint(CLIENTS_LOCK))
    return python


def create(venv: Path) -> None:
    """An empty environment, unless a working one of this Python version is there already."""
    if (venv / "bin" / "pip").exists() and (venv / "bin" / f"python{VERSION}").exists():
        return
    say(f"making the virtual environment {venv}")
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    if subprocess.run(command, check=False).returncode:
        raise Failure(f"python3 -m venv {venv} failed, see above")


def install(python: Path, lock: Path) -> None:
    """Install every pin of `lock`, refusing any file whose hash is not in it."""
    total = sum(1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith("#"))
    say(f"installing {total} Python packages from {lock.name} (once)")
    words = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command = [str(python), *words, "--require-hashes", "--requirement", str(lock)]
    output: list[str] = []
    done = 0
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:
        for line in pip.stdout or ():
            output.append(line)
            if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                done = min(done + 1, total - 1)
                progress(done, total, line.split("==")[0].split()[-1])
            elif line.startswith("Installing collected packages"):
                progress(total, total, "downloaded, unpacking")
    if pip.returncode:
        print(last_lines("".join(output)), file=sys.stderr)
        raise Failure(f"pip could not install {lock.name}, see above; the same command tries again")


def install_clients(python: Path, folder: Path) -> None:
    """Unpack the clients, and nothing that they ask for, into `folder`."""
    say(f"installing the clients of {CLIENTS_LOCK.name} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    words = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet", "--no-deps"]
    words += ["--require-hashes", "--target", str(folder), "--requirement", str(CLIENTS_LOCK)]
    if subprocess.run([str(python), *words], check=False).returncode:
        raise Failure(f"pip could not install {CLIENTS_LOCK.name}, see above; the same command tries again")


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` as a program inside the virtual environment sees it."""
    venv = location()
    path = f"{venv / 'bin'}{os.pathsep}{base.get('PATH', os.defpath)}"
    return {**base, "PATH": path, "VIRTUAL_ENV": str(venv), "PYTHONUNBUFFERED": "1"}


def program(name: str) -> str:
    """The path of a program of the environment, for a command that is run without a shell."""
    found = shutil.which(name, path=str(location() / "bin"))
    if found is None:
        raise Failure(f"{name} is missing from {location()}; remove that folder and try again")
    return found
