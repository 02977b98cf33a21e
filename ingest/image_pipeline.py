"""One pass over a batch of images: fetch, measure, store, and keep the books.

Every image is stored, or unchanged, or in quarantine with the reason, and in the account at once. A pass that
was cut off, by whatever, is run again from its start; what it had stored then counts as unchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from django.conf import settings

from images import queries
from images.domain.header import ImageFacts
from images.domain.settings import named
from images.domain.slots import WAVES, BeforeFirstSlotError, slot_of, slots_between, start_of
from images.models import ImageHeader
from images.store import OutOfStoreError, parameter_store
from ingest import accounts, measure
from ingest import image_books as books
from ingest.images import layout
from ingest.images.base import ImageSource, Item
from ingest.images.errors import OtherImageError, PictureError, TruncatedPictureError
from ingest.images.registry import image_source
from ingest.measure import Outcome
from ingest.models import ImageRun
from ingest.quarantine import explain, quarantine, resolve
from ingest.sources.base import Rejected, SourceError

#: What is wrong with one image, and not with the pass.
_REFUSALS = (PictureError, BeforeFirstSlotError, OutOfStoreError, SourceError)
#: A file's name may tell its time less exactly than its header; two images are further apart.
_SAME_TIME = timedelta(seconds=1)


def _silent(_: ImageRun) -> None:
    pass


def work(run: ImageRun, *, again: bool = False, tell: Callable[[ImageRun], None] = _silent) -> ImageRun:
    """Do what `run` is about, which is entered in the books if it is not there; one that is over is returned.

    `tell` is called after every image. With `again` a pass that may succeed later goes back to pending, else
    to failed. Raises WindowBusy, SourceError, OSError, StoreUnavailableError and django.db.Error; the run
    shows why, too.
    """
    with books.exclusive(run):
        if not accounts.is_to_be_done(run, again=again):
            return run
        accounts.begin(run)
        try:
            label = settings.ISD_IMAGE_SETTINGS
            named(label, WAVES[0])  # a name that no settings have is nothing that is wrong with the images
            parameter_store().ensure()
            measure.put_back_all()
            with image_source(run.source) as source:
                for item in source.items(run.waves, accounts.window_of(run), run.paths):
                    for outcome in _take(source, item, run, label):
                        books.enter(run, outcome)
                        tell(run)
            accounts.succeed(run)
        except BaseException as error:
            accounts.fail(run, error, again=again)
            raise
    return run


def _take(source: ImageSource, item: Item, run: ImageRun, label: str) -> Iterator[Outcome]:
    """What becomes of an item's file and, where that is refused, of the next one that could stand for it.

    Nothing, where the header says that the file is not what the run is about.
    """
    if (present := _is_done(item, label)) is not None:
        _settle(item.origin, present, is_this=present.origin == item.origin)
        yield Outcome.UNCHANGED
        return
    for candidate in item.candidates():
        outcome = _try(source, candidate, run, label)
        if outcome is not None:
            yield outcome
        if outcome is not Outcome.QUARANTINED:
            return


def _try(source: ImageSource, item: Item, run: ImageRun, label: str) -> Outcome | None:
    """What became of one file."""
    try:
        outcome = _fetch(source, item, run, label)
    except _REFUSALS as error:
        if isinstance(error, SourceError) and not error.permanent:
            raise
        reason = " ".join(str(error).split())
        quarantine([Rejected(item.origin, reason)], source=source.name, run=run)
        return Outcome.QUARANTINED
    return outcome


def _fetch(source: ImageSource, item: Item, run: ImageRun, label: str) -> Outcome | None:
    """Fetch it, again while it ends too early and the source may have the whole of it, and store it."""
    for _ in range(source.attempts - 1):
        with suppress(TruncatedPictureError):
            return _measure(source.fetch(item), run, label, item)
    return _measure(source.fetch(item), run, label, item)


def _is_done(item: Item, label: str) -> ImageHeader | None:
    """The image in the item's slot, where that is known beforehand, if it needs no fetching.

    That is so where it is measured with these settings, whole, and by the item's name not the later one.
    """
    if item.slot is None or item.wave is None:
        return None
    present = queries.header_at(item.wave, item.slot)
    if present is None or not measure.is_measured_so(present, label) or not measure.is_whole(present):
        return None
    file = layout.named(item.origin.rpartition("/")[2])
    is_later = file is not None and present.observed - file.observed > _SAME_TIME
    return None if is_later else present


def _measure(data: bytes, run: ImageRun, label: str, item: Item) -> Outcome | None:
    """Store it; what is stored already, or not asked for, is known by its bytes or header, undecoded."""
    content = measure.content_hash(data)
    facts = measure.read_facts(data)
    if facts is not None and not _is_asked_for(facts, run, item):
        return None
    if measure.is_measured(content, label):
        resolve(item.origin)
        return Outcome.UNCHANGED
    if facts is None or measure.winner_before(facts, content) is None:
        picture, facts = measure.decode(data)
        if not _is_asked_for(facts, run, item):
            return None
        measure.check_grid(picture)
        frame = measure.frame_of(picture, facts, content, label, measure.seen_before(facts))
        outcome = measure.store(frame, source=run.source, origin=item.origin)
    else:
        outcome = Outcome.UNCHANGED
    present = queries.header_at(facts.wave, slot_of(facts.observed))
    if present is not None:
        _settle(item.origin, present, is_this=present.content_hash == content)
    return outcome


def _settle(origin: str, present: ImageHeader, *, is_this: bool) -> None:
    """Where the quarantine holds a file: close that if it is stored now, else say what is in its place."""
    if is_this:
        resolve(origin)
    else:
        explain(origin, f"its slot is taken by {present.origin}")


def _is_asked_for(facts: ImageFacts, run: ImageRun, item: Item) -> bool:
    """Whether an image is of the run's wavelengths, and in a slot of its window, where it has any.

    Raises OtherImageError where it is not and the source said that it would be.
    """
    slot, window = slot_of(facts.observed), accounts.window_of(run)
    is_asked_for = (not run.waves or facts.wave in run.waves) and (
        window is None or slot in slots_between(window.start, window.end)
    )
    if item.wave is None or item.slot is None or (is_asked_for and facts.wave == item.wave):
        return is_asked_for
    raise OtherImageError(
        f"listed as {item.wave} in the slot of {start_of(item.slot):%FT%TZ}, by its header it is"
        f" {facts.wave} of {facts.observed:%FT%TZ}"
    )
