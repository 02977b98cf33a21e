"""The addresses of this dialect, with and without a slash at the end."""

from django.urls import re_path

from api.dmlab import views

urlpatterns = [
    re_path(r"^query/HEK/minevent/a?temporal/(?P<form>json|xml)/?$", views.TemporalView.as_view()),
    re_path(r"^query/HEK/minevent/spatiotemporal/(?P<form>json|xml)/?$", views.SpatiotemporalView.as_view()),
    re_path(r"^query/.*$", views.NowhereView.as_view()),
]
