"""Where events come from: one folder a source, all with the interface of `ingest.sources.base`.

docs/adding-a-source.md lists what a further one needs.
"""

from pathlib import Path

from django.utils.module_loading import import_string

from ingest.sources.base import Source, SourceError

#: Name -> class, imported when asked for: the simulator alone draws in half of the Sun's ephemeris. Each
#: class has `configured(path)`, which makes one from the settings.
SOURCES = {
    "hek": "ingest.sources.hek.source.HekSource",
    "archive": "ingest.sources.archive.source.ArchiveSource",
    "simulator": "ingest.sources.simulator.source.SimulatorSource",
}


def get_source(name: str, *, path: Path | str | None = None) -> Source:
    """The source of this name, as the settings have it; `path` is what an archive reads.

    Raises SourceError (permanent) for an unknown name, and for a path missing or out of place.
    """
    if name not in SOURCES:
        raise SourceError(f"no source is named {name!r}; there are {', '.join(SOURCES)}", permanent=True)
    source: Source = import_string(SOURCES[name]).configured(Path(path) if path is not None else None)
    return source
