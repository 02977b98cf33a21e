"""Headers without images, and a store of the test's own."""

import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from images.domain.slots import slot_of
from images.models import ImageHeader, MeasuringSettings
from images.store import ParameterStore


@pytest.fixture
def store(tmp_path: Path) -> ParameterStore:
    made = ParameterStore(str(tmp_path / "parameters.zarr"))
    made.ensure()
    return made


@pytest.fixture
def add(db) -> Callable[..., ImageHeader]:
    """add(171, time, quality=..., flags=[...]): a header of an image observed then."""

    def make(wave: int, observed: datetime, **values) -> ImageHeader:
        settings, _ = MeasuringSettings.objects.get_or_create(
            name="reference", version=1, wave=wave, defaults={"knobs": {"bins": 256}}
        )
        numbers = dict.fromkeys(
            (
                "x0",
                "y0",
                "dsun",
                "r_sun",
                "cdelt",
                "crpix1",
                "crpix2",
                "cdelt1",
                "cdelt2",
                "crval1",
                "crval2",
            ),
            1.5,
        )
        numbers |= {"crota2": 0.0, "dsun_obs": 1.5e11, "rsun_obs": 960.0, "quality": 0, "size": 4096}
        return ImageHeader.objects.create(
            **{
                **numbers, "wave": wave, "slot": slot_of(observed), "observed": observed,
                "settings": settings, "software": "test", "header": {"WAVELNTH": wave}, "source": "files",
                "origin": f"/{wave}/{observed:%F %T}", "content_hash": uuid.uuid4(),
                "pixel_hash": uuid.uuid4(), **values,
            }
        )  # fmt: skip

    return make
