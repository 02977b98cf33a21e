"""The rows of this dialect: what the lab's pages and its Python client together name; its XML."""

import orjson
from django.db.models import Func, TextField

from api.render import Columns, wkt
from events.domain.markup import clean, escaped


class _Time(Func):
    """A time as text: 2014-08-30 20:36:43, UTC; a fraction is cut."""

    template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
    output_field = TextField()


#: Shapes are WKT in helioprojective arcsec, null where there is none.
EVENT = Columns(
    {
        "eventtype": "event_type",
        "kb_archivid": "kb_archivid",
        "starttime": _Time("event_starttime"),
        "endtime": _Time("event_endtime"),
        "hpc_coord": wkt("hpc_coord"),
        "hpc_bbox": wkt("hpc_bbox"),
        "hpc_boundcc": wkt("hpc_boundcc"),
        "frm_name": "frm_name",
    }
)

#: The first line of an XML answer.
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def as_xml(rows: str) -> str:
    """The JSON text of a list of flat rows as XML; null becomes an empty element."""
    events = "".join(_event(row) for row in orjson.loads(rows))
    return f"{DECLARATION}<events>\n{events}</events>\n"


def error_xml(message: str) -> str:
    """A failure: one element that says why."""
    return f"{DECLARATION}{_element('error', message)}\n"


def _event(row: dict[str, str | None]) -> str:
    return f"  <event>{''.join(_element(name, value) for name, value in row.items())}</event>\n"


def _element(name: str, value: str | None) -> str:
    return f"<{name}>{escaped(clean(value))}</{name}>" if value else f"<{name}/>"
