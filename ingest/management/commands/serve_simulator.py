"""`manage.py serve_simulator`: a HEK look-alike on this machine, with a simulated Sun or recorded answers.

    manage.py serve_simulator --port 8010 --seed 1
    manage.py serve_simulator --replay answers/

It answers searches at /hek/her until it is stopped by Ctrl-C or SIGTERM.
"""

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.sources.simulator.catalogue import Catalogue, RecordedCatalogue, SimulatedCatalogue
from ingest.sources.simulator.server import SimulatorServer
from ingest.sources.simulator.sun import Sun


class Command(BaseCommand):
    """Serves one catalogue; needs no database."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, and what to serve."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8010, help="0 takes a free one")
        parser.add_argument("--seed", type=int, default=1, help="which simulated Sun")
        parser.add_argument("--activity", type=float, default=1.0, help="multiplies every birth rate")
        parser.add_argument(
            "--replay", type=Path, metavar="FOLDER", help="recorded cosec=2 answers, instead of a Sun"
        )

    def handle(
        self, *_: Any, host: str, port: int, seed: int, activity: float, replay: Path | None, **__: Any
    ) -> None:
        """Listen, say where, serve until told to stop."""
        catalogue: Catalogue
        try:
            catalogue = RecordedCatalogue(replay) if replay else SimulatedCatalogue(Sun(seed, activity))
            server = SimulatorServer(catalogue, host, port)
        except (ValueError, OverflowError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"cannot listen at {host}:{port}: {error.strerror}") from None

        def stop(*_: object) -> None:
            # shutdown() waits for the loop to end, which cannot happen inside a signal of its own thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        what = (
            f"recorded answers of {replay}" if replay else f"the simulated Sun {seed}, activity {activity:g}"
        )
        self.stdout.write(f"serving {what} at {server.url}")
        self.stdout.flush()
        server.serve_forever(poll_interval=0.1)
        server.server_close()
        self.stdout.write("stopped")
