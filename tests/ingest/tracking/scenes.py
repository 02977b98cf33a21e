"""Reports for the tests: things that turn with the Sun, and crowds of reports that fit together badly."""

from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from hypothesis import strategies as st

from events.domain.rotation import synodic_rate
from ingest.tracking import Edge, KnownEdge, Report, Settings

START = datetime(2014, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: Everything is so much nearer together than by default that a few days are many horizons.
HURRIED = Settings(
    gap=8 * HOUR,
    association_gap=4 * HOUR,
    noaa_gap=8 * HOUR,
    watch=4 * HOUR,
    cell=8 * HOUR,
    context=4 * HOUR,
    skips=3,
)


def square(longitude: float, latitude: float, side: float = 6.0) -> shapely.Polygon:
    half = side / 2
    return shapely.box(longitude - half, latitude - half, longitude + half, latitude + half)


def report(number: int, hours: float = 0.0, **changes) -> Report:
    """A region of SPoCA's that many hours after START, at the centre of the disk unless told otherwise."""
    start = START + hours * HOUR
    told = {
        "kb_archivid": f"ivo://test/{number:04}",
        "event_type": "AR",
        "method": "SPoCA",
        "start": start,
        "end": start + 4 * HOUR,
        "shape": square(0, 10),
    }
    return Report(id=number, **{**told, **changes})


def passage(first: int, hours: list[float], longitude: float, latitude: float, side: float = 6.0, **changes):
    """The reports of one thing that turns with the Sun, numbered from `first` on."""
    return [
        report(
            first + n,
            hour,
            shape=square(longitude + hour / 24 * float(synodic_rate(latitude)), latitude, side),
            **changes,
        )
        for n, hour in enumerate(hours)
    ]


def follows(edges: list[Edge]) -> set[tuple[int, int]]:
    return {(edge.first, edge.second) for edge in edges if edge.kind == "follows"}


def crowd(seed: int, days: float = 6.0, count: int = 120) -> tuple[list[Report], list[KnownEdge]]:
    """Reports thrown close together in place and time, some with ids and numbers, and associations of any."""
    rng = np.random.default_rng(seed)
    reports = []
    for number in range(count):
        hours = float(rng.integers(0, days * 24 * 2)) / 2
        longitude = hours / 24 * 13.3 + rng.uniform(-12, 12)
        latitude, side = rng.uniform(5, 20), rng.uniform(2, 9)
        bare = rng.random() < 0.15
        reports.append(
            report(
                number,
                hours,
                kb_archivid=f"ivo://test/{rng.integers(10**6)}",
                event_type="AR" if rng.random() < 0.9 else "CH",
                shape=None if bare else square(longitude, latitude, side),
                point=(longitude, latitude) if rng.random() < 0.9 else None,
                specific_id=f"track {rng.integers(6)}" if rng.random() < 0.2 else "",
                noaa=int(12_000 + rng.integers(3)) if rng.random() < 0.2 else None,
                area=float(rng.uniform(1, 9)) if rng.random() < 0.5 else None,
            )
        )
    known = [
        KnownEdge(
            int(rng.integers(count)),
            int(rng.integers(count)),
            str(rng.choice(["is_followed_by", "splits_into", "causes"])),
            float(rng.choice([0.5, 1.0])),
        )
        for _ in range(2 * count)
    ]
    return reports, known


_ANY = st.floats(allow_nan=True, allow_infinity=True)
_DEGREES = st.floats(-200, 200) | st.sampled_from([-180.0, -90.0, 0.0, 90.0, 180.0, 359.0]) | _ANY
_FINITE = _DEGREES.filter(np.isfinite)  # shapely makes no lines and rings of NaN
_RING = st.lists(st.tuples(_FINITE, _FINITE), min_size=3, max_size=12).map(shapely.Polygon)
_SHAPE = (
    st.none()
    | _RING
    | st.tuples(_DEGREES, _DEGREES).map(shapely.Point)
    | st.lists(st.tuples(_FINITE, _FINITE), min_size=2, max_size=3).map(shapely.LineString)
    | st.tuples(_RING, _RING).map(shapely.MultiPolygon)
    | st.sampled_from(
        [
            shapely.Polygon(),
            shapely.GeometryCollection(),
            square(179, 0, 10),
            shapely.Polygon([(175, -5), (-175, -5), (-175, 5), (175, 5)]),
            shapely.Polygon([(0, 0), (5, 5), (5, 0), (0, 5)]),
            shapely.Point(3, 10).buffer(4, quad_segs=100),
            shapely.box(-120, 60, 120, 90),
        ]
    )
)
_NUMBER = st.none() | st.floats(allow_nan=True, allow_infinity=True)

#: Reports as nobody would send them.
WILD = st.builds(
    lambda number, hours, lasts, **changes: report(
        number, hours, end=START + (hours + lasts) * HOUR, **changes
    ),
    number=st.integers(0, 30),
    hours=st.integers(0, 60).map(lambda quarters: quarters / 4),
    lasts=st.sampled_from([-1.0, 0.0, 0.5, 24.0]),
    event_type=st.sampled_from(["AR", "AR", "CH", "CE", "FL", "??"]),
    method=st.sampled_from(["SPoCA", "NOAA SWPC Observer"]),
    shape=_SHAPE,
    point=st.none() | st.tuples(_DEGREES, _DEGREES),
    specific_id=st.sampled_from(["", "", "a", "b"]),
    noaa=st.sampled_from([None, None, 0, 12_001, 12_002]),
    area=_NUMBER,
    intensity=_NUMBER,
)
#: Associations of them, some of reports that are not there.
WILD_KNOWN = st.builds(
    KnownEdge,
    st.integers(0, 40),
    st.integers(0, 40),
    st.sampled_from(["is_followed_by", "splits_into", "merges_into", ""]),
    st.none() | st.floats(allow_nan=True),
)
