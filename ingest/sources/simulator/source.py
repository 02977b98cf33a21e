"""The source `simulator`: events of the simulated Sun, over HTTP like HEK's own."""

from typing import ClassVar

from ingest.sources.hek.source import HekSource


class SimulatorSource(HekSource):
    """Asks the server that `manage.py serve_simulator` starts, at ISD_SIMULATOR_URL."""

    name: ClassVar[str] = "simulator"
    url_setting: ClassVar[str] = "ISD_SIMULATOR_URL"
