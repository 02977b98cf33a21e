"""`manage.py simulate_events`: what the simulated Sun would answer for a window, written to a file.

    manage.py simulate_events --start 2014-01-01 --end 2014-02-01 --output month.json
    manage.py simulate_events --start 2010-01-01 --end 2015-01-01 --format ndjson --output years.ndjson

Times are UTC. The file holds exactly the records and associations that `serve_simulator` gives for the
window: as one cosec=2 answer, or as JSON lines of the records alone (for big volumes).
"""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from ingest.management.reporting import IngestCommand, plain_errors, time_of, types_of
from ingest.sources.simulator.answers import json_pieces
from ingest.sources.simulator.catalogue import Catalogue, Entry, SimulatedCatalogue
from ingest.sources.simulator.sun import Sun


class Command(IngestCommand):
    """Generates day by day and keeps little in memory; needs no database."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which window of which Sun, and where to."""
        self.add_window(parser, required=True)
        self.add_types(parser)
        parser.add_argument("--seed", type=int, default=1, help="which simulated Sun")
        parser.add_argument("--activity", type=float, default=1.0, help="multiplies every birth rate")
        parser.add_argument("--format", choices=("json", "ndjson"), default="json")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    @plain_errors
    def handle(self, *_: Any, output: Path, seed: int, activity: float, types: str, **options: Any) -> None:
        """Write beside the file, and put it in its place when it is whole."""
        start, end = time_of(options["start"]), time_of(options["end"])
        if start > end:
            raise CommandError("--start is after --end")
        catalogue = SimulatedCatalogue(Sun(seed, activity))
        wanted = types_of(types)
        found = (e for e in catalogue.entries(start, end) if not wanted or e.event_type in wanted)
        counted = _Counted(found)
        json = options["format"] == "json"
        pieces = json_pieces(catalogue, counted, overmax=False) if json else _lines(catalogue, counted)
        partial = output.with_name(output.name + ".partial")
        try:
            with partial.open("wb") as file:
                self._write(file, pieces, counted)
            partial.replace(output)
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from None
        finally:
            partial.unlink(missing_ok=True)
        self.stdout.write(f"{counted.number} records, {output}")

    def _write(self, file: Any, pieces: Iterable[bytes], counted: "_Counted") -> None:
        told = 0
        for piece in pieces:
            file.write(piece)
            if counted.number >= told + 5_000:
                told = counted.number
                self.stderr.write(f"{told} records, to {counted.last}")


class _Counted:
    """Entries that pass by, counted."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.number, self.last = 0, ""
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.number, self.last = self.number + 1, entry.start
            yield entry


def _lines(catalogue: Catalogue, entries: Iterable[Entry]) -> Iterator[bytes]:
    return (catalogue.record(entry) + b"\n" for entry in entries)
