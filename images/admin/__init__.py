"""The operator's view of images: what there is, and how it was measured. Nothing here writes."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from events.admin.readonly import ReadOnlyAdmin
from events.domain.words import utc
from images.admin.portrait import heatmaps_of, picture_of
from images.domain.quality import is_tolerable, names_of
from images.domain.slots import start_of
from images.models import ImageHeader, MeasuringSettings

_WCS = (
    "size", "crpix1", "crpix2", "cdelt1", "cdelt2", "crval1", "crval2", "crota2",
    "dsun_obs", "rsun_obs", "hgln_obs", "hglt_obs", "crln_obs",
)  # fmt: skip
_PLATE = ("x0", "y0", "dsun", "r_sun", "cdelt")
_HASHES = ("content_hash", "pixel_hash", "frame_hash")


class ImageHeaderAdmin(ReadOnlyAdmin):
    """The headers, newest first."""

    list_display = ("wave", "observed_at", "slot", "quality", "flags", "settings", "source")
    list_filter = ("wave", "source")
    list_select_related = ("settings",)
    ordering = ("-observed", "-wave")
    sortable_by = ()
    fieldsets = (
        (
            None,
            {"fields": ("wave", "observed_at", "slot_at", "quality_told", "flags", "picture", "heatmaps")},
        ),
        ("Coordinate system of the picture (FITS)", {"fields": _WCS}),
        ("Values of the old service, which do not describe the picture", {"fields": _PLATE}),
        ("Provenance", {"fields": ("settings", "software", "source", "origin", "measured", *_HASHES)}),
        ("Keywords as they came", {"fields": ("header",), "classes": ("collapse",)}),
    )

    class Media:
        """The style sheet of the events' pages holds for these too."""

        css = {"all": ("events/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Without the keywords as they came, which only the page of one image shows."""
        return super().get_queryset(request).defer("header")

    @admin.display(description="observed (UTC)")
    def observed_at(self, image: ImageHeader) -> str:
        """The start of the exposure."""
        return utc(image.observed)

    @admin.display(description="slot")
    def slot_at(self, image: ImageHeader) -> str:
        """Its number, and when it begins."""
        return f"{image.slot}, from {utc(start_of(image.slot))}"

    @admin.display(description="QUALITY")
    def quality_told(self, image: ImageHeader) -> str:
        """The number and what its bits say."""
        words = ", ".join(names_of(image.quality)) or "no bit set"
        return f"{image.quality}: {words}{'' if is_tolerable(image.quality) else ' (not tolerable)'}"

    @admin.display(description="picture")
    def picture(self, image: ImageHeader) -> str:
        """The stored JPEG."""
        return picture_of(image)

    @admin.display(description="parameters")
    def heatmaps(self, image: ImageHeader) -> str:
        """Each over the grid."""
        return heatmaps_of(image)

    @admin.display(description="measured (UTC)")
    def measured(self, image: ImageHeader) -> str:
        """When its row was written."""
        return utc(image.measured_at)


class MeasuringSettingsAdmin(ReadOnlyAdmin):
    """The settings that frames were computed with."""

    list_display = ("name", "version", "wave")
    ordering = ("name", "version", "wave")
    sortable_by = ()


admin.site.register(ImageHeader, ImageHeaderAdmin)
admin.site.register(MeasuringSettings, MeasuringSettingsAdmin)
