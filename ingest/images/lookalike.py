"""A small HTTP server that looks like Helioviewer to an ingest: folders of JP2, their listings, two calls.

    /jp2/AIA/2014/01/02/171/                       a listing as Apache makes them
    /jp2/AIA/2014/01/02/171/{name}.jp2             a file
    /v2/getClosestImage/?date=...&sourceId=10      JSON with the date of the image closest to a time
    /v2/getJP2Image/?date=...&sourceId=10          that image

It serves a folder of recorded files that has one of Helioviewer's two layouts, or the simulated Sun.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import orjson
import structlog

from images.domain.slots import UnknownWaveError, slots_between, start_of, wave_of
from ingest.images.layout import SOURCE_IDS, Named, file_name, folders, listed, named
from ingest.images.simulator import DELAY, SimulatedImages

log = structlog.get_logger(__name__)

_ROOT, _API = "/jp2/AIA/", "/v2/"
_WAVES_OF_IDS = {identity: wave for wave, identity in SOURCE_IDS.items()}
_DAY = timedelta(days=1)


class Shelf(Protocol):
    """What the server has: folders with the names in them, and files; addresses relative to the root."""

    def names(self, folder: str) -> list[str] | None:
        """The names of the files in a folder; None where there is none of this name."""
        ...

    def file(self, path: str) -> bytes | None:
        """The bytes of a file; None where there is none."""
        ...


class RecordedShelf:
    """A folder on disk, laid out as Helioviewer's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def names(self, folder: str) -> list[str] | None:
        """What is there."""
        place = self._inside(folder)
        return sorted(path.name for path in place.iterdir()) if place and place.is_dir() else None

    def file(self, path: str) -> bytes | None:
        """What is there."""
        place = self._inside(path)
        return place.read_bytes() if place and place.is_file() else None

    def _inside(self, path: str) -> Path | None:
        place = (self._folder / path).resolve()
        return place if place.is_relative_to(self._folder) else None


class SimulatedShelf:
    """One image in every slot of every wavelength, drawn when it is asked for."""

    def __init__(self, images: SimulatedImages) -> None:
        self._images = images

    def names(self, folder: str) -> list[str] | None:
        """A day of one wavelength, in the first layout that the day may have."""
        place = _wave_and_day(folder)
        if place is None or folder.strip("/") != folders(*place)[0].strip("/"):
            return None
        wave, day = place
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        slots = slots_between(begin, begin + _DAY)
        return [file_name(wave, start_of(slot) + DELAY) for slot in slots]

    def file(self, path: str) -> bytes | None:
        """The image of that name."""
        place = PurePosixPath(path)
        file = named(place.name)
        if file is None or file.name not in (self.names(f"{place.parent}/") or ()):
            return None
        return self._images.jp2(file.wave, file.observed)


class LookalikeServer(ThreadingHTTPServer):
    """Serves one shelf; port 0 takes a free one. `asked` holds the paths and queries that were asked for."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, shelf: Shelf, host: str = "127.0.0.1", port: int = 0) -> None:
        self.shelf = shelf
        self.asked: list[str] = []
        super().__init__((host, port), _Handler)

    @property
    def root(self) -> str:
        """The address of the folders, for ISD_HELIOVIEWER_URL."""
        return f"http://{self.server_address[0]!s}:{self.server_port}{_ROOT}"

    @property
    def api(self) -> str:
        """The address of the API, for ISD_HELIOVIEWER_API."""
        return f"http://{self.server_address[0]!s}:{self.server_port}{_API}"


class _Handler(BaseHTTPRequestHandler):
    """One connection; it is kept open between requests."""

    server: LookalikeServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece
    timeout = 60

    def do_GET(self) -> None:
        """A listing, a file, or a call of the API."""
        self.server.asked.append(self.path)
        url = urlsplit(self.path)
        if url.path.startswith(_API):
            self._call(url.path.removeprefix(_API).strip("/"), parse_qs(url.query))
            return
        path = url.path.removeprefix(_ROOT)
        if path == url.path:
            self._send(404, "text/html", b"not here")
        elif path.endswith("/"):
            names = self.server.shelf.names(path)
            self._answer("text/html;charset=UTF-8", None if names is None else _page(path, names))
        else:
            self._answer("image/jp2", self.server.shelf.file(path))

    def _call(self, name: str, query: dict[str, list[str]]) -> None:
        try:
            wave = _WAVES_OF_IDS[int(query["sourceId"][0])]
            time = datetime.fromisoformat(query["date"][0]).astimezone(UTC)
        except (KeyError, ValueError) as error:
            self._send(400, "application/json", orjson.dumps({"error": f"{error!s}"}))
            return
        found = _closest(self.server.shelf, wave, time)
        if found is None:
            self._send(404, "application/json", orjson.dumps({"error": "no image"}))
        elif name == "getClosestImage":
            answer = {"id": "1", "date": f"{found[0].observed:%F %T}", "name": f"AIA {wave}"}
            self._send(200, "application/json", orjson.dumps(answer))
        elif name == "getJP2Image":
            self._answer("image/jp2", self.server.shelf.file(found[1] + found[0].name))
        else:
            self._send(400, "application/json", orjson.dumps({"error": f"no action {name}"}))

    def _answer(self, content_type: str, body: bytes | None) -> None:
        if body is None:
            self._send(404, "text/html", b"not here")
        else:
            self._send(200, content_type, body)

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the signature of http.server
        """Into the log of the process, not to stderr."""
        log.debug("lookalike request", client=self.client_address[0], request=format % args)


def _page(path: str, names: list[str]) -> bytes:
    links = "".join(
        f'<tr><td><a href="{name}">{name[:20]}..&gt;</a></td><td align="right">1.0M</td></tr>\n'
        for name in names
    )
    return f"<html><head><title>Index of {_ROOT}{path}</title></head><table>\n{links}</table></html>".encode()


def _closest(shelf: Shelf, wave: int, time: datetime) -> tuple[Named, str] | None:
    """The image of a wavelength closest to a time, of that day and those beside it, and its folder."""
    found = [
        (abs(file.observed - time), file, folder)
        for day in (time - _DAY, time, time + _DAY)
        for folder in _both_layouts(wave, day.date())
        for file in listed(_page(folder, shelf.names(folder) or []).decode())
        if file.wave == wave
    ]
    return min(found)[1:] if found else None


def _both_layouts(wave: int, day: date) -> Iterator[str]:
    yield f"{day:%Y/%m/%d}/{wave}/"
    yield f"{wave}/{day:%Y/%m/%d}/"


def _wave_and_day(folder: str) -> tuple[int, date] | None:
    """What a folder of either layout is for."""
    parts = folder.strip("/").split("/")
    for wave, day in ((parts[:1], parts[1:]), (parts[-1:], parts[:-1])):
        try:
            return wave_of(wave[0]), date(*map(int, day))
        except (UnknownWaveError, ValueError, TypeError):
            continue
    return None
