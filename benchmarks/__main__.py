"""`python -m benchmarks [part] ...`: measure, and write docs/benchmarks.md.

The parts: read, hek, ingest, interpolation, tracking, trajectories, parameters, frames, images, state; all,
if none is named.
"""

import os
import sys
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isd.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after django.setup()
from django.core.management import call_command  # noqa: E402

from benchmarks import (  # noqa: E402
    dataset,
    frames,
    hek,
    images,
    ingest,
    interpolation,
    parameters,
    read,
    report,
    state,
    tracking,
    trajectories,
)

WORKDIR = settings.BASE_DIR / "var" / "bench"
#: Part -> its section of the page, and what measures and writes it.
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "read": ("reading", lambda: report.reading(read.run(_dsn()))),
    "hek": ("hek", lambda: hek.table(hek.run(_dsn()))),
    "ingest": ("ingest", lambda: ingest.table(ingest.run(WORKDIR))),
    "interpolation": ("interpolation", lambda: interpolation.table(interpolation.run())),
    "tracking": ("tracking", lambda: tracking.table(tracking.run())),
    "parameters": ("parameters", lambda: parameters.table(parameters.run())),
    "frames": ("frames", lambda: frames.table(frames.run(WORKDIR))),
    "images": ("images", lambda: images.table(images.run(WORKDIR / "images"))),
    "trajectories": ("trajectories", lambda: trajectories.table(trajectories.run(WORKDIR))),
    "state": ("state", lambda: state.table(state.run(_dsn()))),
}
#: Those that ask about the four million events.
OF_EVENTS = {"read", "hek", "ingest", "state"}


def main(parts: list[str]) -> None:
    """Run the named parts, or all."""
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"no part is named {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    chosen = [part for part in PARTS if not parts or part in parts]
    call_command("migrate", verbosity=0)
    if OF_EVENTS & set(chosen):
        dataset.load()
    report.write({PARTS[part][0]: PARTS[part][1]() for part in chosen})
    print(f"written: {report.PAGE.relative_to(settings.BASE_DIR)}")


def _dsn() -> str:
    return os.environ["DATABASE_URL"].replace("postgis://", "postgresql://", 1)


if __name__ == "__main__":
    main(sys.argv[1:])
