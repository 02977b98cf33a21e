"""Reports of solar events, their earlier versions, and the edges that HEK tells between them."""

from datetime import datetime
from typing import Any

from django.contrib.gis.db import models
from django.contrib.gis.geos import Polygon
from django.contrib.postgres.fields import DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Greatest, Now

from events.domain.vocabulary import EVENT_TYPES, GEOMETRY_COLUMNS, observed_at

#: Planar coordinates without an Earth: arcseconds (hpc), degrees (hgs, hgc), solar radii and degrees (hrc).
SRID = 0


def _shape(kind: type[models.GeometryField] = models.GeometryField) -> Any:
    return kind(srid=SRID, null=True, blank=True, spatial_index=False)


def _usable(column: str) -> models.CheckConstraint:
    """A polygon must be valid. A point always is, even of NaN, so it must lie somewhere."""
    if column.endswith("_coord"):
        somewhere = Polygon.from_bbox((-1e7, -1e7, 1e7, 1e7))
        somewhere.srid = SRID
        return models.CheckConstraint(
            condition=Q(**{f"{column}__coveredby": somewhere}), name=f"event_{column}_finite"
        )
    return models.CheckConstraint(condition=Q(**{f"{column}__isvalid": True}), name=f"event_{column}_valid")


class Event(models.Model):
    """One report of one event, in its newest revision.

    `attributes` holds every non-empty attribute as sent, under canonical JSON types; the columns are what we
    make of it: typed, normalised, geometry repaired or computed where `geometry_notes` says so.
    """

    kb_archivid = models.TextField(db_collation="C")
    event_type = models.CharField(max_length=2, choices=[(t.code, t.concept) for t in EVENT_TYPES.values()])
    event_starttime = models.DateTimeField()
    event_endtime = models.DateTimeField()
    event_peaktime = models.DateTimeField(null=True, blank=True)
    period = models.GeneratedField(
        # The later of both as the end, so that a reversed event is refused by its constraint, by name, and
        # not by a range that cannot be made.
        expression=Func(
            F("event_starttime"),
            Greatest("event_starttime", "event_endtime"),
            Value("[]"),
            function="tstzrange",
        ),
        output_field=DateTimeRangeField(),
        db_persist=True,
        help_text="The event's duration, both ends included.",
    )

    frm_name = models.TextField(blank=True, default="")
    frm_specificid = models.TextField(blank=True, default="", help_text="The method's own id, of a track")
    obs_observatory = models.TextField(blank=True, default="")
    obs_instrument = models.TextField(blank=True, default="")
    obs_channelid = models.TextField(blank=True, default="")
    obs_meanwavel = models.FloatField(null=True, blank=True, help_text="Mean wavelength, cm")
    ar_noaanum = models.IntegerField(null=True, blank=True, help_text="NOAA number in five digits")
    fl_goescls = models.TextField(blank=True, default="")
    goes_flux = models.FloatField(null=True, blank=True, help_text="GOES class as peak flux, W/m2")

    hpc_coord = _shape(models.PointField)
    hpc_bbox = _shape()
    hpc_boundcc = _shape()
    hgs_coord = _shape(models.PointField)
    hgs_bbox = _shape()
    hgs_boundcc = _shape()
    hgc_coord = _shape(models.PointField)
    hgc_bbox = _shape()
    hgc_boundcc = _shape()
    hrc_coord = _shape(models.PointField)
    hrc_bbox = _shape()
    hrc_boundcc = _shape()
    geometry_notes = models.JSONField(
        default=dict, blank=True, help_text="Column -> what was done to it: computed, repaired, dropped, ..."
    )

    attributes = models.JSONField(help_text="Every non-empty attribute as sent, canonical types")
    revision = models.IntegerField(default=1)
    kb_archivdate = models.DateTimeField(null=True, blank=True)
    content_hash = models.UUIDField(help_text="Of the attributes; equal content is never written twice")
    source = models.TextField(help_text="Where this revision came from")
    ingested_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """B-trees serve what is ordered by start, the GiST what is asked by type, time and place."""

        indexes = [
            models.Index(fields=["event_type", "event_starttime"], name="event_type_start"),
            models.Index(fields=["event_starttime"], name="event_start"),
            models.Index(fields=["ar_noaanum"], condition=Q(ar_noaanum__isnull=False), name="event_noaanum"),
            models.Index(fields=["frm_specificid"], condition=~Q(frm_specificid=""), name="event_specificid"),
            models.Index(fields=["goes_flux"], condition=Q(goes_flux__isnull=False), name="event_goes_flux"),
            # Flares of a method and class over years, in order and page by page: of those in between only
            # the index is read.
            models.Index(
                fields=["event_starttime", "frm_name", "goes_flux"],
                condition=Q(event_type="FL"),
                name="event_flares",
            ),
            GistIndex(fields=["event_type", "period", "hpc_bbox"], name="event_type_period_bbox"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kb_archivid"], name="event_kb_archivid_once"),
            models.CheckConstraint(
                condition=Q(event_endtime__gte=F("event_starttime")), name="event_end_not_before_start"
            ),
            models.CheckConstraint(condition=Q(event_type__in=list(EVENT_TYPES)), name="event_known_type"),
            models.CheckConstraint(condition=~Q(kb_archivid=""), name="event_has_kb_archivid"),
            *(_usable(column) for column in GEOMETRY_COLUMNS),
        ]

    def __str__(self) -> str:
        return self.kb_archivid

    @property
    def instant(self) -> datetime:
        """When its shape holds."""
        return observed_at(self.frm_name, self.event_starttime, self.event_endtime)


class EventVersion(models.Model):
    """What was once, or in another copy, reported under the same kb_archivid, and is not the newest."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="versions")
    revision = models.IntegerField()
    kb_archivdate = models.DateTimeField(null=True)
    content_hash = models.UUIDField()
    attributes = models.JSONField()
    source = models.TextField()
    superseded_at = models.DateTimeField(db_default=Now())

    class Meta:
        """One row a content: a repeated old report is not kept twice."""

        constraints = [
            models.UniqueConstraint(fields=["event", "content_hash"], name="eventversion_content_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} revision {self.revision}"


class Association(models.Model):
    """An edge between two reports, as HEK tells it; an end need not be stored here (yet)."""

    first_ivorn = models.TextField(db_collation="C")
    second_ivorn = models.TextField(db_collation="C")
    edge_type = models.TextField(help_text="is_followed_by, splits_into, merges_into, causes, contains, ...")
    first_event_type = models.TextField(blank=True, default="")
    second_event_type = models.TextField(blank=True, default="")
    first_id = models.BigIntegerField(null=True, blank=True, help_text="HEK's internal number")
    second_id = models.BigIntegerField(null=True, blank=True, help_text="HEK's internal number")
    strength = models.FloatField(null=True, blank=True)
    reported_by = models.TextField(blank=True, default="")
    source = models.TextField()

    class Meta:
        """Found from either end."""

        constraints = [
            models.UniqueConstraint(
                fields=["first_ivorn", "second_ivorn", "edge_type"], name="association_once"
            ),
        ]
        indexes = [models.Index(fields=["second_ivorn"], name="association_second")]

    def __str__(self) -> str:
        return f"{self.first_ivorn} {self.edge_type} {self.second_ivorn}"
