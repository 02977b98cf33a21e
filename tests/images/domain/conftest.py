"""Real full-disk images, decoded once for all tests here, and cells taken from them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from images.domain.picture import Picture
from ingest.images import jp2

NAMES = {
    "193 of 2022": "2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2",
    "304 of 2024": "2024_04_16__11_15_41_129__SDO_AIA_AIA_304.jp2",
    "304 of 2021": "2021_01_06__00_01_41_13__SDO_AIA_AIA_304.jp2",
}


@pytest.fixture(scope="session")
def picture_of(real_data: Path) -> Callable[[str], Picture]:
    """`picture_of("193 of 2022")`: one of three real images, decoded once; nobody may change it."""
    decoded: dict[str, Picture] = {}

    def read(name: str) -> Picture:
        if name not in decoded:
            decoded[name] = jp2.read(real_data / "images" / NAMES[name])
        return decoded[name]

    return read


@pytest.fixture(scope="session")
def real_cells(picture_of: Callable[[str], Picture]) -> NDArray[np.uint8]:
    """60 cells of three real images, (60, 64, 64): disk, limb and sky, the same in every run."""
    draw = np.random.default_rng(20220101)
    cells = []
    for name in NAMES:
        pixels = picture_of(name).pixels
        for row, column in draw.integers(4, 60, (20, 2)):
            cells.append(pixels[row * 64 : row * 64 + 64, column * 64 : column * 64 + 64])
    return np.array(cells)
