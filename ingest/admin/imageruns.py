"""Runs over images with their accounts."""

from django.contrib import admin
from django.utils import timezone

from ingest.admin.common import IngestAdmin, duration, state_badge, window
from ingest.image_books import is_open
from ingest.models import ImageRun
from ingest.queries import ACCOUNT


class ImageRunAdmin(IngestAdmin):
    """One small batch of images each."""

    list_display = ("pk", "status", "source", "wave", "span", "account", "error", "lasted")
    list_filter = ("state", "source", "wave")
    fieldsets = (
        (None, {"fields": ("status", "source", "wave", "span", "paths", "error")}),
        ("Account: received = created + updated + unchanged + quarantined", {"fields": ACCOUNT}),
        ("Times (UTC)", {"fields": ("queued_at", "started_at", "finished_at", "not_before", "attempts")}),
    )

    def is_moving(self, obj: ImageRun) -> bool:
        """While it waits or is worked on."""
        return is_open(obj)

    @admin.display(description="state")
    def status(self, run: ImageRun) -> str:
        """State."""
        return state_badge(run.state)

    @admin.display(description="window (UTC)")
    def span(self, run: ImageRun) -> str:
        """Window, or how many files."""
        return f"{len(run.paths)} files" if run.paths else window(run.window_start, run.window_end)

    @admin.display(description="account")
    def account(self, run: ImageRun) -> str:
        """The five numbers, as the sum that they are."""
        received, *parts = (f"{getattr(run, name)} {name}" for name in ACCOUNT)
        return f"{received} = {' + '.join(parts)}" if run.started_at else "-"

    @admin.display(description="duration")
    def lasted(self, run: ImageRun) -> str:
        """How long the newest attempt took, or has been taking."""
        if run.started_at is None:
            return "-"
        return duration((run.finished_at or timezone.now()) - run.started_at)
