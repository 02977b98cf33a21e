"""Frames of the simulated Sun: plausible full-disk images at nine wavelengths, as JP2 like Helioviewer's.

The active regions, coronal holes and filaments are those whose events the simulator of HEK reports for the
same seed, at the places where it reports them; disk, limb, corona and texture are drawn to look like AIA and
mean nothing. The same seed, wavelength and slot give the same pixels.
"""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from events.domain.criteria import TimeWindow
from events.domain.frames import Observer, convert
from images.domain.slots import WAVES, slots_between, start_of
from ingest.images.base import Item
from ingest.images.layout import file_name, named
from ingest.sources.base import SourceError
from ingest.sources.simulator.sky import cosine_from_centre, earth
from ingest.sources.simulator.sun import Feature, Sun, day_at

Floats = NDArray[np.float32]

#: Pixels on each side and arcsec a pixel, as Helioviewer's JP2 have them.
SIZE, SCALE = 4096, 0.6
#: The exposure of a slot begins so long after the slot.
DELAY = timedelta(seconds=11.34)
#: What the sky is drawn on before it is enlarged: finer than any feature, a sixteenth of the pixels.
_COARSE = 1024
# To what part of its extent a feature shrinks at the limb.
_THINNEST = 0.2
_METRES = 1000.0  # in a kilometre


class _Look(NamedTuple):
    """How a wavelength looks, in grey levels and solar radii.

    `disk` at its centre, `limb` of it more (or less) at the edge, `corona` of it just above the edge, falling
    off over `height`; active regions are `bright`, holes keep `hole` of the disk, `grain` is the texture.
    """

    disk: float
    limb: float
    corona: float
    height: float
    bright: float
    hole: float
    grain: float


_LOOKS: Mapping[int, _Look] = MappingProxyType(
    {
        94: _Look(28, 0.3, 0.9, 0.10, 90, 0.6, 6),
        131: _Look(40, 0.3, 0.9, 0.10, 100, 0.6, 8),
        171: _Look(75, 0.35, 1.1, 0.16, 110, 0.65, 16),
        193: _Look(85, 0.4, 1.1, 0.18, 105, 0.4, 15),
        211: _Look(80, 0.4, 1.1, 0.18, 110, 0.4, 14),
        304: _Look(60, 0.25, 0.6, 0.05, 90, 0.85, 18),
        335: _Look(50, 0.4, 1.0, 0.18, 110, 0.5, 9),
        1600: _Look(95, -0.45, 0.05, 0.01, 80, 1.0, 14),
        1700: _Look(120, -0.5, 0.03, 0.01, 60, 1.0, 14),
    }
)


class SimulatedImages:
    """A source of images that needs nobody: every slot of a window has one."""

    name = "simulator"
    attempts = 1

    def __init__(self, seed: int = 1) -> None:
        self._sun, self._seed = Sun(seed), seed

    def items(self, waves: Sequence[int], window: TimeWindow | None, paths: Sequence[str]) -> Iterator[Item]:
        """The images of `waves` in the slots that begin in `window`. Raises SourceError without a window."""
        del paths
        if window is None:
            raise SourceError("the simulator needs a window", permanent=True)
        for wave in waves or WAVES:
            for slot in slots_between(window.start, window.end):
                observed = start_of(slot) + DELAY
                yield Item(f"simulator:{self._seed}/{file_name(wave, observed)}", wave, slot)

    def fetch(self, item: Item) -> bytes:
        """The JP2 of an item. Raises SourceError for an origin that is not of this source."""
        file = named(item.origin.rpartition("/")[2])
        if file is None:
            raise SourceError(f"{item.origin} is no simulated image", permanent=True)
        return self.jp2(file.wave, file.observed)

    def jp2(self, wave: int, observed: datetime) -> bytes:
        """The file of one image, header and all."""
        observer = earth(observed.timestamp())
        return encode(self.pixels(wave, observed), _header(wave, observed, observer))

    def pixels(self, wave: int, observed: datetime) -> NDArray[np.uint8]:
        """The grey levels, (4096, 4096), row 0 in the north."""
        look, observer = _LOOKS[wave], earth(observed.timestamp())
        rng = np.random.default_rng([self._seed, wave, int(observed.timestamp())])
        sky = _Sky(float(observer.rsun))
        level = sky.quiet(look) + look.grain * sky.texture(rng)
        for feature, gain in self._features(observed, look):
            sky.draw(level, feature, gain, observed.timestamp(), observer)
        full = np.asarray(Image.fromarray(level).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
        noise = rng.integers(0, 8, full.shape, dtype=np.uint8) * np.sqrt(np.maximum(full, 0) / 400)
        return np.clip(full + noise, 0, 250).astype(np.uint8)

    def _features(self, observed: datetime, look: _Look) -> Iterator[tuple[Feature, float]]:
        """What is on the Sun, each with what it adds to the disk's level."""
        day = day_at(observed.timestamp())
        yield from ((hole, (look.hole - 1) * look.disk) for hole in self._sun.holes(day))
        yield from ((filament, -0.4 * look.disk) for filament in self._sun.filaments(day))
        yield from ((region, look.bright) for region in self._sun.regions(day))


class _Sky:
    """The coarse plane that is drawn on: arcsec from the disk's centre, x to the west, y to the north."""

    def __init__(self, rsun: float) -> None:
        step = SIZE * SCALE / _COARSE
        axis = ((np.arange(_COARSE) + 0.5) * step - SIZE * SCALE / 2).astype(np.float32)
        self.x, self.y = axis[np.newaxis, :], -axis[:, np.newaxis]
        self.radius = np.hypot(self.x, self.y) / np.float32(rsun)

    def quiet(self, look: _Look) -> Floats:
        """Disk and corona without any feature."""
        inside = np.clip(self.radius, 0, 1)
        disk = look.disk * (1 + look.limb * inside**6)
        corona = look.disk * look.corona * np.exp(-np.maximum(self.radius - 1, 0) / look.height)
        return np.where(self.radius <= 1, disk, corona).astype(np.float32)

    def texture(self, rng: np.random.Generator) -> Floats:
        """Grain of several sizes on the disk, a standard deviation of about 1."""
        grain = np.zeros((_COARSE, _COARSE), dtype=np.float32)
        for cells, weight in ((96, 0.5), (320, 0.6), (_COARSE, 0.6)):
            coarse = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
            grain += weight * np.asarray(coarse.resize((_COARSE, _COARSE), Image.Resampling.BILINEAR))
        return grain * np.where(self.radius <= 1, 1, np.exp(-(self.radius - 1) / 0.1)).astype(np.float32)

    def draw(self, level: Floats, feature: Feature, gain: float, time: float, observer: Observer) -> None:
        """Add a feature to `level` where it is seen: a hump as wide as its half widths, foreshortened."""
        at = np.array([time])
        longitude, latitude = feature.position(at)
        along, across = (np.radians(width[0]) * float(observer.rsun) for width in feature.half_widths(at))
        depth = float(cosine_from_centre(longitude, latitude, observer)[0])
        if depth <= 0 or along <= 0 or across <= 0:
            return
        place = convert(longitude, latitude, "hgc", "hpc", observer)
        x, y = float(place.x[0]), float(place.y[0])
        # What lies away from the centre is seen aslant: across by its latitude, along by what remains.
        upright = max(float(np.cos(np.radians(latitude[0] - float(observer.b0)))), _THINNEST)
        across, along = across * upright, along * max(depth / upright, _THINNEST)
        distance = ((self.x - x) / along) ** 2 + ((self.y - y) / across) ** 2
        level += np.float32(gain) * np.exp(-0.7 * distance, dtype=np.float32)


def _header(wave: int, observed: datetime, observer: Observer) -> dict[str, str]:
    """The keys that an image of Helioviewer has, as far as anybody reads them, and who made it."""
    centre, rsun = SIZE / 2 + 0.5, float(observer.rsun)
    numbers = {
        "NAXIS1": SIZE, "NAXIS2": SIZE, "WAVELNTH": wave, "EXPTIME": 2.0, "QUALITY": 1 << 30,
        "CRPIX1": centre, "CRPIX2": centre, "CDELT1": SCALE, "CDELT2": SCALE, "CRVAL1": 0.0, "CRVAL2": 0.0,
        "CROTA2": 0.0, "X0_MP": centre, "Y0_MP": centre, "IMSCL_MP": SCALE, "RSUN_OBS": rsun,
        "R_SUN": rsun / SCALE, "DSUN_OBS": float(observer.distance) * _METRES,
        "HGLN_OBS": 0.0, "HGLT_OBS": float(observer.b0), "CRLN_OBS": float(observer.l0),
    }  # fmt: skip
    words = {
        "ORIGIN": "simulated by the Integrated Solar Database", "TELESCOP": "SDO/AIA (simulated)",
        "DATE-OBS": f"{observed:%FT%T.%f}", "DATE_OBS": f"{observed:%FT%T.%f}", "IMG_TYPE": "LIGHT",
        "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec",
    }  # fmt: skip
    return words | {key: repr(value) for key, value in numbers.items()}


def encode(pixels: NDArray[np.uint8], header: Mapping[str, str]) -> bytes:
    """A JP2 of these pixels, about 1 MB at 4096 x 4096, its header in an XML box as Helioviewer's."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[16], num_resolutions=6
    )
    meta = Element("meta")
    fits = SubElement(meta, "fits")
    for key, value in header.items():
        SubElement(fits, key).text = value
    text = tostring(meta)
    box = struct.pack(">I4s", 8 + len(text), b"xml ") + text
    whole = file.getvalue()
    codestream = whole.index(b"jp2c") - 4
    return whole[:codestream] + box + whole[codestream:]
