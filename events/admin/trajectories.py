"""The admin's pages of tracks: the list, and of each its path on the Sun, its reports and its edges."""

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString, mark_safe
from shapely import LineString, Point

from events.admin.filters import MethodFilter, StartFilter, TypeFilter
from events.admin.readonly import TimelineAdmin
from events.domain.almanac import view_from_earth
from events.domain.picture import Role, Shape, disk_svg
from events.domain.vocabulary import EVENT_TYPES
from events.domain.words import utc
from events.models import Track, TrackReport
from events.sightings import sightings_of
from events.tracks import Link, links_of, reports_of

_HEK = "ivo://helio-informatics.org/"
#: How many outlines of reports one picture shows, evenly spread over the track, both ends among them.
_OUTLINES = 8


class TrackAdmin(TimelineAdmin):
    """Tracks: a list that is found by index, and a page of one."""

    list_display = ("start", "end", "code", "method", "reports", "noaa", "number")
    list_display_links = ("start", "number")
    list_filter = (TypeFilter, StartFilter, MethodFilter)
    sortable_by = ("start",)  # what an index orders
    search_fields = ("id",)  # shows the field; get_search_results says what is searched
    search_help_text = "number of the track or of a report, kb_archivid of a report, or NOAA number"
    fieldsets = ((None, {"fields": ("number",)}),)
    change_form_template = "admin/events/track/change_form.html"

    @admin.display(description="reports")
    def reports(self, track: Track) -> int:
        """How many there are."""
        return track.report_count

    @admin.display(description="NOAA")
    def noaa(self, track: Track) -> str:
        """NOAA numbers of its reports."""
        return ", ".join(map(str, track.ar_noaanums)) or "-"

    @admin.display(description="number")
    def number(self, track: Track) -> int:
        """Its number, which is that of its first report."""
        return track.pk

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By numbers, and by the whole identifier of a report, with or without HEK's prefix."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not re.fullmatch(r"[0-9]{1,18}", term, re.ASCII):
            archivid = term if term.startswith("ivo:") else _HEK + term
            return queryset.filter(reports__event__kb_archivid=archivid), False
        number = int(term)
        found = Q(pk__in=TrackReport.objects.filter(event=number).values("track"))
        if number <= 99_999:
            found |= Q(ar_noaanums__contains=[number])
        return queryset.filter(found), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of one track."""
        track = kwargs.get("obj") or context["original"]
        places = list(reports_of(track))
        context |= {
            "concept": EVENT_TYPES[track.event_type].concept,
            "start": utc(track.event_starttime),
            "end": utc(track.event_endtime),
            "noaa": self.noaa(track),
            "picture": _picture(track, places),
            "places": [
                (place, utc(place.event_starttime), utc(place.event.event_endtime)) for place in places
            ],
            "links": [_link(link, track) for link in links_of([track.pk])],
        }
        return super().render_change_form(request, context, *args, **kwargs)


def _link(link: Link, track: Track) -> dict[str, Any]:
    """An edge with its ends; `other`: the track that it leads to, where that is another."""
    others = {link.first_track, link.second_track} - {track.pk, None}
    return {"edge": link, "other": next(iter(others), None)}


def _picture(track: Track, places: list[TrackReport]) -> SafeString:
    """The path of its reports' positions, with some of their outlines, on the disk of the time between."""
    view = view_from_earth(track.event_starttime + (track.event_endtime - track.event_starttime) / 2)
    sightings = [s for s in sightings_of([track.pk]).get(track.pk, ()) if s.hpc is not None]
    step = max(1, (len(sightings) - 1) / (_OUTLINES - 1))
    shown = sorted({round(n * step) for n in range(_OUTLINES) if round(n * step) < len(sightings)})
    shapes = [
        Shape(sightings[n].hpc, Role.BOX if sightings[n].is_box else Role.OUTLINE)  # type: ignore[arg-type]
        for n in shown
    ]
    path = [place.event.hpc_coord.coords for place in places if place.event.hpc_coord is not None]
    if len(path) > 1:
        shapes.append(Shape(LineString(path), Role.PATH))
    if path:
        shapes.append(Shape(Point(path[-1]), Role.CENTRE))
    title = (
        f"Path of {EVENT_TYPES[track.event_type].concept} {track.pk} from {utc(track.event_starttime)} UTC"
    )
    described = f"Outlines of {len(shown)} of {len(places)} reports, and the position of the last."
    svg = disk_svg(shapes, b0=view.b0, rsun=view.rsun, title=title, description=described, ident="path")
    return mark_safe(svg)  # noqa: S308 - disk_svg escapes every text it is given
