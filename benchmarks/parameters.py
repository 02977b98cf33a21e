"""The ten parameters of full-disk images: ours beside the obvious loop with scipy and scikit-image.

Times are CPU seconds of this process on one core, so that what else the machine does counts for little.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
import scipy.signal
import scipy.stats
from django.conf import settings
from numpy.typing import NDArray
from skimage.feature import canny

from images.domain.parameters import parameters
from images.domain.picture import Picture
from images.domain.settings import CELL, NAMED, named
from ingest.images import jp2

REAL_DATA = Path(os.environ.get("ISD_REAL_DATA", settings.BASE_DIR.parent / "shared" / "data"))
FULL_DISK = {
    "193 of 2022": "2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2",
    "304 of 2024": "2024_04_16__11_15_41_129__SDO_AIA_AIA_304.jp2",
    "304 of 2021": "2021_01_06__00_01_41_13__SDO_AIA_AIA_304.jp2",
}
ROUNDS = 7
#: CPU seconds for a frame, and how many times as fast as the obvious way.
GOAL_SECONDS, GOAL_RATIO = 0.6, 12
_BOXES = (16, 8, 4, 2)


class Frame(NamedTuple):
    """CPU seconds for one image: decoding, ours with each of the named settings, and the obvious way."""

    decode: float
    ours: dict[str, float]
    obvious: float


def run() -> dict[str, Frame]:
    """Image -> times; medians of several rounds for ours, one round for the obvious way, just after them."""
    return {name: _measure(name, REAL_DATA / "images" / file) for name, file in FULL_DISK.items()}


def _measure(name: str, path: Path) -> Frame:
    data, wave = path.read_bytes(), int(name[:3])
    decode, picture = _timed(lambda: jp2.read(data), ROUNDS)
    ours = {label: _timed(_ours(picture, label, wave), ROUNDS)[0] for label in NAMED}
    obvious, _ = _timed(lambda: obvious_parameters(picture.pixels), 1)
    return Frame(decode, ours, obvious)


def _ours(picture: Picture, label: str, wave: int) -> Callable[[], NDArray[np.float32]]:
    return lambda: parameters(picture.pixels, named(label, wave))


def _timed(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The median CPU seconds, and what came out; before several rounds, one that does not count."""
    result = work() if rounds > 1 else None
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return median(times), result


def obvious_parameters(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The parameters as one would write them down with the libraries at hand, a cell at a time."""
    rows, columns = (side // CELL for side in image.shape)
    out = np.empty((rows, columns, 10))
    for r in range(rows):
        for c in range(columns):
            out[r, c] = _obvious_cell(image[r * CELL : (r + 1) * CELL, c * CELL : (c + 1) * CELL])
    return out


def _obvious_cell(cell: NDArray[np.uint8]) -> list[float]:
    values = cell.ravel().astype(float)
    shares = np.histogram(values, 256, (0, 255))[0] / values.size
    variance = values.var(ddof=1)
    varied = variance > 0
    kurtosis = scipy.stats.kurtosis(values, bias=False) if varied else 0.0
    return [
        scipy.stats.entropy(shares, base=2),
        values.mean(),
        np.sqrt(variance),
        _obvious_dimension(canny(cell.astype(float), 2.0, 2.5, 7.5)),
        scipy.stats.skew(values, bias=False) if varied else 0.0,
        kurtosis,
        (shares**2).sum(),
        1 - 1 / (1 + variance),
        variance / (kurtosis + 1e-32) ** 0.25 if kurtosis >= 0 else 0.0,
        _obvious_directionality(cell.astype(float)),
    ]


def _obvious_dimension(edges: NDArray[np.bool_]) -> float:
    counts = [edges.reshape(CELL // box, box, CELL // box, box).any(axis=(1, 3)).sum() for box in _BOXES]
    return abs(np.polyfit(np.log(_BOXES), np.log(counts), 1)[0]) if all(counts) else 0.0


def _obvious_directionality(cell: NDArray[np.float64]) -> float:
    gx, gy = scipy.ndimage.prewitt(cell, axis=1), 0 - scipy.ndimage.prewitt(cell, axis=0)
    gx, gy = np.pad(gx[1:-1, 1:-1], 1), np.pad(gy[1:-1, 1:-1], 1)
    strength, angle = np.hypot(gx, gy), np.arctan2(gy, gx)
    angle[(gx > 0) & (gy == 0)] = np.pi
    angle[strength < 0.15 * strength.max()] = 0
    bars, edges = np.histogram(angle, 125, (0, np.pi))
    bars[0] //= 100
    padded = np.concatenate([[bars[0] - 0.1], bars, [bars[-1] - 0.1]])
    peaks = scipy.signal.find_peaks(padded, height=int(np.percentile(bars, 25)), plateau_size=(1, 1))[0] - 1
    if not peaks.size:
        return 0.0
    bounds = np.concatenate([[0], (peaks[:-1] + peaks[1:]) // 2, [125]])
    spread = sum(
        ((edges[low:high] - edges[peak]) ** 2 * bars[low:high]).sum()
        for peak, low, high in zip(peaks, bounds[:-1], bounds[1:], strict=True)
    )
    return peaks.size * spread / bars.sum()


def table(results: dict[str, Frame]) -> str:
    """Seconds and ratios as a Markdown table."""
    lines = [
        "| image | decoding JP2, s | " + " | ".join(f"**ours**, {label}, s" for label in NAMED)
        + " | obvious, s | obvious / ours |",
        "|---|" + "---:|" * (len(NAMED) + 3),
    ]  # fmt: skip
    for name, frame in results.items():
        ours = " | ".join(f"{seconds:.3f}" for seconds in frame.ours.values())
        ratio = frame.obvious / frame.ours["reference-1"]
        lines.append(f"| {name} | {frame.decode:.2f} | {ours} | {frame.obvious:.1f} | {ratio:.0f} |")
    goals = " | ".join(f"{GOAL_SECONDS}" for _ in NAMED)
    lines.append(f"| *goal* | | {goals} | | {GOAL_RATIO} |")
    return "\n".join([*lines, "", f"CPU seconds, medians of {ROUNDS} rounds, {datetime.now(UTC):%F}."])
