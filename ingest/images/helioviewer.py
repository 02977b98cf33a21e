"""The source `helioviewer`: for every slot the first JP2 at or after its start, from the listing of the day.

A slot has about ten; the next ones stand by for the case that the first is no good. Where a day has no
listing, or a listed file is not there, the API is asked for the closest image; it counts only if it lies in
the slot. A slot that the listing leaves empty is a gap.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Self

from django.conf import settings

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, WAVES, slot_of, slots_between, start_of
from ingest.images.base import Item
from ingest.images.client import HelioviewerClient
from ingest.images.layout import SOURCE_IDS, Named, by_slot, folders, listed
from ingest.sources.base import SourceError
from ingest.sources.http import NotThereError

#: Files that are tried for a slot.
MOST_FILES = 3
#: Seconds for which a listing is used again, and how many are kept: two days of every wavelength.
LISTING_LIFE, MOST_LISTINGS = 300.0, 18

#: Slot -> addresses of the first files in it, by time; None for a day that is not listed.
_Day = dict[int, tuple[str, ...]] | None


class Listings:
    """Days that were read a short while ago, by root, wavelength and day."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._days: dict[tuple[str, int, date], tuple[float, _Day]] = {}

    def get(self, key: tuple[str, int, date], read: Callable[[], _Day]) -> _Day:
        """The day as it is remembered, else as `read` gives it now."""
        begun = self._clock()
        kept = self._days.pop(key, None)
        if kept is None or begun - kept[0] > LISTING_LIFE:
            kept = begun, read()
        self._days[key] = kept  # what was asked for last stands last
        while len(self._days) > MOST_LISTINGS:
            del self._days[next(iter(self._days))]
        return kept[1]


# Runs are an hour long, so without it a day would be listed 24 times for each wavelength.
_LISTINGS = Listings()


class HelioviewerSource:
    """JP2 below `root`, listed by folder; `api` is the address of Helioviewer's API v2."""

    name = "helioviewer"
    attempts = 3

    def __init__(
        self, client: HelioviewerClient, root: str, api: str, listings: Listings | None = None
    ) -> None:
        self._client = client
        self._root, self._api = root.rstrip("/") + "/", api.rstrip("/") + "/"
        self._listings = Listings() if listings is None else listings

    @classmethod
    @contextmanager
    def configured(cls) -> Iterator[Self]:
        """As the settings ISD_HELIOVIEWER_... have it, with the listings of this process; then closed."""
        client = HelioviewerClient(
            timeout=settings.ISD_HELIOVIEWER_TIMEOUT, retries=settings.ISD_HELIOVIEWER_RETRIES
        )
        with client:
            yield cls(client, settings.ISD_HELIOVIEWER_URL, settings.ISD_HELIOVIEWER_API, _LISTINGS)

    def items(self, waves: Sequence[int], window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """The images of `waves` in the slots that begin in `window`. Raises SourceError."""
        del paths
        if window is None:
            raise SourceError("helioviewer needs a window", permanent=True)
        for wave in waves or WAVES:
            for slot in slots_between(window.start, window.end):
                files = self._day(wave, start_of(slot).date())
                found = self._closest(wave, slot) if files is None else files.get(slot, ())
                if found:
                    yield Item(found[0], wave, slot, found[1:])

    def fetch(self, item: Item) -> bytes:
        """The JP2 at the item's address, or what the API has in its slot. Raises SourceError."""
        try:
            return self._client.get(item.origin)
        except NotThereError:
            if item.wave is None or item.slot is None or item.origin.startswith(self._api):
                raise
            instead = self._closest(item.wave, item.slot)
            if not instead:
                raise
            return self._client.get(instead[0])

    def _day(self, wave: int, day: date) -> _Day:
        """What the day's listing has, in whichever layout, or in both."""
        return self._listings.get((self._root, wave, day), lambda: self._read_day(wave, day))

    def _read_day(self, wave: int, day: date) -> _Day:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        slots = slots_between(begin, begin + timedelta(days=1))
        places: dict[Named, str] = {}
        is_listed = False
        for folder in folders(wave, day):
            try:
                page = self._client.get(self._root + folder).decode("utf-8", "replace")
            except NotThereError:
                continue
            is_listed = True
            for file in listed(page):
                if file.wave == wave:
                    places.setdefault(file, self._root + folder + file.name)
        if not is_listed:
            return None
        return {
            slot: tuple(places[file] for file in files[:MOST_FILES])
            for slot, files in by_slot(places).items()
            if slot in slots
        }

    def _closest(self, wave: int, slot: int) -> tuple[str, ...]:
        """The address of the API's image in this slot, if it has one there."""
        middle = start_of(slot) + CADENCE / 2
        params = {"date": f"{middle:%FT%TZ}", "sourceId": str(SOURCE_IDS[wave])}
        address = self._api + "getClosestImage/"
        try:
            answer = json.loads(self._client.get(address, params))
            observed = datetime.fromisoformat(answer["date"]).replace(tzinfo=UTC)
        except NotThereError:
            return ()
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{address}: no date of an image in the answer ({error})") from None
        if observed < start_of(0) or slot_of(observed) != slot:
            return ()
        return (f"{self._api}getJP2Image/?date={observed:%FT%TZ}&sourceId={SOURCE_IDS[wave]}",)
