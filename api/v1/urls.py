"""The addresses of this dialect, its description and the page that shows it."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from api.v1 import views

urlpatterns = [
    re_path(r"^events/?$", views.EventsView.as_view(), name="v1-events"),
    path("events/<path:key>", views.EventView.as_view(), name="v1-event"),
    re_path(r"^event-types/?$", views.EventTypesView.as_view(), name="v1-event-types"),
    re_path(r"^status/?$", views.StatusView.as_view(), name="v1-status"),
    path("schema/", SpectacularAPIView.as_view(), name="v1-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="v1-schema"), name="v1-docs"),
    re_path(r"^.*$", views.NowhereView.as_view()),
]
