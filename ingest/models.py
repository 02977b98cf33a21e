"""The books of the ingest: what was asked of which source, what came of it, what could not be stored."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Backfill(models.Model):
    """A long stretch of time to be filled, cut into runs, one a window."""

    source = models.TextField()
    event_types = models.JSONField(default=list, blank=True, help_text="HEK codes; empty means all")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.source} {self.window_start:%F %R} .. {self.window_end:%F %R}"


class IngestRun(models.Model):
    """One pass over one window of one source, with its account.

    received = created + updated + unchanged + quarantined; a constraint of the database holds it.
    """

    class State(models.TextChoices):
        """Pending and running runs are taken up again after a crash; the others are over."""

        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    source = models.TextField()
    origin = models.TextField(blank=True, default="", help_text="Address or path that was read")
    event_types = models.JSONField(default=list, blank=True, help_text="HEK codes; empty means all")
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    backfill = models.ForeignKey(
        Backfill, null=True, blank=True, on_delete=models.CASCADE, related_name="runs"
    )
    state = models.TextField(choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    associations = models.PositiveIntegerField(default=0, help_text="Edges received, not part of the account")
    error = models.TextField(blank=True, default="")
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="When a pass that failed for now is tried again"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Unfinished runs are few and asked for often."""

        constraints = [
            models.CheckConstraint(
                condition=Q(
                    received=F("created") + F("updated") + F("unchanged") + F("quarantined"),
                ),
                name="ingestrun_account_balances",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"], condition=Q(state__in=["pending", "running"]), name="ingestrun_open"
            ),
            models.Index(fields=["source", "window_start"], name="ingestrun_source_window"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.source} ({self.state})"


class QuarantinedRecord(models.Model):
    """A record that could not be stored, with its payload as it came and the reason."""

    source = models.TextField()
    reason = models.TextField()
    payload = models.TextField(help_text="The record as it came: JSON of its fields, or the raw text")
    payload_hash = models.UUIDField(unique=True)
    run = models.ForeignKey(
        IngestRun, null=True, blank=True, on_delete=models.SET_NULL, help_text="Where it was seen last"
    )
    times_seen = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When a retry stored it")

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"[:120]


class Watermark(models.Model):
    """Until when a source has been polled without a gap. Here, not in the broker, so that none is lost."""

    source = models.TextField(unique=True)
    polled_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} until {self.polled_until:%F %T}"
