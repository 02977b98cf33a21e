"""All addresses."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from isd.health import healthz, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("", include("explorer.urls")),
    path("", include("api.urls")),
]
