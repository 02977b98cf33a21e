"""The addresses of this dialect, with and without a slash at the end."""

from django.urls import re_path

from api.dmlab import frame_views, views

_SIZE = "(?P<size>2k|512|256)"

urlpatterns = [
    re_path(r"^query/HEK/minevent/a?temporal/(?P<form>json|xml)/?$", views.TemporalView.as_view()),
    re_path(r"^query/HEK/minevent/spatiotemporal/(?P<form>json|xml)/?$", views.SpatiotemporalView.as_view()),
    re_path(rf"^images/SDO/AIA/{_SIZE}/?$", frame_views.PictureView.as_view()),
    re_path(rf"^images/SDO/AIA/param/64/{_SIZE}/?$", frame_views.HeatmapView.as_view()),
    re_path(r"^params/SDO/AIA/64/full/?$", frame_views.CellsView.as_view(), {"form": "xml"}),
    re_path(r"^params/SDO/AIA/json/64/full/?$", frame_views.CellsView.as_view()),
    re_path(r"^params/SDO/AIA/64/full/range/?$", frame_views.RangeView.as_view(), {"form": "xml"}),
    re_path(r"^params/SDO/AIA/json/64/full/range/?$", frame_views.RangeView.as_view()),
    re_path(r"^header/SDO/AIA/(?P<form>xml|json)/?$", frame_views.HeaderView.as_view()),
    re_path(r"^params/SDO/AIA/param/track/ts/?$", frame_views.TrackSeriesView.as_view()),
    re_path(r"^.*$", views.NowhereView.as_view()),
]
