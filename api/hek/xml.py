"""The XML form of a search's answer (`cosec=1`), which SSW and old scripts read.

A record's keys and values are those of the JSON form; `refs` is flattened to ref_1_name, ref_1_type,
ref_1_url, ref_2_name and so on. HEK's own form cannot say that there is more: `overmax` stands at the end in
a comment, which parsers skip.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import quoteattr

from events.domain.markup import clean, escaped

_REF_PARTS = ("name", "type", "url")
CONTENT_TYPE = "text/xml; charset=utf-8"

Record = Mapping[str, Any]


def search_xml_pieces(
    records: Iterable[Record], associations: Iterable[Record], overmax: Callable[[], bool]
) -> Iterator[bytes]:
    """The answer piece by piece, one a record, each made when it is taken; `overmax` is asked last."""
    yield b"<html>\n<body>\n"
    for record in records:
        yield _result(record).encode()
    for edge in associations:
        yield _association(edge).encode()
    yield f"  <!-- overmax={as_text(overmax())} -->\n</body>\n</html>\n".encode()


def error_xml(message: str) -> bytes:
    """A failure: an answer without results that says why."""
    return f"<html>\n<body>\n  <error>{escaped(clean(message))}</error>\n</body>\n</html>\n".encode()


def _result(record: Record) -> str:
    params = "".join(
        f"{_opening(name)}{escaped(_text(value))}</param>\n" if value not in (None, "") else _empty(name)
        for name, value in _flat(record)
    )
    return f"  <result>\n{clean(params)}  </result>\n"


@lru_cache(maxsize=2048)
def _opening(name: str) -> str:
    return f"    <param name={quoteattr(name)}>"


@lru_cache(maxsize=2048)
def _empty(name: str) -> str:
    return f"{_opening(name)}</param>\n"


def _flat(record: Record) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if name != "refs":
            yield name, value
    for number, reference in enumerate(record.get("refs") or (), start=1):
        if isinstance(reference, Mapping):
            for part in _REF_PARTS:
                yield f"ref_{number}_{part}", reference.get(f"ref_{part}")


def _association(edge: Record) -> str:
    attributes = " ".join(f"{clean(name)}={quoteattr(as_text(value))}" for name, value in edge.items())
    return f"  <association {attributes}/>\n"


def as_text(value: Any) -> str:
    """A JSON value as text: nothing for null, numbers with as many digits as they need to be read back."""
    return clean(_text(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    # Not orjson: whole numbers beyond 64 bits come from PostgreSQL as integers.
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
