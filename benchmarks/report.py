"""docs/benchmarks.md, written from what was measured and from nothing else."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from benchmarks.load import CLIENTS, Rate

PAGE = settings.BASE_DIR / "docs" / "benchmarks.md"
#: What each question should reach: at least this share of the floor, and this many times each peer.
GOALS = {"floor": 0.6, "DRF serializers": 4.0, "tipg 1.6.1": 20.0}


def machine() -> str:
    """Processor, cores, memory, and the versions that matter."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = next(
        (line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(version(), ' ', 2), postgis_lib_version()")
        postgres, postgis = cursor.fetchone()
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, "
        f"PostgreSQL {postgres}, PostGIS {postgis}"
    )


def reading(results: Mapping[str, Mapping[str, Rate | None]]) -> str:
    """A table a question: every target with its rate, its times and the ratio to ours."""
    parts = []
    for question, targets in results.items():
        parts.append(f"### {question[0].upper()}{question[1:]}\n")
        parts.append("| target | requests/s | median ms | 95 % ms | kB each | ours / target | goal |")
        parts.append("|---|---:|---:|---:|---:|---:|---:|")
        parts += [_row(name, rate, targets["ours"]) for name, rate in targets.items()]
        parts.append("")
    return "\n".join(parts)


def _row(name: str, rate: Rate | None, ours: Rate | None) -> str:
    if rate is None or ours is None:
        return f"| {name} | cannot be asked | | | | | |"
    ratio = f"{ours.per_second / rate.per_second:.2f}" if name != "ours" else ""
    label = {"floor": "floor: the same SQL, thrown away", "ours": "**ours**"}.get(name, name)
    goal = f"{GOALS[name]:g}" if name in GOALS else ""
    return (
        f"| {label} | {rate.per_second:.0f} | {rate.median_ms:.1f} | {rate.p95_ms:.1f} "
        f"| {rate.bytes_each / 1000:.1f} | {ratio} | {goal} |"
    )


def write(sections: Mapping[str, str]) -> None:
    """Replace the page's generated sections; the rest of the page is prose and stays.

    A section stands between `<!-- name -->` and `<!-- end name -->`.
    """
    stamp = f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {CLIENTS} clients on the same machine."
    text = PAGE.read_text("utf-8")
    for name, body in {**sections, "machine": stamp}.items():
        begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        head, rest = text.split(begin)
        text = f"{head}{begin}\n{body.strip()}\n{end}{rest.split(end)[1]}"
    PAGE.write_text(text, "utf-8")
