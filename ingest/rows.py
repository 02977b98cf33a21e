"""From flat records to rows of events_event, ready for COPY.

`ingest.canonical` gives the attributes their types, `ingest.geometry` makes the twelve shapes; here the
typed columns are made of the attributes:

* event_type, event_starttime, and an end not before the start are required. A missing end is the start
  (noted as computed). Times are UTC without fractions.
* kb_archivid: where the report has none (CSV files), one is made of the content, so that the same content
  always gets the same: ivo://integrated-solar-database/<type>_<method>_<date>_<time>_<hash>. Only the column
  has it; `attributes` hold what was sent.
* ar_noaanum: 0 and less are "unknown", null. NOAA's numbers passed 10000 on 2002-06-14; later numbers of four
  digits lack the leading 1 and get it back. Numbers above 9900 in the weeks around that day are genuine.
  The number as sent stays in `attributes`.
* goes_flux is the GOES class as a number.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from events.domain.goes import goes_flux
from ingest.canonical import Attributes, Canonical, RecordError, canonical
from ingest.geometry import columns_of
from ingest.sources.base import Record, Rejected

__all__ = ["COLUMNS", "EventRow", "RecordError", "rows_of"]

_INTEGER = 2**31 - 1  # PostgreSQL's
#: Bytes. PostgreSQL's B-tree takes 2704 at most; HEK's longest is about 100.
_LONGEST_ARCHIVID = 2_000
_OWN_ARCHIVID = "ivo://integrated-solar-database/"
#: From here on four digits lack one, but for the last numbers before 10000, which lived on for a while.
_FIVE_DIGITS_SINCE = "2002-06-15"
_LAST_FOUR_DIGITS = (9900, "2002-08-01")


class EventRow(NamedTuple):
    """A row in the order of `COLUMNS`; times as ISO text, shapes as hexadecimal WKB, JSON as text."""

    kb_archivid: str
    event_type: str
    event_starttime: str
    event_endtime: str
    event_peaktime: str | None
    frm_name: str
    frm_specificid: str
    obs_observatory: str
    obs_instrument: str
    obs_channelid: str
    obs_meanwavel: float | None
    ar_noaanum: int | None
    fl_goescls: str
    goes_flux: float | None
    hpc_coord: str | None
    hpc_bbox: str | None
    hpc_boundcc: str | None
    hgs_coord: str | None
    hgs_bbox: str | None
    hgs_boundcc: str | None
    hgc_coord: str | None
    hgc_bbox: str | None
    hgc_boundcc: str | None
    hrc_coord: str | None
    hrc_bbox: str | None
    hrc_boundcc: str | None
    geometry_notes: str
    attributes: str
    revision: int
    kb_archivdate: str | None
    content_hash: str
    source: str


#: The columns of events_event that the ingest writes.
COLUMNS = EventRow._fields
_SHAPES = COLUMNS[COLUMNS.index("hpc_coord") : COLUMNS.index("hrc_boundcc") + 1]


class _Head(NamedTuple):
    """The columns before the shapes, the notes on them, and those behind."""

    before: tuple[Any, ...]
    notes: dict[str, str]
    behind: tuple[Any, ...]


def rows_of(records: Sequence[Record], source: str) -> tuple[list[EventRow], list[Rejected]]:
    """Rows of the records that can be stored, in their order, and the others with the reason.

    `source` names where they came from.
    """
    heads: list[_Head] = []
    kept: list[Attributes] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            form = canonical(record)
            heads.append(_head(form, source))
            kept.append(form.attributes)
        except RecordError as error:
            rejected.append(Rejected(payload=_payload(record), reason=str(error)))
    columns = columns_of(kept)
    shapes = zip(*(columns.wkb[name] for name in _SHAPES), strict=True)
    rows = [
        EventRow._make((*head.before, *own, _notes_json(notes, head.notes), *head.behind))
        for head, own, notes in zip(heads, shapes, columns.notes, strict=True)
    ]
    return rows, rejected


def _head(form: Canonical, source: str) -> _Head:
    """All columns but the shapes. Raises RecordError."""
    attributes = form.attributes
    get = attributes.get
    event_type = get("event_type")
    if event_type is None:
        raise RecordError("event_type: missing")
    start, end, notes = _interval(attributes)
    if form.cleaned:
        notes["attributes"] = "repaired"
    goes_class = get("fl_goescls", "")
    before = (
        _archivid(form, event_type, start),
        event_type,
        _utc(start),
        _utc(end),
        _utc(get("event_peaktime")),
        get("frm_name", ""),
        get("frm_specificid", ""),
        get("obs_observatory", ""),
        get("obs_instrument", ""),
        get("obs_channelid", ""),
        get("obs_meanwavel"),
        _noaa_number(get("ar_noaanum"), start),
        goes_class,
        _flux(goes_class) if goes_class else None,
    )
    behind = (
        form.json.decode(),
        _revision(get("revision")),
        _utc(get("kb_archivdate")),
        form.content_hash,
        source,
    )
    return _Head(before, notes, behind)


def _interval(attributes: Attributes) -> tuple[str, str, dict[str, str]]:
    """Start, end and what there is to note about them."""
    start, end = attributes.get("event_starttime"), attributes.get("event_endtime")
    if start is None:
        raise RecordError("event_starttime: missing")
    if end is None:
        return start, start, {"event_endtime": "computed:event_starttime"}
    # Canonical times compare as text.
    if end < start:
        raise RecordError(f"event_endtime: {end} is before the start {start}")
    return start, end, {}


def _utc(time: str | None) -> str | None:
    return f"{time}+00" if time else None


def _archivid(form: Canonical, event_type: str, start: str) -> str:
    sent = form.attributes.get("kb_archivid")
    if sent:
        if len(sent.encode()) > _LONGEST_ARCHIVID:
            raise RecordError(f"kb_archivid: longer than {_LONGEST_ARCHIVID} bytes")
        return sent
    method = re.sub(r"[^A-Za-z0-9().,-]", "", form.attributes.get("frm_name", ""))[:100] or "unknown"
    day, _, clock = start.replace("-", "").replace(":", "").partition("T")
    return f"{_OWN_ARCHIVID}{event_type}_{method}_{day}_{clock}_{form.content_hash[:8]}"


def _noaa_number(sent: int | None, start: str) -> int | None:
    if sent is None or sent <= 0:
        return None
    if sent > _INTEGER:
        raise RecordError(f"ar_noaanum: {sent} is out of range")
    last, until = _LAST_FOUR_DIGITS
    if sent >= 10_000 or start < _FIVE_DIGITS_SINCE or (sent > last and start < until):
        return sent
    return sent + 10_000


def _revision(sent: str | None) -> int:
    """HEK's revisions count from 1, as text; a report without one is the first."""
    if sent is None:
        return 1
    if not re.fullmatch(r"[+-]?[0-9]{1,10}", sent) or abs(int(sent)) > _INTEGER:
        raise RecordError(f"revision: {sent[:60]!a} is not a whole number")
    return int(sent)


@lru_cache(maxsize=10_000)
def _flux(goes_class: str) -> float | None:
    return goes_flux(goes_class)


def _notes_json(shapes: Mapping[str, str], others: Mapping[str, str]) -> str:
    return orjson.dumps({**shapes, **others}).decode() if shapes or others else "{}"


def _payload(record: Record) -> str:
    """The record as JSON in pure ASCII, whatever is in it; what JSON has no form for as Python writes it."""
    try:
        return json.dumps(record, default=ascii)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({ascii(key): _piece(value) for key, value in record.items()})


def _piece(value: Any) -> str:
    try:
        return ascii(value)
    except RecursionError:
        return "<nested too deeply to be written>"
