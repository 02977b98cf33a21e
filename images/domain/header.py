"""What a header says: when, at which wavelength, of what quality, and where its pixels look.

Two descriptions of the geometry are kept apart:

`Plate`  the six numbers of the old service. X0, Y0 and CDELT are the *camera's* values (X0_MP, Y0_MP,
         IMSCL_MP): they do not describe the pixels of a JP2, which is rotated north-up and brought to 0.6
         arcsec a pixel, and lie up to 43 px off. R_SUN is in camera pixels in old files, in those of 0.6
         arcsec in newer ones.
`Wcs`    the coordinate system of the pixels themselves (CRPIX, CDELT, CRVAL, CROTA2 or PC): everything of
         ours.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from images.domain.picture import Header
from images.domain.slots import UnknownWaveError, wave_of
from images.domain.wcs import Wcs

_ARCSEC_IN = {"arcsec": 1.0, "deg": 3600.0}
_KINDS = ("HPLN-TAN", "HPLT-TAN")
_WORD = 0xFFFFFFFF
# Pixels on a side that any header may speak of.
_LARGEST_SIDE = 1 << 20


class HeaderError(ValueError):
    """A key that is needed is missing or cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Plate:
    """The header values of the old service, under its meanings.

    `x0`, `y0`: the disk's centre, camera pixels. `dsun`: from the Sun's centre to SDO, m. `r_sun`: the Sun's
    radius, pixels. `cdelt`: the camera's scale, arcsec a pixel. `quality`: 32 bits as a decimal number.
    """

    x0: float
    y0: float
    dsun: float
    r_sun: float
    cdelt: float
    quality: int


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A header in our terms. `observed` is the start of the exposure, UTC; `wave` in angstrom.

    `image_type` is LIGHT or DARK, "" where the header is silent; `missing_share` the part of the values that
    never reached the ground (0 to 1).
    """

    observed: datetime
    wave: int
    plate: Plate
    wcs: Wcs
    image_type: str
    missing_share: float

    @property
    def quality(self) -> int:
        """The QUALITY bits."""
        return self.plate.quality


def facts_of(header: Header, rows: int | None = None, columns: int | None = None) -> ImageFacts:
    """What `header` says of an array of `rows` x `columns` pixels; without them, of that which it is for.

    Raises HeaderError where a needed key is missing or unreadable, UnknownWaveError (a ValueError, too) for a
    wavelength without slots. Where the array is a reduced copy of what the header describes, the coordinate
    system is the array's; HeaderError where it has another shape altogether.
    """
    return ImageFacts(
        observed=_time(header),
        wave=_wave(header),
        plate=_plate(header),
        wcs=_wcs(header, rows, columns),
        image_type=str(header.get("IMG_TYPE", "")).strip().upper(),
        missing_share=_missing_share(header),
    )


def exposure_of(header: Header) -> float:
    """EXPTIME, seconds. Raises HeaderError where it is missing or not positive."""
    exposure = _number(header, "EXPTIME")
    if exposure <= 0:
        raise HeaderError(f"EXPTIME is {exposure}")
    return exposure


def _plate(header: Header) -> Plate:
    scale = _number(header, "IMSCL_MP", "CDELT1")
    if not scale:
        raise HeaderError("IMSCL_MP (or CDELT1) is 0")
    radius = _number(header, "R_SUN") if "R_SUN" in header else _number(header, "RSUN_OBS") / scale
    if not math.isfinite(radius):
        raise HeaderError(f"a scale of {scale} makes the radius {radius}")
    return Plate(
        x0=_number(header, "X0_MP", "CRPIX1"),
        y0=_number(header, "Y0_MP", "CRPIX2"),
        dsun=_number(header, "DSUN_OBS"),
        r_sun=radius,
        cdelt=scale,
        # Some writers take the 32 bits for a signed number.
        quality=int(_number(header, "QUALITY")) & _WORD,
    )


def _wcs(header: Header, rows: int | None, columns: int | None) -> Wcs:
    described = _described(header)
    rows, columns = rows or described.rows, columns or described.columns
    if described.rows * columns != described.columns * rows:
        raise HeaderError(f"NAXIS is {described.columns} x {described.rows}, the array {columns} x {rows}")
    wcs = described if described.rows == rows else described.resized(rows, columns)
    if not wcs.is_usable:
        raise HeaderError("CDELT, CROTA2 or PC, CRPIX, CRVAL and RSUN_OBS make no coordinate system")
    return wcs


def _described(header: Header) -> Wcs:
    """The coordinate system of the array that the header speaks of."""
    for axis, kind in enumerate(_KINDS, 1):
        if str(header.get(f"CTYPE{axis}", kind)).strip().upper() != kind:
            raise HeaderError(f"CTYPE{axis} is {header[f'CTYPE{axis}']!r}, not {kind}")
    unit = (_unit(header, "CUNIT1"), _unit(header, "CUNIT2"))
    step = (_number(header, "CDELT1") * unit[0], _number(header, "CDELT2") * unit[1])
    if not (step[0] and step[1]):
        raise HeaderError("CDELT is 0")
    described = Wcs.turned(
        shape=(_side(header, "NAXIS2"), _side(header, "NAXIS1")),
        crpix=(_number(header, "CRPIX1"), _number(header, "CRPIX2")),
        crval=(_number(header, "CRVAL1") * unit[0], _number(header, "CRVAL2") * unit[1]),
        cdelt=step,
        crota=_number({"CROTA2": 0.0, **header}, "CROTA2"),
        dsun=_number(header, "DSUN_OBS"),
        rsun=_number(header, "RSUN_OBS"),
    )
    if "PC1_1" in header:
        pc = _matrix(header)
        described = replace(
            described, cd=(step[0] * pc[0], step[0] * pc[1], step[1] * pc[2], step[1] * pc[3])
        )
    return described


def _side(header: Header, key: str) -> int:
    side = _number(header, key)
    if not 1 <= side <= _LARGEST_SIDE:
        raise HeaderError(f"{key} is {side:g}")
    return int(side)


def _matrix(header: Header) -> tuple[float, float, float, float]:
    """The PC matrix, row by row; FITS may leave out what is that of the unit matrix."""
    filled = {"PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1.0, **header}
    a, b, c, d = (_number(filled, f"PC{i}_{j}") for i in (1, 2) for j in (1, 2))
    return a, b, c, d


def _missing_share(header: Header) -> float:
    if "TOTVALS" not in header or "MISSVALS" not in header:
        return 0.0
    total = _number(header, "TOTVALS")
    return min(1.0, max(0.0, _number(header, "MISSVALS") / total)) if total > 0 else 0.0


def _time(header: Header) -> datetime:
    """DATE-OBS, with or without a Z, to the microsecond."""
    key = next((key for key in ("DATE-OBS", "DATE_OBS") if key in header), None)
    if key is None:
        raise HeaderError("DATE-OBS is missing")
    try:
        time = datetime.fromisoformat(str(header[key]).strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:  # the latter: a zone that leaves the years 1 to 9999
        raise HeaderError(f"{key} is no time: {str(header[key])[:40]!r}") from error


def _wave(header: Header) -> int:
    try:
        return wave_of(int(_number(header, "WAVELNTH")))
    except UnknownWaveError as error:
        raise UnknownWaveError(f"WAVELNTH: {error}") from error


def _unit(header: Header, key: str) -> float:
    """Arcsec in the axis's unit; arcsec itself where the header does not name one."""
    name = str(header.get(key, "arcsec")).strip().lower()
    if name not in _ARCSEC_IN:
        raise HeaderError(f"{key} is {name!r}, neither arcsec nor deg")
    return _ARCSEC_IN[name]


def _number(header: Header, *keys: str) -> float:
    """The value of the first of `keys` that the header has, as a finite number."""
    key = next((key for key in keys if key in header), None)
    if key is None:
        raise HeaderError(f"{keys[0]} is missing")
    try:
        value = float(header[key])
    except (TypeError, ValueError, OverflowError) as error:
        raise HeaderError(f"{key} is no number: {str(header[key])[:40]!r}") from error
    if not math.isfinite(value):
        raise HeaderError(f"{key} is {value}")
    return value
