"""The admin's pages of events, their earlier versions and their associations."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from events import portrait
from events.admin.filters import (
    GeometryFilter,
    MethodFilter,
    ObservatoryFilter,
    PositionFilter,
    SourceFilter,
    StartFilter,
    TypeFilter,
)
from events.admin.readonly import ReadOnlyAdmin, TimelineAdmin
from events.domain.words import utc
from events.models import Association, Event, EventVersion
from events.tracks import track_of_number

_HEK = "ivo://helio-informatics.org/"
_LIST_COLUMNS = (
    "kb_archivid",
    "event_type",
    "event_starttime",
    "event_endtime",
    "frm_name",
    "ar_noaanum",
    "fl_goescls",
    "hgs_coord",
    "hrc_coord",
)


class EventList(ChangeList):
    """The list fetches what it shows, and not the attributes (about 8 kB an event)."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet:
        """The rows asked for, with the columns of the list only."""
        return super().get_queryset(request, exclude_parameters).only(*_LIST_COLUMNS)


class EventAdmin(TimelineAdmin):
    """Events: a list that is found by index, and a page of everything known about one."""

    list_display = ("start", "end", "code", "method", "noaa", "goes", "position", "archivid")
    list_display_links = ("start", "archivid")
    list_filter = (
        TypeFilter,
        StartFilter,
        MethodFilter,
        ObservatoryFilter,
        PositionFilter,
        GeometryFilter,
        SourceFilter,
    )
    sortable_by = ("start", "archivid")  # what an index orders
    search_fields = ("kb_archivid",)  # shows the field; get_search_results says what is searched
    search_help_text = "kb_archivid or its beginning, NOAA number, or a method's own id (frm_specificid)"
    fieldsets = ((None, {"fields": ("kb_archivid",)}),)
    change_form_template = "admin/events/event/change_form.html"

    @admin.display(description="NOAA", empty_value="-")
    def noaa(self, event: Event) -> int | None:
        """NOAA number, five digits."""
        return event.ar_noaanum

    @admin.display(description="GOES", empty_value="-")
    def goes(self, event: Event) -> str | None:
        """GOES class."""
        return event.fl_goescls or None

    @admin.display(description="position")
    def position(self, event: Event) -> str:
        """Position on the Sun."""
        return portrait.position(event)

    @admin.display(description="kb_archivid", ordering="kb_archivid")
    def archivid(self, event: Event) -> str:
        """The identifier without HEK's prefix, which all have in common."""
        return event.kb_archivid.removeprefix(_HEK)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The lean list."""
        return EventList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Identifiers by their beginning, NOAA numbers with four or five digits, ids of tracks exactly."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.startswith("ivo:"):
            return queryset.filter(kb_archivid__startswith=term), False
        found = Q(kb_archivid__startswith=_HEK + term) | Q(frm_specificid=term)
        if re.fullmatch(r"[0-9]{1,5}", term):
            number = int(term)
            found |= Q(ar_noaanum__in=[number, number + 10_000] if number < 10_000 else [number])
        return queryset.filter(found), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of one event."""
        event = kwargs.get("obj") or context["original"]
        context |= {
            "identity": portrait.identity(event),
            "pictures": portrait.pictures(event),
            "geometries": portrait.geometries(event),
            "attribute_groups": portrait.attribute_groups(event.attributes),
            "references": portrait.references(event.attributes),
            "versions": portrait.versions(event),
            "edges": portrait.edges(event),
            "shown": portrait.SHOWN,
            "hek_page": portrait.hek_page(event.kb_archivid),
            "track": track_of_number(event.pk).first(),
        }
        return super().render_change_form(request, context, *args, **kwargs)


class EventVersionAdmin(ReadOnlyAdmin):
    """What was once reported under the same identifier."""

    list_display = ("superseded", "event_link", "revision", "archived", "source")
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("event__kb_archivid",)
    search_help_text = "kb_archivid or its beginning"
    fieldsets = (
        (None, {"fields": ("event_link", "revision", "archived", "source", "superseded", "content_hash")}),
    )
    change_form_template = "admin/events/eventversion/change_form.html"

    class Media:
        """One style sheet for all pages of this room."""

        css = {"all": ("events/admin.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With the identifier of the event, without its attributes."""
        columns = ("event__kb_archivid", "revision", "kb_archivdate", "source", "superseded_at")
        versions = super().get_queryset(request).select_related("event")
        return versions.only(*columns, "content_hash", "attributes")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By the beginning of the identifier."""
        term = search_term.strip()
        full = term if term.startswith("ivo:") else _HEK + term
        return (queryset.filter(event__kb_archivid__startswith=full) if term else queryset), False

    @admin.display(description="superseded (UTC)")
    def superseded(self, version: EventVersion) -> str:
        """When it ceased to be the newest."""
        return utc(version.superseded_at)

    @admin.display(description="archived (UTC)")
    def archived(self, version: EventVersion) -> str:
        """When HEK archived it."""
        return utc(version.kb_archivdate)

    @admin.display(description="event")
    def event_link(self, version: EventVersion) -> str:
        """The event, as a link."""
        return _event_link(version.event.pk, version.event.kb_archivid)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of one earlier version: what differs, and all of it."""
        version = kwargs.get("obj") or context["original"]
        context |= {
            "changes": portrait.changes(version.attributes, version.event.attributes),
            "attribute_groups": portrait.attribute_groups(version.attributes),
            "references": portrait.references(version.attributes),
        }
        return super().render_change_form(request, context, *args, **kwargs)


class AssociationAdmin(ReadOnlyAdmin):
    """Edges between events, as HEK tells them."""

    list_display = ("first", "edge_type", "second", "reported_by", "source")
    list_display_links = ("edge_type",)
    ordering = ("-pk",)
    sortable_by = ()
    search_fields = ("first_ivorn",)
    search_help_text = "kb_archivid of either end, or its beginning"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By the beginning of either end's identifier."""
        term = search_term.strip()
        full = term if term.startswith("ivo:") else _HEK + term
        found = Q(first_ivorn__startswith=full) | Q(second_ivorn__startswith=full)
        return (queryset.filter(found) if term else queryset), False

    @admin.display(description="first")
    def first(self, edge: Association) -> str:
        """The first end, as a link to the search for it."""
        return _search_link(edge.first_ivorn)

    @admin.display(description="second")
    def second(self, edge: Association) -> str:
        """The second end, as a link to the search for it."""
        return _search_link(edge.second_ivorn)


def _event_link(pk: int, kb_archivid: str) -> str:
    address = reverse("admin:events_event_change", args=[pk])
    return format_html('<a href="{}">{}</a>', address, kb_archivid.removeprefix(_HEK))


def _search_link(kb_archivid: str) -> str:
    address = reverse("admin:events_event_changelist", query={"q": kb_archivid})
    return format_html('<a href="{}">{}</a>', address, kb_archivid.removeprefix(_HEK))
