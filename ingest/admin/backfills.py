"""Backfills: start one, watch it, run its failed windows again."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from events.domain.vocabulary import EVENT_TYPES
from events.domain.words import utc
from ingest import tasks
from ingest.admin.common import (
    IngestAdmin,
    link,
    order_again,
    progress_bar,
    state_badge,
    types,
    warn_if_broker_is_away,
    window,
)
from ingest.models import Backfill, IngestRun
from ingest.queries import progress
from ingest.sources import SOURCES

#: Runs of one order; 14 years in windows of 6 hours are 20,454.
MOST_WINDOWS = 50_000
_STATES = IngestRun.State


def _midnight() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


class BackfillForm(forms.ModelForm):
    """What to fill: a source that is asked over the network, a stretch of time, types."""

    # An archive is read by the command ingest_events: its path is one of the worker's machine, not of a form.
    source = forms.ChoiceField(choices=[(name, name) for name in SOURCES if name != "archive"])
    window_start = forms.SplitDateTimeField(
        label="Start (UTC)", widget=AdminSplitDateTime, initial=lambda: _midnight() - timedelta(days=28)
    )
    window_end = forms.SplitDateTimeField(label="End (UTC)", widget=AdminSplitDateTime, initial=_midnight)
    event_types = forms.MultipleChoiceField(
        choices=[(t.code, f"{t.code} {t.concept}") for t in EVENT_TYPES.values()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all",
    )

    class Meta:
        """All that an order consists of."""

        model = Backfill
        fields: ClassVar = ["source", "window_start", "window_end", "event_types"]

    def clean(self) -> dict[str, Any]:
        """Refuse windows that end before they begin, and orders that somebody must have mistyped."""
        data: dict[str, Any] = super().clean() or {}
        start, end = data.get("window_start"), data.get("window_end")
        if start and end:
            if end <= start:
                raise ValidationError("The end must be after the start.")
            if (end - start) / settings.ISD_WINDOW > MOST_WINDOWS:
                longest = MOST_WINDOWS * settings.ISD_WINDOW // timedelta(days=1)
                raise ValidationError(f"At most {longest} days can be ordered at once.")
        return data


class BackfillAdmin(IngestAdmin):
    """Orders for long stretches of time; each is many runs."""

    form = BackfillForm
    list_display = ("pk", "source", "span", "which", "bar", "created")
    list_display_links = ("pk", "span")
    actions = ("run_failed_again",)
    change_form_template = "admin/ingest/backfill/change_form.html"
    fieldsets = ((None, {"fields": ("source", "span", "which", "created", "bar", "account", "runs")}),)
    add_fieldsets = ((None, {"fields": BackfillForm.Meta.fields}),)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Whoever may add one may start one."""
        return request.user.has_perm("ingest.add_backfill")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may order failed windows again: whoever may change runs."""
        return request.user.has_perm("ingest.change_ingestrun")

    def get_fieldsets(self, request: HttpRequest, obj: Backfill | None = None) -> Any:
        """A form for a new one, a report on an old one."""
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_queryset(self, request: HttpRequest) -> QuerySet[Backfill]:
        """With the numbers of runs, in the same query."""
        return (
            super()
            .get_queryset(request)
            .annotate(
                total=Count("runs"),
                done=Count("runs", filter=Q(runs__state=_STATES.SUCCEEDED)),
                broken=Count("runs", filter=Q(runs__state=_STATES.FAILED)),
            )
        )

    def is_moving(self, obj: Any) -> bool:
        """While a run waits or is worked on."""
        return bool(obj.done + obj.broken < obj.total)

    def save_model(self, request: HttpRequest, obj: Backfill, form: Any, change: bool) -> None:
        """Order it; the books then hold the backfill and all its runs."""
        ordered = tasks.start_backfill(obj.source, obj.window_start, obj.window_end, obj.event_types)
        obj.pk, obj.created_at = ordered.pk, ordered.created_at

    def response_add(
        self, request: HttpRequest, obj: Backfill, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the page where one can watch it."""
        messages.success(request, f"Ordered in {obj.runs.count()} windows.")
        warn_if_broker_is_away(request)
        return HttpResponseRedirect(reverse("admin:ingest_backfill_change", args=[obj.pk]))

    @admin.action(description="Run the failed windows again", permissions=["operate"])
    def run_failed_again(self, request: HttpRequest, queryset: QuerySet[Backfill]) -> None:
        """Order every failed run of the chosen backfills once more."""
        chosen = list(queryset.values_list("pk", flat=True))
        order_again(request, IngestRun.objects.filter(backfill__in=chosen, state=_STATES.FAILED), tasks.rerun)

    @admin.display(description="window (UTC)")
    def span(self, backfill: Backfill) -> str:
        """The whole stretch."""
        return window(backfill.window_start, backfill.window_end)

    @admin.display(description="types")
    def which(self, backfill: Backfill) -> str:
        """Event types."""
        return types(backfill.event_types)

    @admin.display(description="progress")
    def bar(self, backfill: Any) -> str:
        """How many of its runs are over."""
        words = f"{backfill.done} of {backfill.total} windows"
        return progress_bar(
            backfill.done + backfill.broken,
            backfill.total,
            f"{words}, {backfill.broken} failed" if backfill.broken else words,
        )

    @admin.display(description="ordered (UTC)")
    def created(self, backfill: Backfill) -> str:
        """When it was ordered."""
        return utc(backfill.created_at)

    @admin.display(description="account")
    def account(self, backfill: Backfill) -> str:
        """The accounts of its runs together."""
        numbers = progress(backfill.runs.all()).account
        return format_html_join(", ", "{} {}", ((number, name) for name, number in numbers.items()))

    @admin.display(description="runs")
    def runs(self, backfill: Backfill) -> str:
        """Links to its runs by state."""
        counts = backfill.runs.values_list("state").annotate(Count("pk")).order_by("state")
        links = [
            format_html(
                "{} {}",
                link(
                    "ingest_ingestrun_changelist",
                    number,
                    backfill__id__exact=backfill.pk,
                    state__exact=state,
                ),
                state_badge(state),
            )
            for state, number in counts
        ]
        everything = link("ingest_ingestrun_changelist", "all runs", backfill__id__exact=backfill.pk)
        return format_html_join(", ", "{}", ((part,) for part in [*links, everything]))
