"""What every method has to keep, and that ours reaches what the published methods do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import interpolation as bench
from events.domain.almanac import earth_at
from events.domain.frames import Observer, convert
from events.domain.interpolation import DEFAULT, GSU, Settings, Sighting, grid, rotated_to, shapes_at

START = datetime(2014, 6, 1, 1, 3, 17, tzinfo=UTC)
GAP = timedelta(hours=4)
FORCED = ("MBR", "CP", "FI", "areal", "blend")
NO_SLOTS = timedelta(microseconds=1)


def wavy(count: int, x: float, y: float, *, long: float = 60, wide: float = 40) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + 0.1
    radius = 1 + 0.15 * np.sin(3 * angle)
    return shapely.Polygon(
        np.column_stack((x + long * radius * np.cos(angle), y + wide * radius * np.sin(angle)))
    )


def track(
    first: shapely.Geometry, second: shapely.Geometry, gap: timedelta = GAP, *, is_box: bool = False
) -> list[Sighting]:
    return [
        Sighting(1, START, START + gap, first, None, is_box),
        Sighting(2, START + gap, START + 2 * gap, second, None, is_box),
    ]


def iou(one: shapely.Geometry, other: shapely.Geometry) -> float:
    return one.intersection(other).area / one.union(other).area


PAIRS = {
    "regions": (wavy(30, 100, 200), wavy(24, 140, 210, long=50)),
    "few vertices": (wavy(3, -200, 100), wavy(5, -160, 105)),
    "many vertices": (wavy(400, 300, -200), wavy(400, 330, -195, wide=50)),
    "filaments": (wavy(40, 0, 300, long=200, wide=15), wavy(40, 35, 305, long=190, wide=18)),
    "not touching": (wavy(20, -300, 0), wavy(20, 200, 50)),
    "at the limb": (wavy(20, 905, 60), wavy(24, 925, 62)),
    "beside the disk": (wavy(20, 1005, 60), wavy(24, 1030, 62)),
}


@pytest.mark.parametrize("mode", ["correct", "gsu"])
@pytest.mark.parametrize("method", FORCED)
@pytest.mark.parametrize("pair", PAIRS)
def test_just_after_and_before_a_report_the_shape_is_the_report(pair: str, method: str, mode: str):
    first, second = PAIRS[pair]
    times = [START + GAP * 1e-5, START + GAP * (1 - 1e-5)]
    near = shapes_at(track(first, second), times, Settings(method, mode, step=NO_SLOTS))
    assert [shape.origin for shape in near] == ["interpolated"] * 2
    for shape, truth in zip(near, (first, second), strict=True):
        assert iou(shape.hpc, truth.envelope if shape.method == "MBR" else truth) > 0.99


def test_slots_are_multiples_of_the_step_and_a_report_keeps_its_own():
    step, epoch = timedelta(minutes=10), datetime(2010, 5, 1, tzinfo=UTC)
    reports = track(*PAIRS["regions"])
    slots = grid(reports[0].start, reports[-1].end, step, epoch)
    shapes = shapes_at(reports, slots, Settings(step=step, epoch=epoch))
    assert [shape.time for shape in shapes] == slots
    assert {(slot - epoch) % step for slot in slots} == {timedelta(0)}
    assert set(np.diff(slots).tolist()) == {step}
    assert slots[0] - step < reports[0].start <= slots[0]
    assert slots[-1] <= reports[-1].end < slots[-1] + step
    own = {shape.report: shape for shape in shapes if shape.origin == "reported"}
    for report in reports:
        assert own[report.id].hpc == report.hpc
        assert timedelta(0) <= own[report.id].time - report.start < step
    assert [shape.origin for shape in shapes] == (
        ["reported"] + ["interpolated"] * 23 + ["reported"] + ["extrapolated"] * 23
    )


#: B0 = 0, and a distance of as many radii (6.96e5 km) as in the original's code.
ORIGINAL = Observer(0.0, 0.0, 1.49597870691e8 * 695_700 / 696_000)


@pytest.mark.parametrize(("using", "rate"), [(DEFAULT, 13.285), (GSU, 14.270)])
def test_an_extrapolated_point_moves_at_the_measured_rate(using: Settings, rate: float):
    # Measured at 13.75 deg: the sidereal rate on published output, the synodic one follows from it.
    begin = datetime(2014, 6, 1, 1, 10, tzinfo=UTC)  # on a slot of either step
    day = begin + timedelta(days=1)
    seen, later = (ORIGINAL, ORIGINAL) if using is GSU else (earth_at([begin]), earth_at([day]))
    corners = np.array([[-20.0, 13.75], [-19.0, 13.75], [-19.5, 15.0]])
    hpc = convert(corners[:, 0], corners[:, 1], "hgs", "hpc", seen)
    reported = shapely.Polygon(np.column_stack((hpc.x, hpc.y)))
    shape = rotated_to(Sighting(1, begin, begin, reported, None, is_box=False), day, using)
    assert shape is not None
    x, y = shapely.get_coordinates(shape.hpc).T
    moved = convert(x, y, "hpc", "hgs", later)
    west = np.argmin(moved.x)
    assert moved.x[west] + 20.0 == pytest.approx(rate, abs=0.003)
    assert moved.y[west] == pytest.approx(13.75, abs=0.001)


@st.composite
def stars(draw: st.DrawFn) -> shapely.Polygon:
    count = draw(st.sampled_from([3, 4, 6, 15, 60]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(0.6, 1, count) * draw(st.floats(3, 150))
    place, away = draw(st.floats(0, 6.28)), draw(st.floats(0, 1100))
    x, y = away * np.cos(place), away * np.sin(place)
    flat = draw(st.floats(0.1, 1))
    return shapely.Polygon(
        np.column_stack((x + radius * np.cos(angle), y + flat * radius * np.sin(angle)))
    ).buffer(0.5, quad_segs=1)


@given(
    st.tuples(stars(), stars()),
    st.sampled_from(["auto", *FORCED]),
    st.sampled_from(["correct", "gsu"]),
    st.sampled_from([0.01, 4.0, 30.0, 100.0]),
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=3),
)
@settings(max_examples=50)
def test_every_shape_is_one_valid_ring_with_area_whatever_else_is_asked(
    pair: tuple[shapely.Polygon, shapely.Polygon],
    method: str,
    mode: str,
    hours: float,
    fractions: list[float],
):
    reports = track(*pair, timedelta(hours=hours))
    using = Settings(method, mode, step=NO_SLOTS)
    times = [START + timedelta(hours=hours) * fraction for fraction in fractions]
    together = shapes_at(reports, times, using)
    assert [shape.time for shape in together] == times
    for shape in together:
        assert shape.hpc.is_valid
        assert shape.hpc.geom_type == "Polygon"
        assert not shape.hpc.interiors
        assert shape.area >= 0.49 * min(polygon.area for polygon in pair)
    assert [shapes_at(reports, [time], using)[0] for time in times] == together


@pytest.mark.parametrize("method", ["auto", *FORCED])
@pytest.mark.parametrize("pair", ["regions", "filaments", "not touching", "at the limb"])
def test_where_an_outline_begins_and_which_way_it_goes_does_not_matter(pair: str, method: str):
    def turned(polygon: shapely.Polygon, by: int) -> shapely.Polygon:
        return shapely.Polygon(np.roll(shapely.get_coordinates(polygon)[:-1], by, axis=0)[::-1])

    first, second = PAIRS[pair]
    times = [START + GAP * fraction for fraction in (0.2, 0.5, 0.9)]
    using = Settings(method)
    plain = shapes_at(track(first, second), times, using)
    other = shapes_at(track(turned(first, 7), turned(second, 3)), times, using)
    assert [shape.method for shape in other] == [shape.method for shape in plain]
    for one, two in zip(plain, other, strict=True):
        assert iou(one.hpc, two.hpc) > 1 - 1e-6


def test_ours_is_nearer_to_the_report_left_out_than_the_published_methods(real_data: Path):
    triples = bench.triples(bench.tracks(real_data))
    assert len(triples) == 64

    def means(predict: bench.Predict) -> bench.Score:
        found = bench.scores(predict, triples)
        fields = ("iou", "coverage", "centroid", "area", "hausdorff")
        return bench.Score(*(fmean(getattr(score, field) for score in found) for field in fields))

    # The same methods derotated, and the blend alone, are rows of the benchmark only.
    wanted = {
        name: predict
        for name, predict in bench.predictions().items()
        if name == bench.DEFAULT_ROW or not ("derotated" in name or name.startswith("**"))
    }
    rows = {name: means(predict) for name, predict in wanted.items()}
    ours = rows.pop(bench.DEFAULT_ROW)
    for name, theirs in rows.items():
        assert ours.iou > theirs.iou + 0.03, name
        assert ours.coverage > theirs.coverage, name
        assert ours.centroid < theirs.centroid, name
        assert abs(ours.area - 1) < abs(theirs.area - 1), name
        assert ours.hausdorff < theirs.hausdorff, name
