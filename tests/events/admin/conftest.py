"""Events for the admin's tests."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.gis.geos import GEOSGeometry

from events.models import Event
from tests.track_scenes import scene  # noqa: F401 - a fixture

EPOCH = datetime(2014, 1, 1, tzinfo=UTC)


def event(n, **columns):
    """An event that starts n hours after 2014, like SPoCA's active regions unless `columns` say otherwise."""
    start = columns.pop("event_starttime", EPOCH + n * timedelta(hours=1))
    given = {
        "kb_archivid": f"ivo://helio-informatics.org/AR_Test_{n:05}",
        "event_type": "AR",
        "event_starttime": start,
        "event_endtime": start + timedelta(hours=4),
        "frm_name": "SPoCA",
        "obs_observatory": "SDO",
        "attributes": {"event_description": "x" * 2000},
        "content_hash": UUID(int=n),
        "source": "test",
        **columns,
    }
    for column, value in given.items():
        if isinstance(value, str) and value.startswith(("POINT", "POLYGON")):
            given[column] = GEOSGeometry(value, srid=0)
    return Event(**given)


@pytest.fixture
def make_event(db):
    """Stores one event: `make_event(3, event_type="FL")`."""

    def make(n=0, **columns):
        made = event(n, **columns)
        made.save()
        return Event.objects.get(pk=made.pk)

    return make


@pytest.fixture
def many_events(db):
    """500 events of three types and methods, of which every fifth has no position."""
    rng = random.Random(2014)
    methods = {"AR": "SPoCA", "FL": "SSW Latest Events", "CE": "CACTus (Computer Aided CME Tracking)"}
    made = []
    for n in range(500):
        code = rng.choice(list(methods))
        x, y = rng.uniform(-60, 60), rng.uniform(-40, 40)
        place = {"hgs_coord": f"POINT({x} {y})", "hpc_coord": f"POINT({10 * x} {10 * y})"} if n % 5 else {}
        made.append(event(n, event_type=code, frm_name=methods[code], **place))
    return Event.objects.bulk_create(made)
