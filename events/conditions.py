"""Conditions on attributes and places as SQL (`events.domain.conditions` says what they mean).

Typed columns are compared where there is one, else the JSON: numbers as jsonb, which compares them exactly,
texts in the byte order of the collation "C", whatever the database's own is.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any

from django.contrib.gis.db.models import GeometryField
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import BooleanField, Case, DateTimeField, F, FloatField, Func, Q, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Collate
from shapely import to_wkb
from shapely.geometry.base import BaseGeometry

from events.domain.conditions import MISSING_BOOLEANS, AttributeFilter, Region, Relation
from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES

#: No event. Not pk__in=[], at which Django would not write any SQL.
NOTHING = Q(pk__isnull=True)
_OPERATORS = {Relation.UNEQUAL: "<>", Relation.LIKE: "LIKE"}
#: Attributes that are columns, without a difference but for their type.
_TEXT_COLUMNS = frozenset(
    {
        "kb_archivid",
        "event_type",
        "frm_name",
        "frm_specificid",
        "obs_observatory",
        "obs_instrument",
        "obs_channelid",
        "fl_goescls",
    }
)
_TIME_COLUMNS = frozenset({"event_starttime", "event_endtime", "event_peaktime", "kb_archivdate"})


def as_geos(shape: BaseGeometry) -> GEOSGeometry:
    """A shape of the domain as the ORM takes it, without a spatial reference as all our columns are."""
    return GEOSGeometry(memoryview(to_wkb(shape)), srid=0)


# --- values of attributes


def value_of(name: str) -> Combinable:
    """An attribute as an expression that compares and orders as its kind does; NULL where a value lacks.

    fl_goescls is ordered as flux, ar_noaanum in five digits.
    """
    columns = {"fl_goescls": "goes_flux", "ar_noaanum": "ar_noaanum", "obs_meanwavel": "obs_meanwavel"}
    if name in columns or name in _TIME_COLUMNS:
        return F(columns.get(name, name))
    if ATTRIBUTES[name].is_numeric:
        return _JsonNumber(name)
    if ATTRIBUTES[name].kind == "time":
        return Collate(KT(f"attributes__{name}"), "C")
    return _text(name)


class _JsonNumber(Func):
    """`attributes -> name`; NULL where it lacks."""

    template = "(%(expressions)s)"
    arg_joiner = " -> "

    def __init__(self, name: str) -> None:
        super().__init__(F("attributes"), Value(name), output_field=TextField())


def _text(name: str) -> Combinable:
    column = F(name) if name in _TEXT_COLUMNS else Coalesce(KT(f"attributes__{name}"), Value(""))
    return Collate(column, "C")


def _compare(left: Any, relation: Relation, right: Any) -> Q:
    """The condition `left relation right`."""
    operator = _OPERATORS.get(relation, relation.value)
    return Q(
        Func(
            left, right, template="(%(expressions)s)", arg_joiner=f" {operator} ", output_field=BooleanField()
        )
    )


# --- filters


def filtered(condition: AttributeFilter, types: Iterable[str] | None) -> Q:
    """`condition`, among events of these types (None: of all)."""
    holds = _renderer(condition)(condition)
    asked = set(EVENT_TYPES if types is None else types)
    if condition.event_type is not None:
        return ~Q(event_type=condition.event_type) | holds
    if asked <= condition.types:
        return holds
    having = sorted(asked & condition.types)
    return Q(event_type__in=having) & holds if having else NOTHING


def _renderer(condition: AttributeFilter) -> Callable[[AttributeFilter], Q]:
    special = {"noposition": _noposition, "ar_noaanum": _noaa_number}
    if condition.name in special:
        return special[condition.name]
    if condition.flux is not None:
        return _goes_class
    if condition.relation is Relation.LIKE:
        return _like
    kinds = {"number": _number, "integer": _number, "boolean": _boolean, "time": _time}
    return kinds.get(condition.attribute.kind, _string)


def _string(condition: AttributeFilter) -> Q:
    if condition.relation is Relation.EQUAL and condition.name in _TEXT_COLUMNS:
        return Q(**{condition.name: condition.value})  # in the column's own collation, as its index
    return _compare(_text(condition.name), condition.relation, Value(condition.value))


def _like(condition: AttributeFilter) -> Q:
    pattern = str(condition.value).replace("\\", "\\\\").replace("_", "\\_")
    return _compare(_text(condition.name), condition.relation, Value(pattern))


def _number(condition: AttributeFilter) -> Q:
    if condition.name == "obs_meanwavel":
        return _compare(F("obs_meanwavel"), condition.relation, Value(condition.value))
    asked = Func(
        Value(condition.value), template="to_jsonb(%(expressions)s::float8)", output_field=FloatField()
    )
    return _compare(_JsonNumber(condition.name), condition.relation, asked)


def _boolean(condition: AttributeFilter) -> Q:
    """By containment, of which PostgreSQL knows that it is rare."""
    wanted = (condition.relation is Relation.EQUAL) is condition.value
    missing = MISSING_BOOLEANS.get(condition.name)
    if missing is wanted:
        return ~Q(attributes__contains={condition.name: not wanted})
    return Q(attributes__contains={condition.name: wanted})


def _noposition(condition: AttributeFilter) -> Q:
    """Reported, or what our columns say: HEK's view writes it so, too."""
    wanted = (condition.relation is Relation.EQUAL) is condition.value
    unknown = Q(hpc_coord__isnull=True, hgs_coord__isnull=True)
    reported = Q(attributes__has_key="noposition")
    return (reported & Q(attributes__noposition=wanted)) | (~reported & (unknown if wanted else ~unknown))


def _time(condition: AttributeFilter) -> Q:
    asked = condition.value
    if condition.name in _TIME_COLUMNS:
        return _compare(F(condition.name), condition.relation, Value(asked, output_field=DateTimeField()))
    text = asked.strftime("%Y-%m-%dT%H:%M:%S") if isinstance(asked, datetime) else asked
    return _compare(Collate(KT(f"attributes__{condition.name}"), "C"), condition.relation, Value(text))


def _goes_class(condition: AttributeFilter) -> Q:
    """By flux. What has no class is unequal to every class, and neither above nor below it."""
    holds = _compare(F("goes_flux"), condition.relation, Value(condition.flux))
    return holds | Q(goes_flux__isnull=True) if condition.relation is Relation.UNEQUAL else holds


def _noaa_number(condition: AttributeFilter) -> Q:
    """In five digits. A shorter number equals those that were reported so, too; 0 is "unknown"."""
    asked = condition.value
    normalised = _compare(F("ar_noaanum"), condition.relation, Value(asked))
    if condition.relation not in (Relation.EQUAL, Relation.UNEQUAL):
        return normalised
    equal = condition.relation is Relation.EQUAL
    if not isinstance(asked, float) or asked >= 10_000:
        unknown = Q(ar_noaanum__isnull=True, attributes__has_key="ar_noaanum")
        return normalised if equal else normalised | unknown
    as_sent = _number(condition)
    # The column is compared, too, so that its index finds the number.
    indexed = Q(ar_noaanum__in=(asked, asked + 10_000)) | Q(ar_noaanum__isnull=True)
    return as_sent & indexed if equal else as_sent


# --- regions


#: HEK's search area of a flare is a square around its point, whose side grows with the class
#: (docs/geometry.md).
_HALF_SIDE = Func(
    F("goes_flux"),
    template=(
        "(CASE WHEN %(expressions)s >= 1e-5 THEN 50 WHEN %(expressions)s >= 1e-6"
        " THEN 25 + 2.5e6 * %(expressions)s ELSE 25 END)"
    ),
    output_field=FloatField(),
)
_PLANE = GeometryField(srid=0)
_FLARE = Func(F("hpc_coord"), _HALF_SIDE, function="ST_Expand", output_field=_PLANE)


def within(region: Region, types: Iterable[str] | None) -> Q:
    """In `region`, among events of these types (None: of all)."""
    area = as_geos(region.area)
    asked = set(EVENT_TYPES if types is None else types) if region.frame == "hpc" else set()
    if region.whole:
        return _nearly_anywhere(region.frame, area, asked)
    by_shape = _by_shape(region.frame, area)
    if region.frame != "hpc":
        return by_shape
    found = NOTHING
    if others := asked - {"CE", "FL"}:
        found |= Q(event_type__in=sorted(others), hpc_bbox__bboverlaps=area) & by_shape
    if "CE" in asked:
        found |= Q(event_type="CE", hpc_coord__intersects=area)
    if "FL" in asked:
        found |= Q(event_type="FL") & (_flare(area) | Q(hpc_coord__isnull=True) & by_shape)
    return found


def _nearly_anywhere(frame: str, area: GEOSGeometry, special: Collection[str]) -> Q:
    """In an area that holds the whole disk or surface, or nowhere known; `special` types by their own rules.

    One expression, in which PostgreSQL finds nothing to look up in an index: nearly every event satisfies
    it, and a plan that began with the place would read them all.
    """
    shapes = [f"{frame}_{shape}" for shape in ("boundcc", "bbox", "coord")]
    cases = [When(Q(**{f"{shape}__isnull": True for shape in shapes}), then=Value(True))]
    if "CE" in special:
        cases.append(When(event_type="CE", then=_meets(F("hpc_coord"), area)))
    if "FL" in special:
        cases.append(When(event_type="FL", hpc_coord__isnull=False, then=_meets(_FLARE, area)))
    shape = Coalesce(*shapes, output_field=_PLANE)
    return Q(Case(*cases, default=_meets(shape, area), output_field=BooleanField()))


def _by_shape(frame: str, area: GEOSGeometry) -> Q:
    """The outline, else the box, else the point meets the area."""
    outline, box, point = (f"{frame}_{shape}" for shape in ("boundcc", "bbox", "coord"))
    no_outline = Q(**{f"{outline}__isnull": True})
    no_box = Q(**{f"{box}__isnull": True})
    return (
        Q(**{f"{outline}__intersects": area})
        | (no_outline & Q(**{f"{box}__intersects": area}))
        | (no_outline & no_box & Q(**{f"{point}__intersects": area}))
    )


def _flare(area: GEOSGeometry) -> Q:
    return Q(_meets(_FLARE, area))


def _meets(shape: Combinable, area: GEOSGeometry) -> Func:
    asked = Value(area, output_field=_PLANE)
    return Func(shape, asked, function="ST_Intersects", output_field=BooleanField())
