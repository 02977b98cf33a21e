"""Rows of images that no image was measured for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from images.domain.slots import slot_of
from images.models import ImageHeader, MeasuringSettings


def settings_row(wave: int) -> MeasuringSettings:
    """The row of the settings of a wavelength."""
    knobs = {"name": "reference", "version": 1, "wave": wave}
    return MeasuringSettings.objects.get_or_create(**knobs, defaults={"knobs": knobs})[0]


def image_row(
    observed: datetime, wave: int = 171, settings: MeasuringSettings | None = None, **columns: Any
) -> ImageHeader:
    """A row that is not stored, with the recorded header of the old service."""
    slot = slot_of(observed)
    row = {
        "x0": 2053.23, "y0": 2045.8, "dsun": 147126420000.0, "r_sun": 1628.7837, "cdelt": 0.599076,
        "quality": 1073741824, "size": 4096, "crpix1": 2048.5, "crpix2": 2048.5, "cdelt1": 0.6,
        "cdelt2": 0.6, "crval1": 0.0, "crval2": 0.0, "crota2": 0.0, "dsun_obs": 147126420000.0,
        "rsun_obs": 975.7, "settings": settings or settings_row(wave), "software": "test 1",
        "header": {"WAVELNTH": wave}, "source": "test",
        "origin": f"{observed:%Y_%m_%d__%H_%M_%S}__SDO_AIA_AIA_{wave}.jp2",
        "content_hash": UUID(int=slot * 10_000 + wave), "pixel_hash": UUID(int=slot * 10_000 + wave),
    }  # fmt: skip
    return ImageHeader(wave=wave, slot=slot, observed=observed, **(row | columns))
