"""A small Sun with tracks of every kind, stored as the ingest would store them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
import shapely
from django.contrib.gis.geos import GEOSGeometry

from events.domain.interpolation import Shape, Sighting, grid, shapes_at
from events.models import Event, Track, TrackEdge, TrackReport
from events.sightings import shape_settings
from ingest import shapes

EPOCH = datetime(2014, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: What the equator drifts to the west in an hour at the middle of the disk, arcsec.
DRIFT = 9.3


def geos(shape):
    return shape and GEOSGeometry(shape.wkt, srid=0)


def blob(x, y, radius):
    """An outline of twelve corners, no circle."""
    return shapely.affinity.scale(shapely.Point(x, y).buffer(radius, quad_segs=3), 1.0, 0.6)


@dataclass
class Scene:
    """Tracks by name, and what stands in each; nothing in it is asked of the code under test."""

    tracks: dict[str, Track] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    sightings: dict[int, list[Sighting]] = field(default_factory=dict)
    alone: dict[str, Event] = field(default_factory=dict)
    shapes: dict[str, list[Shape]] = field(default_factory=dict)

    def event(self, name, event_type, hours, length, outline=None, *, is_box=False, **columns):
        number = Event.objects.count() + 1
        start = EPOCH + hours * HOUR
        boxed = outline and shapely.box(*outline.bounds)
        return Event.objects.create(
            kb_archivid=f"ivo://test/{event_type}_{name}_{number:03}",
            event_type=event_type,
            event_starttime=start,
            event_endtime=start + length * HOUR,
            hpc_bbox=geos(boxed),
            hpc_boundcc=None if is_box else geos(outline),
            **{"hpc_coord": geos(outline and outline.centroid), **columns},
            attributes={},
            content_hash=UUID(int=number),
            source="test",
        )

    def lone(self, name, *args, **kwargs):
        """An event that stands in no track."""
        self.alone[name] = self.event(name, *args, **kwargs)

    def track(self, name, event_type, reports, *, stored=True, frm_name="Region Finder"):
        """A track of reports (hours, length in hours, outline or None, columns); SPoCA's hold at the end."""
        at_end = frm_name == "SPoCA"
        events = [
            self.event(name, event_type, hours, length, outline, frm_name=frm_name, **columns)
            for hours, length, outline, columns in reports
        ]
        outlines = [outline for _, _, outline, _ in reports if outline]
        track = Track.objects.create(
            id=events[0].pk,
            event_type=event_type,
            frm_name=frm_name,
            event_starttime=events[0].event_starttime,
            event_endtime=max(event.event_endtime for event in events),
            report_count=len(events),
            ar_noaanums=sorted({event.ar_noaanum for event in events if event.ar_noaanum}),
            hpc_bbox=geos(shapely.box(*shapely.total_bounds(outlines)) if outlines else None),
        )
        for position, event in enumerate(events):
            TrackReport.objects.create(
                event=event,
                track=track,
                position=position,
                event_starttime=event.event_starttime,
                observed=event.event_endtime if at_end else event.event_starttime,
            )
        for first, second in pairwise(events):
            TrackEdge.objects.create(
                first=first, second=second, kind="follows", source="specificid", probability=1
            )
        self.tracks[name], self.events[name] = track, events
        self.sightings[track.pk] = [
            Sighting(
                event.pk,
                event.event_starttime,
                event.event_endtime,
                shapely.box(*outline.bounds) if columns.get("is_box") else outline,
                None,
                is_box=columns.get("is_box", False),
                observed=event.event_endtime if at_end else None,
            )
            for event, (_, _, outline, columns) in zip(events, reports, strict=True)
            if outline is not None
        ]
        if stored:
            self.store(name)

    def store(self, name):
        """Its shapes on the slots of the cadence."""
        track = self.tracks[name]
        shapes.write([(track.pk, track.event_type, shape) for shape in self.on_slots(name)])

    def on_slots(self, name) -> list[Shape]:
        """The shapes of a track on the slots of the cadence, stored or not."""
        if name not in self.shapes:
            track, how = self.tracks[name], shape_settings()
            slots = grid(track.event_starttime, track.event_endtime, how.step, how.epoch)
            self.shapes[name] = shapes_at(self.sightings[track.pk], slots, how)
        return self.shapes[name]

    def edge(self, first, second, kind, probability=0.7):
        TrackEdge.objects.create(
            first=first, second=second, kind=kind, source="tracker", probability=probability
        )


def moving(x, y, radius, starts, length=4, **columns):
    """Reports of a thing that the Sun carries along, growing a little."""
    return [
        (hours, length, blob(x + DRIFT * (hours - starts[0]), y, radius + 2 * n), columns)
        for n, hours in enumerate(starts)
    ]


@pytest.fixture
def scene(db):
    """Eight tracks of half a day, of which two have no stored shapes, and three events that are in none.

    `parent` splits at 4 h into itself and `child`, which merges into `heir` at 16 h.
    """
    sun = Scene()
    sun.track("parent", "AR", moving(-200, 150, 60, (0, 4, 8, 12), ar_noaanum=12149))
    sun.track("child", "AR", moving(-60, 120, 30, (8, 12)))
    sun.track("heir", "AR", moving(100, 110, 40, (16, 20)), frm_name="SPoCA")
    sun.track("hole", "CH", moving(0, -500, 120, (2.1, 6.3)), stored=False, frm_name="SPoCA")
    sigmoid = moving(300, 200, 50, (3,), length=2, is_box=True)
    sun.track("sigmoid", "SG", sigmoid, frm_name="Sigmoid Sniffer")
    # Three of a day that are known by a point: no outline, no shapes.
    noaa = [
        (24 * day, 24, None, {"hpc_coord": geos(shapely.Point(-700 + 200 * day, -300)), "ar_noaanum": 12150})
        for day in range(2)
    ]
    sun.track("noaa", "AR", noaa, frm_name="NOAA SWPC Observer")
    sun.track("spot", "SS", moving(-400, -200, 20, (5.05,), length=0), frm_name="EGSO_SFC")
    # Over the limb within a few hours.
    sun.track("leaving", "AR", moving(945, 20, 8, (0,), length=20))
    sun.edge(sun.events["parent"][1], sun.events["child"][0], "splits")
    sun.edge(sun.events["child"][1], sun.events["heir"][0], "merges", 0.9)
    sun.lone("flare", "FL", 10, 0.5, blob(100, 100, 20), is_box=True, frm_name="SWPC")
    sun.lone("cme", "CE", 9, 6, shapely.box(900, -200, 2400, 1500), is_box=True, frm_name="CACTus")
    sun.lone("waiting", "AR", 1, 4, blob(-500, 300, 50), frm_name="SPoCA")
    return sun
