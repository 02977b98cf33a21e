"""`make lock`: pins and hashes for everything in requirements*.in."""

import subprocess
import sys
from pathlib import Path

from ops.console import Failure, say
from ops.state import CHECKOUT, State

UV = "uv==0.13.9"
PYTHON = "3.11"
HOW = (
    *("pip", "compile", "--quiet", "--no-header", "--generate-hashes", "--python-version", PYTHON),
    "--no-strip-markers",  # what only some Pythons need is not asked of others
)


def uv() -> Path:
    """Put uv in an environment of its own: it is a tool of this one command and no part of the product."""
    venv = State.of("lock").path / UV
    if not (venv / "bin" / "uv").exists():
        say(f"installing {UV}")
        venv.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", UV], check=True)
    return venv / "bin" / "uv"


def lock(arguments: list[str]) -> None:
    """Compile all files; the others are held to the pins of the first."""
    first = ["--constraint", "requirements.txt"]
    for name, held in (("requirements", []), ("requirements-s3", first), ("requirements-dev", first)):
        say(f"pinning {name}.in")
        words = [*HOW, *held, *arguments, f"{name}.in", "--output-file", f"{name}.txt"]
        if subprocess.run([str(uv()), *words], check=False, cwd=CHECKOUT).returncode:
            raise Failure(f"{name}.in could not be resolved, see above")
