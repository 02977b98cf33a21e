"""One pass over a batch of images: fetch, measure, store, and keep the books.

Every image is stored, or unchanged, or in quarantine with the reason, and in the account at once. A pass that
was cut off, by whatever, is run again from its start; what it had stored then counts as unchanged.
"""

from collections.abc import Callable

from django.conf import settings

from images.domain.header import HeaderError, ImageFacts
from images.domain.settings import named
from images.domain.slots import WAVES, BeforeFirstSlotError, UnknownWaveError, slot_of, slots_between
from images.models import ImageHeader
from images.store import OutOfStoreError, parameter_store
from ingest import accounts, measure
from ingest import image_books as books
from ingest.images.base import ImageSource, Item
from ingest.images.errors import PictureError
from ingest.images.registry import image_source
from ingest.measure import Outcome
from ingest.models import ImageRun
from ingest.quarantine import quarantine, resolve
from ingest.sources.base import Rejected, SourceError

#: What is wrong with one image, and not with the pass.
_REFUSALS = (
    PictureError, HeaderError, UnknownWaveError, BeforeFirstSlotError, OutOfStoreError, SourceError,
)  # fmt: skip


def _silent(_: ImageRun) -> None:
    pass


def work(run: ImageRun, *, again: bool = False, tell: Callable[[ImageRun], None] = _silent) -> ImageRun:
    """Do what `run`, which is in the books, is about; a run that is over is returned as it is.

    `tell` is called after every image. With `again` a pass that may succeed later goes back to pending, else
    to failed. Raises WindowBusy, SourceError, OSError, StoreUnavailableError and django.db.Error; the run
    shows why, too.
    """
    with books.exclusive(run):
        run.refresh_from_db()
        if not accounts.is_open(run):
            return run
        if again and accounts.is_used_up(run):
            return run
        accounts.begin(run)
        try:
            label = settings.ISD_IMAGE_SETTINGS
            named(label, WAVES[0])  # a name that no settings have is nothing that is wrong with the images
            parameter_store().ensure()
            source = image_source(run.source)
            for item in source.items(run.wave, accounts.window_of(run), run.paths):
                outcome = _take(source, item, run, label)
                if outcome is not None:
                    books.enter(run, outcome)
                    tell(run)
            accounts.succeed(run)
        except BaseException as error:
            accounts.fail(run, error, again=again)
            raise
    return run


def _take(source: ImageSource, item: Item, run: ImageRun, label: str) -> Outcome | None:
    """What became of one image; None where its header says that it is not what the run is about."""
    if _is_done(item, label):
        return Outcome.UNCHANGED
    try:
        data = source.fetch(item)
        outcome = _measure(data, run, label, item.origin)
    except _REFUSALS as error:
        if isinstance(error, SourceError) and not error.permanent:
            raise
        reason = " ".join(str(error).split())
        quarantine([Rejected(item.origin, reason)], source=source.name)
        return Outcome.QUARANTINED
    if outcome is not None:
        resolve(item.origin)
    return outcome


def _is_done(item: Item, label: str) -> bool:
    """Whether its slot, where that is known beforehand, needs no fetching."""
    if item.slot is None or item.wave is None:
        return False
    present = ImageHeader.objects.filter(wave=item.wave, slot=item.slot).select_related("settings").first()
    if present is None:
        return False
    measured_so = present.settings.label == label and present.software == measure.SOFTWARE
    return measured_so or present.origin != item.origin


def _measure(data: bytes, run: ImageRun, label: str, origin: str) -> Outcome | None:
    """Store it; what is stored already, or not asked for, is known by its bytes or header, undecoded."""
    content = measure.content_hash(data)
    facts = measure.read_facts(data)
    if facts is not None and not _is_asked_for(facts, run):
        return None
    if measure.is_measured(content, label):
        return Outcome.UNCHANGED
    if facts is not None and measure.holds_another(facts.wave, slot_of(facts.observed), content):
        return Outcome.UNCHANGED
    picture, facts = measure.decode(data)
    if not _is_asked_for(facts, run):
        return None
    measure.check_grid(picture)
    frame = measure.frame_of(picture, facts, content, label, measure.seen_before(facts))
    return measure.store(frame, source=run.source, origin=origin)


def _is_asked_for(facts: ImageFacts, run: ImageRun) -> bool:
    """Whether an image is of the run's wavelength, and in a slot of its window, where it has one."""
    slot = slot_of(facts.observed)
    window = accounts.window_of(run)
    return run.wave in (None, facts.wave) and (
        window is None or slot in slots_between(window.start, window.end)
    )
