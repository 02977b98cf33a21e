"""With which knobs the ten parameters are computed: named, versioned, one set for every wavelength.

Two sets are named here (`named`):

reference-1   thresholds 2.5 and 7.5 for edges: those which the original authors suggest. On 8-bit JP2 they
              leave 97 % of the disk's cells of a 193 (2022), 14 % and 33 % of two of 304 (2021, 2024) with
              the fractal dimension 0.
jp2-1         the same with the highest of four tried pairs of thresholds that leave next to no such cell in
              these images: 0.25 and 0.75 for 193, 1 and 3 for 304. Waves that were not measured take 0.5 and
              1.5.

A set that has been used never changes: another value is another version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from images.domain.slots import WAVES, wave_of

#: The side of a cell, pixels.
CELL = 64
#: Cells on each side of a full image.
GRID = 64
#: The ten parameters in the order of the API (ids 1 to 10).
PARAMETERS = (
    "entropy",
    "mean",
    "standard_deviation",
    "fractal_dimension",
    "skewness",
    "kurtosis",
    "uniformity",
    "relative_smoothness",
    "tamura_contrast",
    "tamura_directionality",
)
# Strengths of edges are compared in hundredths, and must be told apart from none.
_LEAST_THRESHOLD = 0.01
_MOST_BINS = 1 << 16


class SettingsError(ValueError):
    """Knobs that mean nothing, or a name that no set has."""


@dataclass(frozen=True, slots=True)
class ParameterSettings:
    """All knobs for the images of one wavelength. Equal knobs of equal names give equal parameters.

    Raises SettingsError where the knobs contradict what they mean.
    """

    #: Name and version of the set, and the wavelength (angstrom) that this one is for.
    name: str
    version: int
    wave: int
    #: The range of the pixels' format (not of an image): 0 to 255 for JP2.
    lowest: float = 0.0
    highest: float = 255.0
    #: Bins over that range for entropy and uniformity.
    bins: int = 256
    #: Canny: thresholds of the gradient, sigma (px), the most taps of a half kernel, what lies beyond a cell.
    canny_low: float = 2.5
    canny_high: float = 7.5
    canny_sigma: float = 2.0
    canny_width: int = 16
    canny_border: Literal["reference", "mirror"] = "reference"
    #: Tamura directionality: gradient, bins over [0, pi], what counts as a peak (0: all of them).
    gradient: Literal["prewitt", "sobel"] = "prewitt"
    direction_bins: int = 125
    peak_width: int = 1
    peak_percentile: float = 25.0
    peaks_at_most: int = 0

    def __post_init__(self) -> None:
        for right, what in (
            (self.lowest < self.highest, "an empty range of pixel values"),
            (0 < self.bins <= _MOST_BINS, "a number of bins out of range"),
            (_LEAST_THRESHOLD <= self.canny_low <= self.canny_high, "thresholds that do not rise from 0.01"),
            (
                self.canny_sigma > 0 and 2 <= self.canny_width <= CELL // 2,
                "a kernel without or beyond a cell",
            ),
            (self.canny_border in ("reference", "mirror"), "an unknown border"),
            (self.gradient in ("prewitt", "sobel"), "an unknown gradient"),
            (0 < self.direction_bins < _MOST_BINS, "a number of directions out of range"),
            (self.peak_width >= 0 and self.peaks_at_most >= 0, "a negative width or number of peaks"),
            (0 <= self.peak_percentile <= 100, "a percentile out of range"),
        ):
            if not right:
                raise SettingsError(f"{self.label} for {self.wave}: {what}")

    @property
    def label(self) -> str:
        """Name and version in one word, as stored with every frame: "reference-1"."""
        return f"{self.name}-{self.version}"


#: Thresholds of jp2-1 (low, high) by wavelength, where they were measured.
_JP2_THRESHOLDS = MappingProxyType({193: (0.25, 0.75), 304: (1.0, 3.0)})
_JP2_UNMEASURED = (0.5, 1.5)


def _reference(wave: int) -> ParameterSettings:
    return ParameterSettings(name="reference", version=1, wave=wave)


def _jp2(wave: int) -> ParameterSettings:
    low, high = _JP2_THRESHOLDS.get(wave, _JP2_UNMEASURED)
    return ParameterSettings(name="jp2", version=1, wave=wave, canny_low=low, canny_high=high)


#: Label -> wavelength -> settings.
NAMED: Mapping[str, Mapping[int, ParameterSettings]] = MappingProxyType(
    {
        label: MappingProxyType({wave: make(wave) for wave in WAVES})
        for label, make in (("reference-1", _reference), ("jp2-1", _jp2))
    }
)


def named(label: str, wave: int) -> ParameterSettings:
    """The settings of the set `label` for `wave` (angstrom).

    Raises SettingsError for a label that no set has, UnknownWaveError for a wavelength without images.
    """
    if label not in NAMED:
        raise SettingsError(f"no settings are named {label!r}; there are {', '.join(NAMED)}")
    return NAMED[label][wave_of(wave)]
