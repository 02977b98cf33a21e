"""Admin pages that only show, over tables of millions of rows."""

import json
from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connections
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from events.domain.words import utc
from events.models import Event, Track


class EstimatingPaginator(Paginator):
    """Counts exactly up to `EXACT` rows; beyond it takes the planner's estimate, which costs nothing.

    `is_estimate` tells which. An estimate that is too low hides the last pages; a narrower filter or the
    other order shows them.
    """

    EXACT = 10_000
    object_list: QuerySet

    @cached_property
    def count(self) -> int:
        """The number of rows, exact or estimated."""
        planned = _planned_rows(self.object_list)
        if planned <= 4 * self.EXACT:  # the plan may be wrong by some factor; counting this much is cheap
            counted = self.object_list.order_by()[: self.EXACT + 1].count()
            if counted <= self.EXACT:
                return counted
        return max(planned, self.EXACT + 1)

    @property
    def is_estimate(self) -> bool:
        """Whether `count` is more than was counted."""
        return self.count > self.EXACT


def _planned_rows(queryset: QuerySet) -> int:
    try:
        sql, params = queryset.order_by().query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return 0
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


class ReadOnlyAdmin(admin.ModelAdmin):
    """A model that is looked at, never added to, changed or deleted here."""

    paginator = EstimatingPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet would be a count over the table
    list_per_page = 100
    list_max_show_all = 1_000

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; a NUL in a parameter, which PostgreSQL cannot compare with any text, finds no page."""
        if any("\0" in value for _, values in request.GET.lists() for value in values):
            messages.error(request, "A character that no text can contain was asked for.")
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)


class TimelineAdmin(ReadOnlyAdmin):
    """A list by start of what has a time, a type and a method, as events and tracks have."""

    ordering = ("-event_starttime",)

    class Media:
        """One style sheet for all pages of this room."""

        css = {"all": ("events/admin.css",)}

    @admin.display(description="start (UTC)", ordering="event_starttime")
    def start(self, row: Event | Track) -> str:
        """Start."""
        return utc(row.event_starttime)

    @admin.display(description="end (UTC)")
    def end(self, row: Event | Track) -> str:
        """End."""
        return utc(row.event_endtime)

    @admin.display(description="type")
    def code(self, row: Event | Track) -> str:
        """HEK's code; the filter beside the list names them all."""
        return row.event_type

    @admin.display(description="method")
    def method(self, row: Event | Track) -> str:
        """Name of the feature recognition method."""
        return row.frm_name
