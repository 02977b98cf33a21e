"""HEK's JSON answers (cosec=2): from bytes to values, and from values to records.

Shared by every source that meets them. Real answers have held invalid UTF-8 and NaN; neither costs a record.
"""

import codecs
import json
import math
import re
from typing import Any

import orjson

from ingest.sources.base import Parsed, Rejected, SourceError

#: Top-level keys of an answer. The manual writes the plural, real answers the singular.
RESULT_KEYS = ("result", "results")
ASSOCIATION_KEYS = ("association", "associations")
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def sniff_encoding(head: bytes) -> str:
    """The codec of a text that begins with `head`: by byte order mark, by XML declaration, else UTF-8."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    declared = _DECLARED.match(head)
    name = declared[1].decode("ascii") if declared else "utf-8"
    try:
        # The declaration was read as ASCII, so one that names another kind (UTF-16) is untrue.
        return name if b"<".decode(name, "replace") == "<" else "utf-8"
    except (LookupError, UnicodeError):
        return "utf-8"


def decode(body: bytes) -> str:
    """The text of `body`; what is no valid UTF-8 becomes U+FFFD, which then marks the place in the record."""
    return body.decode(sniff_encoding(body), errors="replace")


def load_json(body: bytes) -> Any:
    """The JSON value in `body`; NaN and Infinity become null, broken characters U+FFFD. Raises ValueError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return load_json_text(decode(body))


def load_json_text(text: str) -> Any:
    """As load_json, from text. Slower than orjson and more lenient: control characters in strings pass."""
    try:
        return tidy(json.loads(text, strict=False))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def tidy(value: Any) -> Any:
    """`value` without what no JSON can hold: numbers that are not finite, halves of surrogate pairs."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {tidy(key): tidy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [tidy(item) for item in value]
    return value


def is_answer(value: Any) -> bool:
    """Whether a JSON value has the form of an answer, be it that of a failure."""
    return isinstance(value, dict) and any(key in value for key in (*RESULT_KEYS, "error"))


def answer_lists(answer: Any, origin: str) -> tuple[list[Any], list[Any]]:
    """What stands under `result` and `association`. Raises SourceError if it is no answer, or a failure."""
    if not isinstance(answer, dict):
        raise SourceError(f"{origin}: the answer is no JSON object: {beginning(answer)}")
    if answer.get("error"):
        raise SourceError(f"{origin}: the server reports {beginning(answer['error'])}")
    key = next((key for key in RESULT_KEYS if key in answer), None)
    if key is None:
        raise SourceError(f"{origin}: the answer has no 'result': {beginning(answer)}")
    associations: Any = next((answer[key] for key in ASSOCIATION_KEYS if answer.get(key)), [])
    for name, value in ((key, answer[key]), ("association", associations)):
        if not isinstance(value, list):
            raise SourceError(f"{origin}: {name!r} is no list: {beginning(value)}")
    return answer[key], associations


def parse_answer(answer: Any, origin: str) -> Parsed:
    """The records of one answer; what is no object is rejected. Raises SourceError as `answer_lists`."""
    parsed = Parsed()
    for values, into in zip(answer_lists(answer, origin), (parsed.records, parsed.associations), strict=True):
        for value in values:
            if isinstance(value, dict):
                into.append(value)
            else:
                parsed.rejected.append(reject_value(value))
    return parsed


def reject_value(value: Any) -> Rejected:
    """The rejection of a JSON value that stands where an object should."""
    return Rejected(payload=json.dumps(value), reason=f"not an object but a JSON {type(value).__name__}")


def beginning(value: Any, length: int = 120) -> str:
    """The first characters of a value or text, in one line, for messages."""
    text = value if isinstance(value, str) else json.dumps(value)
    return repr(text[:length] + ("..." if len(text) > length else ""))
