"""`manage.py simulate_images`: images of the simulated Sun as JP2 files, like Helioviewer's.

    manage.py simulate_images --start 2014-01-10T06:00 --end 2014-01-10T06:12 --waves 171,193 --output folder/

Times are UTC. Every slot of the window has one image of each wavelength. The folder gets Helioviewer's
layout, so that `serve_helioviewer --replay` serves it, and `ingest_images --source files` reads it.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from events.domain.criteria import TimeWindow
from images.domain.slots import WAVES, slots_between, start_of
from images.files import write_whole
from ingest.images.layout import file_name, folders
from ingest.images.simulator import DELAY, SimulatedImages
from ingest.management.reporting import IngestCommand, plain_errors, time_of, waves_of


class Command(IngestCommand):
    """Draws one image after the other; needs no database."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which window of which Sun, and where to."""
        self.add_window(parser, required=True)
        self.add_waves(parser)
        parser.add_argument("--seed", type=int, default=1, help="which simulated Sun")
        parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")

    @plain_errors
    def handle(self, *_: Any, output: Path, seed: int, waves: str, **options: Any) -> None:
        """Write what is not there yet, each file whole or not at all."""
        window = TimeWindow(time_of(options["start"]), time_of(options["end"]))
        chosen = waves_of(waves) or WAVES
        images, written = SimulatedImages(seed), 0
        for slot in slots_between(window.start, window.end):
            observed = start_of(slot) + DELAY
            for wave in chosen:
                path = output / folders(wave, observed.date())[0] / file_name(wave, observed)
                if path.exists():
                    continue
                try:
                    write_whole(path, images.jp2(wave, observed))
                except OSError as error:
                    raise CommandError(f"{path}: {error.strerror}") from None
                written += 1
                self.stderr.write(str(path))
        self.stdout.write(f"{written} images written below {output}")
