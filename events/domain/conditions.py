"""Conditions on single attributes and on the place as HEK's clients put them: frozen values.

A condition compares what was reported, never what a view fills up. Where nothing was reported: a number or
a time satisfies no condition, a text is "", a boolean is what HEK writes then (`MISSING_BOOLEANS`). A column
that the event's type does not have satisfies none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from shapely.geometry.base import BaseGeometry

from events.domain.vocabulary import ATTRIBUTES, EVENT_TYPES, Attribute, record_keys

Comparable = str | float | bool | datetime

#: What a boolean is that was not reported. Of `noposition` our own columns tell.
MISSING_BOOLEANS: Mapping[str, bool] = MappingProxyType(
    {"active": True, "event_testflag": False, "frm_humanflag": False, "hcr_checked": False}
)


class Relation(StrEnum):
    """How a value of an event compares with the asked one."""

    EQUAL = "="
    UNEQUAL = "!="
    GREATER = ">"
    LESS = "<"
    GREATER_OR_EQUAL = ">="
    LESS_OR_EQUAL = "<="
    #: A pattern in which only % is special.
    LIKE = "like"


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """A condition on the attribute `name` (of the vocabulary).

    `value` has the type of the attribute's kind: float, bool, UTC datetime, else str. `flux` is the value as
    GOES class, by which fl_goescls is then compared. With `event_type` only events of that type must
    satisfy it.
    """

    name: str
    relation: Relation
    value: Comparable
    flux: float | None = None
    event_type: str | None = None

    @property
    def attribute(self) -> Attribute:
        """The attribute that is compared."""
        return ATTRIBUTES[self.name]

    @property
    def types(self) -> frozenset[str]:
        """The types of events that have the attribute."""
        return types_with(self.name)


@cache
def types_with(name: str) -> frozenset[str]:
    """The types whose records have this key."""
    return frozenset(code for code in EVENT_TYPES if name in record_keys(code)) or frozenset(EVENT_TYPES)


@dataclass(frozen=True, slots=True)
class Region:
    """Where an event is searched, by HEK's rules (docs/api/hek.md): `area` in the units of `frame`.

    An event is compared by its outline, else by its box; a flare in hpc by a square around it that grows with
    its class, a CME by its point. With `whole` the area holds the whole disk (hpc) or the whole surface, so
    an event of unknown place is in it.
    """

    frame: str
    area: BaseGeometry
    whole: bool
