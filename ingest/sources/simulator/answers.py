"""Answers in HEK's two forms: cosec=2 JSON, and cosec=1 XML with the same content."""

from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from ingest.sources.base import Record
from ingest.sources.simulator.catalogue import Catalogue, Entry


class _Associations:
    """The associations that touch any of the records that went by: each once, in the records' order."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._edges: dict[tuple[str, str, str], Record] = {}

    def note(self, entry: Entry) -> None:
        for edge in self._catalogue.associations(entry):
            self._edges.setdefault((edge["first_ivorn"], edge["second_ivorn"], edge["edge_type"]), edge)

    def all(self) -> list[Record]:
        return list(self._edges.values())


def json_pieces(catalogue: Catalogue, entries: Iterable[Entry], *, overmax: bool) -> Iterator[bytes]:
    """A cosec=2 answer, piece by piece; what a piece holds is not kept."""
    associations = _Associations(catalogue)
    lead = b'{"result":['
    for entry in entries:
        associations.note(entry)
        yield lead + catalogue.record(entry)
        lead = b","
    yield lead if lead != b"," else b""
    yield b'],"association":' + orjson.dumps(associations.all())
    yield b',"overmax":true}' if overmax else b',"overmax":false}'


def json_answer(catalogue: Catalogue, entries: Iterable[Entry], *, overmax: bool) -> bytes:
    """A cosec=2 answer."""
    return b"".join(json_pieces(catalogue, entries, overmax=overmax))


def xml_answer(catalogue: Catalogue, entries: Iterable[Entry], *, overmax: bool) -> bytes:
    """A cosec=1 answer. HEK's has no overmax; ours says it in a comment, which old parsers skip."""
    associations = _Associations(catalogue)
    results = ""
    for entry in entries:
        associations.note(entry)
        results += _xml_result(orjson.loads(catalogue.record(entry)))
    edges = "".join(map(_xml_association, associations.all()))
    more = "true" if overmax else "false"
    text = f"\n<html>\n<body>\n{results}{edges}  <!-- overmax={more} -->\n</body>\n</html>\n"
    return text.encode()


def _xml_result(record: Record) -> str:
    refs = record.get("refs") or []
    flat = {key: value for key, value in record.items() if key != "refs"}
    for place, ref in enumerate(refs, start=1):
        flat |= {f"ref_{place}_{part}": ref.get(f"ref_{part}", "") for part in ("name", "type", "url")}
    params = "".join(
        f"    <param name={quoteattr(key)}>{escape(_xml_value(value))}</param>\n"
        for key, value in flat.items()
    )
    return f"  <result>\n{params}  </result>\n"


def _xml_association(edge: Record) -> str:
    attributes = " ".join(f"{key}={quoteattr(_xml_value(value))}" for key, value in edge.items())
    return f"  <association {attributes}/>\n"


def _xml_value(value: Any) -> str:
    return "" if value is None else str(value)
