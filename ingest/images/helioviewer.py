"""The source `helioviewer`: for every slot the first JP2 at or after its start, from the listing of the day.

Where a day has no listing, or a listed file is not there, the API is asked for the closest image; it counts
only if it lies in the slot. A slot that the listing leaves empty is a gap.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Self

from django.conf import settings

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, slot_of, slots_between, start_of
from ingest.images.base import Item
from ingest.images.client import HelioviewerClient, NotThereError
from ingest.images.layout import SOURCE_IDS, first_of_slots, folders, listed
from ingest.sources.base import SourceError


class HelioviewerSource:
    """JP2 below `root`, listed by folder; `api` is the address of Helioviewer's API v2."""

    name = "helioviewer"

    def __init__(self, client: HelioviewerClient, root: str, api: str) -> None:
        self._client = client
        self._root, self._api = root.rstrip("/") + "/", api.rstrip("/") + "/"
        self._days: dict[tuple[int, date], dict[int, str] | None] = {}

    @classmethod
    def configured(cls) -> Self:
        """As the settings ISD_HELIOVIEWER_... have it."""
        client = HelioviewerClient(
            timeout=settings.ISD_HELIOVIEWER_TIMEOUT, retries=settings.ISD_HELIOVIEWER_RETRIES
        )
        return cls(client, settings.ISD_HELIOVIEWER_URL, settings.ISD_HELIOVIEWER_API)

    def items(self, wave: int | None, window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """The images of `wave` in the slots that begin in `window`. Raises SourceError."""
        del paths
        if wave is None or window is None:
            raise SourceError("helioviewer needs a wavelength and a window", permanent=True)
        for slot in slots_between(window.start, window.end):
            files = self._day(wave, start_of(slot).date())
            origin = self._closest(wave, slot) if files is None else files.get(slot)
            if origin is not None:
                yield Item(origin, wave, slot)

    def fetch(self, item: Item) -> bytes:
        """The JP2 at the item's address, or what the API has in its slot. Raises SourceError."""
        try:
            return self._client.get(item.origin)
        except NotThereError:
            if item.wave is None or item.slot is None or item.origin.startswith(self._api):
                raise
            instead = self._closest(item.wave, item.slot)
            if instead is None:
                raise
            return self._client.get(instead)

    def _day(self, wave: int, day: date) -> dict[int, str] | None:
        """Slot -> address of the first file in it; None where the day is not listed in any layout."""
        if (wave, day) not in self._days:
            self._days = {(wave, day): self._read_day(wave, day)}  # one at a time: slots come in order
        return self._days[wave, day]

    def _read_day(self, wave: int, day: date) -> dict[int, str] | None:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        slots = slots_between(begin, begin + timedelta(days=1))
        found: dict[int, str] = {}
        is_listed = False
        for folder in folders(wave, day):
            try:
                page = self._client.get(self._root + folder).decode("utf-8", "replace")
            except NotThereError:
                continue
            is_listed = True
            files = [file for file in listed(page) if file.wave == wave]
            for slot, file in first_of_slots(files, slots).items():
                found.setdefault(slot, self._root + folder + file.name)
        return found if is_listed else None

    def _closest(self, wave: int, slot: int) -> str | None:
        """The address of the API's image in this slot, or None if it has none there."""
        middle = start_of(slot) + CADENCE / 2
        params = {"date": f"{middle:%FT%TZ}", "sourceId": str(SOURCE_IDS[wave])}
        address = self._api + "getClosestImage/"
        try:
            answer = json.loads(self._client.get(address, params))
            observed = datetime.fromisoformat(answer["date"]).replace(tzinfo=UTC)
        except NotThereError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{address}: no date of an image in the answer ({error})") from None
        if observed < start_of(0) or slot_of(observed) != slot:
            return None
        return f"{self._api}getJP2Image/?date={observed:%FT%TZ}&sourceId={SOURCE_IDS[wave]}"
