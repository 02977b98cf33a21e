"""What the tests of archives share: reading a path, and HEK's XML form written independently."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest

from ingest.sources.archive.source import ArchiveSource
from ingest.sources.base import Parsed, SourceError


@pytest.fixture
def read() -> Callable[..., Parsed]:
    """read(path, window, types): all that stands there, in one piece."""

    def whole(path: Path, window: Any = None, types: tuple[str, ...] = ()) -> Parsed:
        return collect(path, window, types, Parsed())

    return whole


@pytest.fixture
def read_until_failure() -> Callable[..., tuple[Parsed, str]]:
    """What is given before the failure that must come, and its message."""

    def until(path: Path) -> tuple[Parsed, str]:
        whole = Parsed()
        with pytest.raises(SourceError) as failure:
            collect(path, None, (), whole)
        assert failure.value.permanent
        assert str(path.name) in str(failure.value)
        return whole, str(failure.value)

    return until


def collect(path: Path, window: Any, types: tuple[str, ...], whole: Parsed) -> Parsed:
    source = ArchiveSource(path)
    for page in source.fetch(window, types):
        parsed = source.parse(page)
        whole.records.extend(parsed.records)
        whole.associations.extend(parsed.associations)
        whole.rejected.extend(parsed.rejected)
    return whole


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """put(name, content): a file in a folder of the test's own."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def xml_of() -> Callable[[dict[str, Any]], str]:
    """The cosec=1 form of a cosec=2 answer: padding, no overmax, refs flattened (HEK's XML as recorded)."""
    return _xml


def _xml(answer: dict[str, Any]) -> str:
    results = "".join(
        f"  <result>\n{''.join(_param(k, v) for k, v in _flat(record).items())}  </result>\n\n"
        for record in answer["result"]
    )
    edges = "".join(
        f"  <association {' '.join(f'{k}={quoteattr(_text(v))}' for k, v in edge.items())}/>\n"
        for edge in answer.get("association", [])
    )
    return f"\n<html>\n<body>\n{results}{edges}</body>\n</html>\n"


def _flat(record: dict[str, Any]) -> dict[str, str]:
    flat = {key: _text(value) for key, value in record.items() if key != "refs"}
    for number, reference in enumerate(record.get("refs") or [], 1):
        for part in ("name", "type", "url"):
            flat[f"ref_{number}_{part}"] = _text(reference[f"ref_{part}"])
    return flat


def _param(name: str, text: str) -> str:
    return f"    <param name={quoteattr(name)}>\n      {escape(text)}</param>\n"


def _text(value: Any) -> str:
    """As HEK prints it: floats with up to 18 digits."""
    if value is None:
        return ""
    return f"{value:.18g}" if isinstance(value, float) and value % 1 else str(value)
