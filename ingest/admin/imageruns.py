"""Runs over images with their accounts."""

from django.contrib import admin

from ingest import image_tasks
from ingest.admin.accounts import ACCOUNTED, TIMES, AccountAdmin
from ingest.admin.common import window
from ingest.models import ImageRun


class ImageRunAdmin(AccountAdmin):
    """One small batch of images each."""

    rerun = staticmethod(image_tasks.rerun)
    list_display = ("pk", "status", "source", "wave", "span", "account", "problem", "lasted")
    list_filter = ("state", "source", "wave")
    fieldsets = (
        (None, {"fields": ("status", "source", "wave", "span", "paths", "error")}),
        ACCOUNTED,
        TIMES,
    )

    @admin.display(description="window (UTC)")
    def span(self, run: ImageRun) -> str:
        """Window, or how many files."""
        return f"{len(run.paths)} files" if run.paths else window(run.window_start, run.window_end)
