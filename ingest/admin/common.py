"""What the pages of the ingest share."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from events.admin.readonly import ReadOnlyAdmin
from ingest.broker import BROKER_AWAY, messages_waiting
from ingest.models import Account


class IngestAdmin(ReadOnlyAdmin):
    """A table of the books."""

    ordering: ClassVar = ["-pk"]
    sortable_by = ()
    #: Seconds after which the page of an unfinished object loads itself again.
    reload_after = 5

    class Media:
        """The style sheet of the events' pages holds for these too."""

        css = {"all": ("events/admin.css",)}

    def is_moving(self, obj: Any) -> bool:
        """Whether the object's page is worth loading again."""
        return False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, told whether it should load itself again."""
        obj = context.get("original")
        if obj is not None and self.is_moving(obj):
            context["reload_after"] = self.reload_after
        return super().render_change_form(request, context, *args, **kwargs)


_Run = TypeVar("_Run", bound=Account)


def order_again(request: HttpRequest, runs: Iterable[_Run], rerun: Callable[[_Run], object]) -> None:
    """Order each of these runs once more, by `rerun`, and tell the operator what came of it."""
    ordered = busy = 0
    for run in runs:
        if run.state == Account.State.RUNNING:
            busy += 1
        ordered += 1
        rerun(run)
    messages.success(request, f"{ordered} run{'' if ordered == 1 else 's'} ordered again.")
    if busy:
        messages.info(request, f"{busy} of them still counted as running; what really runs is left alone.")
    warn_if_broker_is_away(request)


def warn_if_broker_is_away(request: HttpRequest) -> None:
    """Tell the operator when an order will wait for the broker."""
    try:
        messages_waiting()
    except BROKER_AWAY:
        messages.warning(
            request, "The broker cannot be reached. The order is in the books and starts when it is back."
        )


def window(start: datetime | None, end: datetime | None) -> str:
    """A window of time, the day told once where it is one."""
    if start is None or end is None:
        return "all there is"
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} .. {until}"


def duration(time: timedelta) -> str:
    """How long, in the two largest units that count."""
    seconds = max(0, int(time.total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"


def types(codes: list[str]) -> str:
    """Event types, of which none means all."""
    return ", ".join(codes) or "all"


def state_badge(state: str) -> str:
    """A state, with a coloured dot beside its word."""
    return format_html('<span class="isd-state isd-state-{}">{}</span>', state, state)


def progress_bar(done: int, total: int, text: str) -> str:
    """A bar, and the same in words."""
    bar = '<progress class="isd-progress" value="{}" max="{}" aria-label="{}"></progress> {}'
    return format_html(bar, done, max(total, 1), text, text)


def link(page: str, text: Any, *args: Any, **query: Any) -> str:
    """A link to a page of the admin: `link("ingest_backfill_change", "backfill 3", 3)`."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}", args=args, query=query or None), text)
