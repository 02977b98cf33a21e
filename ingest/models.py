"""The books of the ingest: what was asked of which source, what came of it, what is to be done with it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from events.models import Association


class Backfill(models.Model):
    """A long stretch of time to be filled, cut into runs, one a window."""

    source = models.TextField()
    event_types = models.JSONField(default=list, blank=True, help_text="HEK codes; empty means all")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.source} {self.window_start:%F %R} .. {self.window_end:%F %R}"


class Account(models.Model):
    """How the work on one order stands, and what came of it.

    received = created + updated + unchanged + quarantined; a constraint of the database holds it.
    """

    class State(models.TextChoices):
        """Pending and running runs are taken up again after a crash; the others are over."""

        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    state = models.TextField(choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="When a pass that failed for now is tried again"
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Unfinished runs are few and asked for often."""

        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    received=F("created") + F("updated") + F("unchanged") + F("quarantined"),
                ),
                name="%(class)s_account_balances",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state"], condition=Q(state__in=["pending", "running"]), name="%(class)s_open"
            ),
        ]


class IngestRun(Account):
    """One pass over one window of one source, with its account."""

    source = models.TextField()
    origin = models.TextField(blank=True, default="", help_text="Address or path that was read")
    event_types = models.JSONField(default=list, blank=True, help_text="HEK codes; empty means all")
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    backfill = models.ForeignKey(
        Backfill, null=True, blank=True, on_delete=models.CASCADE, related_name="runs"
    )
    pages = models.PositiveIntegerField(default=0)
    associations = models.PositiveIntegerField(default=0, help_text="Edges received, not part of the account")

    class Meta(Account.Meta):
        """Runs of a source are looked for by time, too."""

        abstract = False
        indexes = [
            *Account.Meta.indexes,
            models.Index(fields=["source", "window_start"], name="ingestrun_source_window"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.source} ({self.state})"


class QuarantinedRecord(models.Model):
    """A record that could not be stored, with its payload as it came and the reason."""

    source = models.TextField()
    reason = models.TextField()
    payload = models.TextField(
        help_text="The record as it came: JSON of its fields, or the raw text; of an image its address"
    )
    payload_hash = models.UUIDField(unique=True)
    run = models.ForeignKey(
        IngestRun, null=True, blank=True, on_delete=models.SET_NULL, help_text="Where it was seen last"
    )
    image_run = models.ForeignKey(
        "ImageRun", null=True, blank=True, on_delete=models.SET_NULL, help_text="The same, of an image"
    )
    times_seen = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When a retry stored it")

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"[:120]


class PolledUntil(models.Model):
    """Until when a source has been polled without a gap. Here, not in the broker, so that none is lost."""

    source = models.TextField(unique=True)
    polled_until = models.DateTimeField()

    class Meta:
        """Sources of events and of images have a table each: the simulator is one of either kind."""

        abstract = True

    def __str__(self) -> str:
        return f"{self.source} until {self.polled_until:%F %T}"


class Watermark(PolledUntil):
    """Of a source of events."""


class ImageWatermark(PolledUntil):
    """Of a source of images."""


class TrackingOrder(models.Model):
    """Reports of one type by one method that start on this day (UTC) have changed: track them again.

    Written by the transaction that changes the events, and never updated: so no writer waits for another,
    and an order that is written while an older one of the same day is worked on is not lost with it.
    """

    event_type = models.CharField(max_length=2)
    frm_name = models.TextField(blank=True, default="")
    day = models.DateField()

    class Meta:
        """Taken by type and time. The method is not indexed: it may be longer than an index takes."""

        indexes = [models.Index(fields=["event_type", "day"], name="trackingorder_type_day")]

    def __str__(self) -> str:
        return f"track {self.event_type} by {self.frm_name} on {self.day}"


class EdgeOrder(models.Model):
    """An association is new or says something new; which reports it is about, is asked when it is taken.

    Asked earlier, a report that another transaction is just storing would be missed.
    """

    association = models.ForeignKey(Association, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"track what association {self.association_id} is about"


class ShapeOrder(models.Model):
    """A track has changed, or is no more: make its stored shapes what they should be."""

    track_id = models.BigIntegerField(primary_key=True, help_text="Of events.Track, which may be gone")
    event_type = models.CharField(max_length=2)
    frm_name = models.TextField(blank=True, default="")
    first_time = models.DateTimeField(help_text="No stored shape of it is earlier")
    last_time = models.DateTimeField(help_text="No stored shape of it is later")

    class Meta:
        """Taken by type, the earliest first."""

        indexes = [models.Index(fields=["event_type", "first_time"], name="shapeorder_type_time")]

    def __str__(self) -> str:
        return f"shapes of track {self.track_id}"


class ImageRun(Account):
    """One small batch of images of one source, with its account.

    Of Helioviewer, a window of one wavelength; of files, some paths, of which only what is of `waves` and in
    the window is taken, where these are given.
    """

    source = models.TextField()
    waves = models.JSONField(default=list, blank=True, help_text="angstrom; empty means any")
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    paths = models.JSONField(default=list, blank=True, help_text="The files to read, of a source of files")

    class Meta(Account.Meta):
        """Polls look for the runs of a source by time."""

        abstract = False
        indexes = [
            *Account.Meta.indexes,
            models.Index(fields=["source", "window_start"], name="imagerun_source_window"),
        ]

    def __str__(self) -> str:
        return f"image run {self.pk} of {self.source} ({self.state})"
