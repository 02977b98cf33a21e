"""The routes of this dialect that ask for events. Each view parses, calls a query, wraps the rows."""

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, Literal

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from shapely import from_wkb

from api.errors import NoPositionError, NotFoundError, ParameterError
from api.isd import params, rows
from api.isd.envelope import IsdView, failed, successful
from api.params import read
from api.render import Columns, events_json, page_json
from events.domain.conditions import Region
from events.domain.criteria import INSTANT, EventCriteria, TemporalPredicate, TimeWindow
from events.domain.rotation import neighbourhood
from events.models import Event
from events.queries import event_of, matching, per_month
from events.tracks import track_of_archivid
from events.trackshapes import stored_rows


class TemporalView(IsdView):
    """/api/query/temporal: events by time."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of rows in the order of `sortby`."""
        question = params.temporal_question(request.GET)
        if isinstance(question, params.ShapesQuestion):
            return _shapes(question)
        return _page(question, rows.WEB if question.web else rows.PLAIN)


class SpatiotemporalView(IsdView):
    """/api/query/spatiotemporal: events by time and box."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """A page of rows in the order of `sortby`."""
        question = params.spatiotemporal_question(request.GET)
        if isinstance(question, params.ShapesQuestion):
            return _shapes(question)
        return _page(question, rows.WEB_ORDERED[question.page.sort] if question.web else rows.PLAIN)


def _page(question: params.Question, columns: Columns) -> HttpResponse:
    # Of no rows Django would not write any SQL.
    return successful(page_json(question.criteria, question.page, columns) if question.page.limit else "[]")


def _shapes(question: params.ShapesQuestion) -> HttpResponse:
    found = stored_rows(question.criteria, question.page)
    return successful(events_json(found, rows.SHAPE) if question.page.limit else "[]")


class SearchByIdView(IsdView):
    """/api/query/searchById: all columns of one event."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """One row, or none where no event of this type has this id."""
        values = read(request.GET, params.ONE_EVENT, strict=False)
        events = event_of(values["id"]).filter(event_type=values["eventtype"])
        return successful(rows.whole_rows(events))


class CloseByEventsView(IsdView):
    """/api/query/closeByEvents: events of a type near where one event was, hours before it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The rows of all of them, the event itself left out."""
        question = params.close_by_question(request.GET)
        event = event_of(question.kb_archivid).filter(event_type=question.event_type).first()
        if event is None:
            raise NotFoundError(
                f"queryeventid: there is no event {question.kb_archivid} of type {question.event_type}",
                parameter="queryeventid",
            )
        near = matching(_close_by(event, question)).exclude(pk=event.pk)
        return successful(events_json(near.order_by("event_starttime", "kb_archivid"), rows.CLOSE_BY))


def _close_by(event: Event, question: params.CloseBy) -> EventCriteria:
    """Overlap with the event's own time moved back, and with the place that the Sun has since carried on.

    An instant lasts a second, as everywhere in this dialect, or its window would be empty.
    """
    shape = event.hgs_bbox
    if question.geometry == "boundcc" and event.hgs_boundcc is not None:
        shape = event.hgs_boundcc
    if shape is None:
        raise NoPositionError(f"queryeventid: the event {event.kb_archivid} has no heliographic box")
    back = timedelta(hours=question.lookback)
    try:
        start, end = event.event_starttime - back, event.event_endtime - back
        window = TimeWindow(start, end if start < end else end + INSTANT)
    except OverflowError:
        raise ParameterError("lookback", "lookback reaches beyond the year 1") from None
    place = from_wkb(bytes(shape.wkb))
    near = neighbourhood(place, -back / timedelta(days=1), question.spatialbuffer)
    criteria = EventCriteria(
        types=(question.target_type,), window=window, temporal=TemporalPredicate.OVERLAPS
    )
    if question.geometry == "boundcc":
        return replace(criteria, region=Region("hgs", near, whole=False))
    return replace(criteria, area=near, geometry="hgs_bbox")


class TrackIdView(IsdView):
    """/api/query/solev/trackid: the track of an event."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Its id, as text.

        For an event that is in none, the original's own failure, word for word, with its status 200: clients
        look for it there.
        """
        values = read(request.GET, params.ONE_EVENT, strict=False)
        track = track_of_archivid(values["id"]).filter(event_type=values["eventtype"]).first()
        if track is None:
            return failed("Failed to retreive track id", 200)
        return successful(orjson.dumps([{"trackid": str(track.pk)}]).decode())


class GenerateVideoView(IsdView):
    """/api/query/solev/generateVideo: never did anything."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - nothing in it matters
        """Say so."""
        return failed("Videos are not available on this server", 501)


class PreviewVideoView(IsdView):
    """/api/query/solev/previewVideo: always answered the same file."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - nothing in it matters
        """Say that there is none."""
        return failed("Videos are not available on this server", 501, Link="")


class CountView(IsdView):
    """/analytics/api/query/sun/event/count/: reports a month."""

    measure: ClassVar[Literal["count", "area"]] = "count"
    name: ClassVar[str] = "number_of_events"

    def get(self, request: HttpRequest) -> HttpResponse:
        """One row for each month in which events of these types start, in order."""
        months = per_month(params.aggregate_criteria(request.GET), self.measure)
        return successful(rows.monthly_rows(self.name, months))


class AreaView(CountView):
    """/analytics/api/query/sun/event/area/: summed area of the outlines, arcsec2 on the plane of the sky."""

    measure = "area"
    name = "area_of_events"


class NowhereView(IsdView):
    """Any other address under these roots: a 404 in the envelope."""

    def get(self, request: HttpRequest, **_: str) -> HttpResponse:
        """Raise what becomes the 404."""
        raise Http404(request.path)
