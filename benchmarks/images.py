"""Images: one frame as XML and JSON, a heat map, and a range of a hundred frames, by one client.

The floors: reading the same frame from the store; and that plus a copy of the same bytes. "The obvious way"
builds the same text with ElementTree, or dictionaries and `json`, in this process.
"""

import gzip
import http.client
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID
from xml.etree import ElementTree

import numpy as np
from django.conf import settings

from benchmarks import servers
from images.domain.slots import slot_of, start_of
from images.models import ImageHeader, MeasuringSettings
from images.store import ParameterStore

WAVE, FRAMES, ROUNDS, RANGES = 171, 100, 200, 5
FIRST = slot_of(datetime(2011, 1, 1, tzinfo=UTC))
_KB = 1000  # bytes
#: What marks our rows, which are removed again.
SOURCE = "benchmark"
GOALS = {"xml": "25 ms", "json": "10 ms", "first": "200 ms", "memory": "64 MB"}


@dataclass(frozen=True)
class Result:
    """Milliseconds (medians), bytes, and MB by name."""

    ms: dict[str, float]
    size: dict[str, int]
    first_ms: float
    last_ms: float
    range_bytes: int
    grown_mb: float


def run(folder: Path) -> Result:
    """Measure with frames in `folder`, and rows in the database that Django uses."""
    os.environ["ISD_PARAMETER_STORE"] = settings.ISD_PARAMETER_STORE = str(folder / "parameters.zarr")
    store = ParameterStore(settings.ISD_PARAMETER_STORE)
    store.ensure()
    try:
        for slot in range(FIRST, FIRST + FRAMES):
            store.write(WAVE, slot, frame(slot))
            _row(slot)
        ms = _in_process(store)
        with servers.ours() as port:
            _warm(port)
            served, size = _one_frame(port)
            first, last, length, grown = _ranges(port)
    finally:
        ImageHeader.objects.filter(source=SOURCE).delete()
    return Result(ms | served, size, first, last, length, grown)


def frame(slot: int) -> np.ndarray:
    """Parameters of all magnitudes that a real image has; seeded."""
    scale = np.array([2, 60, 20, 0.4, 3, 10, 0.1, 0.3, 4000, 0.03], dtype=np.float32)
    return np.random.default_rng(slot).gamma(2.0, 1.0, (64, 64, 10)).astype(np.float32) * scale


def _row(slot: int) -> None:
    knobs, _ = MeasuringSettings.objects.get_or_create(
        name=SOURCE, version=1, wave=WAVE, defaults={"knobs": {}}
    )
    zeros = dict.fromkeys(
        ("x0", "y0", "dsun", "r_sun", "cdelt", "quality", "crpix1", "crpix2", "cdelt1", "cdelt2", "crval1",
         "crval2", "crota2", "dsun_obs", "rsun_obs"), 0
    )  # fmt: skip
    ImageHeader.objects.update_or_create(
        wave=WAVE,
        slot=slot,
        defaults={
            **zeros, "observed": start_of(slot), "size": 4096, "settings": knobs, "software": SOURCE,
            "header": {}, "source": SOURCE, "origin": SOURCE,
            "content_hash": UUID(int=slot), "pixel_hash": UUID(int=slot),
        },
    )  # fmt: skip


def _timed(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """The median time of `work`, ms."""
    spent = []
    for n in range(rounds):
        begin = time.perf_counter()
        work(n)
        spent.append(time.perf_counter() - begin)
    return median(spent) * 1e3


def _in_process(store: ParameterStore) -> dict[str, float]:
    body = os.urandom(1_700_000)
    read: Callable[[int], np.ndarray] = lambda n: store.frame(WAVE, FIRST + n % FRAMES)  # noqa: E731
    return {
        "floor: the frame read": _timed(read),
        "floor: the frame read, 1.7 MB copied": _timed(lambda n: (read(n), bytearray(body))),
        "the obvious way, XML": _timed(lambda n: _obvious_xml(read(n)), 5),
        "the obvious way, JSON": _timed(lambda n: _obvious_json(read(n)), 5),
    }


def _obvious_xml(values: np.ndarray) -> bytes:
    root = ElementTree.Element("image")
    for x in range(64):
        for y in range(64):
            cell = ElementTree.SubElement(root, "cell")
            numbers = [f"{value:.4f}" for value in values[y, x]]
            ElementTree.SubElement(cell, "x").text = str(x)
            ElementTree.SubElement(cell, "y").text = str(y)
            params = ElementTree.SubElement(cell, "params")
            params.text = numbers[0]
            for number in numbers:
                ElementTree.SubElement(params, "param").text = number
            for number in numbers[1:]:
                ElementTree.SubElement(cell, "p").text = number
    return ElementTree.tostring(root)


def _obvious_json(values: np.ndarray) -> bytes:
    cells = [
        {"x": x, "y": y, **{f"p{n}": round(float(value), 4) for n, value in enumerate(values[y, x], 1)}}
        for x in range(64)
        for y in range(64)
    ]
    return json.dumps(cells).encode()


def _warm(port: int) -> None:
    """Have every worker load what it needs, the kernel included: a new connection goes to any of them."""
    for n in range(20 * servers.WORKERS):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        query = f"wave={WAVE}&starttime={start_of(FIRST + n):%FT%T}"
        client.request("GET", f"/dmlabapi/params/SDO/AIA/64/full/?{query}")
        client.getresponse().read()
        client.close()


def _one_frame(port: int) -> tuple[dict[str, float], dict[str, int]]:
    asked = {
        "XML (hybrid)": ("params/SDO/AIA/64/full/?", {}),
        "XML (hybrid), gzip": ("params/SDO/AIA/64/full/?", {"Accept-Encoding": "gzip"}),
        "JSON": ("params/SDO/AIA/json/64/full/?", {}),
        "JSON, gzip": ("params/SDO/AIA/json/64/full/?", {"Accept-Encoding": "gzip"}),
        "header, JSON": ("header/SDO/AIA/json/?", {}),
        "heat map, 512 px": ("images/SDO/AIA/param/64/512/?param=1&", {}),
        "heat map, 2048 px": ("images/SDO/AIA/param/64/2k/?param=1&", {}),
    }
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    ms, size = {}, {}
    for name, (path, headers) in asked.items():

        def ask(n: int, path: str = path, headers: dict[str, str] = headers) -> bytes:
            time_asked = f"{start_of(FIRST + n % FRAMES):%FT%T}"
            client.request("GET", f"/dmlabapi/{path}wave={WAVE}&starttime={time_asked}", headers=headers)
            response = client.getresponse()
            body = response.read()
            if response.status != http.client.OK:
                raise RuntimeError(f"{response.status} for {path}")
            return body

        size[name] = len(ask(0))
        ms[name] = _timed(ask)
    return ms, size


def _ranges(port: int) -> tuple[float, float, int, float]:
    """First byte, last byte (ms), bytes, and how far any worker's memory grew (MB)."""
    begin, end = (f"{start_of(FIRST + n):%FT%T}" for n in (0, FRAMES))
    path = (
        f"/dmlabapi/params/SDO/AIA/64/full/range/?wave={WAVE}&starttime={begin}&endtime={end}&limit={FRAMES}"
    )
    before = _memory_mb(port, "VmRSS")
    firsts, lasts, length = [], [], 0
    for encoding in ("identity", "gzip") * RANGES:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        started = time.perf_counter()
        client.request("GET", path, headers={"Accept-Encoding": encoding})
        response = client.getresponse()
        body = response.read(1)
        firsts.append(time.perf_counter() - started)
        body += response.read()
        lasts.append(time.perf_counter() - started)
        whole = gzip.decompress(body) if encoding == "gzip" else body
        if whole.count(b"<frame>") != FRAMES:
            raise RuntimeError(f"{whole.count(b'<frame>')} frames")
        length = len(whole)
    peak = _memory_mb(port, "VmHWM")
    grown = max(peak[process] - before[process] for process in before)
    return median(firsts) * 1e3, median(lasts) * 1e3, length, grown


def _memory_mb(port: int, what: str) -> dict[str, float]:
    """Resident memory, now (VmRSS) or at its peak (VmHWM), of every process that serves this port."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"127.0.0.1:{port}" in (process / "cmdline").read_text():
                status = (process / "status").read_text()
                found[process.name] = int(status.split(f"{what}:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            continue  # it ended meanwhile
    return found


def _told_size(length: int) -> str:
    return f"{length / 1e3:.0f} kB" if length >= _KB else f"{length} B"


def table(result: Result) -> str:
    """Markdown: what, how much, and what it should be."""
    goals = {"XML (hybrid)": GOALS["xml"], "XML (hybrid), gzip": GOALS["xml"], "JSON": GOALS["json"],
             "JSON, gzip": GOALS["json"]}  # fmt: skip
    rows = [
        (
            name,
            f"{ms:.2f} ms" + (f", {_told_size(result.size[name])}" if name in result.size else ""),
            goals.get(name, ""),
        )
        for name, ms in result.ms.items()
    ]
    rows += [
        (f"range of {FRAMES} frames, XML, first byte", f"{result.first_ms:.0f} ms", GOALS["first"]),
        (
            f"range of {FRAMES} frames, last byte",
            f"{result.last_ms:.0f} ms, {result.range_bytes / 1e6:.0f} MB",
            "",
        ),
        (
            "growth of a worker's memory in all the ranges, at most",
            f"{result.grown_mb:.0f} MB",
            GOALS["memory"],
        ),
    ]
    lines = (f"| {what} | {measured} | {goal} |" for what, measured, goal in rows)
    return "\n".join(("| one client | median | goal |", "|---|---:|---:|", *lines))
