"""Filters of the event list that stay cheap on millions of rows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib import messages
from django.contrib.admin import ListFilter, ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import BooleanField, Func, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.http import HttpRequest

from events.domain.vocabulary import EVENT_TYPES
from events.domain.words import WORDS

#: The columns whose known values are offered; they are looked up together.
_KNOWN = ("event_type", "frm_name", "obs_observatory", "source")
_NEWEST = 10_000

_KNOWN_IN: WeakKeyDictionary[HttpRequest, dict[str, list[str]]] = WeakKeyDictionary()

# All values of a small table, and of a big one those that are frequent by the planner's statistics or
# occur among the newest events: DISTINCT over the table would read all of it.
_KNOWN_VALUES = """
    SELECT attname, unnest(most_common_vals::text::text[]) FROM pg_stats
    WHERE schemaname = current_schema() AND tablename = 'events_event' AND attname = ANY(%s)
    UNION
    SELECT pair.* FROM (
        SELECT event_type, frm_name, obs_observatory, source FROM events_event
        ORDER BY event_starttime DESC LIMIT %s
    ) AS newest, LATERAL (VALUES
        ('event_type', event_type), ('frm_name', frm_name),
        ('obs_observatory', obs_observatory), ('source', source)
    ) AS pair (column_name, value)
"""


def _known_values(request: HttpRequest) -> dict[str, list[str]]:
    """Column -> sorted values; asked of the database once a request."""
    if request not in _KNOWN_IN:
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN_VALUES, [list(_KNOWN), _NEWEST])
            rows = cursor.fetchall()
        _KNOWN_IN[request] = {column: sorted(v for c, v in rows if c == column and v) for column in _KNOWN}
    return _KNOWN_IN[request]


class FormFilter(ListFilter):
    """A filter with input fields; it must carry the other parameters of the list along."""

    parameters: tuple[str, ...] = ()

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: ModelAdmin
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.request = request
        for name in self.parameters:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1].strip()

    def expected_parameters(self) -> list[str | None]:
        """The names of the input fields."""
        return list(self.parameters)

    def has_output(self) -> bool:
        """Always: whatever can be typed can be asked."""
        return True

    def value_of(self, name: str) -> str:
        """What was typed into the field `name`."""
        return str(self.used_parameters.get(name, ""))

    def hidden(self, changelist: ChangeList) -> list[tuple[str, str]]:
        """The parameters of the other filters, of the search and of the order."""
        others = changelist.filter_params.items()
        return [(k, v) for k, values in others if k not in self.parameters for v in values]


class KnownValuesFilter(FormFilter):
    """One text column: a choice of its known values, and a field for any other."""

    template = "admin/events/known_values_filter.html"
    column = ""

    def __init__(self, *args: Any) -> None:
        self.parameters = (self.column,)
        super().__init__(*args)

    def label(self, value: str) -> str:
        """How a value is shown."""
        return value

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows with exactly this value."""
        value = self.value_of(self.column)
        return queryset.filter(**{self.column: value}) if value else queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Everything (and what the field's form carries along), then each value with its link."""
        chosen = self.value_of(self.column)
        everything = changelist.get_query_string(remove=[self.column])
        hidden = self.hidden(changelist)
        yield {"selected": not chosen, "query_string": everything, "display": "All", "hidden": hidden}
        known = _known_values(self.request)[self.column]
        for value in known if not chosen or chosen in known else [*known, chosen]:
            query = changelist.get_query_string({self.column: value})
            yield {"selected": value == chosen, "query_string": query, "display": self.label(value)}


class TypeFilter(KnownValuesFilter):
    """The event's type, named."""

    title = column = "event_type"

    def label(self, value: str) -> str:
        """Code and concept."""
        return f"{value} {EVENT_TYPES[value].concept}" if value in EVENT_TYPES else value


class MethodFilter(KnownValuesFilter):
    """The method that found the event."""

    title, column = "method", "frm_name"


class ObservatoryFilter(KnownValuesFilter):
    """The observatory whose data it was found in."""

    title, column = "observatory", "obs_observatory"


class SourceFilter(KnownValuesFilter):
    """Where the newest revision came from."""

    title = column = "source"


class PositionFilter(SimpleListFilter):
    """Whether the event's place is known."""

    title, parameter_name = "position", "position"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Known or not."""
        return [("known", "Known"), ("unknown", "Not known")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows with, or without, a position on the sky."""
        choice = self.value()
        return queryset.filter(hpc_coord__isnull=choice == "unknown") if choice else queryset


class GeometryFilter(SimpleListFilter):
    """What was done to any of the event's geometries."""

    title, parameter_name = "geometry", "geometry"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        """Nothing, or one of the notes' words."""
        return [("reported", "all as reported"), *WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The rows with this word in a note."""
        word = self.value()
        if not word:
            return queryset
        if word not in WORDS:
            return queryset.filter(geometry_notes={}) if word == "reported" else queryset.none()
        path = Value(f'$.* ? (@ like_regex "(^|[+]){word}($|[:+])")')
        return queryset.filter(_HasPath("geometry_notes", Cast(path, _JsonPath())))


class _JsonPath(TextField):
    """PostgreSQL's type of a JSON path, for a cast."""

    def db_type(self, connection: Any) -> str:
        return "jsonpath"


class _HasPath(Func):
    """jsonb_path_exists(column, path)."""

    function = "jsonb_path_exists"
    output_field = BooleanField()


class StartFilter(FormFilter):
    """Days between which the event starts, both included: a range of the index on event_starttime."""

    title = "start (UTC)"
    template = "admin/events/start_filter.html"
    parameters = ("from", "until")

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """The events that start on these days; none and a message where a date cannot be read."""
        try:
            first, last = (_day(self.value_of(name)) for name in self.parameters)
        except ValueError as error:
            messages.error(request, f"Start: {error}")
            return queryset.none()
        bounds = Q()
        if first:
            bounds &= Q(event_starttime__gte=first)
        if last:
            bounds &= Q(event_starttime__lt=last + timedelta(days=1))
        return queryset.filter(bounds)

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """The form's contents."""
        yield {
            "hidden": self.hidden(changelist),
            "fields": [(name, self.value_of(name)) for name in self.parameters],
            "clear": changelist.get_query_string(remove=list(self.parameters)),
        }


def _day(text: str) -> datetime | None:
    day = date.fromisoformat(text) if text else None
    if day is not None and day.year > 9000:  # a day is added to it
        raise ValueError(f"the year {day.year} is too late")
    return datetime.combine(day, time(), UTC) if day else None
