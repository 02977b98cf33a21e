"""One image from its file to its place: decoded once, measured, stored.

`frame_of` is pure; `store` writes arrays and pictures first and the ImageHeader row last, in one transaction.
The row is the commit point: a process killed anywhere before it leaves nothing that anybody sees, and the
next pass writes the same again.
"""

import hashlib
import io
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum

import django.db
import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from PIL import Image

from images import queries
from images.domain import quality
from images.domain.criteria import Match
from images.domain.header import ImageFacts, facts_of
from images.domain.parameters import parameters
from images.domain.picture import Header, Picture
from images.domain.quality import Flag, Seen
from images.domain.settings import CELL, PARAMETERS, ParameterSettings, named
from images.domain.slots import slot_of
from images.files import SIZES, picture_folder
from images.models import ImageHeader, MeasuringSettings
from images.store import GRID, FrameMissingError, parameter_store
from ingest.images import fits, jp2
from ingest.images.errors import WrongSizeError

#: What computes the parameters; raised whenever the same file and settings would give other numbers.
SOFTWARE = "integrated-solar-database images 1"
#: Of the pictures.
JPEG_QUALITY = 90
#: How far back the image is looked for that tells a rotated or repeated one: the Sun looks alike that long.
LOOK_BACK = timedelta(hours=1)
#: Images with any of these say nothing about the next.
_NO_WITNESS = frozenset({"rotated", "dark", "duplicate", "incomplete"})
# Where the observer was, degrees, by column; not every header tells. Both latitudes are the same one.
_OBSERVER = {"hgln_obs": ("HGLN_OBS",), "hglt_obs": ("HGLT_OBS", "CRLT_OBS"), "crln_obs": ("CRLN_OBS",)}
_JP2_BEGINS = b"\x00\x00\x00\x0cjP  "


class Outcome(StrEnum):
    """What became of an image: the names of the account's columns."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One measured image. `parameters`: (rows, columns, 10). `pictures`: JPEGs by their size in pixels."""

    facts: ImageFacts
    header: Header
    parameters: NDArray[np.float32]
    pictures: Mapping[int, bytes]
    flags: Flag
    seen: Seen
    settings: ParameterSettings
    content_hash: uuid.UUID

    @property
    def slot(self) -> int:
        """The slot that the image belongs to."""
        return slot_of(self.facts.observed)


def content_hash(data: bytes) -> uuid.UUID:
    """What tells one file's bytes from another's."""
    return uuid.UUID(bytes=hashlib.blake2b(data, digest_size=16).digest())


def read_facts(data: bytes) -> ImageFacts | None:
    """What the header says, where it can be read without the pixels (JP2); else None.

    The array is taken to be as large as the header says. Raises PictureError and what `facts_of` does.
    """
    if not data.startswith(_JP2_BEGINS):
        return None
    header = jp2.read_header(data)
    sides = (str(header.get(key, "")).strip() for key in ("NAXIS2", "NAXIS1"))
    rows, columns = (int(side) if side.isdigit() else CELL * GRID for side in sides)
    return facts_of(header, rows, columns)


def decode(data: bytes) -> tuple[Picture, ImageFacts]:
    """The picture in a JP2 or FITS file, of any number of whole cells, and what its header says.

    Raises PictureError where there is none, WrongSizeError (which is one) where its sides are no multiples of
    64, and ValueError where the header lacks what is needed.
    """
    picture = jp2.read(data) if data.startswith(_JP2_BEGINS) else fits.read(data)
    return picture, facts_of(picture.header, *picture.pixels.shape)


def check_grid(picture: Picture) -> None:
    """Raise WrongSizeError unless the picture has the 64 x 64 cells of the store's frames."""
    rows, columns = picture.pixels.shape
    if (rows, columns) != (CELL * GRID, CELL * GRID):
        raise WrongSizeError(
            f"{rows} x {columns} pixels make {rows // CELL} x {columns // CELL} cells,"
            f" and the store holds {GRID} x {GRID}; measure_images measures it without storing"
        )


def measure(data: bytes, label: str) -> Frame:
    """The image in a file's bytes, measured with the settings named `label`.

    The image before it, by which a rotated or repeated one is told, is looked up. Raises what `decode` does,
    and SettingsError for an unknown label.
    """
    picture, facts = decode(data)
    return frame_of(picture, facts, content_hash(data), label, seen_before(facts))


def seen_before(facts: ImageFacts) -> Seen | None:
    """What is remembered of the last good image of the wavelength within LOOK_BACK, if there is one."""
    until = facts.observed - timedelta(microseconds=1)
    before = queries.find(facts.wave, until, Match.PREVIOUS, LOOK_BACK)
    if before is None or set(before.flags) & _NO_WITNESS:
        return None
    with suppress(FrameMissingError):
        means = parameter_store().frame(before.wave, before.slot)[..., PARAMETERS.index("mean")]
        return Seen(means, before.pixel_hash.hex)
    return None


def frame_of(
    picture: Picture, facts: ImageFacts, content: uuid.UUID, label: str, before: Seen | None = None
) -> Frame:
    """A decoded picture of any size, measured; pure. Raises SettingsError for an unknown label."""
    used = named(label, facts.wave)
    values = parameters(picture.pixels, used, picture.missing)
    return Frame(
        facts=facts,
        header=picture.header,
        parameters=values,
        pictures=_pictures(picture.pixels),
        flags=quality.flags_of(picture.pixels, values, facts, before),
        seen=quality.seen(picture.pixels, values),
        settings=used,
        content_hash=content,
    )


def is_measured(content: uuid.UUID, label: str) -> bool:
    """Whether this very file is stored, measured with these settings."""
    name, _, version = label.rpartition("-")
    return ImageHeader.objects.filter(
        content_hash=content, settings__name=name, settings__version=version, software=SOFTWARE
    ).exists()


def holds_another(wave: int, slot: int, content: uuid.UUID) -> bool:
    """Whether the slot has an image already that is not this one: the first one in a slot wins."""
    return ImageHeader.objects.filter(wave=wave, slot=slot).exclude(content_hash=content).exists()


def store(frame: Frame, *, source: str, origin: str) -> Outcome:
    """Put a frame in its place; the whole of it is there when its row is, and none of it before.

    The first image in a slot wins; the same one measured with other settings, or by other software, replaces
    itself: it is gone until it is whole again. One process at a time works on a slot. Raises OutOfStoreError,
    StoreUnavailableError, OSError, django.db.Error.
    """
    wave, slot = frame.facts.wave, frame.slot
    with _exclusive(wave, slot):
        present = ImageHeader.objects.filter(wave=wave, slot=slot).select_related("settings").first()
        if present is not None:
            if present.content_hash != frame.content_hash or _is_same(present, frame):
                return Outcome.UNCHANGED
            present.delete()
        parameter_store().write(wave, slot, frame.parameters)
        picture_folder().write(wave, slot, frame.pictures)
        _commit(frame, source, origin)
    return Outcome.CREATED if present is None else Outcome.UPDATED


def _commit(frame: Frame, source: str, origin: str) -> None:
    """The row, and that of its settings, in one transaction."""
    used = frame.settings
    with transaction.atomic():
        settings_, _ = MeasuringSettings.objects.get_or_create(
            name=used.name, version=used.version, wave=used.wave, defaults={"knobs": asdict(used)}
        )
        flags = frame.flags.words
        twin = ImageHeader.objects.filter(wave=frame.facts.wave, pixel_hash=uuid.UUID(frame.seen.fingerprint))
        if "duplicate" not in flags and twin.exists():
            flags.append("duplicate")
        ImageHeader.objects.create(
            **_columns(frame.facts),
            **{column: _angle(frame.header, keys) for column, keys in _OBSERVER.items()},
            slot=frame.slot,
            flags=flags,
            settings=settings_,
            software=SOFTWARE,
            header={key: _storable(value) for key, value in frame.header.items()},
            source=source,
            origin=origin,
            content_hash=frame.content_hash,
            pixel_hash=uuid.UUID(frame.seen.fingerprint),
        )


def _columns(facts: ImageFacts) -> dict[str, object]:
    """The columns that come from the header."""
    wcs, plate = facts.wcs, facts.plate
    a, b, c, d = wcs.cd
    return {
        "wave": facts.wave, "observed": facts.observed, "quality": plate.quality,
        "x0": plate.x0, "y0": plate.y0, "dsun": plate.dsun, "r_sun": plate.r_sun, "cdelt": plate.cdelt,
        "size": wcs.rows, "crpix1": wcs.crpix[0], "crpix2": wcs.crpix[1],
        "crval1": wcs.crval[0], "crval2": wcs.crval[1], "crota2": wcs.roll,
        "cdelt1": math.hypot(a, c), "cdelt2": math.copysign(math.hypot(b, d), a * d - b * c),
        "dsun_obs": wcs.dsun, "rsun_obs": wcs.rsun,
    }  # fmt: skip


def _angle(header: Header, keys: Iterable[str]) -> float | None:
    """The first finite number among the values of keys that may be missing."""
    for key in keys:
        with suppress(KeyError, TypeError, ValueError):
            value = float(header[key])
            if math.isfinite(value):
                return value
    return None


def _storable(value: str | float) -> str | float:
    """A header's value as PostgreSQL's JSON can hold it: neither not-a-number nor infinity nor NUL."""
    if isinstance(value, str):
        return value.replace("\0", "")
    return value if math.isfinite(value) else str(value)


def _is_same(present: ImageHeader, frame: Frame) -> bool:
    """Whether what is stored was measured as the frame was."""
    used = (present.settings.name, present.settings.version, present.software)
    return used == (frame.settings.name, frame.settings.version, SOFTWARE)


def _pictures(pixels: NDArray[np.uint8]) -> dict[int, bytes]:
    """The image as JPEG in each size that divides its own; every pixel is the mean of those it stands for."""
    whole = Image.fromarray(pixels)
    pictures = {}
    for size in (size for size in SIZES if whole.width % size == 0):
        file = io.BytesIO()
        whole.reduce(whole.width // size).save(file, "JPEG", quality=JPEG_QUALITY)
        pictures[size] = file.getvalue()
    return pictures


@contextmanager
def _exclusive(wave: int, slot: int) -> Iterator[None]:
    """Hold a slot against all other processes; waits for whoever holds it.

    An advisory lock of this session, by two numbers: those of the books (`ingest.books`) have one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [wave, slot])
    try:
        yield
    finally:
        # A lost connection took the lock along.
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [wave, slot])
