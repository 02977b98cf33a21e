"""Every rule for reported shapes: what is kept, mended, given up, and the note that tells it."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

from events.domain import shapes as shapes_module
from events.domain.shapes import LEAST_AREA, MOST_VERTICES, RANGES, read, tidy, whole_sun

SQUARE = "POLYGON((0 0,10 0,10 10,0 10,0 0))"


def one(
    text: str, column: str = "hpc_boundcc", *, splits: bool = True
) -> tuple[shapely.Geometry | None, str]:
    """The shape and the note of a text in a column, both steps joined."""
    frame, _, shape = column.partition("_")
    shapes, read_notes = read([text])
    shapes, notes = tidy(shapes, frame, shape, np.array([splits]))
    return shapes[0], "+".join(filter(None, (read_notes.get(0), notes.get(0))))


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))",
        "polygon((0 0,10 0,10 10,0 10,0 0))",
        "  POLYGON((0 0,10 0,10 10,0 10,0 0))",
        shapely.box(0, 0, 10, 10).wkb_hex,
        shapely.to_wkb(shapely.box(0, 0, 10, 10), hex=True, byte_order=0).lower(),
        shapely.to_wkb(shapely.set_srid(shapely.box(0, 0, 10, 10), 4326), hex=True, include_srid=True),
    ],
)
def test_good_shapes_are_kept_without_a_note(text: str) -> None:
    shape, note = one(text)
    assert note == ""
    assert shape.equals(shapely.box(0, 0, 10, 10))


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("", "hpc_bbox", "unreadable"),
        ("n/a", "hpc_bbox", "unreadable"),
        ("POLYGON((0 0,1 1", "hpc_bbox", "unreadable"),
        ("POLYGON((nan 0,1 1,2 0,nan 0))", "hpc_bbox", "unreadable"),
        ("LINESTRING(0 0,1 1)", "hpc_bbox", "unreadable"),
        ("CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))", "hpc_bbox", "unreadable"),
        ("GEOMETRYCOLLECTION(" * 100_000, "hpc_bbox", "unreadable"),
        ("0103000000FFFFFFFF", "hpc_bbox", "unreadable"),
        ("010600000001000000010A000000", "hpc_bbox", "unreadable"),
        ("POLYGON EMPTY", "hpc_bbox", "empty"),
        ("POINT EMPTY", "hpc_coord", "empty"),
        ("POINT(1 2)", "hpc_bbox", "kind"),
        (SQUARE, "hpc_coord", "kind"),
        ("POINT(nan 2)", "hpc_coord", "range"),
        ("POINT(1 inf)", "hgs_coord", "range"),
        ("POLYGON((0 0,1e400 0,0 1,0 0))", "hpc_boundcc", "range"),
        ("POLYGON((0 0,1e9 0,0 1e9,0 0))", "hpc_boundcc", "range"),
        ("POINT(10 91)", "hgs_coord", "range"),
        ("POINT(361 1)", "hgc_coord", "range"),
        ("POINT(-0.5 100)", "hrc_coord", "range"),
        ("POLYGON((1 1,1 1,1 1,1 1,1 1))", "hgs_bbox", "degenerate"),
        ("POLYGON((0 0,0 0,0 0))", "hpc_bbox", "degenerate"),
        ("POLYGON((0 0,5 0,10 0,0 0))", "hpc_bbox", "degenerate"),
    ],
)
def test_unusable_shapes_are_dropped_and_say_why(text: str, column: str, why: str) -> None:
    assert one(text, column) == (None, f"dropped:{why}")


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("POLYGON((0 0,10 0,10 10,0 10))", 100),  # not closed
        ("POLYGON Z((0 0 1,10 0 1,10 10 1,0 10 1,0 0 1))", 100),
        ("POLYGON M((0 0 1,10 0 1,10 10 1,0 10 1,0 0 1))", 100),
        ("POLYGON((0 0,10 10,10 0,0 10,0 0))", 50),  # two triangles
        ("POLYGON((0 0,10 0,10 10,10 15,10 10,0 10,0 0))", 100),  # a spike
        ("POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,4 2,4 4,2 4,2 2),(3 3,5 3,5 5,3 5,3 3))", 93),
        ("MULTIPOLYGON(((0 0,10 0,10 10,0 10,0 0)),((5 0,15 0,15 10,5 10,5 0)))", 150),
    ],
)
def test_repairs_keep_the_polygonal_part(text: str, area: float) -> None:
    shape, note = one(text)
    assert note == "repaired"
    assert shape.is_valid
    assert shapely.get_coordinate_dimension(shape) == 2
    assert shape.area == pytest.approx(area)


def test_a_third_dimension_of_a_point_is_cut_off() -> None:
    shape, note = one("POINT Z(1 2 3)", "hpc_coord")
    assert (shape.wkt, note) == ("POINT (1 2)", "repaired")


def test_too_many_vertices_are_thinned_out() -> None:
    angle = np.linspace(0, 2 * np.pi, 4 * MOST_VERTICES)
    wiggly = 500 + np.sin(500 * angle)
    outline = shapely.Polygon(np.column_stack((wiggly * np.cos(angle), wiggly * np.sin(angle))))
    shape, note = one(outline.wkt)
    assert note == "repaired"
    assert shapely.get_num_coordinates(shape) <= MOST_VERTICES
    assert shape.is_valid
    assert shape.symmetric_difference(outline).area < 0.01 * outline.area


@pytest.mark.parametrize(
    ("text", "column", "note", "area", "inside"),
    [
        ("POLYGON((170 0,-170 0,-170 10,170 10,170 0))", "hgc_bbox", "split", 200, (-179, 5)),
        ("POLYGON((170 0,190 0,190 10,170 10,170 0))", "hgc_boundcc", "split", 200, (-179, 5)),
        ("POLYGON((190 0,200 0,200 10,190 10,190 0))", "hgc_boundcc", "wrapped", 100, (-165, 5)),
        ("POLYGON((0 80,90 80,180 80,-90 80,0 80))", "hgs_boundcc", "split", 3600, (-135, 85)),
        ("POLYGON((0 -80,90 -80,180 -80,-90 -80,0 -80))", "hgs_boundcc", "split", 3600, (-135, -85)),
        ("POLYGON((0.5 350,0.6 350,0.6 10,0.5 10,0.5 350))", "hrc_boundcc", "split", 2, (0.55, 5)),
        ("POLYGON((0.5 0,0.5 90,0.5 180,0.5 270,0.5 0))", "hrc_boundcc", "split", 180, (0.25, 300)),
    ],
)
def test_jumps_of_the_angle_are_cut_at_the_wrap(text, column, note, area, inside) -> None:
    shape, noted = one(text, column)
    assert noted == note
    assert shape.is_valid
    assert shape.area == pytest.approx(area)
    assert shape.contains(shapely.Point(inside))
    assert not shape.contains(shapely.Point(0.9, 0.9))


def test_a_hole_goes_with_its_outline_over_the_wrap() -> None:
    hole = "(-178 4,-174 4,-174 6,-178 6,-178 4)"
    shape, note = one(f"POLYGON((170 0,-170 0,-170 10,170 10,170 0),{hole})", "hgc_boundcc")
    assert note == "split"
    assert shape.area == pytest.approx(200 - 8)
    assert not shape.intersects(shapely.Point(-176, 5))


def test_a_box_given_by_its_own_sides_may_be_wide() -> None:
    wide = "POLYGON((2 10,2 350,30 350,30 10,2 10))"
    assert one(wide, "hrc_bbox", splits=False) == (shapely.from_wkt(wide), "")
    assert one("POLYGON((-120 60,120 60,120 80,-120 80,-120 60))", "hgs_bbox", splits=False)[0].area == 4800


def test_longitudes_of_points_are_wrapped() -> None:
    shape, note = one("POINT(190 5)", "hgc_coord")
    assert (shape.wkt, note) == ("POINT (-170 5)", "wrapped")
    assert one("POINT(180 5)", "hgc_coord")[1] == ""


def test_the_placeholder_for_the_whole_sun() -> None:
    boxes = read(
        [
            "POLYGON((-89.9 -89.9,89.9 -89.9,89.9 89.9,-89.9 89.9,-89.9 -89.9))",
            "POLYGON((-88 -90,90 -90,90 90,-88 90,-88 -90))",
            "POLYGON((1 1,2 1,2 2,1 2,1 1))",
            "nothing",
        ]
    ).geometries
    assert whole_sun(boxes).tolist() == [True, False, False, False]


def test_columns_are_judged_whole_and_in_order() -> None:
    shapes, notes = read([SQUARE, "junk", "POLYGON((0 0,10 0,10 10))"])
    tidied, judged = tidy(shapes, "hpc", "bbox", np.zeros(3, dtype=bool))
    assert [shape and shape.area for shape in tidied] == [100, None, 50]
    assert (notes, judged) == ({2: "repaired"}, {1: "dropped:unreadable"})
    assert read([]).geometries.size == 0
    assert tidy(read([]).geometries, "hgs", "coord", np.zeros(0, dtype=bool)).geometries.size == 0


NUMBER = st.one_of(
    st.integers(-400, 400),
    st.floats(-800_000, 800_000),
    st.floats(-200, 200),
    st.sampled_from(
        [0, 90, -90, 180, -180, 179.99999999999997, 360, 1e-12, float("nan"), float("inf"), 1e308]
    ),
)


def ring(points: list[tuple[float, float]]) -> str:
    return "(" + ",".join(f"{x} {y}" for x, y in [*points, points[0]]) + ")"


RINGS = st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=9).map(ring)
TEXTS = st.one_of(
    st.lists(RINGS, min_size=1, max_size=3).map(lambda rings: f"POLYGON({','.join(rings)})"),
    st.lists(RINGS, min_size=1, max_size=3).map(
        lambda rings: f"MULTIPOLYGON({','.join(f'({ring})' for ring in rings)})"
    ),
    st.tuples(NUMBER, NUMBER).map(lambda point: f"POINT({point[0]} {point[1]})"),
    st.text(max_size=40),
    st.binary(max_size=60).map(lambda tail: "0103000000" + tail.hex()),
)


@given(text=TEXTS, frame=st.sampled_from(tuple(RANGES)), box=st.booleans(), splits=st.booleans())
@example(text="POLYGON((0 0,180 1e-12,-180 0,0 0))", frame="hgs", box=False, splits=True)
def test_whatever_comes_what_leaves_is_valid_and_in_range(text, frame, box, splits) -> None:
    shapes, _ = read([text])
    shape = "bbox" if box else "coord"
    tidied, notes = tidy(shapes, frame, shape, np.array([splits]))
    geometry = tidied[0]
    if geometry is None:
        assert notes[0].startswith("dropped:")
        return
    assert geometry.is_valid
    assert not geometry.is_empty
    assert geometry.geom_type in (("Polygon", "MultiPolygon") if box else ("Point",))
    low, high = np.array(RANGES[frame][:2]), np.array(RANGES[frame][2:])
    if frame in ("hgs", "hgc"):
        low[0], high[0] = -180, 180
    coordinates = shapely.get_coordinates(geometry)
    assert ((coordinates >= low) & (coordinates <= high)).all()
    if box:
        assert geometry.area >= LEAST_AREA[frame]
    again, notes = tidy(tidied, frame, shape, np.array([False]))
    assert (again[0].equals(geometry), notes) == (True, {})


def test_the_page_for_users_has_the_same_words() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "geometry.md").read_text("utf-8")
    table = re.findall(r"^\| `([a-z]+)[:`]", page, re.MULTILINE)
    ours = re.findall(r"^([a-z]+)(?::<\w+>)?  +\S", inspect.getdoc(shapes_module) or "", re.MULTILINE)
    assert [word for word in table if word not in RANGES] == ours
    assert f"{MOST_VERTICES:,} vertices" in page
    reasons = set(re.findall(r'"dropped:([a-z-]+)"', inspect.getsource(shapes_module))) | {
        "noposition",
        "whole-sun",
    }
    dropped = next(line for line in page.splitlines() if line.startswith("| `dropped"))
    assert reasons <= set(re.findall(r"`([a-z-]+)`", dropped))
