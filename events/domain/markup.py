"""Text as XML 1.0 can hold it."""

import re
from xml.sax.saxutils import escape

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A bare carriage return would be read as the end of a line.
_KEPT = {"\r": "&#13;"}


def clean(text: str) -> str:
    """The text with U+FFFD for each character that XML cannot hold, not even escaped."""
    return _NOT_IN_XML.sub("\ufffd", text)


def escaped(text: str) -> str:
    """A clean text as the content of an element."""
    return escape(text, _KEPT)
