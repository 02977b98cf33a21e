"""How HEK writes a report down: a flat record with every key of its type, in four frames.

Types of values, frames and rules follow real records: numbers or null, text or "", whole numbers without
decimals, WKT as PostGIS writes it, positions in the other frames as seen from the Earth at event_starttime.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from events.domain.frames import Floats, convert
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, FRAMES, record_keys
from ingest.sources.base import Record
from ingest.sources.simulator.sightings import Method, Sighting, iso
from ingest.sources.simulator.sky import earth

#: Outlines end inside the limb at this part of the radius, so that no vertex falls beside the disk when it is
#: rounded to a pixel.
_RIM = 0.9985
#: HEK's mark for events that are cut off: their outline reaches beyond this many solar radii.
_CLIPPED_BEYOND = 0.95
_COORDSYS = {"hpc": "UTC-HPC-TOPO", "hgs": "UTC-HGS-TOPO", "hrc": "UTC-HRC-TOPO"}
#: The corners of a box (xmin, ymin, xmax, ymax) as a closed ring.
_CORNERS = [[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]
#: In HEK's radial frame (radius, angle) the ring turns the other way.
_RADIAL_CORNERS = [[0, 1], [0, 3], [2, 3], [2, 1], [0, 1]]

_SHAPES = (("coord", "POINT"), ("bbox", "POLYGON"), ("boundcc", "POLYGON"))

Shape = tuple[Floats, Floats, Floats]  # coord (1, 2), bbox (5, 2), boundcc (n + 1, 2) or (0, 2)


@cache
def _blank(event_type: str) -> Record:
    """A record of a type in which nothing is known yet."""
    kind = EVENT_TYPES[event_type]
    blank: Record = {key: None if ATTRIBUTES[key].is_numeric else "" for key in record_keys(event_type)}
    return blank | {
        "active": "true",
        "comment_count": "0",
        "concept": kind.concept,
        "event_testflag": "false",
        "event_type": event_type,
        "eventtype": "" if kind.number is None else str(kind.number),
        "hcr_checked": "true",
        "noposition": "false",
        "refs": [],
        "revision": "1",
        "sum_overlap_scores": "0",
    }


def records_of(sightings: Sequence[Sighting]) -> list[Record]:
    """The record of each sighting, in their order."""
    if not sightings:
        return []
    drawn = _projected(sightings)
    submitted = [_submitted(sighting, points) for sighting, points in zip(sightings, drawn, strict=True)]
    frames = _in_all_frames(sightings, submitted)
    geometries = _search_geometries(sightings, [frame["hpc"] for frame in frames])
    columns = _columns(frames, sightings)
    chains = _texts([shape[2] for shape in submitted], "POLYGON")
    records = [
        _record(*parts)
        for parts in zip(sightings, submitted, frames, columns, geometries, chains, strict=True)
    ]
    for record, (_, _, skeleton) in zip(records, drawn, strict=True):
        if len(skeleton):
            record.update(_skeleton_fields(skeleton))
    return records


def _split(points: Floats, counts: Iterable[int]) -> list[Floats]:
    ends = np.cumsum([0, *counts])
    return [points[a:b] for a, b in pairwise(ends.tolist())]


def _projected(sightings: Sequence[Sighting]) -> list[tuple[Floats, Floats, Floats]]:
    """Centre (1, 2), outline (n, 2) and skeleton (m, 2) of what is submitted in hpc, arcsec, on its pixels.

    Of everything else, empty arrays.
    """
    none = np.empty((0, 2))
    surface: list[Floats] = []
    for sighting in sightings:
        in_hpc = sighting.submitted == "hpc"
        surface.append(np.array([sighting.coord]) if in_hpc else none)
        surface.extend(none if part is None else part for part in (sighting.outline, sighting.skeleton))
    counts = [len(part) for part in surface]
    points = np.concatenate(surface)
    observer = earth(np.repeat([s.observed for s in sightings for _ in range(3)], counts))
    seen = convert(points[:, 0], points[:, 1], "hgc", "hpc", observer)
    inward = np.minimum(1.0, _RIM * observer.rsun / np.maximum(np.hypot(seen.x, seen.y), 1e-9))
    pixel = np.repeat([s.method.pixel for s in sightings for _ in range(3)], counts)
    on_disk = np.column_stack((seen.x * inward, seen.y * inward))
    pixels = np.round((np.floor(on_disk / pixel[:, np.newaxis]) + 0.5) * pixel[:, np.newaxis], 2)
    # Centres are means over pixels and not bound to the grid.
    is_centre = np.repeat([part == 0 for _ in sightings for part in range(3)], counts)
    parts = _split(np.where(is_centre[:, np.newaxis], np.round(on_disk, 3), pixels), counts)
    return [(parts[i], parts[i + 1], parts[i + 2]) for i in range(0, len(parts), 3)]


def _submitted(sighting: Sighting, drawn: tuple[Floats, Floats, Floats]) -> Shape:
    """Position, box and outline in the frame in which a method submits them."""
    centre, outline, _ = drawn
    if sighting.submitted == "hpc":
        low, high = outline.min(axis=0), outline.max(axis=0)
        box = np.array([*low, *high])
        return centre, box[_CORNERS], np.concatenate((outline, outline[:1]))
    if sighting.method.degenerate_boxes:
        ring = np.ones((5, 2))
    elif sighting.no_position:
        ring = 89.9 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    else:
        ring = np.array(sighting.box)[_RADIAL_CORNERS if sighting.submitted == "hrc" else _CORNERS]
    return np.array([sighting.coord], dtype=np.float64), ring, np.empty((0, 2))


def _in_all_frames(sightings: Sequence[Sighting], submitted: list[Shape]) -> list[dict[str, Shape]]:
    """Every shape in every frame, as seen from the Earth at event_starttime; CMEs only in hpc and hrc."""
    counts = [len(part) for shape in submitted for part in shape]
    points = np.concatenate([part for shape in submitted for part in shape])
    starts = np.repeat([s.start for s in sightings for _ in range(3)], counts)
    sources = np.repeat([s.submitted for s in sightings for _ in range(3)], counts)
    observer = earth(starts)
    frames: dict[str, list[Floats]] = {}
    for frame in FRAMES:
        target = np.empty_like(points)
        for source in np.unique(sources).tolist():
            here = np.flatnonzero(sources == source)
            x, y, _ = convert(points[here, 0], points[here, 1], source, frame, observer.at(here))
            # What the method gave stays as it is: position angles beyond 360 deg among them.
            target[here] = points[here] if source == frame else np.column_stack((x, y))
        frames[frame] = _split(np.round(target, 6) + 0.0, counts)  # + 0.0 turns -0.0 into 0.0
    return [
        {f: (frames[f][i], frames[f][i + 1], frames[f][i + 2]) for f in FRAMES}
        for i in range(0, len(counts), 3)
    ]


def _search_geometries(sightings: Sequence[Sighting], shapes: list[Shape]) -> list[str]:
    """hpc_geom: the outline, else the box; around flares a square; "" without a position and for CMEs."""
    chosen: list[int] = []
    rings: list[Floats] = []
    for index, (sighting, (coord, box, outline)) in enumerate(zip(sightings, shapes, strict=True)):
        if sighting.no_position or sighting.submitted == "hrc":
            continue
        chosen.append(index)
        if sighting.method.event_type == "FL":
            half = flare_side(sighting.attributes["fl_goescls"]) / 2
            low, high = coord[0] - half, coord[0] + half
            rings.append(np.array([low, [low[0], high[1]], high, [high[0], low[1]], low]))
        else:
            rings.append(outline if len(outline) else box)
    texts = [""] * len(sightings)
    if rings:
        numbers = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
        polygons = shapely.polygons(shapely.linearrings(np.concatenate(rings), indices=numbers))
        for index, text in zip(chosen, shapely.to_wkb(polygons, hex=True, byte_order=1), strict=True):
            texts[index] = text
    return texts


def flare_side(goes_class: str) -> float:
    """Side of the square around a flare, arcsec: 50 for B, 50 + 5 n for Cn, as in HEK; M and X: a guess."""
    base, step = {"C": (50.0, 5.0), "M": (100.0, 5.0), "X": (150.0, 5.0)}.get(goes_class[0], (50.0, 0.0))
    return base + step * float(goes_class[1:])


def number(value: float) -> int | float:
    """A number as HEK writes it: without decimals where it is whole (and exact as a JSON number)."""
    return int(value) if value == math.trunc(value) and abs(value) < 2**53 else float(value)


def _texts(shapes: Sequence[Floats], kind: str) -> list[str]:
    """WKT without a blank, as PostGIS writes it, of points or of closed rings; "" where there are none."""
    filled = [index for index, points in enumerate(shapes) if len(points)]
    texts = [""] * len(shapes)
    if not filled:
        return texts
    points = np.concatenate([shapes[index] for index in filled])
    geometries: Any = shapely.points(points)
    if kind == "POLYGON":
        numbers = np.repeat(np.arange(len(filled)), [len(shapes[index]) for index in filled])
        geometries = shapely.polygons(shapely.linearrings(points, indices=numbers))
    wkt = np.asarray(shapely.to_wkt(geometries, rounding_precision=6, trim=True)).tolist()
    for index, text in zip(filled, wkt, strict=True):
        texts[index] = text.replace(f"{kind} (", f"{kind}(").replace(", ", ",")
    return texts


def _columns(frames: list[dict[str, Shape]], sightings: Sequence[Sighting]) -> list[Record]:
    """The twelve columns of geometry of each report."""
    columns: dict[str, list[str]] = {}
    for frame in FRAMES:
        for part, (shape, kind) in enumerate(_SHAPES):
            columns[f"{frame}_{shape}"] = _texts([f[frame][part] for f in frames], kind)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row, sighting in zip(rows, sightings, strict=True):
        if sighting.submitted == "hrc":  # beyond the disk there is no place on the Sun
            row |= {key: "" for key in row if key.startswith(("hgs", "hgc"))}
    return rows


def _record(  # noqa: PLR0917  what was computed for all sightings at once, taken apart for one
    sighting: Sighting,
    submitted: Shape,
    frames: dict[str, Shape],
    columns: Record,
    geometry: str,
    chain: str,
) -> Record:
    record = _blank(sighting.method.event_type) | dict(sighting.method.constants)
    record |= {
        "kb_archivid": sighting.archivid,
        "event_starttime": iso(sighting.start),
        "event_endtime": iso(sighting.end),
        "frm_daterun": iso(sighting.run),
        "kb_archivdate": iso(sighting.archived),
        "event_c1error": number(sighting.errors[0]),
        "event_c2error": number(sighting.errors[1]),
        "event_coordsys": _COORDSYS[sighting.submitted],
        "hpc_geom": geometry,
        "noposition": "true" if sighting.no_position else "false",
    }
    known = FRAMES if sighting.submitted != "hrc" else ("hpc", "hrc")
    record |= columns
    record |= _scalars(frames, record["event_starttime"], known)
    record |= _submission(sighting, submitted)
    if sighting.submitted == "hpc":
        record |= _outline_fields(sighting.method, submitted[2], frames["hrc"][2])
        record["bound_chaincode"] = chain
    return record | {key: _plain(value) for key, value in sighting.attributes.items()}


def _skeleton_fields(skeleton: Floats) -> Record:
    """The spine, in HPC. It is no ring, but HEK and its readers write every chain of points as a POLYGON."""
    chain = ",".join(f"{number(x)} {number(y)}" for x, y in skeleton.tolist())
    return {
        "skel_chaincode": f"POLYGON(({chain}))",
        "skel_startc1": number(skeleton[0, 0]),
        "skel_startc2": number(skeleton[0, 1]),
    }


def _plain(value: Any) -> Any:
    return number(value) if isinstance(value, float) else value


def _scalars(frames: dict[str, Shape], start: str, known: Sequence[str]) -> Record:
    """Positions as numbers, and SOL_standard where there is a place on the Sun."""
    at = {frame: tuple(map(number, frames[frame][0][0].tolist())) for frame in known}
    fields: Record = {
        "hpc_x": at["hpc"][0],
        "hpc_y": at["hpc"][1],
        "hpc_radius": f"{math.hypot(*at['hpc']):.15g}",
        "hrc_r": at["hrc"][0],
        "hrc_a": at["hrc"][1],
    }
    if "hgs" in at:
        fields |= {"hgs_x": at["hgs"][0], "hgs_y": at["hgs"][1]}
        fields |= {"hgc_x": at["hgc"][0], "hgc_y": at["hgc"][1]}
        fields["SOL_standard"] = sol_standard(start, *at["hgc"])
    return fields


def sol_standard(start: str, longitude: float, latitude: float) -> str:
    """HEK's standard name: Carrington longitude cut to whole degrees (0 to 360), and colatitude."""
    whole = math.trunc(longitude)
    whole += 360 if longitude < 0 and whole else 0
    return f"SOL{start}L{whole:03d}C{90 - math.trunc(latitude):03d}"


def _submission(sighting: Sighting, submitted: Shape) -> Record:
    """Position and box as the method gave them; in HEK's radial frame the angle comes first."""
    coord, box, _ = submitted
    x, y = coord[0].tolist()
    xmin, ymin = box.min(axis=0).tolist()
    xmax, ymax = box.max(axis=0).tolist()
    if sighting.submitted != "hpc":
        # The boxes proper: what the record's hgs_bbox makes of them may be broken.
        xmin, ymin, xmax, ymax = map(float, sighting.box)
    if sighting.submitted == "hrc":
        x, y, xmin, ymin, xmax, ymax = y, x, ymin, xmin, ymax, xmax
    fields = {
        "event_coord1": x,
        "event_coord2": y,
        "boundbox_c1ll": xmin,
        "boundbox_c2ll": ymin,
        "boundbox_c1ur": xmax,
        "boundbox_c2ur": ymax,
    }
    return {key: number(value) for key, value in fields.items()}


def _outline_fields(method: Method, outline: Floats, radial: Floats) -> Record:
    fields: Record = {
        "bound_ccnsteps": len(outline) - 1,
        "bound_ccstartc1": number(outline[0, 0]),
        "bound_ccstartc2": number(outline[0, 1]),
        "event_coordunit": "arcsec,arcsec",
    }
    if method.tells_clipping:
        fields["event_clippedspatial"] = "T" if radial[:, 0].max() > _CLIPPED_BEYOND else "F"
    return fields
