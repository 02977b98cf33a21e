"""Every address that answers to programs."""

from django.urls import include, path

from api.isd.urls import analytics_patterns, query_patterns

urlpatterns = [
    path("api/query/", include(query_patterns)),
    path("analytics/api/query/", include(analytics_patterns)),
    path("api/v1/", include("api.v1.urls")),
    path("hek/", include("api.hek.urls")),
    path("dmlabapi/", include("api.dmlab.urls")),
]
