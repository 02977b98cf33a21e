"""The verbs of the Makefile: `python3 -m ops run`."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ops import address, checks, leftovers, locking, packages, processes, virtualenv
from ops.console import Failure, say
from ops.postgres import Postgres
from ops.redis import Redis
from ops.service import Service, environment, started
from ops.state import CHECKOUT, State
from ops.terminal import own_terminal_group

STOP_PATIENCE = 60  # seconds


def services(state: State, *, durable: bool = True) -> list[Service]:
    """The private services; not those that the environment says are elsewhere."""
    return [kind(state, durable=durable) for kind in (Postgres, Redis) if not os.environ.get(kind.setting)]


def prepare(state: State, lock: Path) -> None:
    """Install what is missing, then go on as the environment's own Python, marked as belonging to `state`."""
    needed = [packages.VENV, packages.GDAL, *(one for service in services(state) for one in service.packages)]
    packages.require(needed)
    python = virtualenv.ensure(lock)
    if os.environ.get(leftovers.MARK) != str(state.path):
        os.chdir(CHECKOUT)
        marked = {**virtualenv.environment(os.environ), leftovers.MARK: str(state.path)}
        os.execve(python, [str(python), "-m", "ops", *sys.argv[1:]], marked)  # noqa: S606


def settings(state: State, running: list[Service]) -> dict[str, str]:
    """The environment of our processes; what the operator has set wins."""
    state.create()
    own = {
        "SECRET_KEY": state.secret("secret-key"),
        "ISD_PARAMETER_STORE": str(state.path / "parameters.zarr"),
        "ISD_IMAGE_FOLDER": str(state.path / "images"),
    }
    if port := state.remembered_port("simulator"):
        own["ISD_SIMULATOR_URL"] = address.simulator_url(port)
    return environment(running, {**own, **os.environ})


@contextmanager
def engines(state: State, *, throwaway: bool = False) -> Iterator[dict[str, str]]:
    """The services for the length of a block, and the environment that leads to them."""
    with state.lock():
        leftovers.end(state)
        private = services(state, durable=not throwaway)
        with ExitStack() as stack:
            if throwaway:
                remove(private)  # what a killed run left
                stack.callback(remove, private)
            stack.enter_context(started(private))
            yield settings(state, private)


def remove(private: list[Service]) -> None:
    """Delete services with their data."""
    for service in private:
        service.remove()


def step(command: tuple[str, ...], values: Mapping[str, str]) -> None:
    """Run one command of the process table to its end."""
    program = virtualenv.program(command[0])
    if subprocess.run([program, *command[1:]], check=False, cwd=CHECKOUT, env=dict(values)).returncode:
        raise Failure(f"failed: {' '.join(command)}")


def run(_: list[str]) -> None:
    """Everything, until Ctrl-C."""
    state = State.of()
    prepare(state, virtualenv.RUNTIME_LOCK)
    from ops.supervisor import supervise  # noqa: PLC0415 - exists in the virtual environment only

    with own_terminal_group(), engines(state) as values:
        address.require_free()
        step(processes.MIGRATE, values)
        password = state.path / "admin-password"
        follow = [(*processes.ADMIN, "--password-file", str(password)), processes.DEMO]
        supervise(table(state, values), values, announcement(password), follow)


def table(state: State, values: dict[str, str]) -> list[processes.Process]:
    """The processes to run: with the simulator, unless one is named in the environment."""
    if os.environ.get("ISD_SIMULATOR_URL"):
        return [*processes.PROCESSES]
    port = state.port("simulator")
    values["ISD_SIMULATOR_URL"] = address.simulator_url(port)
    return [*processes.PROCESSES, processes.simulator(port)]


def announcement(password: Path) -> str:
    """What to open, shown once the web process answers."""
    width = max(map(len, address.PAGES))
    pages = [f"  {name.ljust(width)}  {address.local_url(path)}" for name, path in address.PAGES.items()]
    return "\n".join(["ready; open", *pages, f"  admin's password: {password}", "  Ctrl-C stops everything"])


def stop(_: list[str]) -> None:
    """What another terminal started, or what a killed run left."""
    state = State.of()
    if not state.path.exists():
        say("nothing is running")
        return
    if holder := state.holder():
        say(f"stopping process {holder}")
        os.kill(holder, signal.SIGTERM)
        deadline = time.monotonic() + STOP_PATIENCE
        while leftovers.alive(holder) and time.monotonic() < deadline:
            time.sleep(0.1)
    with state.lock():
        leftovers.end(state)
        for service in reversed(services(state)):
            service.stop()
    say("stopped")


def test(arguments: list[str]) -> None:
    """Every check, then pytest; with arguments only pytest with these."""
    chosen = (checks.pytest(arguments),) if arguments else (*checks.CHECKS, checks.pytest([]))
    run_checks(chosen)


def check(_: list[str]) -> None:
    """Every check but pytest."""
    run_checks(checks.CHECKS)


def run_checks(steps: tuple[checks.Step, ...]) -> None:
    """Run steps beside services that are made for them and removed after them."""
    state = State.of("test")
    prepare(state, virtualenv.DEVELOPMENT_LOCK)
    with engines(state, throwaway=True) as values:
        checks.run(steps, values)
    say("all passed")


def bench(arguments: list[str]) -> None:
    """The benchmarks, on services of their own, whose data stay for the next time."""
    state = State.of("bench")
    prepare(state, virtualenv.DEVELOPMENT_LOCK)
    with engines(state) as values:
        step(("python", "-m", "benchmarks", *arguments), values)


def manage(arguments: list[str]) -> None:
    """A Django command on the data of `make run`, whether or not that is running."""
    state = State.of()
    prepare(state, virtualenv.RUNTIME_LOCK)
    command = ("python", "manage.py", *arguments)
    if state.holder():
        step(command, settings(state, services(state)))
    else:
        with engines(state) as values:
            step(command, values)


def env(_: list[str]) -> None:
    """Shell lines for the services' own tools: `eval "$(python3 -m ops env)"`, then psql or pg_dump.

    Not DATABASE_URL and its like: in a shell that has these, `make run` would leave the services out.
    """
    state = State.of()
    if not state.path.exists():
        raise Failure(f"there is no {state.path} yet: `make run` makes it")
    for service in services(state):
        for name, value in service.client().items():
            print(f"export {name}={shlex.quote(value)}")


def lock(arguments: list[str]) -> None:
    """Pin the requirements anew."""
    packages.require([packages.VENV])
    locking.lock(arguments)


def help_(_: list[str]) -> None:
    """The targets of the Makefile with what stands beside them."""
    for target, text in re.findall(r"^(\w+):.*## (.*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE):
        print(f"make {target:<8}{text}")


VERBS: dict[str, Callable[[list[str]], None]] = {
    "help": help_,
    "run": run,
    "stop": stop,
    "test": test,
    "check": check,
    "bench": bench,
    "manage": manage,
    "env": env,
    "lock": lock,
}


def main(words: list[str]) -> int:
    """Run one verb; its exit status."""
    if not words or words[0] not in VERBS:
        say(f"usage: python3 -m ops {'|'.join(VERBS)}")
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        VERBS[words[0]](words[1:])
    except Failure as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
