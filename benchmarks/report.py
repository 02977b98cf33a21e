"""docs/benchmarks.md, written from what was measured and from nothing else."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

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


def reading(results: Mapping[str, Mapping[str, list[Rate]]]) -> str:
    """A table a question: every target with rate, times and the ratio to ours, medians of the rounds."""
    parts = []
    for question, targets in results.items():
        parts.append(f"### {question[0].upper()}{question[1:]}\n")
        parts.append("| target | requests/s | median ms | 95 % ms | kB each | ours / target | goal |")
        parts.append("|---|---:|---:|---:|---:|---:|---:|")
        parts += [_row(name, rounds, targets["ours"]) for name, rounds in targets.items()]
        parts.append("")
    return "\n".join(parts)


def _row(name: str, rounds: list[Rate], ours: list[Rate]) -> str:
    if not rounds:
        return f"| {name} | cannot be asked | | | | | |"
    ratios = [own.per_second / rate.per_second for own, rate in zip(ours, rounds, strict=True)]
    ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if name != "ours" else ""
    label = {"floor": "floor: the same SQL, thrown away", "ours": "**ours**"}.get(name, name)
    goal = f"{GOALS[name]:g}" if name in GOALS else ""
    rate, half, most, size = (
        median(getattr(one, field) for one in rounds)
        for field in ("per_second", "median_ms", "p95_ms", "bytes_each")
    )
    return f"| {label} | {rate:.0f} | {half:.1f} | {most:.1f} | {size / 1000:.1f} | {ratio} | {goal} |"


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
