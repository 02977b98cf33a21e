"""Whole AIA frames from file to row, by one and more processes; and the reading of stored frames."""

import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import zarr
from django.conf import settings
from django.db import connection
from django.test import override_settings
from zarr.codecs import BloscCodec, ZstdCodec

from images.domain.slots import CADENCE, slot_of
from images.models import ImageHeader
from images.store import FRAME, SLOTS, ParameterStore, parameter_store
from ingest import measure

REAL_DATA = Path(os.environ.get("ISD_REAL_DATA", settings.BASE_DIR.parent / "shared" / "data"))
#: A real JP2 of 4096 x 4096, and how often it is measured, under another time each.
FILE = "2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2"
FRAMES = 12
WORKERS = (1, 2)
READS = 400
#: Far from what anybody has images of, and its mark in the rows.
START = datetime(2049, 1, 1, tzinfo=UTC)
MARK = "benchmark"
STEPS = ("decode, header", "ten parameters", "three JPEGs, flags", "arrays, pictures, row")


@dataclass(frozen=True)
class Frames:
    """What was measured.

    `cpu`, `wall`: seconds of processor and of clock for each step of a frame. `rates`: by number of
    processes, frames a second of all together, and seconds of processor a frame. `read_ms`: median and
    95 %. `codecs`: kB, milliseconds to write and to read.
    """

    cpu: dict[str, float]
    wall: dict[str, float]
    rates: dict[int, tuple[float, float]]
    read_ms: tuple[float, float]
    codecs: dict[str, tuple[float, float, float]]


def run(workdir: Path) -> Frames:
    """Everything is written below `workdir` and into the database, and removed."""
    place = workdir / "frames"
    shutil.rmtree(place, ignore_errors=True)
    with override_settings(
        ISD_PARAMETER_STORE=str(place / "parameters.zarr"), ISD_IMAGE_FOLDER=str(place / "pictures")
    ):
        try:
            parameter_store().ensure()
            data = (REAL_DATA / "images" / FILE).read_bytes()
            _measured(data)  # loads the compiled code
            cpu, wall = _steps(data)
            _clean_up()
            rates = {workers: _rate(data, workers) for workers in WORKERS}
            read_ms = _reading()
            codecs = _codecs(place / "codecs.zarr", _measured(data).parameters)
        finally:
            _clean_up()
            shutil.rmtree(place, ignore_errors=True)
    return Frames(cpu, wall, rates, read_ms, codecs)


def _at(data: bytes, number: int) -> bytes:
    """The same file, of the same length, as if it had been observed in another slot."""
    time_ = f"{START + number * CADENCE:%FT%T.%f}".encode()
    return re.sub(rb"(<DATE[-_]OBS>)([^<]*)", lambda found: found[1] + time_[: len(found[2])], data)


def _steps(data: bytes) -> tuple[dict[str, float], dict[str, float]]:
    """Medians over the frames, step by step as `ingest.image_pipeline` takes them."""
    cpu: dict[str, list[float]] = {step: [] for step in STEPS}
    wall: dict[str, list[float]] = {step: [] for step in STEPS}
    for number in range(FRAMES):
        marks = [(time.process_time(), time.perf_counter())]
        for _ in _frame(_at(data, number)):
            marks.append((time.process_time(), time.perf_counter()))  # noqa: PERF401 - the loop is measured
        for step, before, after in zip(STEPS, marks, marks[1:], strict=False):
            cpu[step].append(after[0] - before[0])
            wall[step].append(after[1] - before[1])
    return {s: median(t) for s, t in cpu.items()}, {s: median(t) for s, t in wall.items()}


def _frame(data: bytes) -> Iterator[None]:
    """One frame; pauses after each step, of which the product takes the second and third in one."""
    picture, facts = measure.decode(data)
    yield
    used = measure.named("reference-1", facts.wave)
    values = measure.parameters(picture.pixels, used, picture.missing)
    yield
    known, measure.parameters = measure.parameters, lambda *_: values
    try:
        frame = measure.frame_of(picture, facts, measure.content_hash(data), "reference-1")
    finally:
        measure.parameters = known
    yield
    measure.store(frame, source=MARK, origin=MARK)
    yield


def _measured(data: bytes) -> measure.Frame:
    """A file as the product measures it, with the image before it as a witness."""
    picture, facts = measure.decode(data)
    content = measure.content_hash(data)
    return measure.frame_of(picture, facts, content, "reference-1", measure.seen_before(facts))


def _rate(data: bytes, workers: int) -> tuple[float, float]:
    """So many processes, each with its share: frames a second, and seconds of processor a frame."""
    connection.close()
    begin = time.perf_counter()
    children = []
    for worker in range(workers):
        if not (child := os.fork()):
            status = 1
            try:
                for number in range(worker, FRAMES, workers):
                    frame = _measured(_at(data, 1000 * workers + number))
                    measure.store(frame, source=MARK, origin=MARK)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    ends = [os.wait4(child, 0) for child in children]
    seconds = time.perf_counter() - begin
    if any(status for _, status, _ in ends):
        raise RuntimeError("a worker failed")
    return FRAMES / seconds, sum(used.ru_utime + used.ru_stime for *_, used in ends) / FRAMES


def _reading() -> tuple[float, float]:
    """Milliseconds, median and 95 %, to read any one of the stored frames."""
    rows = list(ImageHeader.objects.filter(source=MARK).values_list("wave", "slot"))
    store, rng = ParameterStore(settings.ISD_PARAMETER_STORE), random.Random(1)
    store.frame(*rows[0])  # opens the array
    times = []
    for _ in range(READS):
        wave, slot = rng.choice(rows)
        begin = time.perf_counter()
        store.frame(wave, slot)
        times.append(1000 * (time.perf_counter() - begin))
    return median(times), quantiles(times, n=20)[-1]


def _codecs(place: Path, frame: np.ndarray) -> dict[str, tuple[float, float, float]]:
    """Codec -> kB of the real frame, milliseconds to write and to read it (medians of 50)."""
    group, found = zarr.create_group(str(place), zarr_format=3), {}
    choices = {
        "none": None,
        "zstd 1 (ours)": ZstdCodec(level=1),
        "blosc lz4, bitshuffle": BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle", typesize=4),
        "blosc zstd, bitshuffle": BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle", typesize=4),
    }
    for number, (name, codec) in enumerate(choices.items()):
        array = group.create_array(
            f"a{number}", shape=(SLOTS, *FRAME), chunks=(1, *FRAME), dtype="float32", compressors=codec,
            fill_value=float("nan"), chunk_key_encoding={"name": "default", "separator": "."},
        )  # fmt: skip
        writes, reads = [], []
        for slot in range(50):
            begin = time.perf_counter()
            array[slot] = frame
            middle = time.perf_counter()
            array[slot]
            writes.append(1000 * (middle - begin))
            reads.append(1000 * (time.perf_counter() - middle))
        size = (place / f"a{number}" / "c.0.0.0.0").stat().st_size / 1000
        found[name] = (size, median(writes), median(reads))
    return found


def _clean_up() -> None:
    ImageHeader.objects.filter(source=MARK, slot__gte=slot_of(START)).delete()


def table(result: Frames) -> str:
    """Three small Markdown tables."""
    lines = ["| step of a frame | s of processor | s of clock |", "|---|---:|---:|"]
    lines += [f"| {step} | {result.cpu[step]:.2f} | {result.wall[step]:.2f} |" for step in STEPS]
    cpu, wall = sum(result.cpu.values()), sum(result.wall.values())
    lines += [f"| **whole frame** (goal: below 1.5) | {cpu:.2f} | {wall:.2f} |", ""]
    lines += ["| processes | frames/s | of one process | s of processor a frame |", "|---:|---:|---:|---:|"]
    lines += [
        f"| {workers} | {rate:.2f} | {rate / result.rates[1][0]:.2f} | {used:.2f} |"
        for workers, (rate, used) in result.rates.items()
    ]
    lines += ["", "| codec | kB a frame | ms to write | ms to read |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {size:.0f} | {write:.2f} | {read:.2f} |"
        for name, (size, write, read) in result.codecs.items()
    ]
    half, most = result.read_ms
    lines += [
        "",
        f"Any stored frame is read in {half:.2f} ms (median; 95 %: {most:.2f} ms; goal: below 5 ms).",
    ]
    return "\n".join([*lines, f"Measured {datetime.now(UTC):%F}."])
