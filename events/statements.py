"""The SQL of a page, compiled once for all questions of its shape.

Django takes about as long to write the statement of a page as PostgreSQL to answer it. But two questions that
differ only in their values have the same SQL. So the first of a shape is compiled from an example of it, in
which every value is unmistakable; where these values turn up among the statement's parameters, the next
question's own are put. A test holds the result to what Django would have compiled.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.gis.db.backends.postgis.adapter import PostGISAdapter
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet
from shapely import Point
from shapely.geometry.base import BaseGeometry

from events.conditions import as_geos
from events.domain.criteria import INSTANT, EventCriteria, Page, Position, TimeWindow
from events.models import Event
from events.queries import page_of, second_before

#: Makes of a page's events the rows that are wanted; a function of a module, since it is part of the key.
Dress = Callable[[QuerySet[Event]], QuerySet[Any, Any]]
Statement = tuple[str, tuple[Any, ...]]

_SHAPES_KEPT = 1024
_START = datetime(1234, 5, 6, 7, 8, 9, 123457, tzinfo=UTC)
_AFTER = Position(datetime(1235, 6, 7, 8, 9, 10, 234567, tzinfo=UTC), "\ue000after")
_LONG = timedelta(days=98765)
_SHORT = INSTANT / 2
_LIMIT, _OFFSET = 1_000_000_007, 4_000_000_007


def page_statement(criteria: EventCriteria, page: Page, dress: Dress) -> Statement:
    """SQL and parameters of `dress(page_of(criteria, page))`."""
    sql, places = _learned(_example(criteria), _example_page(page), dress)
    values = _values(criteria, page)
    return _sliced(sql, page), tuple(place(values) if callable(place) else place for place in places)


def _example(criteria: EventCriteria) -> EventCriteria:
    """A question of the same shape. How a window compares with an instant decides clauses, so it is kept.

    So are conditions on attributes, whose values decide what is compared.
    """
    return replace(
        criteria,
        window=criteria.window and TimeWindow(_START, _START + _like(criteria.window)),
        area=criteria.area and Point(1.25, 2.5),
        region=criteria.region and replace(criteria.region, area=Point(1.25, 2.5)),
        frm_name=criteria.frm_name and tuple(f"\ue000{n}" for n in range(len(criteria.frm_name))),
        ar_noaanum=None if criteria.ar_noaanum is None else -123456789,
        min_goes_flux=None if criteria.min_goes_flux is None else -1.2345e-67,
    )


def _example_page(page: Page) -> Page:
    return replace(
        page,
        limit=None if page.limit is None else _LIMIT,
        offset=page.offset and _OFFSET,
        after=page.after and _AFTER,
    )


def _sliced(sql: str, page: Page) -> str:
    """The example's SQL with the page's own limit and offset, which Django writes out as numbers."""
    if page.limit is not None:
        sql = sql.replace(f"LIMIT {_LIMIT + _OFFSET}", f"LIMIT {page.limit + page.offset}")
        sql = sql.replace(f"LIMIT {_LIMIT}", f"LIMIT {page.limit}")
    return sql.replace(f"OFFSET {_OFFSET}", f"OFFSET {page.offset}") if page.offset else sql


def _like(window: TimeWindow) -> timedelta:
    length = window.end - window.start
    if length in (timedelta(0), INSTANT):
        return length
    return _SHORT if length < INSTANT else _LONG


def _values(criteria: EventCriteria, page: Page) -> dict[str, Any]:
    """All that can stand among the parameters, by name."""
    values: dict[str, Any] = {"area": criteria.region.area if criteria.region else criteria.area}
    if criteria.window is not None:
        values |= {"start": criteria.window.start, "end": criteria.window.end}
        values |= {f"before {name}": second_before(values[name]) for name in ("start", "end")}
    if page.after is not None:
        values |= {"after": page.after.event_starttime, "after id": page.after.kb_archivid}
    values |= {f"method {n}": name for n, name in enumerate(criteria.frm_name or ())}
    return values | {"region": criteria.ar_noaanum, "flux": criteria.min_goes_flux}


@lru_cache(maxsize=_SHAPES_KEPT)
def _learned(criteria: EventCriteria, page: Page, dress: Dress) -> tuple[str, tuple[Any, ...]]:
    """The example's SQL, and for each parameter itself or how it is taken from a question's values."""
    sql, parameters = dress(page_of(criteria, page)).query.sql_with_params()
    names = {value: name for name, value in _values(criteria, page).items() if value is not None}
    return sql, tuple(_place(parameter, names) for parameter in parameters)


def _place(parameter: Any, names: Mapping[Any, str]) -> Any:
    if isinstance(parameter, PostGISAdapter):
        return lambda values: _adapted(values["area"])
    if isinstance(parameter, DateTimeTZRange):
        lower, upper, bounds = names[parameter.lower], names[parameter.upper], parameter._bounds  # noqa: SLF001
        return lambda values: DateTimeTZRange(values[lower], values[upper], bounds)
    name = names.get(parameter) if isinstance(parameter, Hashable) else None
    return parameter if name is None else lambda values: values[name]


@lru_cache(maxsize=_SHAPES_KEPT)
def _adapted(area: BaseGeometry) -> PostGISAdapter:
    """An area as the driver takes it; kept, since programs ask for the same place again and again."""
    return PostGISAdapter(as_geos(area))
