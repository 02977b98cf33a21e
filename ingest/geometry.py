"""The twelve geometry columns of a batch of records: what was reported, mended, and what lacks, computed.

Whole columns are read, judged and converted at once; `events.domain.shapes` has the rules for unusable
shapes and the words of the notes, docs/geometry.md tells it all to users. In this order:

1. Reported values always win: the column's text, else the numbers of the same frame (hpc_x and hpc_y;
   event_coord*, boundbox_* and bound_chaincode in the submitted frame, event_coordsys).
2. Positions and outlines missing in a frame are converted from another, as seen from the Earth at
   event_starttime: from the submitted frame if it has the shape, else from the first of hpc, hgs, hgc, hrc.
   Vertices are converted; long sides in angles are divided before, in the submitted frame, where they are
   meant to be straight.
3. So are boxes. A hpc_bbox that is still missing is the envelope of hpc_boundcc, else HEK's hpc_geom, else a
   square around the position, so that a query by place finds the event. The side of a flare's square is
   HEK's: 50 arcsec up to class B, 50 + 5 n for class Cn (seen in every recorded flare of these classes); 100
   for M and X, which continues it (HEK's own is not known). Other events get 2 arcsec. The boxes missing in
   the other frames are then converted from that.

Outlines and boxes that lie wholly beyond the limb have no counterpart on the surface; nor have those behind
the limb one in the plane of the sky. CMEs (CE) are never put on the surface: only hpc and hrc are computed
from one another.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from events.domain.frames import Observer, convert
from events.domain.goes import goes_flux
from events.domain.shapes import WHOLE_SUN, Geometries, read, tidy, whole_sun
from events.domain.vocabulary import FRAMES, GEOMETRY_COLUMNS
from ingest.canonical import Attributes
from ingest.ephemeris import observers

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: event_coordsys -> frame. HCR is how HEK's clients also spell HRC.
_SYSTEMS = {
    "UTC-HPC-TOPO": "hpc",
    "UTC-HGS-TOPO": "hgs",
    "UTC-HGC-TOPO": "hgc",
    "UTC-HRC-TOPO": "hrc",
    "UTC-HCR-TOPO": "hrc",
}
_NUMBERS = {
    "hpc": ("hpc_x", "hpc_y"),
    "hgs": ("hgs_x", "hgs_y"),
    "hgc": ("hgc_x", "hgc_y"),
    "hrc": ("hrc_r", "hrc_a"),
}
_SIDES = ("boundbox_c1ll", "boundbox_c2ll", "boundbox_c1ur", "boundbox_c2ur")
#: A straight side in one of these frames is a curve in the plane of the sky; longer pieces (deg) are divided.
_ANGULAR = ("hgs", "hgc", "hrc")
_LONGEST_SIDE = 5.0


class Columns(NamedTuple):
    """Column -> hexadecimal WKB or None, a value a record; and each record's notes by column."""

    wkb: dict[str, list[str | None]]
    notes: list[dict[str, str]]


def columns_of(records: Sequence[Attributes]) -> Columns:
    """The geometry columns of canonical records, which have an event_type and an event_starttime."""
    batch = _Batch(records)
    for column in ("hgs_bbox", *(name for name in GEOMETRY_COLUMNS if name != "hgs_bbox")):
        batch.take_reported(column)
    for column in GEOMETRY_COLUMNS:
        batch.take_numbers(column)
    batch.convert_missing("coord")
    batch.convert_missing("boundcc")
    batch.convert_missing("bbox")
    batch.box_outlines()
    batch.box_positions()
    batch.convert_missing("bbox")
    return Columns(batch.wkb(), batch.notes)


class _Batch:
    """Shapes and notes of a batch on their way; rows are indices of records."""

    def __init__(self, records: Sequence[Attributes]) -> None:
        self.records = records
        self.shapes = {column: np.full(len(records), None, dtype=object) for column in GEOMETRY_COLUMNS}
        self.notes: list[dict[str, str]] = [{} for _ in records]
        systems = [_SYSTEMS.get(record.get("event_coordsys", "").upper(), "") for record in records]
        self.submitted = {
            frame: np.array([system == frame for system in systems], dtype=np.bool_) for frame in FRAMES
        }
        self.corona = np.array([record["event_type"] == "CE" for record in records], dtype=np.bool_)
        self.unknown = np.array([_placeless(record) for record in records], dtype=np.bool_)
        self.unbounded = np.zeros(len(records), dtype=np.bool_)
        self._observer: Observer | None = None

    def take_reported(self, column: str) -> None:
        """The column's own text. hgs_bbox comes first: it tells which boxes are placeholders."""
        texts = [record.get(column) for record in self.records]
        rows = np.array([row for row, text in enumerate(texts) if text], dtype=np.intp)
        rows = self._drop(column, rows, self.unknown, "noposition")
        if column.endswith("_bbox"):
            rows = self._drop(column, rows, self.unbounded, "whole-sun")
        shapes, notes = read([texts[row] or "" for row in rows.tolist()])
        if column == "hgs_bbox":
            self.unbounded[rows] = whole_sun(shapes)
            kept = ~self.unbounded[rows]
            notes = {int(np.sum(kept[:i])): note for i, note in notes.items() if kept[i]}
            rows, shapes = self._drop(column, rows, self.unbounded, "whole-sun"), shapes[kept]
        if column == "hpc_bbox":
            notes |= dict.fromkeys(np.flatnonzero(self.submitted["hrc"][rows]).tolist(), "corners")
        self._put(column, rows, shapes, notes)

    def take_numbers(self, column: str) -> None:
        """What the report says of the same shape in the same frame elsewhere, where the column is empty."""
        frame, _, shape = column.partition("_")
        candidates = shapely.is_missing(self.shapes[column]) & ~self.unknown
        if shape != "coord":
            candidates &= self.submitted[frame]
        if shape == "bbox":
            candidates &= ~self.unbounded
        take = {"coord": self._positions, "bbox": self._boxes, "boundcc": self._chain_codes}[shape]
        rows, shapes = take(np.flatnonzero(candidates).tolist(), frame)
        self._put(column, np.array(rows, dtype=np.intp), shapes, {}, origin="numbers")

    def convert_missing(self, shape: str) -> None:
        """Fill what a frame lacks from the most trusted frame that has the shape."""
        present = {frame: ~shapely.is_missing(self.shapes[f"{frame}_{shape}"]) for frame in FRAMES}
        on_disk = ~self.corona
        usable = {frame: has & (on_disk | (frame in ("hpc", "hrc"))) for frame, has in present.items()}
        source = np.full(len(self.records), "", dtype="U3")
        for frame in reversed(FRAMES):
            source[usable[frame]] = frame
        for frame in FRAMES:
            source[usable[frame] & self.submitted[frame]] = frame
        for target in FRAMES:
            wanted = ~present[target] & (on_disk | (target in ("hpc", "hrc")))
            for frame in FRAMES:
                rows = np.flatnonzero(wanted & (source == frame))
                if rows.size:
                    self._convert(rows, shape, frame, target)

    def box_outlines(self) -> None:
        """An event without hpc_bbox but with an outline: the outline's envelope."""
        rows = np.flatnonzero(
            shapely.is_missing(self.shapes["hpc_bbox"]) & ~shapely.is_missing(self.shapes["hpc_boundcc"])
        )
        self._put("hpc_bbox", rows, shapely.envelope(self.shapes["hpc_boundcc"][rows]), {}, origin="outline")

    def box_positions(self) -> None:
        """An event still without hpc_bbox: HEK's search area, else a square."""
        lacking = shapely.is_missing(self.shapes["hpc_bbox"]) & ~self.unknown
        rows = [row for row in np.flatnonzero(lacking).tolist() if "hpc_geom" in self.records[row]]
        if rows:
            shapes, _ = read([self.records[row]["hpc_geom"] for row in rows])
            self._put("hpc_bbox", np.array(rows), shapes, {}, origin="hpc_geom")
        points = self.shapes["hpc_coord"]
        rest = np.flatnonzero(
            lacking & shapely.is_missing(self.shapes["hpc_bbox"]) & ~shapely.is_missing(points)
        )
        sides = np.array([_flare_side(self.records[row]) for row in rest.tolist()])
        for origin, chosen in (("goes", sides > 0), ("point", sides == 0)):
            some = rest[chosen] if rest.size else rest
            x, y = shapely.get_x(points[some]), shapely.get_y(points[some])
            half = sides[chosen] / 2 if origin == "goes" else 1.0
            squares = shapely.box(x - half, y - half, x + half, y + half)
            self._put("hpc_bbox", some, squares, {}, origin=origin)

    def wkb(self) -> dict[str, list[str | None]]:
        """Every column as hexadecimal WKB."""
        return {
            column: [wkb.hex() if wkb else None for wkb in shapely.to_wkb(shapes).tolist()]
            for column, shapes in self.shapes.items()
        }

    def _drop(self, column: str, rows: Rows, mask: Mask, why: str) -> Rows:
        """The `rows` outside `mask`; those inside are noted as dropped."""
        for row in rows[mask[rows]].tolist():
            self.notes[row][column] = f"dropped:{why}"
        return rows[~mask[rows]]

    def _positions(self, rows: list[int], frame: str) -> tuple[list[int], Geometries]:
        """Those of `rows` with a position in numbers, and the points."""
        found = {}
        for row in rows:
            record = self.records[row]
            x, y = (record.get(name) for name in _NUMBERS[frame])
            if (x is None or y is None) and self.submitted[frame][row]:
                x, y = record.get("event_coord1"), record.get("event_coord2")
                if frame == "hrc":  # HEK's order there: position angle, radius
                    x, y = y, x
            if x is not None and y is not None:
                found[row] = (x, y)
        numbers = np.array(list(found.values()), dtype=np.float64).reshape(-1, 2)
        return list(found), np.asarray(shapely.points(numbers), dtype=object)

    def _boxes(self, rows: list[int], frame: str) -> tuple[list[int], Geometries]:
        """Those of `rows`, submitted in `frame`, with all four sides in numbers, and the boxes."""
        found = {}
        for row in rows:
            sides = [self.records[row].get(name) for name in _SIDES]
            if None not in sides and not (frame == "hgs" and _is_whole_sun(sides)):
                found[row] = sides
        x1, y1, x2, y2 = np.array(list(found.values()), dtype=np.float64).reshape(-1, 4).T
        sides_in_order = (y1, x1, y2, x2) if frame == "hrc" else (x1, y1, x2, y2)
        return list(found), np.asarray(shapely.box(*sides_in_order), dtype=object)

    def _chain_codes(self, rows: list[int], frame: str) -> tuple[list[int], Geometries]:
        """Those of `rows`, submitted in `frame`, with a readable chain code, and the outlines."""
        # Of chain codes in the radial frame, the order of the coordinates is not known.
        found = [] if frame == "hrc" else [row for row in rows if "bound_chaincode" in self.records[row]]
        return found, read([self.records[row]["bound_chaincode"] for row in found]).geometries

    def _convert(self, rows: Rows, shape: str, source: str, target: str) -> None:
        shapes = self.shapes[f"{source}_{shape}"][rows]
        if source in _ANGULAR and shape != "coord":
            straight = self.submitted[source][rows]
            shapes[straight] = shapely.segmentize(shapes[straight], _LONGEST_SIDE)
        coordinates, index = shapely.get_coordinates(shapes, return_index=True)
        x, y = coordinates.T
        seen = convert(x, y, source, target, self._observers().at(rows[index]))
        moved = np.bincount(index, weights=seen.limb, minlength=rows.size)
        shapes = shapely.set_coordinates(shapes.copy(), np.column_stack((seen.x, seen.y)))
        if shape != "coord":
            # All on the limb: nothing of it is on this side.
            shapes[moved == shapely.get_num_coordinates(shapes)] = None
        kept = ~shapely.is_missing(shapes)
        notes = dict.fromkeys(np.flatnonzero(moved[kept]).tolist(), "limb")
        self._put(f"{target}_{shape}", rows[kept], shapes[kept], notes, origin=source)

    def _observers(self) -> Observer:
        """The Earth at every record's start, asked for once, and only if anything is to be converted."""
        if self._observer is None:
            starts = [datetime.fromisoformat(f"{record['event_starttime']}+00:00") for record in self.records]
            self._observer = observers(starts)
        return self._observer

    def _put(
        self, column: str, rows: Rows, shapes: Geometries, notes: dict[int, str], origin: str = ""
    ) -> None:
        """Judge shapes and put them into a column; `notes` are those of before, by index.

        With an `origin` a shape that cannot be used leaves all as it was.
        """
        if not rows.size:
            return
        frame, _, shape = column.partition("_")
        own = self.submitted[frame][rows] if shape == "bbox" else np.zeros(rows.size, dtype=np.bool_)
        shapes, judged = tidy(shapes, frame, shape, ~own)
        usable = ~shapely.is_missing(shapes)
        self.shapes[column][rows[usable]] = shapes[usable]
        noted = range(rows.size) if origin else sorted({*notes, *judged})
        for i in noted:
            row = int(rows[i])
            if not usable[i]:
                if not origin:
                    self.notes[row][column] = judged[i]
                continue
            words = [notes.get(i, ""), judged.get(i, "")]
            if origin:
                words.insert(0, _made(origin, again=column in self.notes[row]))
            note = "+".join(dict.fromkeys(word for word in words if word))
            if note:
                self.notes[row][column] = note


def _is_whole_sun(sides: Sequence[float | None]) -> bool:
    """Whether (c1ll, c2ll, c1ur, c2ur) is the placeholder; an absent side is none."""
    low, high = sides[:2], sides[2:]
    return all(side is not None and side <= -WHOLE_SUN for side in low) and all(
        side is not None and side >= WHOLE_SUN for side in high
    )


def _placeless(record: Attributes) -> bool:
    """Whether the report says that it knows no place.

    VOEvents lack `noposition`; there the placeholder itself tells: (0, 0) in a box around the whole Sun.
    """
    if record.get("noposition") is True:
        return True
    return (
        record.get("event_coord1") == 0
        and record.get("event_coord2") == 0
        and _is_whole_sun([record.get(name) for name in _SIDES])
    )


def _made(origin: str, *, again: bool) -> str:
    """The first word of what we put in place of nothing, or (`again`) of something unusable."""
    if again:
        return f"recomputed:{origin}"
    return "" if origin == "numbers" else f"computed:{origin}"


def _flare_side(record: Attributes) -> float:
    """Side of the square around a flare's position, arcsec; 0 where there is no class to tell it."""
    flux = goes_flux(record.get("fl_goescls", "")) if record["event_type"] == "FL" else None
    if flux is None:
        return 0.0
    if flux < 1e-6:
        return 50.0
    return min(50.0 + 5.0 * flux / 1e-6, 100.0)
