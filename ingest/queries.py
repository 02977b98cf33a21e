"""What the books say: for the status page, the admin and the commands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from ingest.models import Backfill, ImageRun, ImageWatermark, IngestRun, QuarantinedRecord, Watermark

Run = TypeVar("Run", IngestRun, ImageRun)
ACCOUNT = ("received", "created", "updated", "unchanged", "quarantined")
OPEN = (IngestRun.State.PENDING, IngestRun.State.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a set of runs has come, and their accounts together."""

    total: int
    succeeded: int
    failed: int
    account: dict[str, int]

    @property
    def open(self) -> int:
        """Runs that wait or are worked on."""
        return self.total - self.succeeded - self.failed

    @property
    def is_over(self) -> bool:
        """Whether no run is left to wait for; failed ones may still be run again."""
        return self.open == 0


def progress(runs: QuerySet[IngestRun] | QuerySet[ImageRun]) -> Progress:
    """Progress of `runs` (one query), for instance of `backfill.runs.all()`."""
    sums: dict[str, Any] = {name: Coalesce(Sum(name), 0) for name in ACCOUNT}
    found = runs.aggregate(
        total=Count("pk"),
        done=Count("pk", filter=Q(state=IngestRun.State.SUCCEEDED)),
        broken=Count("pk", filter=Q(state=IngestRun.State.FAILED)),
        **sums,
    )
    account = {name: found[name] for name in ACCOUNT}
    return Progress(found["total"], found["done"], found["broken"], account)


def last_runs() -> QuerySet[IngestRun]:
    """The run begun last of each source."""
    return _last(IngestRun.objects.all())


def last_image_runs() -> QuerySet[ImageRun]:
    """The same of each source of images."""
    return _last(ImageRun.objects.all())


def _last(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.exclude(started_at=None).order_by("source", "-started_at", "-pk").distinct("source")


def open_runs() -> QuerySet[IngestRun]:
    """Runs that wait or are worked on, the one that waits longest first."""
    return IngestRun.objects.filter(state__in=OPEN).order_by("queued_at", "pk")


def totals() -> dict[str, dict[str, int]]:
    """Source -> the accounts of all its runs together: how much came, not how much there is."""
    return _totals(IngestRun.objects.all())


def image_totals() -> dict[str, dict[str, int]]:
    """The same of each source of images."""
    return _totals(ImageRun.objects.all())


def _totals(runs: QuerySet[Run]) -> dict[str, dict[str, int]]:
    sums = (Sum(name) for name in ACCOUNT)
    rows = runs.order_by("source").values_list("source").annotate(*sums)
    return {source: dict(zip(ACCOUNT, numbers, strict=True)) for source, *numbers in rows}


def open_backfills() -> QuerySet[Backfill]:
    """Backfills with runs that have not succeeded, the newest first.

    Each with `all_runs`, `succeeded_runs` and `failed_runs`; a failed run can be run again.
    """

    def runs_in(state: IngestRun.State) -> Count:
        return Count("runs", filter=Q(runs__state=state))

    return (
        Backfill.objects.annotate(
            all_runs=Count("runs"),
            succeeded_runs=runs_in(IngestRun.State.SUCCEEDED),
            failed_runs=runs_in(IngestRun.State.FAILED),
        )
        .filter(all_runs__gt=F("succeeded_runs"))
        .order_by("-pk")
    )


def watermarks() -> QuerySet[Watermark]:
    """Until when each source has been polled without a gap."""
    return Watermark.objects.order_by("source")


def image_watermarks() -> QuerySet[ImageWatermark]:
    """The same of each source of images."""
    return ImageWatermark.objects.order_by("source")


def image_runs(ids: Iterable[int]) -> QuerySet[ImageRun]:
    """These runs; asked for by ranges of their ids, since the runs of one order have consecutive ones."""
    ranges: list[list[int]] = []
    for pk in sorted(ids):
        if ranges and ranges[-1][1] == pk - 1:
            ranges[-1][1] = pk
        else:
            ranges.append([pk, pk])
    among = [Q(pk__range=ends) for ends in ranges]
    return ImageRun.objects.filter(reduce(or_, among)) if among else ImageRun.objects.none()


def newest_image_runs(
    source: str, start: datetime
) -> dict[tuple[tuple[int, ...], datetime | None, datetime | None], ImageRun]:
    """The run ordered last for each wavelengths and window (start, end), of those from `start` on."""
    found = ImageRun.objects.filter(source=source, window_start__gte=start).order_by("pk")
    return {(tuple(run.waves), run.window_start, run.window_end): run for run in found}


def quarantined_count() -> int:
    """Quarantined records that no retry has stored."""
    return QuarantinedRecord.objects.filter(resolved_at=None).count()
