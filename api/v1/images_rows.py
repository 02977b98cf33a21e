"""Images of this dialect as plain values: what a header row tells, with a coordinate system that is true."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from api.caching import version_of
from images.domain.quality import is_tolerable, names_of
from images.domain.settings import PARAMETERS
from images.domain.slots import start_of
from images.models import ImageHeader
from images.store import UNITS

#: FITS keywords of the pixels' own coordinate system, and the columns that hold them.
WCS = {
    "CRPIX1": "crpix1", "CRPIX2": "crpix2", "CDELT1": "cdelt1", "CDELT2": "cdelt2", "CRVAL1": "crval1",
    "CRVAL2": "crval2", "CROTA2": "crota2", "DSUN_OBS": "dsun_obs", "RSUN_OBS": "rsun_obs",
    "HGLN_OBS": "hgln_obs", "HGLT_OBS": "hglt_obs", "CRLN_OBS": "crln_obs",
}  # fmt: skip
#: What is the same for all: TAN projection, arcsec.
FIXED = {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec"}
#: The values of the old service under its names; they do not describe our pixels.
PLATE = {"X0": "x0", "Y0": "y0", "DSUN": "dsun", "R_SUN": "r_sun", "CDELT": "cdelt"}


def image_row(image: ImageHeader) -> dict[str, Any]:
    """One image: when, of what quality, where its pixels look, and how its parameters were made."""
    size = {"NAXIS1": image.size, "NAXIS2": image.size}
    return {
        "wave": image.wave,
        "slot": image.slot,
        "slot_time": start_of(image.slot),
        "observed": image.observed,
        "quality": image.quality,
        "quality_bits": names_of(image.quality),
        "tolerable": is_tolerable(image.quality),
        "flags": image.flags,
        "wcs": {**size, **FIXED, **{key: getattr(image, column) for key, column in WCS.items()}},
        "plate": {key: getattr(image, column) for key, column in PLATE.items()},
        "settings": image.settings.label,
        "software": image.software,
        "source": image.source,
        "origin": _origin(image.origin),
        "version": version_of(image),
        "links": _links(image),
    }


def _origin(origin: str) -> str:
    """Whence the file came: its address, or of a path its name alone; our disks are our affair."""
    return origin if "://" in origin else origin.rpartition("/")[2]


def _links(image: ImageHeader) -> dict[str, str]:
    at = f"/api/v1/images/{image.wave}/{image.slot}"
    start, end = (f"{start_of(slot):%Y-%m-%dT%H:%M:%S}" for slot in (image.slot, image.slot + 1))
    return {
        "self": at,
        "picture": f"{at}.jpg?version={version_of(image)}",
        "heatmap": f"{at}/heatmap.png?parameter=entropy&version={version_of(image)}",
        "parameters": f"/api/v1/parameters?wave={image.wave}&start={start}&end={end}",
    }


def answering(image: ImageHeader, time: datetime) -> dict[str, Any]:
    """An image with how far from the asked time it was observed, seconds; positive is later."""
    return {**image_row(image), "offset": (image.observed - time).total_seconds()}


def full_record(image: ImageHeader, before: ImageHeader | None, after: ImageHeader | None) -> dict[str, Any]:
    """Everything known of an image, and where its neighbours are."""
    return {
        **image_row(image),
        "knobs": image.settings.knobs,
        "header": image.header,
        "previous": None if before is None else _links(before)["self"],
        "next": None if after is None else _links(after)["self"],
    }


def units_of(numbers: Iterable[int]) -> dict[str, str]:
    """The unit of each of these parameters (numbers from 1) by its name."""
    return {PARAMETERS[number - 1]: UNITS[number - 1] for number in numbers}


#: The columns of a table of headers; the same names in csv, json and votable.
TABLE: dict[str, str] = {
    "wave": "wave",
    "slot": "slot",
    "observed": "observed",
    "QUALITY": "quality",
    **PLATE,
    "NAXIS1": "size",
    **WCS,
}
#: What a table says of its columns: unit and meaning.
DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "wave": ("angstrom", "Wavelength of the channel"),
    "slot": ("", "Number of the 6-minute slot since 2010-05-01"),
    "observed": ("", "Start of the exposure, UTC"),
    "QUALITY": ("", "Bits of quality, 32"),
    "X0": ("pix", "Disk centre on the original plate; not of our pixels"),
    "Y0": ("pix", "Disk centre on the original plate; not of our pixels"),
    "DSUN": ("m", "From the Sun's centre to SDO"),
    "R_SUN": ("pix", "The Sun's radius as the file has it"),
    "CDELT": ("arcsec", "Scale of the original plate, a pixel"),
    "NAXIS1": ("pix", "Pixels on each side"),
    "CRPIX1": ("pix", "Reference pixel, column, from 1"),
    "CRPIX2": ("pix", "Reference pixel, row, from 1 in the south"),
    "CDELT1": ("arcsec", "Scale, a pixel"),
    "CDELT2": ("arcsec", "Scale, a pixel"),
    "CRVAL1": ("arcsec", "Helioprojective longitude of the reference pixel"),
    "CRVAL2": ("arcsec", "Helioprojective latitude of the reference pixel"),
    "CROTA2": ("deg", "Rotation"),
    "DSUN_OBS": ("m", "From the Sun's centre to SDO"),
    "RSUN_OBS": ("arcsec", "The Sun's radius as seen"),
    "HGLN_OBS": ("deg", "Stonyhurst longitude of SDO"),
    "HGLT_OBS": ("deg", "Stonyhurst latitude of SDO"),
    "CRLN_OBS": ("deg", "Carrington longitude of SDO"),
}
