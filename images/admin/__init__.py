"""The operator's view of images: what there is, and how it was measured. Nothing here writes."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.admin.readonly import ReadOnlyAdmin
from events.domain.words import utc
from images.models import ImageHeader, MeasuringSettings


class ImageHeaderAdmin(ReadOnlyAdmin):
    """The headers, newest first."""

    list_display = ("wave", "observed_at", "slot", "quality", "flags", "settings", "source")
    list_filter = ("wave", "source")
    list_select_related = ("settings",)
    ordering = ("-observed", "-wave")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without the keywords as they came, which only the page of one image shows."""
        return super().get_queryset(request).defer("header")

    @admin.display(description="observed (UTC)")
    def observed_at(self, image: ImageHeader) -> str:
        """The start of the exposure."""
        return utc(image.observed)


class MeasuringSettingsAdmin(ReadOnlyAdmin):
    """The settings that frames were computed with."""

    list_display = ("name", "version", "wave")
    ordering = ("name", "version", "wave")
    sortable_by = ()


admin.site.register(ImageHeader, ImageHeaderAdmin)
admin.site.register(MeasuringSettings, MeasuringSettingsAdmin)
