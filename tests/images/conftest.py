"""Headers without images, and a store of the test's own."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from images.models import ImageHeader
from images.store import ParameterStore
from tests.image_rows import image_row


@pytest.fixture
def store(tmp_path: Path) -> ParameterStore:
    made = ParameterStore(str(tmp_path / "parameters.zarr"))
    made.ensure()
    return made


@pytest.fixture
def add(db) -> Callable[..., ImageHeader]:
    """add(171, time, quality=..., flags=[...]): a header of an image observed then."""

    def make(wave: int, observed: datetime, **values) -> ImageHeader:
        given = {"quality": 0, "source": "files", "origin": f"/{wave}/{observed:%F %T}"}
        row = image_row(observed, wave, **(given | values))
        row.save()
        return row

    return make
