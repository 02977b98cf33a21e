"""What goes into the interpolation of a track and what comes out, and the settings between them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shapely import Polygon
from shapely.geometry.base import BaseGeometry

METHODS = ("auto", "MBR", "CP", "FI", "areal", "blend")
MODES = ("correct", "gsu")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One report of a track; its shape holds at its start, or when it is known to have been `observed`.

    `hpc`: outline, else box, in arcsec (UTC-HPC-TOPO, seen from the Earth); `hgs`: the same shape in
    Stonyhurst longitude and latitude, deg, taken where `hpc` is missing. Times are UTC, with a zone.
    """

    id: int
    start: datetime
    end: datetime
    hpc: BaseGeometry | None
    hgs: BaseGeometry | None
    is_box: bool
    observed: datetime | None = None

    @property
    def holds(self) -> datetime:
        """When its shape is as the Earth saw it."""
        return self.observed or self.start


@dataclass(frozen=True, slots=True)
class Shape:
    """A track's shape at one instant, as the Earth sees it then.

    `hpc`: arcsec; valid, one ring without holes. `method`: how it was made: "reported", "MBR", "CP", "FI",
    "areal", "blend", "rotation", or "held" (beside the disk, where nothing tells how it moves). `origin`:
    "reported", "interpolated" or "extrapolated". `repaired`: the ring had to be made valid, or is the largest
    part of several. `report`: the Sighting's id where the origin is "reported".
    """

    time: datetime
    hpc: Polygon
    method: str
    origin: str
    repaired: bool
    report: int | None

    @property
    def area(self) -> float:
        """Area in the plane of the sky, arcsec^2."""
        return float(self.hpc.area)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to interpolate. The defaults are ours; `GSU` is how the original database did it.

    Raises ValueError for a method or mode that there is not, or a step that is not positive.
    """

    #: "auto" decides a gap at a time: boxes MBR, elongated shapes FI, others blend; any other is forced.
    method: str = "auto"
    #: "correct": synodic rotation as the Earth sees it (true B0 and distance), also between reports. "gsu":
    #: sidereal rotation with B0 = 0 at a fixed distance, and only after the last report.
    mode: str = "correct"
    #: The slots on which reports are repeated as they are, counted from the epoch.
    step: timedelta = timedelta(minutes=6)
    epoch: datetime = datetime(2010, 5, 1, tzinfo=UTC)
    #: CP, FI: a ring is divided until no side is longer than its perimeter / segments, or 1 arcsec.
    segments: int = 150
    #: CP: cyclic shifts of the second ring that are compared, and how many of the best are tried.
    shifts: int = 30
    tries: int = 10
    #: No shape has less than this share of the smaller report's area (the original's 0.7 x 0.7).
    area_floor: float = 0.49
    #: auto: FI where both minimum rotated rectangles are more than so many times longer than wide.
    elongation: float = 3.0
    #: auto: beyond it the outlines have nothing in common any more; areal keeps the nearer one's form.
    longest_gap: timedelta = timedelta(hours=24)
    #: blend: nodes of the distance fields' grid along the longer side of the shapes.
    cells: int = 40
    #: blend: vertices that change the contour by less are left out, arcsec: half a pixel of AIA.
    tolerance: float = 0.3

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}, not one of {', '.join(METHODS)}")
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}, not one of {', '.join(MODES)}")
        if self.step <= timedelta(0):
            raise ValueError(f"step is {self.step}, which is not positive")


DEFAULT = Settings()
#: The original database: method by geometry, 10-minute steps, its rotation.
GSU = Settings(mode="gsu", step=timedelta(minutes=10))
