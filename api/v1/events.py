"""The list of events: what its answers say of themselves."""

from functools import partial
from typing import Any

from api.paging import cursor_after
from api.render import Columns
from api.v1 import rows
from api.v1.images_on_events import with_images
from api.v1.listing import Listing, window_and_box
from api.v1.params import EventsQuestion
from events.domain.criteria import Page
from events.statements import Statement, page_statement


def event_listing(question: EventsQuestion) -> Listing:
    """The list that answers `question`."""
    return Listing(
        name="events",
        head={
            "predicate": _predicate(question),
            "frame": question.frame,
            "units": rows.units(question.frame),
        },
        limit=question.limit,
        columns=rows.columns(question.frame),
        features=rows.feature_columns(question.criteria.geometry),
        statement=partial(_statement, question),
        cursor=lambda row: cursor_after(row["event_starttime"], row["kb_archivid"]),
        finish=partial(with_images, wave=question.image_wave) if question.image_wave else list,
    )


def _statement(question: EventsQuestion, limit: int | None, columns: Columns) -> Statement:
    return page_statement(question.criteria, Page(limit, after=question.after), columns)


def _predicate(question: EventsQuestion) -> dict[str, Any]:
    """What the answer is complete for, in the words of the parameters; null where it was not asked."""
    criteria = question.criteria
    return {
        **window_and_box(criteria),
        "geometry": criteria.geometry,
        "event_type": criteria.types,
        "frm_name": criteria.frm_name,
        "ar_noaanum": criteria.ar_noaanum,
        "min_goes_flux": criteria.min_goes_flux,
    }
