"""`manage.py serve_helioviewer`: a look-alike of Helioviewer's archive of AIA images, to ingest from.

    manage.py serve_helioviewer --replay folder/      recorded JP2, in one of Helioviewer's layouts
    manage.py serve_helioviewer --seed 1              the simulated Sun

ISD_HELIOVIEWER_URL and ISD_HELIOVIEWER_API name where it listens.
"""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ingest.images.lookalike import LookalikeServer, RecordedShelf, SimulatedShelf
from ingest.images.simulator import SimulatedImages
from ingest.management.reporting import IngestCommand


class Command(IngestCommand):
    """Serves until told to stop; needs no database."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, and what to serve."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8011, help="0 takes a free one")
        parser.add_argument("--seed", type=int, default=1, help="which simulated Sun")
        parser.add_argument("--replay", type=Path, metavar="FOLDER", help="recorded JP2, instead of a Sun")

    def handle(self, *_: Any, host: str, port: int, seed: int, replay: Path | None, **__: Any) -> None:
        """Listen, say where, serve until told to stop."""
        if replay is not None and not replay.is_dir():
            raise CommandError(f"{replay} is no folder")
        shelf = RecordedShelf(replay) if replay else SimulatedShelf(SimulatedImages(seed))
        try:
            server = LookalikeServer(shelf, host, port)
        except (OSError, OverflowError) as error:
            raise CommandError(f"cannot listen at {host}:{port}: {error}") from None

        def stop(*_: object) -> None:
            # shutdown() waits for the loop to end, which cannot happen inside a signal of its own thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        self.stdout.write(f"ISD_HELIOVIEWER_URL={server.root}")
        self.stdout.write(f"ISD_HELIOVIEWER_API={server.api}")
        self.stdout.flush()
        server.serve_forever(poll_interval=0.1)
        server.server_close()
        self.stdout.write("stopped")
