"""Records that could not be stored: why, what they were, and another try."""

import json
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from events.domain.words import utc
from ingest import image_tasks
from ingest.admin.common import IngestAdmin, link, warn_if_broker_is_away
from ingest.models import QuarantinedRecord
from ingest.quarantine import retry

#: Records that one click may try again; each is a transaction of its own, while the operator waits.
MOST_AT_ONCE = 1_000


class ResolvedFilter(admin.SimpleListFilter):
    """What still waits; the rest on demand."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """Beside the default."""
        return [("resolved", "stored since"), ("all", "all")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows by whether a retry has stored them."""
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "resolved")

    def choices(self, changelist: Any) -> Any:
        """The default says what it shows."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "not stored yet"}
        yield from others


class ReasonFilter(admin.SimpleListFilter):
    """The reasons that occur most; a reason can name values, so there may be thousands."""

    title = parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        """The twenty most frequent."""
        counted = QuarantinedRecord.objects.values_list("reason").annotate(n=Count("pk"))
        return [(reason, f"{reason[:60]} ({n})") for reason, n in counted.order_by("-n", "reason")[:20]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows with exactly this reason."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


class QuarantinedRecordAdmin(IngestAdmin):
    """The quarantine, with "Try to store again"; of an image, that orders its run once more."""

    list_display = ("seen", "source", "reason", "times_seen", "of_run", "resolved")
    list_filter = (ResolvedFilter, "source", ReasonFilter)
    search_fields = ("reason", "payload")
    search_help_text = "Part of the reason or of the payload"
    ordering: ClassVar = ["-last_seen_at", "-pk"]
    actions = ("try_again",)
    change_form_template = "admin/ingest/quarantinedrecord/change_form.html"
    fieldsets = (
        (None, {"fields": ("reason", "source", "of_run", "times_seen", "first_seen", "seen", "resolved")}),
        ("The record as it came", {"fields": ("pretty",)}),
    )

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may retry: whoever may change quarantined records (though nobody edits one)."""
        return request.user.has_perm("ingest.change_quarantinedrecord")

    @admin.action(description="Try to store again", permissions=["operate"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[QuarantinedRecord]) -> None:
        """Run the chosen records through the ingest once more; of images, order the runs that saw them."""
        waiting = queryset.filter(resolved_at=None)
        left = waiting.count() - MOST_AT_ONCE
        chosen = list(waiting.order_by("pk")[:MOST_AT_ONCE])
        outcome, ordered = retry(chosen), image_tasks.retry(chosen)
        if outcome.stored:
            messages.success(request, f"{outcome.stored} stored.")
        if outcome.refused:
            messages.warning(request, f"{outcome.refused} refused again; the reason of each is up to date.")
        if ordered:
            runs = f"{ordered} run{'' if ordered == 1 else 's'} over images"
            messages.success(
                request, f"{runs} ordered again; what is stored by them is no longer listed here."
            )
            warn_if_broker_is_away(request)
        if left > 0:
            messages.info(request, f"{left} of your choice were left for the next click.")
        if not chosen:
            messages.info(request, "All of these are stored already.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuarantinedRecord]:
        """All of it; the list leaves the payloads where they are."""
        records = super().get_queryset(request)
        is_list = getattr(request.resolver_match, "url_name", "") == "ingest_quarantinedrecord_changelist"
        return records.defer("payload") if is_list and request.method == "GET" else records

    @admin.display(description="last seen (UTC)")
    def seen(self, record: QuarantinedRecord) -> str:
        """Last time it came."""
        return utc(record.last_seen_at)

    @admin.display(description="first seen (UTC)")
    def first_seen(self, record: QuarantinedRecord) -> str:
        """First time it came."""
        return utc(record.first_seen_at)

    @admin.display(description="stored (UTC)")
    def resolved(self, record: QuarantinedRecord) -> str:
        """When a retry stored it."""
        return utc(record.resolved_at)

    @admin.display(description="last run")
    def of_run(self, record: QuarantinedRecord) -> str:
        """The run that saw it last."""
        kind = "imagerun" if record.image_run_id else "ingestrun"
        pk = record.image_run_id or record.run_id
        return link(f"ingest_{kind}_change", f"run {pk}", pk) if pk else "-"

    @admin.display(description="payload")
    def pretty(self, record: QuarantinedRecord) -> str:
        """The payload, indented where it is JSON."""
        try:
            text = json.dumps(json.loads(record.payload), indent=2, ensure_ascii=False)
        except ValueError:
            text = record.payload
        return format_html('<pre class="isd-payload">{}</pre>', text)
