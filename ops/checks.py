"""What `make check` and `make test` run, in this order; the first failure ends it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.console import Failure, say
from ops.state import CHECKOUT
from ops.virtualenv import program

# `check --deploy` judges a deployment, so it is shown one.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "not-a-secret: only long and varied enough, 0123456789 ABCDEFGHIJKLM, for the check",
    "ALLOWED_HOSTS": "isd.example.org",
    "ISD_HTTPS": "true",
}


@dataclass(frozen=True)
class Step:
    """One check: a program of the virtual environment, its arguments, and settings of its own."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


CHECKS = (
    Step("ruff check", ("ruff", "check", ".")),
    Step("ruff format", ("ruff", "format", "--check", ".")),
    Step("import-linter", ("lint-imports",)),
    Step("migrations complete", ("python", "manage.py", "makemigrations", "--check", "--dry-run")),
    Step(
        "deployment check",
        ("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        PRODUCTION,
    ),
    Step("mypy", ("mypy", ".")),
)


def pytest(arguments: list[str]) -> Step:
    """The tests, all or those that `arguments` choose."""
    return Step("pytest", ("pytest", *arguments))


def run(steps: tuple[Step, ...], environment: Mapping[str, str]) -> None:
    """Run each step in the checkout; raise Failure with the name of the first that fails."""
    for step in steps:
        say(f"--- {step.name}")
        command = [program(step.command[0]), *step.command[1:]]
        settings = {**environment, **step.settings}
        if subprocess.run(command, check=False, cwd=CHECKOUT, env=settings).returncode:
            raise Failure(f"failed: {step.name}")
