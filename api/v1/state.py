"""The Sun at one instant, in its four forms."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import shapely
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.caching import revalidated
from api.v1 import tracks_schema as schema
from api.v1.answers import Csv, GeoJsonForm, Json, NdJson, V1View, json_head, json_text
from api.v1.listing import CONTENT_TYPES, csv_text
from api.v1.tracks_params import STATE, StateQuestion, state_question
from api.v1.tracks_rows import how
from api.v1.tracks_shapes import wkt_of
from events.domain.carrying import in_frame
from events.state import Present, State, state_at
from events.trackshapes import is_slot

_KEYS = (
    *("kb_archivid", "event_type", "frm_name", "track", "report_before", "report_after"),
    *("method", "origin", "repaired", "area", "position", "geometry"),
)


class StateView(V1View):
    """The Sun at one instant."""

    renderer_classes = (Json, GeoJsonForm, Csv, NdJson)
    table = STATE

    @schema.state
    def get(self, request: Request) -> HttpResponseBase:
        """Every event that is alive then; what is tracked once, with the shape that it has then."""
        question = state_question(request.query_params)
        # Reports may come late and change any instant.
        response = _response(question, state_at(question.criteria), request.accepted_renderer.format)
        return revalidated(request, response)


def _response(question: StateQuestion, state: State, form: str) -> HttpResponse:
    seen = in_frame(
        [item.shape for item in state.items], [question.criteria.time] * len(state.items), question.frame
    )
    told = [_told(item, centre) for item, centre in zip(state.items, _centres(seen), strict=True)]
    if form == GeoJsonForm.format:
        return HttpResponse(_geojson(question, state, told, seen), content_type=GeoJsonForm.media_type)
    rows = [row | {"geometry": text} for row, text in zip(told, wkt_of(seen), strict=True)]
    if form == Json.format:
        head = _head(question, state)
        text = f'{json_head(head)},"events":{json_text(rows)}}}'
        return HttpResponse(text, content_type=Json.media_type)
    if form == NdJson.format:
        text = "".join(f"{json_text(row)}\n" for row in rows)
    else:
        text = csv_text([_KEYS, *(orjson.loads(json_text(row)).values() for row in rows)])
    return HttpResponse(text, content_type=CONTENT_TYPES[form])


def _centres(shapes: Any) -> list[list[float] | None]:
    """The centre of gravity of each shape, in its frame; None of None."""
    centres = shapely.centroid(shapes)
    points = np.round(np.column_stack((shapely.get_x(centres), shapely.get_y(centres))), 3).tolist()
    return [None if shape is None else point for shape, point in zip(shapes, points, strict=True)]


def _told(item: Present, centre: list[float] | None) -> dict[str, Any]:
    has_area = item.shape is not None and item.shape.area > 0
    return {
        "kb_archivid": item.kb_archivid,
        "event_type": item.event_type,
        "frm_name": item.frm_name or None,
        "track": item.track,
        "report_before": item.before,
        "report_after": item.after,
        "method": item.method,
        "origin": item.origin,
        "repaired": item.repaired,
        "area": round(item.shape.area, 3) if item.shape is not None and has_area else None,
        "position": centre,
    }


def _head(question: StateQuestion, state: State) -> dict[str, Any]:
    """What the answer says of itself: when, of what it is complete, and how the shapes were made."""
    criteria = question.criteria
    return {
        "time": criteria.time,
        "on_cadence": is_slot(criteria.time),
        "shapes": {"exact": state.exact, "stored_for": state.stored_for},
        **how(question.frame),
        "predicate": {
            "event_type": criteria.types,
            "frm_name": criteria.frm_name,
            "extrapolate": criteria.extrapolate,
            "max_gap": None if criteria.max_gap is None else criteria.max_gap.total_seconds(),
        },
        "returned": len(state.items),
        "left_out": {"extrapolated": state.extrapolated, "max_gap": state.beyond_gap},
    }


def _geojson(question: StateQuestion, state: State, told: Sequence[dict[str, Any]], seen: Any) -> str:
    geometries = shapely.to_geojson(seen)
    features = [
        {"type": "Feature", "geometry": text and orjson.Fragment(text), "properties": row}
        for text, row in zip(geometries, told, strict=True)
    ]
    head = {"type": "FeatureCollection"} | _head(question, state)
    return f'{json_head(head)},"features":{json_text(features)}}}'
