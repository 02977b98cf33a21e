"""How the commands talk to the person in front of them."""

import sys
from pathlib import Path


class Failure(Exception):  # noqa: N818 - what the person sees is a failed command, not our error
    """Ends a command. Its text is the one line shown, so it names the cause and what to do."""


def say(text: str) -> None:
    """Print one line, at once; not on stdout, which belongs to what `make manage` runs."""
    print(f"isd: {text}", file=sys.stderr, flush=True)


def last_lines(log: Path | str, count: int = 15) -> str:
    """The end of a log file or of captured output, indented, for showing beside a failure."""
    text = log if isinstance(log, str) else log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-count:])


def progress(done: int, total: int, what: str) -> None:
    """Overwrite one line on a terminal; elsewhere (a log file, CI) print only every tenth step."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r\033[Kisd: [{done}/{total}] {what}", end=end, file=sys.stderr, flush=True)
    elif done % 10 == 0 or done == total:
        say(f"[{done}/{total}] {what}")
