"""The picture read back: where things stand, measured by its own limb, against other sources."""

import re
from datetime import UTC
from xml.etree import ElementTree

import astropy.units as u
import numpy as np
import pytest
import shapely
from astropy.coordinates import SkyCoord
from astropy.utils import iers
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box
from sunpy.coordinates import HeliographicStonyhurst, Helioprojective, get_earth

from events.domain.almanac import view_from_earth
from events.domain.picture import Role, Shape, disk_svg, hrc_sector

SVG = "{http://www.w3.org/2000/svg}"
SUN = {"b0": -7.1, "rsun": 965.0}


def draw(*shapes, title="An event", **options):
    return ElementTree.fromstring(disk_svg([Shape(*s) for s in shapes], title=title, **{**SUN, **options}))


def paths(svg, role):
    return [path.get("d") for path in svg.iter(f"{SVG}path") if path.get("data-role") == role]


def points(d):
    return np.array([[float(x), float(y)] for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d)])


def disk(svg):
    """(x, y, r) of the limb in pixels of the plot."""
    limb = next(svg.iter(f"{SVG}circle"))
    return tuple(float(limb.get(name)) for name in ("cx", "cy", "r"))


def arcsec(svg, xy, rsun=SUN["rsun"]):
    """Pixels as arcsec, by the drawn limb alone: to the west and to the north of its centre."""
    cx, cy, r = disk(svg)
    return (xy - [cx, cy]) * [rsun / r, -rsun / r]


def words(svg):
    return [text.text for text in svg.iter(f"{SVG}text")]


def test_shapes_stand_where_their_arcseconds_are():
    outline = Polygon([(492.9, 418.5), (513.3, 452.7), (532.5, 414.3)])
    svg = draw((outline, Role.OUTLINE), (box(492.9, 410.7, 534.9, 452.7), Role.BOX), close_up=True)
    (drawn,) = (points(d) for d in paths(svg, "outline"))
    assert arcsec(svg, drawn) == pytest.approx(np.array(outline.exterior.coords[:-1]), abs=0.1)
    (drawn,) = (points(d) for d in paths(svg, "bounding box"))
    assert arcsec(svg, drawn).min(axis=0) == pytest.approx([492.9, 410.7], abs=0.1)
    assert arcsec(svg, drawn).max(axis=0) == pytest.approx([534.9, 452.7], abs=0.1)


def test_a_position_is_a_cross_around_its_place():
    svg = draw((Point(-400, 300), Role.CENTRE))
    (d,) = paths(svg, "position")
    across, down = points(d)
    middle = arcsec(svg, np.array([[down[0], across[1]]]))
    assert middle == pytest.approx(np.array([[-400, 300]]), abs=0.5)


def test_the_parts_of_a_geometry_are_all_drawn():
    holed = Polygon(box(0, 0, 100, 100).exterior.coords, [box(40, 40, 60, 60).exterior.coords])
    two = MultiPolygon([holed, box(200, 0, 300, 100)])
    (d,) = paths(draw((two, Role.OUTLINE)), "outline")
    assert d.count("M") == d.count("Z") == 3
    (d,) = paths(draw((LineString([(0, 0), (50, 50)]), Role.OUTLINE)), "outline")
    assert d.count("M") == 1
    assert "Z" not in d


@pytest.mark.parametrize("time", ["2014-03-07", "2014-09-08", "2018-12-07"])
def test_equator_and_central_meridian_are_those_of_sunpy(time):
    with iers.conf.set_temp("auto_download", False):
        earth = get_earth(time)
        view = view_from_earth(earth.obstime.to_datetime(timezone=UTC))
        svg = draw(b0=view.b0, rsun=view.rsun)
        equator, meridian = (
            LineString(arcsec(svg, points(path.get("d")), view.rsun))
            for path in svg.iter(f"{SVG}path")
            if path.get("stroke-width") == "1.4"
        )
        along = np.arange(-75, 76, 15) * u.deg
        frame = Helioprojective(observer=earth, obstime=earth.obstime)
        for line, lon, lat in ((equator, along, 0 * along), (meridian, 0 * along, along)):
            seen = HeliographicStonyhurst(lon, lat, obstime=earth.obstime)
            hpc = SkyCoord(seen).transform_to(frame)
            near = [line.distance(Point(x, y)) for x, y in zip(hpc.Tx.arcsec, hpc.Ty.arcsec, strict=True)]
            assert max(near) < 0.5  # a tenth of a pixel of rounding is 0.2 arcsec


def test_nothing_of_the_grid_is_drawn_off_the_disk_or_on_its_far_side():
    svg = draw()
    _, _, r = disk(svg)
    lines = [points(path.get("d")) for path in svg.iter(f"{SVG}path") if path.get("stroke-width") == "0.7"]
    assert len(lines) == 33  # every 15 deg: 10 parallels, 23 meridians; the far ones show at the pole
    centre = np.array(disk(svg)[:2])
    assert max(np.hypot(*(line - centre).T).max() for line in lines) <= r + 0.1


def test_a_coronal_mass_ejection_is_shown_whole_beside_the_sun():
    sector = hrc_sector(box(2, 77, 30, 123), SUN["rsun"])
    svg = draw((sector, Role.SECTOR), (Point(-1892, -334), Role.CENTRE))
    (d,) = paths(svg, "sector of the corona")
    cx, cy, r = disk(svg)
    drawn = np.vstack((points(d), [[cx - r, cy - r], [cx + r, cy + r]]))
    assert drawn.min() >= 0
    assert drawn.max() <= 480
    assert np.hypot(*arcsec(svg, points(d)).T).max() == pytest.approx(30 * SUN["rsun"], rel=0.01)


def test_a_sector_has_the_corners_that_hek_computed():
    # CACTus, 2023-03-29: hrc_bbox, hpc_bbox, hpc_radius and hrc_r of one real report.
    sector = hrc_sector(shapely.from_wkt("POLYGON((2 77,2 123,30 123,30 77,2 77))"), 1921.2276 / 2)
    hek = [(-1871.986661, 432.182174), (-1611.277042, -1046.375546)]
    hek += [(-24169.155637, -15695.633192), (-28079.799916, 6482.732614)]
    for corner in hek:
        assert min(np.hypot(*(np.array(sector.exterior.coords) - corner).T)) < 0.001
    assert sector.is_valid
    assert sector.area == pytest.approx(np.pi * (30**2 - 2**2) * 960.6138**2 * 46 / 360, rel=1e-3)


def test_a_close_up_holds_its_shapes_and_some_of_the_sun():
    svg = draw((Point(900, 100), Role.CENTRE), close_up=True)
    _, _, r = disk(svg)
    assert SUN["rsun"] / r * 480 == pytest.approx(150, abs=0.1)  # arcsec from edge to edge
    large = box(-500, 0, 100, 200)
    svg = draw((large, Role.BOX), close_up=True)
    assert points(paths(svg, "bounding box")[0]).min() > 0
    assert points(paths(svg, "bounding box")[0]).max() < 480


def test_the_scale_is_labelled_in_round_numbers():
    labels = words(draw())
    assert {"-1000", "-500", "0", "500", "1000", "hpc x, arcsec", "hpc y, arcsec", "N", "W"} <= set(labels)
    assert [label for label in labels if label == "500"] == ["500", "500"]  # on both axes


def test_an_unknown_position_is_said_and_not_drawn():
    for shapes in ([], [(Polygon(), Role.BOX), (Point(float("nan"), 0), Role.CENTRE)]):
        for close_up in (False, True):
            svg = draw(*shapes, close_up=close_up)
            assert "position not known" in words(svg)
            assert "not known" in svg.find(f"{SVG}desc").text
            assert not [path for path in svg.iter(f"{SVG}path") if path.get("data-role")]


def test_a_screen_reader_hears_title_and_description():
    svg = draw((box(10, 20, 30, 40), Role.BOX), title="A flare", description="From near.", ident="near")
    assert svg.get("role") == "img"
    title, description = (svg.find(f"{SVG}{name}") for name in ("title", "desc"))
    assert (
        svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}" == "near-title near-desc"
    )
    assert title.text == "A flare"
    assert description.text.startswith("From near. ")
    assert "radius 965 arcsec" in description.text
    assert "bounding box from x 10 to 30 and y 20 to 40 arcsec" in description.text


def test_the_legend_names_what_is_drawn():
    svg = draw((Point(0, 0), Role.CENTRE), (box(0, 0, 1, 1), Role.BOX))
    assert [word for word in words(svg) if word in set(Role)] == ["bounding box", "position"]


@given(st.text(), st.text())
def test_any_text_is_escaped(title, description):
    svg = draw(title=title, description=description)
    kept = re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", title)
    assert (svg.find(f"{SVG}title").text or "") == kept.replace("\r\n", "\n").replace("\r", "\n")


coordinates = st.floats(-700_000, 700_000) | st.floats()


@given(
    st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6),
    st.sampled_from(Role),
    st.booleans(),
)
def test_any_geometry_can_be_drawn(xy, role, close_up):
    geometry = Point(xy[0]) if len(xy) == 1 else LineString(xy)
    svg = draw((geometry, role), close_up=close_up)
    assert "nan" not in ElementTree.tostring(svg, encoding="unicode")
    drawn = [d for path in svg.iter(f"{SVG}path") if path.get("data-role") for d in [path.get("d")]]
    for d in drawn:
        assert points(d).min() > -20  # a cross may stand at the very edge
        assert points(d).max() < 500
