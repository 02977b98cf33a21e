"""Every row of a paged answer, although rows come and go while we page.

HEK counts its pages from the start of the order at the time of each question. A row that appears before the
place where we are pushes later ones to the right: the next page repeats some, which does no harm. A row that
vanishes pulls them to the left: one slips from a page not yet asked to a page already read, and nothing in
the answers shows it. So when an answer has more than one page, the pages are walked again until a walk brings
nothing new; what was there all the time is then missed only if it slips through in every walk. An answer of
a single page is one consistent state and is asked once, which is why windows are small.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

from ingest.sources.answers import answer_lists
from ingest.sources.base import SourceError
from ingest.sources.hek.client import Answer

#: Walks through the pages before we say that they do not come to rest.
MAX_WALKS = 6
#: Pages in a row that claim that more follows and hold nothing new within their walk, before we give up. More
#: than one, since a page full of rows may be inserted between two questions.
MAX_STALE_PAGES = 3


def all_pages(ask: Callable[[int], Answer]) -> Iterator[Answer]:
    """The pages 1, 2, ... that `ask` gives: all of the first walk, and of later ones what holds new rows.

    Raises SourceError when an answer's `overmax` is unreadable, when pages repeat without end, and when even
    the last walk brings new rows.
    """
    seen: set[str] = set()
    for walk in range(MAX_WALKS):
        known = len(seen)
        pages = 0
        for answer in _walk(ask):
            pages += 1
            rows = _identities(answer)
            if walk == 0 or not rows <= seen:
                yield answer
            seen |= rows
            origin = answer.origin
        if pages == 1 or (walk > 0 and len(seen) == known):
            return
    raise SourceError(f"{origin}: the pages bring new rows in each of {MAX_WALKS} walks")


def _walk(ask: Callable[[int], Answer]) -> Iterator[Answer]:
    """The pages until one says that nothing follows."""
    seen: set[str] = set()
    stale = 0
    page = 0
    while True:
        page += 1
        answer = ask(page)
        rows = _identities(answer)
        fresh = not rows <= seen
        seen |= rows
        yield answer
        more = _overmax(answer)
        if more is False or (more is None and not fresh):
            return
        stale = 0 if fresh else stale + 1
        if stale == MAX_STALE_PAGES:
            raise SourceError(
                f"{answer.origin}: {stale} pages in a row hold nothing new, yet 'overmax' says more follows"
            )


def _overmax(answer: Answer) -> bool | None:
    """Whether more pages follow; None where the answer does not say, then the pages themselves must.

    HEK writes a boolean; the word is seen too, and "false" must not count as true.
    """
    value = answer.content.get("overmax")
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in ("true", "false"):
        raise SourceError(f"{answer.origin}: 'overmax' is {value!r}, neither true nor false")
    return word == "true"


def _identities(answer: Answer) -> set[str]:
    rows, associations = answer_lists(answer.content, answer.origin)
    return {_identity(row) for row in (*rows, *associations)}


def _identity(row: Any) -> str:
    """A row's name and revision; of anything else, a digest of all there is."""
    if isinstance(row, dict) and row.get("kb_archivid"):
        return f"{row['kb_archivid']}#{row.get('revision', '')}"
    return blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
