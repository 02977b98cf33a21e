"""Runs with their accounts, and watermarks."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from events.domain.words import utc
from ingest.admin.common import (
    IngestAdmin,
    duration,
    link,
    order_again,
    state_badge,
    types,
    window,
)
from ingest.models import IngestRun, Watermark
from ingest.queries import ACCOUNT, OPEN


class IngestRunAdmin(IngestAdmin):
    """One pass over one window each, and "Run this window again"."""

    list_display = ("pk", "status", "asked", "span", "account", "problem", "lasted", "of_backfill")
    list_filter = ("state", "source")
    actions = ("run_again",)
    change_form_template = "admin/ingest/ingestrun/change_form.html"
    fieldsets = (
        (None, {"fields": ("status", "source", "origin", "span", "which", "of_backfill", "error")}),
        ("Account: received = created + updated + unchanged + quarantined", {"fields": ACCOUNT}),
        ("Progress", {"fields": ("pages", "associations", "attempts", "lasted")}),
        ("Times (UTC)", {"fields": ("queued", "started", "finished", "next_attempt")}),
    )

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may order a window again: whoever may change runs (though nobody edits one)."""
        return request.user.has_perm("ingest.change_ingestrun")

    def is_moving(self, obj: IngestRun) -> bool:
        """While it waits or is worked on."""
        return obj.state in OPEN

    @admin.action(description="Run this window again", permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[IngestRun]) -> None:
        """Order the chosen runs once more."""
        order_again(request, queryset.order_by("pk"))

    @admin.display(description="state")
    def status(self, run: IngestRun) -> str:
        """State."""
        return state_badge(run.state)

    @admin.display(description="window (UTC)")
    def span(self, run: IngestRun) -> str:
        """Window."""
        return window(run.window_start, run.window_end)

    @admin.display(description="source, types")
    def asked(self, run: IngestRun) -> str:
        """What was asked for of whom."""
        return f"{run.source}: {types(run.event_types)}"

    @admin.display(description="types")
    def which(self, run: IngestRun) -> str:
        """Event types."""
        return types(run.event_types)

    @admin.display(description="account")
    def account(self, run: IngestRun) -> str:
        """The five numbers, as the sum that they are."""
        received, *parts = (f"{getattr(run, name)} {name}" for name in ACCOUNT)
        return f"{received} = {' + '.join(parts)}" if run.started_at else "-"

    @admin.display(description="duration")
    def lasted(self, run: IngestRun) -> str:
        """How long the newest attempt took, or has been taking."""
        if run.started_at is None:
            return "-"
        running = run.finished_at is None
        time = duration((run.finished_at or timezone.now()) - run.started_at)
        return f"{time} so far, page {run.pages}" if running else time

    @admin.display(description="error")
    def problem(self, run: IngestRun) -> str:
        """The beginning of the error."""
        return run.error if len(run.error) <= 80 else f"{run.error[:80]}..."

    @admin.display(description="backfill")
    def of_backfill(self, run: IngestRun) -> str:
        """The backfill it belongs to."""
        pk = run.backfill_id
        return link("ingest_backfill_change", f"backfill {pk}", pk) if pk else "-"

    @admin.display(description="queued")
    def queued(self, run: IngestRun) -> str:
        """When it was ordered."""
        return utc(run.queued_at)

    @admin.display(description="started")
    def started(self, run: IngestRun) -> str:
        """When the newest attempt began."""
        return utc(run.started_at)

    @admin.display(description="finished")
    def finished(self, run: IngestRun) -> str:
        """When it was over."""
        return utc(run.finished_at)

    @admin.display(description="next attempt")
    def next_attempt(self, run: IngestRun) -> str:
        """When a pass that failed for now is tried again."""
        return utc(run.not_before)


class WatermarkAdmin(IngestAdmin):
    """Until when each source has been polled without a gap."""

    list_display = ("source", "until", "behind")
    fieldsets = ((None, {"fields": ("source", "until", "behind")}),)

    @admin.display(description="polled until (UTC)")
    def until(self, mark: Watermark) -> str:
        """The watermark."""
        return utc(mark.polled_until)

    @admin.display(description="behind")
    def behind(self, mark: Watermark) -> str:
        """How old it is."""
        return duration(timezone.now() - mark.polled_until)
