"""The pages for people: each asks the queries and hands plain values to its template."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from events import queries as events
from events.domain.vocabulary import EVENT_TYPES
from ingest import queries as ingest
from ingest.models import IngestRun

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Holding:
    """The events of one type: how many, and when the first and the last of them start."""

    code: str
    concept: str
    count: str
    first: datetime
    last: datetime
    newest: str  # address of the newest ones


@dataclass(frozen=True, slots=True)
class Example:
    """A question worth asking, and where its answer is."""

    question: str
    address: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, what it holds, how the ingest stands, and where to begin.

    Without a database the page still says so, with status 503.
    """
    try:
        context = {**_holdings(), **_ingest()}
    except (OperationalError, InterfaceError) as error:
        log.error("the start page cannot ask the database", error=str(error))  # noqa: TRY400 - no trace needed
        response = render(request, "explorer/home.html", {"is_away": True}, status=503)
        response["Retry-After"] = "10"
        return response
    return render(request, "explorer/home.html", context)


def _holdings() -> dict[str, Any]:
    counts, estimated = events.counts_by_type()
    spans = events.spans_by_type()
    holdings = [
        Holding(
            code,
            EVENT_TYPES[code].concept,
            _number(counts[code], estimated=estimated) if code in counts else "few",
            *span,
            _v1(event_type=code, **_days(span[1], 1)),
        )
        for code, span in sorted(spans.items())
    ]
    return {
        "holdings": holdings,
        "total": _number(sum(counts.values()), estimated=estimated),
        "first": min((first for first, _ in spans.values()), default=None),
        "last": max((last for _, last in spans.values()), default=None),
        "examples": _examples(spans),
    }


def _number(count: int, *, estimated: bool) -> str:
    return f"about {float(f'{count:.2g}'):,.0f}" if estimated else f"{count:,}"


def _ingest() -> dict[str, Any]:
    return {
        "runs": [(run, _account(run)) for run in ingest.last_runs()],
        "backfills": [
            (backfill, backfill.succeeded_runs, backfill.failed_runs, backfill.all_runs)  # type: ignore[attr-defined]
            for backfill in ingest.open_backfills()[:5]
        ],
        "watermarks": ingest.watermarks(),
        "image_watermarks": ingest.image_watermarks(),
        "quarantined": ingest.quarantined_count(),
    }


def _account(run: IngestRun) -> list[tuple[str, str]]:
    return [(name, f"{getattr(run, name):,}") for name in ingest.ACCOUNT]


# --- first questions, about times that have events


def _examples(spans: dict[str, tuple[datetime, datetime]]) -> list[Example]:
    examples = []
    if "FL" in spans:
        week = _days(spans["FL"][1], 7)
        examples.append(
            Example(
                "Flares of class C and above in the last week we hold",
                _v1(event_type="FL", min_goes="C1", **week),
            )
        )
    if "AR" in spans:
        last = spans["AR"][1]
        region = _v1(event_type="AR", bbox="-300,-300,300,300", format="geojson", **_days(last, 1))
        examples.append(Example("Active regions near the disk's centre on the last day, as GeoJSON", region))
        day = _days(last, 1)
        old = {"starttime": day["start"], "endtime": day["end"], "tablenames": "ar"}
        box = {"xmin": -300, "xmax": 300, "ymin": -300, "ymax": 300}
        examples.append(
            Example(
                "The same, asked as one asked the old ISD", _address("/api/query/spatiotemporal/", old | box)
            )
        )
    if spans:
        code, (_, last) = max(spans.items(), key=lambda item: item[1][1])
        first = last.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        year = {"starttime": _text(first), "endtime": _text(first.replace(month=12, day=31, hour=23))}
        monthly = _address("/analytics/api/query/sun/event/count/", year | {"eventtypes": code.lower()})
        examples.append(Example(f"{EVENT_TYPES[code].concept} reports a month, {last.year}", monthly))
    return examples


def _days(last: datetime, days: int) -> dict[str, str]:
    """The `days` up to the midnight after `last`, or that day alone at the end of the calendar."""
    midnight = datetime.combine(last.date(), time(), UTC)
    try:
        return {
            "start": _text(midnight - timedelta(days=days - 1)),
            "end": _text(midnight + timedelta(days=1)),
        }
    except OverflowError:  # nonsense, but such an event can be stored
        return {"start": _text(midnight), "end": _text(last)}


def _v1(**query: Any) -> str:
    return _address("/api/v1/events", query)


def _address(path: str, query: dict[str, Any]) -> str:
    return f"{path}?{urlencode(query, safe=':,')}"


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")
