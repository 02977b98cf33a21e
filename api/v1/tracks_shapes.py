"""The shapes of tracks in their forms, streamed: few are held at a time, however many there are."""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import shapely
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.errors import ParameterError
from api.ranges import whole
from api.v1.answers import Csv, GeoJsonForm, Json, MfJson, NdJson, Tsv, json_head, json_text
from api.v1.listing import CONTENT_TYPES, csv_text
from api.v1.tracks_params import MAX_INSTANTS, BulkQuestion, ShapesQuestion
from api.v1.tracks_rows import AREA_UNIT, how, identity
from events.domain.carrying import in_frame
from events.domain.criteria import TemporalPredicate, TimeWindow
from events.domain.interpolation import Shape
from events.domain.tracks import TrackPage
from events.domain.vocabulary import FRAME_UNITS
from events.models import Track
from events.sightings import shape_settings
from events.tracks import page_of_tracks
from events.trackshapes import archivids_of, left_out, shapes_of, slots_of

_EXTRAPOLATED = "extrapolated"
#: Shapes that become one part of the stream.
_AT_ONCE = 500
_TYPES = {Json.format: Json.media_type, GeoJsonForm.format: GeoJsonForm.media_type}
_TYPES |= CONTENT_TYPES | {MfJson.format: MfJson.media_type, Tsv.format: Tsv.media_type}
_TOLD = ("time", "method", "origin", "repaired", "report", "area")
#: Of the rows of CSV and NDJSON.
_KEYS = ("track", "event_type", *_TOLD, "geometry")


@dataclass(frozen=True, slots=True)
class _Row:
    """A shape with its track, and in the asked frame; `report`: the kb_archivid of the one that it is."""

    track: Track
    shape: Shape
    report: str | None
    seen: shapely.Polygon

    @property
    def told(self) -> dict[str, Any]:
        """What is told of it beside track and geometry."""
        return {
            "time": self.shape.time,
            "method": self.shape.method,
            "origin": self.shape.origin,
            "repaired": self.shape.repaired,
            "report": self.report,
            "area": round(self.shape.area, 3),
        }


@dataclass(slots=True)
class _Sums:
    """What the shapes that were told amount to: numbers and areas by origin."""

    count: dict[str, int] = field(default_factory=dict)
    area: dict[str, float] = field(default_factory=dict)

    def add(self, shape: Shape) -> None:
        """One more."""
        self.count[shape.origin] = self.count.get(shape.origin, 0) + 1
        self.area[shape.origin] = self.area.get(shape.origin, 0.0) + shape.area

    @property
    def extrapolated_share(self) -> float | None:
        """Part of the summed area (of the volume, on a grid of times) that is extrapolated."""
        whole = sum(self.area.values())
        return round(self.area.get(_EXTRAPOLATED, 0.0) / whole, 6) if whole else None


def wkt_of(shapes: Any) -> list[Any]:
    """Shapes as WKT in PostGIS's spelling; None stays."""
    texts = shapely.to_wkt(shapes, rounding_precision=9)
    return [text and text.replace(", ", ",").replace(" (", "(") for text in texts]


# --- one track


def shapes_response(
    request: HttpRequest, track: Track, question: ShapesQuestion, form: str
) -> HttpResponseBase:
    """The track's shapes at the asked instants in the form of this name."""
    parts = _FORMS[form](track, _instants(track, question), question)
    return whole(request, parts, _TYPES[form])


def _instants(track: Track, question: ShapesQuestion) -> Sequence[datetime]:
    if question.times:
        return question.times
    life = track.event_endtime - track.event_starttime
    # A slot after its end is one more.
    if question.step and life / question.step >= MAX_INSTANTS - 1:
        raise ParameterError("step", f"step gives more than {MAX_INSTANTS} instants of this track")
    return slots_of(track, question.step)


def _pieces(track: Track, instants: Sequence[datetime], question: ShapesQuestion) -> Iterator[list[_Row]]:
    for first in range(0, len(instants), _AT_ONCE):
        piece = instants[first : first + _AT_ONCE]
        found = [(track, shape) for _, shapes in shapes_of([track], lambda _: piece) for shape in shapes]  # noqa: B023 - used at once
        yield _rows_of(found, question)


def _rows_of(found: Sequence[tuple[Track, Shape]], question: ShapesQuestion) -> list[_Row]:
    """Rows of those that are wanted, in the asked frame; one statement for the names of their reports."""
    kept = [(track, s) for track, s in found if question.extrapolate or s.origin != _EXTRAPOLATED]
    names = archivids_of({shape.report for _, shape in kept if shape.report is not None})
    seen = in_frame([shape.hpc for _, shape in kept], [shape.time for _, shape in kept], question.frame)
    return [
        _Row(track, shape, names.get(shape.report or 0), polygon)
        for (track, shape), polygon in zip(kept, seen, strict=True)
    ]


def _head(track: Track, question: ShapesQuestion) -> dict[str, Any]:
    step = None if question.times else (question.step or shape_settings().step).total_seconds()
    return identity(track) | {
        "step": step,
        **how(question.frame),
        "left_out": [{"kb_archivid": report, "why": why} for report, why in left_out(track)],
    }


def _list(
    head: str,
    write: Callable[[Sequence[_Row]], list[str]],
    pieces: Iterator[list[_Row]],
) -> Generator[str]:
    """One JSON object: the head, which ends in an open list, the shapes, and what they amount to.

    The head goes out with the first shapes, so that what fails before them still has its own status.
    """
    told, before = _Sums(), head
    for piece in pieces:
        for row in piece:
            told.add(row.shape)
        if piece:
            yield before + ",".join(write(piece))
            before = ","
    yield "" if before == "," else before
    tail = {
        "returned": sum(told.count.values()),
        "by_origin": told.count,
        "extrapolated_share": told.extrapolated_share,
    }
    yield f"],{json_head(tail)[1:]}}}"


def _json(track: Track, instants: Sequence[datetime], question: ShapesQuestion) -> Generator[str]:
    def write(rows: Sequence[_Row]) -> list[str]:
        texts = wkt_of([row.seen for row in rows])
        return [json_text(row.told | {"geometry": text}) for row, text in zip(rows, texts, strict=True)]

    head = f'{json_head(_head(track, question))},"shapes":['
    return _list(head, write, _pieces(track, instants, question))


def _geojson(track: Track, instants: Sequence[datetime], question: ShapesQuestion) -> Generator[str]:
    def write(rows: Sequence[_Row]) -> list[str]:
        texts = shapely.to_geojson([row.seen for row in rows])
        return [
            json_text({"type": "Feature", "geometry": orjson.Fragment(text), "properties": row.told})
            for row, text in zip(rows, texts, strict=True)
        ]

    head = f'{json_head({"type": "FeatureCollection"} | _head(track, question))},"features":['
    return _list(head, write, _pieces(track, instants, question))


def _mfjson(track: Track, instants: Sequence[datetime], question: ShapesQuestion) -> Generator[str]:
    """A moving feature of OGC 19-045r3, "prism" form: a MovingPolygon, and the rest as temporal properties.

    The instants are discrete: shapes have different numbers of vertices, between which nothing is linear. The
    coordinates go first, since the times, which also belong to the properties, are few enough to be kept.
    """
    frame = question.frame
    head = {
        "type": "Feature",
        "id": track.pk,
        "crs": {"type": "Name", "properties": {"name": f"{frame} ({', '.join(FRAME_UNITS[frame])})"}},
        "trs": {"type": "Name", "properties": {"name": "urn:ogc:data:time:iso8601"}},
        "properties": _head(track, question),
    }
    moving = {"type": "MovingPolygon", "interpolation": "Discrete"}
    before = f'{json_head(head)},"temporalGeometry":{json_head(moving)},"coordinates":['
    rows = []
    for piece in _pieces(track, instants, question):
        if piece:
            yield before + ",".join(json_text([shapely.get_coordinates(row.seen).tolist()]) for row in piece)
            before = ","
        rows += [row.told for row in piece]
    yield "" if before == "," else before
    told = {name: [row[name] for row in rows] for name in _TOLD}
    times = told.pop("time")
    measures = {"area": {"type": "Measure", "values": told.pop("area"), "description": AREA_UNIT}}
    texts = {name: {"type": "Text", "values": values} for name, values in told.items()}
    properties = {name: value | {"interpolation": "Discrete"} for name, value in (measures | texts).items()}
    life = [times[0], times[-1]] if times else None
    tail = {"temporalProperties": [{"datetimes": times} | properties], "time": life}
    yield f"],{json_head({'datetimes': times})[1:]}}},{json_head(tail)[1:]}}}"


# --- rows


def _rows_as(
    write: Callable[[Sequence[_Row]], str],
    track: Track,
    instants: Sequence[datetime],
    question: ShapesQuestion,
) -> Generator[str]:
    opening = _OPENING.get(write, "")
    for piece in _pieces(track, instants, question):
        yield opening + write(piece)
        opening = ""
    yield opening


def _tsv(rows: Sequence[_Row]) -> str:
    """As DMLab published tracks: id, start in milliseconds since 1970, WKT."""
    texts = wkt_of([row.seen for row in rows])
    times = (round(row.shape.time.timestamp() * 1000) for row in rows)
    return "".join(
        f"{row.track.pk}\t{time}\t{text}\n" for row, time, text in zip(rows, times, texts, strict=True)
    )


def _records(rows: Sequence[_Row]) -> Iterator[dict[str, Any]]:
    for row, text in zip(rows, wkt_of([row.seen for row in rows]), strict=True):
        yield {"track": row.track.pk, "event_type": row.track.event_type, **row.told, "geometry": text}


def _csv(rows: Sequence[_Row]) -> str:
    lines = (orjson.loads(json_text(record)).values() for record in _records(rows))
    return csv_text(lines)


def _ndjson(rows: Sequence[_Row]) -> str:
    return "".join(f"{json_text(record)}\n" for record in _records(rows))


_OPENING: dict[Callable[[Sequence[_Row]], str], str] = {_csv: csv_text([_KEYS])}
_FORMS: dict[str, Callable[[Track, Sequence[datetime], ShapesQuestion], Generator[str]]] = {
    Json.format: _json,
    GeoJsonForm.format: _geojson,
    MfJson.format: _mfjson,
    Csv.format: partial(_rows_as, _csv),
    Tsv.format: partial(_rows_as, _tsv),
}

# --- many tracks


def bulk_response(request: HttpRequest, question: BulkQuestion, form: str) -> HttpResponseBase:
    """The shapes of all tracks of the question, track by track, in the form of this name."""
    write = {Tsv.format: _tsv, Csv.format: _csv, NdJson.format: _ndjson}[form]
    return whole(request, _bulk(question, write), _TYPES[form])


def _bulk(question: BulkQuestion, write: Callable[[Sequence[_Row]], str]) -> Generator[str]:
    window = _clipped_to(question)

    def instants_of(track: Track) -> Sequence[datetime]:
        return slots_of(track, question.shapes.step, window)

    opening = _OPENING.get(write, "")
    waiting: list[tuple[Track, Shape]] = []
    # Inside a transaction, since PostgreSQL would compute all of a cursor's rows first outside of one.
    with transaction.atomic():
        tracks = page_of_tracks(question.criteria, TrackPage(None)).iterator(chunk_size=_AT_ONCE)
        for track, shapes in shapes_of(tracks, instants_of):
            waiting += [(track, shape) for shape in shapes]
            if len(waiting) >= _AT_ONCE:
                yield opening + write(_rows_of(waiting, question.shapes))
                waiting, opening = [], ""
    yield opening + write(_rows_of(waiting, question.shapes))


def _clipped_to(question: BulkQuestion) -> TimeWindow | None:
    """The window that the instants lie in: of tracks that reach over its ends only what is inside is told.

    Of tracks that relate to it in another way, all is.
    """
    criteria = question.criteria
    reaching = (TemporalPredicate.INTERSECTS, TemporalPredicate.OVERLAPS)
    return criteria.window if criteria.temporal in reaching else None
