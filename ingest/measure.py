"""One image from its file to its place: decoded once, measured, stored.

`frame_of` is pure; `store` writes arrays and pictures first and commits the ImageHeader row last. The row is
the commit point: a process killed anywhere before it leaves nothing that anybody sees, and the next pass
writes the same again. An image that replaces another one has that one's frame and pictures set aside first
(`Replacement`), to be put back by whoever comes after a process that was killed.
"""

import hashlib
import io
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import django.db
import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray
from PIL import Image

from images import queries
from images.domain import quality
from images.domain.header import HeaderError, ImageFacts, facts_of
from images.domain.parameters import parameters
from images.domain.picture import Header, Picture
from images.domain.quality import Flag, Seen
from images.domain.settings import CELL, GRID, PARAMETERS, ParameterSettings, SettingsError, named
from images.domain.slots import UnknownWaveError, slot_of
from images.files import SIZES, PictureMissingError, PictureUnreadableError, picture_folder
from images.models import ImageHeader, MeasuringSettings, Replacement
from images.store import FrameMissingError, StoreUnavailableError, hash_of, parameter_store
from ingest.images import fits, jp2
from ingest.images.errors import PictureError, UnreadablePictureError, UnusableHeaderError, WrongSizeError

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


@contextmanager
def _refusing() -> Iterator[None]:
    """Make PictureError of whatever one image's bytes can cause; a wrong name of settings is none of that."""
    try:
        yield
    except (PictureError, SettingsError, MemoryError):
        raise
    except (HeaderError, UnknownWaveError) as error:
        raise UnusableHeaderError(str(error)) from error
    except Exception as error:  # a hostile file finds what nobody thought of
        raise UnreadablePictureError(f"{type(error).__name__}: {error}") from error


def read_facts(data: bytes) -> ImageFacts | None:
    """What the header says, where it can be read without the pixels (JP2); else None.

    The array is taken to be as large as the header says. Raises PictureError.
    """
    if not data.startswith(_JP2_BEGINS):
        return None
    with _refusing():
        return facts_of(jp2.read_header(data))


def decode(data: bytes) -> tuple[Picture, ImageFacts]:
    """The picture in a JP2 or FITS file, of any number of whole cells, and what its header says.

    Raises PictureError, whatever is wrong with the file: WrongSizeError where its sides are no multiples of
    64 or it is too large, UnusableHeaderError where its header is not what is needed.
    """
    with _refusing():
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


def seen_before(facts: ImageFacts) -> Seen | None:
    """What is remembered of the last good image of the wavelength within LOOK_BACK, if there is one.

    One whose frame is gone, or cannot be read, is no witness.
    """
    before = queries.last_without(facts.wave, _NO_WITNESS, facts.observed, LOOK_BACK)
    frame = None if before is None else _frame_of_row(before)
    if before is None or frame is None:
        return None
    return Seen(frame[..., PARAMETERS.index("mean")], before.pixel_hash.hex)


def frame_of(
    picture: Picture, facts: ImageFacts, content: uuid.UUID, label: str, before: Seen | None = None
) -> Frame:
    """A decoded picture of any size, measured; pure. Raises PictureError, SettingsError."""
    used = named(label, facts.wave)
    with _refusing():
        values = parameters(picture.pixels, used, picture.missing)
        now = quality.seen(picture.pixels, values)
        return Frame(
            facts=facts,
            header=picture.header,
            parameters=values,
            pictures=_pictures(picture.pixels),
            flags=quality.flags_of(picture.pixels, values, facts, before, now),
            seen=now,
            settings=used,
            content_hash=content,
        )


def is_measured(content: uuid.UUID, label: str) -> bool:
    """Whether this very file is stored, measured with these settings, and all of it is there."""
    rows = ImageHeader.objects.filter(content_hash=content).select_related("settings").defer("header")
    return any(is_measured_so(row, label) and is_whole(row) for row in rows)


def is_measured_so(row: ImageHeader, label: str) -> bool:
    """Whether these settings, and the software as it is now, made its parameters."""
    return row.settings.label == label and row.software == SOFTWARE


def is_whole(row: ImageHeader) -> bool:
    """Whether the row's own frame, and its pictures, are in their places."""
    folder = picture_folder()
    sizes = [size for size in SIZES if row.size % size == 0]
    return _frame_of_row(row) is not None and all(
        folder.path(row.wave, row.slot, size).is_file() for size in sizes
    )


def winner_before(facts: ImageFacts, content: uuid.UUID) -> ImageHeader | None:
    """The image that this one gives way to, if there is one: the first observed in a slot wins."""
    present = queries.header_at(facts.wave, slot_of(facts.observed))
    if present is None or not _comes_before(present, facts.observed, content) or not is_whole(present):
        return None
    return present


def store(frame: Frame, *, source: str, origin: str) -> Outcome:
    """Put a frame in its place; the whole of it is there when its row is, and none of it before.

    The first image observed in a slot wins, whichever comes first (of two observed at once, that with the
    lower hash); the same one measured with other settings, or by other software, replaces itself, and
    what has lost its frame or a picture gives way to any. One process at a time works on a slot. Raises
    OutOfStoreError, StoreUnavailableError, SettingsError, OSError, django.db.Error; then what was there
    before is there again, or will be when the next pass begins.
    """
    wave, slot = frame.facts.wave, frame.slot
    with _exclusive(wave, slot):
        _put_back(wave, slot)
        present = queries.header_at(wave, slot)
        if present is not None and is_whole(present):
            if not _replaces(frame, present):
                return Outcome.UNCHANGED
            _set_aside(present)
        try:
            _replace(present, frame, source, origin)
        except BaseException:
            with suppress(django.db.Error, OSError, StoreUnavailableError):
                _put_back(wave, slot)
            raise
    return Outcome.CREATED if present is None else Outcome.UPDATED


def put_back_all() -> None:
    """Put back what was set aside by processes that did not live to replace it."""
    for wave, slot in Replacement.objects.values_list("header__wave", "header__slot"):
        with _exclusive(wave, slot):
            _put_back(wave, slot)


def _replaces(frame: Frame, present: ImageHeader) -> bool:
    """Whether the frame belongs in the place of an image that is whole."""
    if present.content_hash == frame.content_hash:
        return not is_measured_so(present, frame.settings.label)
    return not _comes_before(present, frame.facts.observed, frame.content_hash)


def _comes_before(present: ImageHeader, observed: datetime, content: uuid.UUID) -> bool:
    """Whether an image of other content goes before that observed then."""
    return present.content_hash != content and (present.observed, present.content_hash) < (observed, content)


def _frame_of_row(row: ImageHeader) -> NDArray[np.float32] | None:
    """The row's own frame; None where it is gone, cannot be read, or another one stands in its place."""
    with suppress(FrameMissingError, StoreUnavailableError):
        return parameter_store().frame(row.wave, row.slot, row.frame_hash)
    return None


def _set_aside(row: ImageHeader) -> None:
    """Keep frame and pictures of a whole image where they outlive this process."""
    kept = {"frame": parameter_store().frame(row.wave, row.slot)}
    for size in SIZES:
        with suppress(PictureMissingError, PictureUnreadableError):
            kept[str(size)] = np.frombuffer(picture_folder().read(row.wave, row.slot, size), dtype=np.uint8)
    file = io.BytesIO()
    np.savez(file, **kept)  # type: ignore[arg-type]  # its first argument only
    Replacement.objects.create(header=row, content=file.getvalue())


def _put_back(wave: int, slot: int) -> None:
    """Undo a replacement that was not committed, if there is one; for whoever holds the slot."""
    left = Replacement.objects.filter(header__wave=wave, header__slot=slot).first()
    if left is None:
        return
    with np.load(io.BytesIO(left.content)) as kept:
        _write_pictures(wave, slot, {size: kept[str(size)].tobytes() for size in SIZES if str(size) in kept})
        parameter_store().write(wave, slot, kept["frame"])
    left.delete()


def _replace(present: ImageHeader | None, frame: Frame, source: str, origin: str) -> None:
    """The old row, if any, goes and the new one comes in one transaction, which commits after the files.

    The database speaks before they are written: it may refuse the row, and a connection that is lost, and
    with it the slot, is found in time. What a process writes that has lost its slot after that is told by
    its hash.
    """
    with transaction.atomic():
        hashes = {uuid.UUID(frame.seen.fingerprint)}
        if present is not None:
            hashes.add(present.pixel_hash)
            present.delete()  # and what was set aside
        _create(frame, source, origin)
        _flag_duplicates(frame.facts.wave, sorted(hashes))
        parameter_store().write(frame.facts.wave, frame.slot, frame.parameters)
        _write_pictures(frame.facts.wave, frame.slot, frame.pictures)


def _write_pictures(wave: int, slot: int, pictures: Mapping[int, bytes]) -> None:
    """Write those that are not there as they are."""
    folder = picture_folder()
    for size, picture in pictures.items():
        with suppress(PictureMissingError, PictureUnreadableError):
            if folder.read(wave, slot, size) == picture:
                continue
        folder.write(wave, slot, {size: picture})


def _create(frame: Frame, source: str, origin: str) -> None:
    """The row, and that of its settings where there is none yet."""
    ImageHeader.objects.create(
        **_columns(frame.facts),
        **{column: _angle(frame.header, keys) for column, keys in _OBSERVER.items()},
        slot=frame.slot,
        flags=(frame.flags & ~Flag.DUPLICATE).words,
        settings=_settings_row(frame.settings),
        software=SOFTWARE,
        header={key: _storable(value) for key, value in frame.header.items()},
        source=source,
        origin=origin,
        content_hash=frame.content_hash,
        pixel_hash=uuid.UUID(frame.seen.fingerprint),
        frame_hash=hash_of(frame.parameters),
    )


def _settings_row(used: ParameterSettings) -> MeasuringSettings:
    """The row of these settings. Raises SettingsError where their name stands for other knobs there."""
    row, _ = MeasuringSettings.objects.get_or_create(
        name=used.name, version=used.version, wave=used.wave, defaults={"knobs": asdict(used)}
    )
    if row.knobs != asdict(used):
        changed = sorted(key for key, value in asdict(used).items() if row.knobs.get(key) != value)
        raise SettingsError(
            f"images of {used.wave} were measured with {used.label} when it had another"
            f" {', '.join(changed) or 'set of knobs'}: other knobs need another version"
        )
    return row


#: Of images with the same pixels, the first observed is the image and the others are its duplicates.
_FLAG_DUPLICATES = """
UPDATE images_imageheader AS image SET flags = array_remove(image.flags, 'duplicate')
    || CASE WHEN twin.place > 1 THEN ARRAY['duplicate'] ELSE ARRAY[]::text[] END
FROM (SELECT id, row_number() OVER (PARTITION BY pixel_hash ORDER BY observed) AS place
      FROM images_imageheader WHERE wave = %(wave)s AND pixel_hash = ANY(%(hashes)s::uuid[])) AS twin
WHERE image.id = twin.id AND (twin.place > 1) <> ('duplicate' = ANY(image.flags))
"""


def _flag_duplicates(wave: int, hashes: Sequence[uuid.UUID]) -> None:
    """Flag the images of these pixels by the order of their observation, in whatever order they are stored.

    Of two processes that store twins at once, the second waits here until the row of the first is seen.
    """
    with connection.cursor() as cursor:
        for pixels in hashes:
            lock = int.from_bytes(pixels.bytes[:8], signed=True)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        cursor.execute(_FLAG_DUPLICATES, {"wave": wave, "hashes": [str(pixels) for pixels in hashes]})


def _columns(facts: ImageFacts) -> dict[str, object]:
    """The columns that come from the header."""
    wcs, plate = facts.wcs, facts.plate
    return {
        "wave": facts.wave, "observed": facts.observed, "quality": plate.quality,
        "x0": plate.x0, "y0": plate.y0, "dsun": plate.dsun, "r_sun": plate.r_sun, "cdelt": plate.cdelt,
        "size": wcs.rows, "crpix1": wcs.crpix[0], "crpix2": wcs.crpix[1],
        "crval1": wcs.crval[0], "crval2": wcs.crval[1], "crota2": wcs.roll,
        "cdelt1": wcs.cdelt[0], "cdelt2": wcs.cdelt[1],
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

    An advisory lock of this session, by two numbers: those of the books have one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [wave, slot])
    try:
        yield
    finally:
        # A lost connection took the lock along.
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [wave, slot])
