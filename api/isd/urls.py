"""The addresses of this dialect, with and without a slash at the end."""

from django.urls import URLPattern, re_path

from api.isd import redirects, views
from api.isd.envelope import IsdView


def _route(path: str, view: type[IsdView]) -> URLPattern:
    return re_path(rf"^{path}/?$", view.as_view())


query_patterns = [
    _route("temporal", views.TemporalView),
    _route("spatiotemporal", views.SpatiotemporalView),
    _route("searchById", views.SearchByIdView),
    _route("closeByEvents", views.CloseByEventsView),
    _route("solev/trackid", views.TrackIdView),
    _route("solev/generateVideo", views.GenerateVideoView),
    _route("solev/previewVideo", views.PreviewVideoView),
    _route("image", redirects.ImageView),
    _route("param/image", redirects.ParameterImageView),
    _route("param", redirects.ParametersView),
    _route(".*", views.NowhereView),
]
analytics_patterns = [
    _route("sun/event/count", views.CountView),
    _route("sun/event/area", views.AreaView),
    _route("track/ts", redirects.TrackSeriesView),
    _route(".*", views.NowhereView),
]
