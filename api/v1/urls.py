"""The addresses of this dialect, its description and the page that shows it."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from api.v1 import availability, headers, images, labels, parameters, state, tracks, under_shapes, views

urlpatterns = [
    re_path(r"^events/?$", views.EventsView.as_view(), name="v1-events"),
    re_path(
        r"^events/(?P<key>.+)/parameters/?$",
        under_shapes.EventParametersView.as_view(),
        name="v1-event-parameters",
    ),
    path("events/<path:key>", views.EventView.as_view(), name="v1-event"),
    re_path(r"^state/?$", state.StateView.as_view(), name="v1-state"),
    re_path(r"^tracks/?$", tracks.TracksView.as_view(), name="v1-tracks"),
    re_path(r"^tracks/shapes/?$", tracks.BulkView.as_view(), name="v1-tracks-shapes"),
    re_path(r"^tracks/(?P<key>.+)/shapes/?$", tracks.ShapesView.as_view(), name="v1-track-shapes"),
    re_path(r"^tracks/(?P<key>.+)/graph/?$", tracks.GraphView.as_view(), name="v1-track-graph"),
    re_path(
        r"^tracks/(?P<key>.+)/parameters/?$",
        under_shapes.TrackParametersView.as_view(),
        name="v1-track-parameters",
    ),
    path("tracks/<path:key>", tracks.TrackView.as_view(), name="v1-track"),
    re_path(r"^images/?$", images.ImagesView.as_view(), name="v1-images"),
    re_path(
        r"^images/(?P<wave>\d{1,4})/(?P<key>[^/]+)\.jpg$", images.PictureView.as_view(), name="v1-picture"
    ),
    re_path(
        r"^images/(?P<wave>\d{1,4})/(?P<key>[^/]+)/heatmap\.(?P<form>jpg|png)$",
        images.HeatmapView.as_view(),
        name="v1-heatmap",
    ),
    re_path(
        r"^images/(?P<wave>\d{1,4})/(?P<key>[^/]+)/labels/?$",
        labels.ImageLabelsView.as_view(),
        name="v1-image-labels",
    ),
    re_path(r"^images/(?P<wave>\d{1,4})/(?P<key>[^/]+?)/?$", images.ImageView.as_view(), name="v1-image"),
    re_path(r"^parameters/?$", parameters.ParametersView.as_view(), name="v1-parameters"),
    re_path(r"^labels/?$", labels.LabelsView.as_view(), name="v1-labels"),
    re_path(r"^headers/?$", headers.HeadersView.as_view(), name="v1-headers"),
    re_path(r"^availability/?$", availability.AvailabilityView.as_view(), name="v1-availability"),
    re_path(r"^event-types/?$", views.EventTypesView.as_view(), name="v1-event-types"),
    re_path(r"^status/?$", views.StatusView.as_view(), name="v1-status"),
    path("schema/", SpectacularAPIView.as_view(), name="v1-schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="v1-schema"), name="v1-docs"),
    re_path(r"^.*$", views.NowhereView.as_view()),
]
