"""The settings of our PostgreSQL: some the same everywhere, some computed from the machine.

`docker-compose.yml` carries FIXED too (a test holds the two together).
"""

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

FIXED = {
    "jit": "off",  # our queries take milliseconds; compiling them would take longer than running them
    "default_toast_compression": "lz4",  # several times faster to read than pglz, for JSON and polygons
    "wal_compression": "lz4",
    "random_page_cost": "1.1",  # solid state disks
    "effective_io_concurrency": "200",
    "checkpoint_timeout": "15min",
    "max_wal_size": "4GB",  # room for a bulk ingest between two checkpoints
    "idle_in_transaction_session_timeout": "15min",
    "log_min_duration_statement": "2s",
    "timezone": "UTC",
}
# For data that can be made again: no waiting for the disk.
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Machine:
    """What the settings depend on."""

    memory: int  # bytes
    cpus: int

    @classmethod
    def here(cls) -> "Machine":
        """Describe this machine, or the container's share of it."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        limit = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.exists() else "max"
        return cls(min(memory, int(limit)) if limit.isdigit() else memory, len(os.sched_getaffinity(0)))


def clamp(value: int, low: int, high: int) -> int:
    """`value`, kept between the two others."""
    return max(low, min(value, high))


def settings(machine: Machine, *, durable: bool) -> dict[str, str]:
    """The settings for `machine`, which our web and worker processes share with the database."""
    memory = machine.memory // MIB
    shared = clamp(memory // 4, 128, 8192) if durable else 256
    computed = {
        "shared_buffers": f"{shared}MB",
        "effective_cache_size": f"{max(memory * 6 // 10, 256)}MB",
        "maintenance_work_mem": f"{clamp(memory // 16, 64, 1024)}MB",
        "work_mem": f"{clamp(memory // 400, 4, 64)}MB",  # 100 connections x 4 sorts fit into memory
        "max_connections": "100",
        "max_worker_processes": str(max(machine.cpus, 8)),
        "max_parallel_workers": str(machine.cpus),
        "max_parallel_workers_per_gather": str(clamp(machine.cpus // 2, 1, 4)),
        "max_parallel_maintenance_workers": str(clamp(machine.cpus // 2, 1, 4)),
    }
    return {**FIXED, **computed, **({} if durable else THROWAWAY)}
