"""An event, or a track, on the Sun's disk, as the text of one SVG element.

Everything is drawn in helioprojective coordinates: arcseconds, x to the west (right), y to the north (up),
seen from the Earth. Colours are attributes and not a style sheet, so that any number of pictures can stand
in one page of any theme. Only shapely geometries and numbers come in: no Django, no I/O.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from events.domain.frames import SOLAR_RADIUS, Floats, Observer, convert
from events.domain.markup import clean
from events.domain.shapes import RANGES

Bounds = tuple[float, float, float, float]


class Role(StrEnum):
    """What a shape is to its event or track; the value is the word in the picture's legend."""

    OUTLINE = "outline"
    BOX = "bounding box"
    SECTOR = "sector of the corona"
    PATH = "path"
    CENTRE = "position"


@dataclass(frozen=True, slots=True)
class Shape:
    """One geometry of an event or track: helioprojective, arcsec."""

    geometry: BaseGeometry
    role: Role


# Attributes by role; every colour has a contrast of at least 4.5 : 1 against sky and disk.
_PAINT: dict[Role, dict[str, str]] = {
    Role.SECTOR: {"stroke": "#c3a6ff", "fill": "#c3a6ff", "fill-opacity": "0.15"},
    Role.BOX: {"stroke": "#6cc4ff", "fill": "none", "stroke-dasharray": "5 3"},
    Role.OUTLINE: {"stroke": "#ff8091", "fill": "#ff8091", "fill-opacity": "0.25"},
    Role.PATH: {"stroke": "#7fe0a0", "fill": "none"},
    Role.CENTRE: {"stroke": "#ffffff", "fill": "none"},
}
_SKY, _DISK, _LIMB, _GRID, _TEXT = "#0f1522", "#33260f", "#e8b04a", "#866a33", "#d7dbe3"

_LEFT, _TOP, _RIGHT, _BOTTOM = 64.0, 12.0, 14.0, 66.0  # room for scale labels and legend, px
#: A box round the disk leaves this much sky, as a part of the disk's radius.
_SKY_MARGIN = 0.12
#: The smallest close-up, arcsec: below it nothing of the Sun would be seen beside the event.
_CLOSEST = 150.0
#: Steps of the grid, deg, and how close its lines may come at the disk's centre, px.
_GRID_STEPS, _GRID_ROOM = (1, 2, 5, 10, 15, 30), 45.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """The square of the sky that is drawn, and how arcseconds become pixels."""

    xmin: float
    ymin: float
    width: float  # arcsec
    size: float  # px

    @property
    def scale(self) -> float:
        return self.size / self.width

    @property
    def bounds(self) -> Bounds:
        return self.xmin, self.ymin, self.xmin + self.width, self.ymin + self.width

    def pixels(self, xy: Floats) -> Floats:
        """Points (n, 2) in arcsec as pixels from the upper left corner of the drawn square."""
        return np.column_stack(
            ((xy[:, 0] - self.xmin) * self.scale, self.size - (xy[:, 1] - self.ymin) * self.scale)
        )


def disk_svg(
    shapes: Sequence[Shape],
    *,
    b0: float,
    rsun: float,
    title: str,
    description: str = "",
    ident: str = "disk",
    close_up: bool = False,
    size: float = 480.0,
) -> str:
    """The SVG of `shapes` on the Sun, well-formed and with all text escaped.

    `b0`: heliographic latitude of the disk's centre, deg; `rsun`: the disk's radius, arcsec. `title` and
    `description` are what a screen reader says; the description gains the scale and what is drawn. `ident`
    distinguishes the pictures of one page. Shows the whole disk and what lies outside it, or as a `close_up`
    the shapes alone; `size` is the edge of the drawn square in pixels. Empty geometries and such with
    coordinates that are not finite are left out; with none left the picture says so in words.
    """
    drawable = [shape for shape in shapes if _is_drawable(shape.geometry)]
    frame = _frame(drawable, rsun, size, close_up=close_up)
    step = _grid_step(rsun * frame.scale)
    words = _description(drawable, b0, rsun, step)
    root = _root(title, f"{description} {words}".strip(), ident, size)
    plot = _plot(root, frame)
    _draw_sun(plot, frame, b0, rsun, step)
    for role in _PAINT:
        for shape in drawable:
            if shape.role is role:
                _draw_shape(plot, frame, shape)
    _draw_compass(plot)
    if not drawable:
        _text(plot, size / 2, size / 2, "position not known", size=18, anchor="middle")
    _draw_scale(root, frame)
    _draw_legend(root, drawable, size)
    return tostring(root, encoding="unicode")


def hrc_sector(box: BaseGeometry, rsun: float) -> Polygon:
    """The sector that a box in hrc (radius in solar radii, position angle in deg) stands for, in hpc arcsec.

    The corners alone, joined by straight lines, would be no picture of a wide coronal mass ejection.
    """
    inner, first, outer, last = box.bounds
    angles = np.linspace(first, last, max(2, math.ceil(last - first) + 1))  # an edge every degree
    radii = np.repeat((inner, outer), len(angles))
    x, y, _ = convert(radii, np.concatenate((angles, angles[::-1])), "hrc", "hpc", _observer(0.0, rsun))
    return Polygon(np.column_stack((x, y)))


# --- what is in view


def _is_drawable(geometry: BaseGeometry) -> bool:
    xmin, ymin, xmax, ymax = RANGES["hpc"]
    x, y = shapely.get_coordinates(geometry).T
    # Not-a-number is not within anything either.
    return x.size > 0 and bool(((xmin <= x) & (x <= xmax) & (ymin <= y) & (y <= ymax)).all())


def _frame(shapes: Sequence[Shape], rsun: float, size: float, *, close_up: bool) -> _Frame:
    boxes = [shape.geometry.bounds for shape in shapes]
    if close_up and boxes:
        xmin, ymin, xmax, ymax = _around(boxes)
        width = max(_CLOSEST, 2.5 * max(xmax - xmin, ymax - ymin))
    else:
        edge = (1 + _SKY_MARGIN) * rsun
        xmin, ymin, xmax, ymax = _around([(-edge, -edge, edge, edge), *boxes])
        reaches_out = (xmin, ymin, xmax, ymax) != (-edge, -edge, edge, edge)
        width = max(xmax - xmin, ymax - ymin) * (1.06 if reaches_out else 1)
    return _Frame((xmin + xmax - width) / 2, (ymin + ymax - width) / 2, width, size)


def _around(boxes: Sequence[Bounds]) -> Bounds:
    corners = np.asarray(boxes)
    (xmin, ymin), (xmax, ymax) = corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)
    return float(xmin), float(ymin), float(xmax), float(ymax)


def _description(shapes: Sequence[Shape], b0: float, rsun: float, step: int | None) -> str:
    sun = f"The solar disk seen from Earth, north up and west to the right: radius {rsun:.0f} arcsec, "
    sun += f"heliographic latitude of the centre {b0:.1f} deg."
    grid = f" Heliographic grid every {step} deg." if step else ""
    if not shapes:
        return f"{sun}{grid} The event's position is not known."
    return f"{sun}{grid} Drawn: {', '.join(_in_words(shape) for shape in shapes)}."


def _in_words(shape: Shape) -> str:
    if isinstance(shape.geometry, Point):
        return f"{shape.role} at x {shape.geometry.x:.0f}, y {shape.geometry.y:.0f} arcsec"
    xmin, ymin, xmax, ymax = shape.geometry.bounds
    return f"{shape.role} from x {xmin:.0f} to {xmax:.0f} and y {ymin:.0f} to {ymax:.0f} arcsec"


# --- the Sun and its grid


def _observer(b0: float, rsun: float) -> Observer:
    """Who sees the Sun under this radius; Carrington longitudes are not drawn, so any will do."""
    return Observer(b0=b0, l0=0.0, distance=SOLAR_RADIUS / math.sin(math.radians(rsun / 3600)))


def _grid_step(radius: float) -> int | None:
    """The finest step whose lines keep apart on a disk of this radius in px; none on a small one."""
    wide_enough = (step for step in _GRID_STEPS if radius * math.radians(step) >= _GRID_ROOM)
    return next(wide_enough, 30 if radius >= _GRID_ROOM else None)


def _visible(lon: Floats, lat: Floats, observer: Observer) -> LineString:
    """The part of a line of Stonyhurst points that the observer sees, in hpc arcsec."""
    x, y, hidden = convert(lon, lat, "hgs", "hpc", observer)
    points = np.column_stack((x, y))[~hidden]
    return LineString(points) if len(points) > 1 else LineString()


def _grid_lines(observer: Observer, step: int) -> Iterator[tuple[bool, LineString]]:
    """Parallels and meridians every `step` deg; True with the equator and the central meridian.

    Along each of them, from the far side round to the far side, what is visible is one piece.
    """
    along = np.arange(-180.0, 180.5, 1.0)
    for latitude in range(-90 + step, 90, step):
        yield latitude == 0, _visible(along, np.full_like(along, latitude), observer)
    along = np.arange(-90.0, 90.5, 1.0)
    for longitude in range(-180, 180, step):
        yield longitude == 0, _visible(np.full_like(along, longitude), along, observer)


def _draw_sun(plot: Element, frame: _Frame, b0: float, rsun: float, step: int | None) -> None:
    (cx, cy), *_ = frame.pixels(np.zeros((1, 2)))
    circle = {"cx": _px(cx), "cy": _px(cy), "r": _px(rsun * frame.scale)}
    SubElement(plot, "circle", {**circle, "fill": _DISK})
    group = SubElement(plot, "g", {"fill": "none", "stroke": _GRID})
    for is_main, line in _grid_lines(_observer(b0, rsun), step) if step else ():
        seen = shapely.clip_by_rect(line, *frame.bounds)
        if not seen.is_empty:
            width = "1.4" if is_main else "0.7"
            SubElement(group, "path", {"d": _path(frame, seen), "stroke-width": width})
    SubElement(plot, "circle", {**circle, "fill": "none", "stroke": _LIMB, "stroke-width": "2"})


# --- shapes


def _draw_shape(plot: Element, frame: _Frame, shape: Shape) -> None:
    paint = {"stroke-width": "2", "stroke-linejoin": "round", **_PAINT[shape.role]}
    path = {"d": _path(frame, shape.geometry), "fill-rule": "evenodd", "data-role": str(shape.role)}
    SubElement(plot, "path", {**paint, **path})


def _path(frame: _Frame, geometry: BaseGeometry) -> str:
    """Path data of any geometry: points as open crosses, rings closed, lines open."""
    return "".join(_part_path(frame, part) for part in _parts(geometry))


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    """Points, lines and rings of which `geometry` consists."""
    for part in getattr(geometry, "geoms", [geometry]):
        if isinstance(part, Polygon):
            yield part.exterior
            yield from part.interiors
        elif hasattr(part, "geoms"):
            yield from _parts(part)
        else:
            yield part


def _part_path(frame: _Frame, part: BaseGeometry) -> str:
    points = frame.pixels(shapely.get_coordinates(part))
    if isinstance(part, Point):
        x, y = points[0]
        return f"M{_px(x - 11)} {_px(y)}h7m8 0h7M{_px(x)} {_px(y - 11)}v7m0 8v7"
    closed = isinstance(part, shapely.LinearRing)
    d = "L".join(f"{_px(x)} {_px(y)}" for x, y in (points[:-1] if closed else points))
    return f"M{d}Z" if closed else f"M{d}"


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# --- what stands round the picture


def _root(title: str, description: str, ident: str, size: float) -> Element:
    width, height = _LEFT + size + _RIGHT, _TOP + size + _BOTTOM
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_px(width)} {_px(height)}",
            "role": "img",
            "aria-labelledby": f"{ident}-title {ident}-desc",
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
        },
    )
    SubElement(root, "title", {"id": f"{ident}-title"}).text = clean(title)
    SubElement(root, "desc", {"id": f"{ident}-desc"}).text = clean(description)
    SubElement(root, "rect", {"width": _px(width), "height": _px(height), "rx": "6", "fill": _SKY})
    return root


def _plot(root: Element, frame: _Frame) -> Element:
    """An inner picture, which cuts off what lies outside the drawn square."""
    size = _px(frame.size)
    place = {"x": _px(_LEFT), "y": _px(_TOP), "width": size, "height": size}
    plot = SubElement(root, "svg", {**place, "viewBox": f"0 0 {size} {size}"})
    SubElement(root, "rect", {**place, "fill": "none", "stroke": "#5a6478"})
    return plot


def _text(
    parent: Element, x: float, y: float, text: str, *, size: int = 12, anchor: str = "start"
) -> Element:
    place = {"x": _px(x), "y": _px(y), "font-size": str(size), "text-anchor": anchor, "fill": _TEXT}
    element = SubElement(parent, "text", place)
    element.text = text
    return element


def _draw_compass(plot: Element) -> None:
    arrows = "M16 52V24m-4 6l4-6 4 6M16 52h28m-6-4l6 4-6 4"
    SubElement(plot, "path", {"d": arrows, "fill": "none", "stroke": _TEXT, "stroke-width": "1.3"})
    _text(plot, 16, 19, "N", anchor="middle")
    _text(plot, 48, 56, "W")


def _draw_scale(root: Element, frame: _Frame) -> None:
    """Ticks with labels in arcsec along the left and the lower edge."""
    step = _round_step(frame.width / 5)
    xmin, ymin, xmax, ymax = frame.bounds
    lines = []
    for value in _ticks(xmin, xmax, step):
        x = _LEFT + (value - xmin) * frame.scale
        lines.append(f"M{_px(x)} {_px(_TOP + frame.size)}v5")
        _text(root, x, _TOP + frame.size + 18, f"{value:g}", anchor="middle")
    for value in _ticks(ymin, ymax, step):
        y = _TOP + (ymax - value) * frame.scale
        lines.append(f"M{_px(_LEFT)} {_px(y)}h-5")
        _text(root, _LEFT - 8, y + 4, f"{value:g}", anchor="end")
    SubElement(root, "path", {"d": "".join(lines), "stroke": _TEXT})
    _text(root, _LEFT + frame.size / 2, _TOP + frame.size + 34, "hpc x, arcsec", anchor="middle")
    x, y = 11, _TOP + frame.size / 2
    label = _text(root, x, y, "hpc y, arcsec", anchor="middle")
    label.set("transform", f"rotate(-90 {_px(x)} {_px(y)})")


def _round_step(rough: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not smaller than `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _draw_legend(root: Element, shapes: Sequence[Shape], size: float) -> None:
    roles = [role for role in _PAINT if any(shape.role is role for shape in shapes)]
    x, y = _LEFT, _TOP + size + 56
    for role in roles:
        symbol = f"M{_px(x)} {_px(y - 4)}h14m-7 -7v14" if role is Role.CENTRE else ""
        symbol = symbol or f"M{_px(x)} {_px(y - 10)}h14v11h-14Z"
        SubElement(root, "path", {"d": symbol, "stroke-width": "2", **_PAINT[role]})
        _text(root, x + 20, y, str(role))
        x += 20 + 7.2 * len(role) + 16
