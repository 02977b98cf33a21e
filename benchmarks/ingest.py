"""Ingest of full HEK records: ours beside a bare COPY of the same rows and the obvious one-by-one upsert."""

import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import orjson
from django.conf import settings
from django.db import connection

from events.models import Event
from ingest.models import IngestRun
from ingest.rows import COLUMNS, EventRow, rows_of

RECORDS = 40_000
ONE_BY_ONE = 1_000
ROUNDS = 3
MARK = "ivo://benchmark/"
REAL_DATA = Path(os.environ.get("ISD_REAL_DATA", settings.BASE_DIR.parent / "shared" / "data"))


@dataclass(frozen=True)
class Ingest:
    """Records a second, and the peak memory of the process in MB where it was a process of its own."""

    per_second: float
    memory_mb: float | None = None


def records(count: int) -> Iterator[dict]:
    """Real SPoCA records under new identities, a new time each; every 170 keys kept."""
    real = json.loads((REAL_DATA / "hek" / "ar_spoca_201803.json").read_text())["result"]
    for n in range(count):
        record = dict(real[n % len(real)])
        shift = timedelta(hours=4 * (n // len(real)))
        for key in ("event_starttime", "event_endtime"):
            record[key] = f"{datetime.fromisoformat(record[key]) + shift:%FT%T}"
        yield {**record, "kb_archivid": f"{MARK}{n:07}"}


def run(workdir: Path) -> dict[str, Ingest]:
    """Target -> rate. All write into the table as it stands, with every index; what they wrote is removed."""
    workdir.mkdir(parents=True, exist_ok=True)
    archive = workdir / "records.json"
    with archive.open("wb") as file:
        file.write(b'{"result":[')
        file.write(b",".join(orjson.dumps(r) for r in records(RECORDS)))
        file.write(b'],"association":[],"overmax":false}')
    rows, _ = rows_of(list(records(RECORDS)), "benchmark")
    floor, ours = [], []
    for _ in range(ROUNDS):  # in turn, so that a drift of the machine's speed meets both
        floor.append(_bare_copy(rows))
        ours.append(_command(archive))
    memory = max(o.memory_mb or 0 for o in ours)
    return {
        "floor: bare COPY of the prepared rows": Ingest(median(f.per_second for f in floor)),
        "**ours**: the whole way": Ingest(median(o.per_second for o in ours), memory),
        "one by one: `update_or_create`": _one_by_one(rows[:ONE_BY_ONE]),
    }


def _bare_copy(rows: list[EventRow]) -> Ingest:
    lines = "".join(map(_line, rows))
    begin = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY events_event ({', '.join(COLUMNS)}) FROM STDIN", io.StringIO(lines))
    rate = Ingest(len(rows) / (time.perf_counter() - begin))
    _clean_up()
    return rate


_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _line(row: EventRow) -> str:
    fields = ("\\N" if f is None else _SPECIAL.sub(lambda m: _ESCAPES[m[0]], str(f)) for f in row)
    return "\t".join(fields) + "\n"


def _command(archive: Path) -> Ingest:
    """The command as an operator runs it; its own books tell the time, the kernel the memory."""
    command = [sys.executable, "manage.py", "ingest_events", "--source", "archive", "--path", str(archive)]
    command.append("--no-tracks")
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stderr=subprocess.DEVNULL)
    memory = 0.0
    while process.poll() is None:
        memory = max(memory, _peak_memory(process.pid))
        time.sleep(0.05)
    status = process.returncode
    run = IngestRun.objects.latest("pk")
    if status or run.created != RECORDS:
        raise RuntimeError(f"exit {status}, {run.created} created: {run.error}")
    seconds = (run.finished_at - run.started_at).total_seconds()
    _clean_up()
    return Ingest(RECORDS / seconds, memory)


def _peak_memory(pid: int) -> float:
    """MB that the process has held at most so far.

    Not what wait4 says of it: that counts the memory of this process too, out of which it was forked.
    """
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        if found := re.search(r"VmHWM:\s*([0-9]+) kB", status):
            return int(found[1]) / 1024
    return 0.0


def _one_by_one(rows: list[EventRow]) -> Ingest:
    begin = time.perf_counter()
    for row in rows:
        values = row._asdict()
        values["attributes"] = json.loads(values["attributes"])
        values["geometry_notes"] = json.loads(values["geometry_notes"])
        Event.objects.update_or_create(kb_archivid=values.pop("kb_archivid"), defaults=values)
    rate = Ingest(len(rows) / (time.perf_counter() - begin))
    _clean_up()
    return rate


def _clean_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event WHERE kb_archivid LIKE %s", [f"{MARK}%"])
        cursor.execute("VACUUM (ANALYZE) events_event")


def table(results: dict[str, Ingest]) -> str:
    """Rates, ratios and memory as a Markdown table."""
    ours = results["**ours**: the whole way"].per_second
    lines = ["| target | records/s | ours / target | goal | peak memory MB |", "|---|---:|---:|---:|---:|"]
    for name, result in results.items():
        mine = name.startswith("**")
        ratio, goal = ("" if mine else f"{ours / result.per_second:.2f}"), ("0.5" if "floor" in name else "")
        memory = f"{result.memory_mb:.0f} (goal: below 300)" if result.memory_mb else ""
        lines.append(f"| {name} | {result.per_second:,.0f} | {ratio} | {goal} | {memory} |")
    now = f"{datetime.now(UTC):%F}"
    return "\n".join([*lines, "", f"{RECORDS:,} records; the median of {ROUNDS} rounds in turn ({now})."])
