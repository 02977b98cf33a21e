"""What the pages of all runs have in common: state, account, times, and "run again"."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from events.domain.words import utc
from ingest.accounts import is_open
from ingest.admin.common import IngestAdmin, duration, order_again, state_badge
from ingest.models import Account
from ingest.queries import ACCOUNT

#: The part of a page that shows the account, and that with the times.
ACCOUNTED: tuple[str, Any] = (
    "Account: received = created + updated + unchanged + quarantined",
    {"fields": ACCOUNT},
)
TIMES: tuple[str, Any] = (
    "Times (UTC)",
    {"fields": ("queued", "started", "finished", "next_attempt", "attempts", "lasted")},
)


class AccountAdmin(IngestAdmin):
    """One pass each, with its account, and an action that orders it once more."""

    actions = ("run_again",)
    change_form_template = "admin/ingest/account.html"
    #: Orders a run once more: `rerun` of the tasks of its kind.
    rerun: ClassVar[Any]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may order a run again: whoever may change runs (though nobody edits one)."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def is_moving(self, obj: Account) -> bool:
        """While it waits or is worked on."""
        return is_open(obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, told whether its reader may order the run again."""
        context["may_operate"] = self.has_operate_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Run again", permissions=["operate"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Order the chosen runs once more."""
        order_again(request, queryset.order_by("pk"), type(self).rerun)

    @admin.display(description="state")
    def status(self, run: Account) -> str:
        """State."""
        return state_badge(run.state)

    @admin.display(description="account")
    def account(self, run: Account) -> str:
        """The numbers, as the sum that they are; what is 0 is left out."""
        if run.started_at is None:
            return "-"
        parts = [f"{count} {name}" for name in ACCOUNT[1:] if (count := getattr(run, name))]
        return f"{run.received} received{' = ' if parts else ''}{' + '.join(parts)}"

    @admin.display(description="duration")
    def lasted(self, run: Account) -> str:
        """How long the newest attempt took, or has been taking."""
        if run.started_at is None:
            return "-"
        time = duration((run.finished_at or timezone.now()) - run.started_at)
        return time if run.finished_at else f"{time} so far"

    @admin.display(description="error")
    def problem(self, run: Account) -> str:
        """The beginning of the error."""
        return run.error if len(run.error) <= 80 else f"{run.error[:80]}..."

    @admin.display(description="queued")
    def queued(self, run: Account) -> str:
        """When it was ordered."""
        return utc(run.queued_at)

    @admin.display(description="started")
    def started(self, run: Account) -> str:
        """When the newest attempt began."""
        return utc(run.started_at)

    @admin.display(description="finished")
    def finished(self, run: Account) -> str:
        """When it was over."""
        return utc(run.finished_at)

    @admin.display(description="next attempt")
    def next_attempt(self, run: Account) -> str:
        """When a pass that failed for now is tried again."""
        return utc(run.not_before)
