"""What /api/v1/status tells: the state of the ingest and of the holdings, of events and of images."""

from collections.abc import Iterable
from typing import Any

from events.queries import counts_by_type
from images.queries import coverage
from ingest import queries
from ingest.models import Backfill, ImageRun, IngestRun, PolledUntil


def status() -> dict[str, Any]:
    """Sources with their last run, totals and watermark; open backfills; quarantine; what there is."""
    by_type, estimated = counts_by_type()
    return {
        "sources": _sources(queries.last_runs(), queries.totals(), queries.watermarks()),
        "backfills": [_backfill(backfill) for backfill in queries.open_backfills()],
        "quarantine": {"waiting": queries.quarantined_count()},
        "events": {"total": sum(by_type.values()), "by_type": by_type, "estimated": estimated},
        "images": {
            "sources": _sources(
                queries.last_image_runs(), queries.image_totals(), queries.image_watermarks()
            ),
            "waves": [
                {"wave": found.wave, "images": found.images, "last": found.last} for found in coverage()
            ],
        },
    }


def _sources(
    last: Iterable[IngestRun | ImageRun], totals: dict[str, dict[str, int]], marks: Iterable[PolledUntil]
) -> list[dict[str, Any]]:
    """Each source that has a run or a watermark."""
    runs = {run.source: run for run in last}
    polled = {mark.source: mark.polled_until for mark in marks}
    return [
        {
            "source": source,
            "last_run": _run(runs[source]) if source in runs else None,
            "totals": totals.get(source),
            "polled_until": polled.get(source),
        }
        for source in sorted({*totals, *polled})
    ]


def _run(run: IngestRun | ImageRun) -> dict[str, Any]:
    names = ("state", "window_start", "window_end", "started_at", "finished_at", *queries.ACCOUNT)
    told = {name: getattr(run, name) for name in names} | {"error": run.error or None}
    return told | {"waves": run.waves} if isinstance(run, ImageRun) else told


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
