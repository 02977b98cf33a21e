"""What /api/v1/status tells: the state of the ingest and of the holdings."""

from typing import Any

from events.queries import counts_by_type
from ingest import queries
from ingest.models import Backfill, IngestRun


def status() -> dict[str, Any]:
    """Sources with their last run, totals and watermark; open backfills; quarantine; events by type."""
    runs = {run.source: run for run in queries.last_runs()}
    totals = queries.totals()
    polled = {mark.source: mark.polled_until for mark in queries.watermarks()}
    by_type, estimated = counts_by_type()
    sources = [
        {
            "source": source,
            "last_run": _run(runs[source]) if source in runs else None,
            "totals": totals.get(source),
            "polled_until": polled.get(source),
        }
        for source in sorted({*totals, *polled})
    ]
    return {
        "sources": sources,
        "backfills": [_backfill(backfill) for backfill in queries.open_backfills()],
        "quarantine": {"waiting": queries.quarantined_count()},
        "events": {"total": sum(by_type.values()), "by_type": by_type, "estimated": estimated},
    }


def _run(run: IngestRun) -> dict[str, Any]:
    names = ("state", "window_start", "window_end", "started_at", "finished_at", *queries.ACCOUNT)
    return {name: getattr(run, name) for name in names} | {"error": run.error or None}


def _backfill(backfill: Backfill) -> dict[str, Any]:
    counts = {name: getattr(backfill, f"{name}_runs") for name in ("all", "succeeded", "failed")}
    return {
        "source": backfill.source,
        "event_types": backfill.event_types,
        "window_start": backfill.window_start,
        "window_end": backfill.window_end,
        "runs": counts,
        "progress": (counts["succeeded"] + counts["failed"]) / counts["all"],
    }
