"""Names of XML elements without their namespace: prefixes differ from writer to writer."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def named(element: Element, name: str) -> Iterator[Element]:
    """The descendants of that name, in document order."""
    return (child for child in element.iter() if local_name(child) == name)


def text_of(element: Element | None, *path: str) -> str:
    """The text below an element at a path of names, each looked for at any depth; empty if not there."""
    for name in path:
        if element is None:
            break
        element = next(named(element, name), None)
    return ((element.text if element is not None else None) or "").strip()
