"""Asks Helioviewer for files and answers.

Upstream: https://helioviewer.org/jp2/AIA/ (folders, as Apache lists them) and https://api.helioviewer.org
(API v2). Out come whole bodies or SourceError.
"""

import time
from collections.abc import Callable

from ingest.sources.http import HttpClient

#: A JP2 of 4096 x 4096 has about 1 MB; the listing of a day of one wavelength about as much.
MAX_BYTES = 64 * 1024**2


class HelioviewerClient(HttpClient):
    """A context manager: the connection is kept while it is open. `timeout` in seconds."""

    def __init__(self, *, timeout: float, retries: int, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(timeout=timeout, retries=retries, max_bytes=MAX_BYTES, sleep=sleep)
