"""What the tracker makes of events: which reports are of one thing, how they belong together, shapes in time.

All of it can be made again from the events; nothing here was reported.
"""

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from events.domain.vocabulary import EVENT_TYPES
from events.models.events import SRID, Event


class Track(models.Model):
    """A trajectory: a maximal chain of reports by one method, each followed by the next.

    Its id is that of its first report. So it follows from the events alone, and where an earlier report
    arrives late, the id of before is still that of a report in the track, by which the track can be asked.
    """

    id = models.BigIntegerField(primary_key=True, help_text="The id of its first report")
    event_type = models.CharField(max_length=2, choices=[(t.code, t.concept) for t in EVENT_TYPES.values()])
    frm_name = models.TextField(blank=True, default="")
    event_starttime = models.DateTimeField(help_text="Start of the first report")
    event_endtime = models.DateTimeField(help_text="The latest end of its reports")
    period = models.GeneratedField(
        expression=Func(F("event_starttime"), F("event_endtime"), Value("[]"), function="tstzrange"),
        output_field=DateTimeRangeField(),
        db_persist=True,
        help_text="The track's life, both ends included.",
    )
    report_count = models.IntegerField()
    ar_noaanums = ArrayField(models.IntegerField(), default=list, help_text="NOAA numbers of its reports")
    hpc_bbox = models.PolygonField(
        srid=SRID, null=True, spatial_index=False, help_text="Envelope of its reports' shapes, arcsec"
    )
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """Asked like events: by type, time and place."""

        indexes = [
            models.Index(fields=["event_type", "event_starttime"], name="track_type_start"),
            models.Index(fields=["event_starttime"], name="track_start"),
            GistIndex(fields=["event_type", "period", "hpc_bbox"], name="track_type_period_bbox"),
            GinIndex(fields=["ar_noaanums"], name="track_noaanums"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(report_count__gt=0), name="track_has_reports"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.pk}"


class TrackReport(models.Model):
    """The place of a report in its track; an event of a type that is tracked stands in exactly one."""

    event = models.OneToOneField(Event, on_delete=models.CASCADE, primary_key=True, related_name="in_track")
    track = models.ForeignKey(Track, on_delete=models.CASCADE, related_name="reports")
    position = models.IntegerField(help_text="0 is the first")
    event_starttime = models.DateTimeField(help_text="The event's, for a search by track and time")
    observed = models.DateTimeField(help_text="When its shape holds: the event's start, or its end")
    skipped = models.TextField(blank=True, default="", help_text="Why the tracker could not use it, or empty")
    interpolated_from = models.UUIDField(
        null=True, help_text="Of all that the stored shapes from here to the next report were made of"
    )

    class Meta:
        """Found by its track, in order."""

        constraints = [
            models.UniqueConstraint(fields=["track", "position"], name="trackreport_position_once"),
            models.CheckConstraint(
                condition=Q(observed__gte=F("event_starttime")), name="trackreport_observed_from_start"
            ),
        ]
        indexes = [
            models.Index(fields=["track", "event_starttime"], name="trackreport_track_start"),
            models.Index(fields=["track", "observed"], name="trackreport_track_observed"),
        ]

    def __str__(self) -> str:
        return f"{self.track_id}[{self.position}]"


class TrackEdge(models.Model):
    """What became of a report: the edges of the tracks' graph."""

    class Kind(models.TextChoices):
        """`follows` runs inside a track, the others between tracks."""

        FOLLOWS = "follows"
        SPLITS = "splits"
        MERGES = "merges"

    class Source(models.TextChoices):
        """Who says so, the most trusted first."""

        ASSOCIATION = "association", "HEK's own edge"
        SPECIFICID = "specificid", "the method's own id"
        NOAANUM = "noaanum", "the NOAA number"
        TRACKER = "tracker", "our tracker"

    first = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="edges_out")
    second = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="edges_in")
    kind = models.TextField(choices=Kind.choices)
    source = models.TextField(choices=Source.choices)
    probability = models.FloatField(help_text="1 where it was reported, else the tracker's own estimate")

    class Meta:
        """One edge a pair."""

        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="trackedge_once"),
            models.CheckConstraint(condition=~Q(first=F("second")), name="trackedge_not_to_itself"),
            models.CheckConstraint(
                condition=Q(probability__gte=0, probability__lte=1), name="trackedge_probability"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_id} {self.kind} {self.second_id}"


class TrackShape(models.Model):
    """The shape of a track at one instant of the cadence (ISD_SHAPE_CADENCE), seen from the Earth.

    The table is partitioned by month; the writer makes the partitions.
    """

    class Origin(models.TextChoices):
        """How much of it was seen."""

        REPORTED = "reported"
        INTERPOLATED = "interpolated"
        EXTRAPOLATED = "extrapolated"

    pk = models.CompositePrimaryKey("track_id", "time")
    # No constraint in the database: it would be checked for each of millions of rows, all made by one writer.
    track = models.ForeignKey(
        Track, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="shapes"
    )
    time = models.DateTimeField()
    event_type = models.CharField(max_length=2, help_text="The track's")
    method = models.TextField(help_text="reported, blend, MBR, CP, FI, areal, rotation, held")
    origin = models.TextField(choices=Origin.choices)
    repaired = models.BooleanField()
    report_id = models.BigIntegerField(null=True, help_text="The event whose own shape this is")
    area = models.FloatField(help_text="On the plane of the sky, arcsec2")
    hpc = models.PolygonField(srid=SRID, spatial_index=False, help_text="arcsec")

    class Meta:
        """Asked by track and time, or by time alone: at one instant few things are on the Sun.

        The table is made by SQL in its migration, since Django knows no partitions: so is every change of it.
        """

        indexes = [models.Index(fields=["time", "event_type"], name="trackshape_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__in=["reported", "interpolated", "extrapolated"]), name="trackshape_origin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.track_id} at {self.time:%FT%T}"
