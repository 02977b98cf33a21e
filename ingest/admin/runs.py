"""Runs over events with their accounts, and watermarks."""

from django.contrib import admin
from django.utils import timezone

from events.domain.words import utc
from ingest import tasks
from ingest.admin.accounts import ACCOUNTED, TIMES, AccountAdmin
from ingest.admin.common import IngestAdmin, duration, link, types, window
from ingest.models import IngestRun, PolledUntil


class IngestRunAdmin(AccountAdmin):
    """One pass over one window each."""

    rerun = staticmethod(tasks.rerun)
    list_display = ("pk", "status", "asked", "span", "account", "problem", "lasted", "of_backfill")
    list_filter = ("state", "source")
    fieldsets = (
        (None, {"fields": ("status", "source", "origin", "span", "which", "of_backfill", "error")}),
        ACCOUNTED,
        ("Progress", {"fields": ("pages", "associations")}),
        TIMES,
    )

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

    @admin.display(description="backfill")
    def of_backfill(self, run: IngestRun) -> str:
        """The backfill it belongs to."""
        pk = run.backfill_id
        return link("ingest_backfill_change", f"backfill {pk}", pk) if pk else "-"


class WatermarkAdmin(IngestAdmin):
    """Until when each source has been polled without a gap."""

    list_display = ("source", "until", "behind")
    fieldsets = ((None, {"fields": ("source", "until", "behind")}),)

    @admin.display(description="polled until (UTC)")
    def until(self, mark: PolledUntil) -> str:
        """The watermark."""
        return utc(mark.polled_until)

    @admin.display(description="behind")
    def behind(self, mark: PolledUntil) -> str:
        """How old it is."""
        return duration(timezone.now() - mark.polled_until)
