"""Runs over images with their accounts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from images.domain.slots import WAVES
from ingest import image_tasks
from ingest.admin.accounts import ACCOUNTED, TIMES, AccountAdmin
from ingest.admin.common import types, window
from ingest.models import ImageRun


class WaveFilter(admin.SimpleListFilter):
    """The runs that name a wavelength."""

    title = parameter_name = "wave"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """All nine."""
        return [(str(wave), str(wave)) for wave in WAVES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the one that is chosen."""
        chosen = [wave for wave in WAVES if str(wave) == self.value()]
        return queryset.filter(waves__contains=chosen) if chosen else queryset


class ImageRunAdmin(AccountAdmin):
    """One small batch of images each."""

    rerun = staticmethod(image_tasks.rerun)
    list_display = ("pk", "status", "source", "which", "span", "account", "problem", "lasted")
    list_filter = ("state", "source", WaveFilter)
    fieldsets = (
        (None, {"fields": ("status", "source", "which", "span", "paths", "error")}),
        ACCOUNTED,
        TIMES,
    )

    @admin.display(description="wavelengths")
    def which(self, run: ImageRun) -> str:
        """Wavelengths, of which none means all."""
        return types([str(wave) for wave in run.waves])

    @admin.display(description="window (UTC)")
    def span(self, run: ImageRun) -> str:
        """Window, or how many files."""
        return f"{len(run.paths)} files" if run.paths else window(run.window_start, run.window_end)
