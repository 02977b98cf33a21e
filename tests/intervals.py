"""The relations between intervals of time, by comparing their ends."""

from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


def half_open(predicate: str, event: Span, window: Span) -> bool:
    """ISD's relations; PostgreSQL's rules where the window is empty, and an instant lasts a second."""
    (s, e), (a, b) = event, window
    e = e if s < e else s + timedelta(seconds=1)
    if a == b:
        return predicate in ("GreaterThan", "Contains")
    return {
        "Equals": (s, e) == (a, b),
        "LessThan": (s, e) < (a, b),
        "GreaterThan": (s, e) > (a, b),
        "Contains": s <= a and b <= e,
        "ContainedBy": a <= s and e <= b,
        "Overlaps": s < b and a < e,
        "Precedes": e <= a,
        "PrecededBy": b <= s,
    }[predicate]
