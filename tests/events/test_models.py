"""What the database itself refuses, whoever writes."""

import math
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.gis.geos import GEOSGeometry, Point
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from events.domain.vocabulary import GEOMETRY_COLUMNS
from events.models import Association, Event, EventVersion, Track, TrackReport
from ingest.models import IngestRun

pytestmark = pytest.mark.django_db
START = datetime(2014, 1, 1, tzinfo=UTC)
BOW_TIE = "POLYGON((0 0,2 2,2 0,0 2,0 0))"


def stored(**changes):
    values = {
        "kb_archivid": "ivo://test/1",
        "event_type": "AR",
        "event_starttime": START,
        "event_endtime": START + timedelta(hours=4),
        "attributes": {},
        "content_hash": UUID(int=1),
        "source": "test",
    }
    return Event.objects.create(**{**values, **changes})


def refused(constraint, **changes):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        stored(**changes)


def test_end_before_start():
    refused("event_end_not_before_start", event_endtime=START - timedelta(seconds=1))
    stored(event_endtime=START)


def test_unknown_type():
    refused("event_known_type", event_type="ZZ")


def test_no_identity_or_one_twice():
    refused("event_has_kb_archivid", kb_archivid="")
    stored()
    refused("event_kb_archivid_once")


@pytest.mark.parametrize("column", [c for c in GEOMETRY_COLUMNS if not c.endswith("coord")])
def test_invalid_geometry(column):
    refused(f"event_{column}_valid", **{column: GEOSGeometry(BOW_TIE, srid=0)})
    stored(**{column: GEOSGeometry("POLYGON((0 0,2 0,2 2,0 0))", srid=0)})


@pytest.mark.parametrize("column", [c for c in GEOMETRY_COLUMNS if c.endswith("coord")])
def test_a_point_that_is_no_number(column):
    for nowhere in (Point(math.nan, math.nan), Point(math.nan, 1), Point(1e300, 1), Point(1, math.inf)):
        nowhere.srid = 0
        refused(f"event_{column}_finite", **{column: nowhere})
    stored(**{column: GEOSGeometry("POINT(1 2)", srid=0)})


def test_period_is_closed_and_follows_its_columns():
    event = stored(event_endtime=START)
    event.refresh_from_db()
    assert (event.period.lower, event.period.upper, event.period.upper_inc) == (START, START, True)
    Event.objects.update(event_endtime=START + timedelta(hours=1))
    event.refresh_from_db()
    assert event.period.upper == START + timedelta(hours=1)


def test_a_version_and_an_association_are_kept_once():
    version = {"event": stored(), "revision": 1, "content_hash": UUID(int=7), "attributes": {}, "source": ""}
    EventVersion.objects.create(**version)
    with pytest.raises(IntegrityError, match="eventversion_content_once"), transaction.atomic():
        EventVersion.objects.create(**version)
    edge = {"first_ivorn": "a", "second_ivorn": "b", "edge_type": "splits_into", "source": ""}
    Association.objects.create(**edge)
    with pytest.raises(IntegrityError, match="association_once"), transaction.atomic():
        Association.objects.create(**edge)


def test_a_shape_that_holds_before_its_report_starts():
    event = stored()
    track = Track.objects.create(
        id=event.pk, event_type="AR", report_count=1, event_starttime=START, event_endtime=event.event_endtime
    )
    place = {"event": event, "track": track, "position": 0, "event_starttime": START}
    with pytest.raises(IntegrityError, match="trackreport_observed_from_start"), transaction.atomic():
        TrackReport.objects.create(**place, observed=START - timedelta(seconds=1))
    TrackReport.objects.create(**place, observed=START)


def test_an_account_that_does_not_balance():
    with pytest.raises(IntegrityError, match="ingestrun_account_balances"), transaction.atomic():
        IngestRun.objects.create(source="test", received=3, created=1, updated=1)
    IngestRun.objects.create(source="test", received=4, created=1, updated=1, unchanged=1, quarantined=1)


@pytest.mark.django_db(transaction=True)
def test_every_migration_goes_back_and_forth():
    def tables():
        names = connection.introspection.table_names()
        return {t for t in names if t.startswith(("events_", "ingest_"))}

    before = tables()
    call_command("migrate", "ingest", "zero", verbosity=0)
    call_command("migrate", "events", "zero", verbosity=0)
    assert tables() == set()
    call_command("migrate", verbosity=0)
    assert tables() == before


def test_migrations_are_named_for_what_they_do():
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415 - needs the database

    ours = [n for app, n in MigrationLoader(connection).disk_migrations if app in ("events", "ingest")]
    assert ours
    assert not [name for name in ours if "auto" in name or name.endswith("initial")]
