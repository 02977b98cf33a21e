"""Four million events, seeded: HEK's mix of types over fifteen years, regions on the active latitudes.

Times, sizes and shares are those of the real service in round numbers (SPoCA every 4 h, NOAA once a day,
flares of minutes, coronal holes of thousands of square arcseconds); positions are drawn, not rotated: the
queries see only boxes and times.
"""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import numpy as np
import shapely
from django.db import connection

from events.models import Event

EVENTS = 4_000_000
SEED = 20100501
FIRST = datetime(2010, 5, 1, tzinfo=UTC)
YEARS = 15
CHUNK = 50_000
RSUN = 960.0  # arcsec


@dataclass(frozen=True)
class Kind:
    """One detection method: its share of all reports, duration (s), size (arcsec), outline or box only."""

    code: str
    frm: str
    share: float
    duration: float
    size: float
    outline: bool
    instrument: str = "AIA"


KINDS = (
    Kind("AR", "SPoCA", 0.24, 14400, 120, outline=True),
    Kind("AR", "NOAA SWPC Observer", 0.03, 86399, 60, outline=False),
    Kind("CH", "SPoCA", 0.16, 14400, 250, outline=True),
    Kind("FL", "SSW Latest Events", 0.06, 900, 30, outline=False),
    Kind("FL", "SWPC", 0.06, 1200, 30, outline=False, instrument="GOES"),
    Kind("FL", "Flare Detective - Trigger Module", 0.12, 600, 25, outline=False),
    Kind("SS", "EGSO_SFC", 0.11, 0, 20, outline=True, instrument="HMI"),
    Kind("FI", "AAFDCC", 0.08, 0, 150, outline=True),
    Kind("EF", "Emerging flux region module", 0.05, 9600, 40, outline=True, instrument="HMI"),
    Kind("SG", "Sigmoid Sniffer", 0.03, 5400, 80, outline=True),
    Kind("CE", "CACTus (Computer Aided CME Tracking)", 0.03, 7200, 900, outline=False, instrument="LASCO"),
    Kind("FE", "Eruption Patrol", 0.02, 5400, 100, outline=True),
    Kind("CJ", "Jet Finder", 0.01, 1800, 60, outline=True),
)
COLUMNS = (
    *("kb_archivid", "event_type", "event_starttime", "event_endtime", "event_peaktime", "frm_name"),
    *("frm_specificid", "obs_observatory", "obs_instrument", "obs_channelid", "obs_meanwavel", "ar_noaanum"),
    *("fl_goescls", "goes_flux", "hpc_coord", "hpc_bbox", "hpc_boundcc", "hgs_coord", "hgs_bbox"),
    *("geometry_notes", "attributes", "revision", "kb_archivdate", "content_hash", "source"),
)


def load(events: int = EVENTS) -> None:
    """Fill the (empty) event table of the current database; indexes are made afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT 1 FROM events_event LIMIT %s) e", [events])
        if cursor.fetchone()[0] == events:
            return
        cursor.execute("TRUNCATE events_event CASCADE")
        indexes = Event._meta.indexes  # noqa: SLF001 - the documented way to them
        with connection.schema_editor() as schema:
            for index in indexes:
                schema.remove_index(Event, index)
        for n, lines in enumerate(chunks(events)):
            cursor.copy_expert(f"COPY events_event ({', '.join(COLUMNS)}) FROM STDIN", lines)
            print(f"\r{min((n + 1) * CHUNK, events):,} of {events:,} events", end="", file=sys.stderr)
        print(file=sys.stderr)
        with connection.schema_editor() as schema:
            for index in indexes:
                schema.add_index(Event, index)
        cursor.execute("VACUUM (ANALYZE) events_event")


def chunks(events: int) -> Iterator[IO[str]]:
    """The rows as text for COPY, in the order of time, `CHUNK` at a time."""
    for first in range(0, events, CHUNK):
        yield _chunk(first, min(CHUNK, events - first), events)


def _chunk(first: int, size: int, events: int) -> IO[str]:
    rng = np.random.default_rng([SEED, first])
    kind = rng.choice(len(KINDS), size, p=[k.share for k in KINDS])
    duration = np.array([k.duration for k in KINDS])[kind] * rng.uniform(0.9, 1.1, size)
    begin = (first + np.arange(size) + rng.uniform(0, 1, size)) / events * YEARS * 365.25 * 86400
    start = np.datetime64(FIRST.replace(tzinfo=None), "s") + begin.astype("timedelta64[s]")
    end = start + duration.astype("timedelta64[s]")
    shapes = _shapes(rng, kind, size)
    coord, hgs, box, outline, hgs_box = (shapely.to_wkb(shape, hex=True) for shape in shapes)
    texts = [
        [text.replace(", ", ",").replace(" (", "(") for text in shapely.to_wkt(shape)] for shape in shapes
    ]
    flux = 10 ** -(rng.pareto(1.2, size) * -0.2 + 6.5).clip(3.5, 7)
    out = io.StringIO()
    for n in range(size):
        k = KINDS[kind[n]]
        noaa = 11000 + (first + n) % 3000 if k.frm.startswith("NOAA") else None
        goes = f"{'XMCB'[int(-np.log10(flux[n])) - 3]}{flux[n] * 10 ** int(1 - np.log10(flux[n])):.1f}"
        fields = (
            f"ivo://helio-informatics.org/{k.code}_{k.frm.split()[0]}_{start[n]}_{first + n}",
            *(k.code, start[n], end[n], end[n] if k.code == "FL" else None, k.frm),
            f"{k.frm.split()[0]}_{(first + n) // 40:010}" if k.outline else "",
            *("GOES" if k.instrument == "GOES" else "SDO", k.instrument, "171", 1.71e-6, noaa),
            *((goes, float(flux[n])) if k.code == "FL" else ("", None)),
            *(coord[n], box[n], outline[n] if k.outline else None, hgs[n], hgs_box[n]),
            *("{}", _attributes(k, str(start[n]), str(end[n]), first + n, [text[n] for text in texts])),
            *(1, end[n], f"{first + n:032x}"),
            "benchmark",
        )
        out.write("\t".join("\\N" if f is None else str(f) for f in fields) + "\n")
    out.seek(0)
    return out


def _shapes(rng: np.random.Generator, kind: np.ndarray, size: int) -> tuple[np.ndarray, ...]:
    """hpc_coord, hgs_coord, hpc_bbox, hpc_boundcc, hgs_bbox."""
    lon = rng.uniform(-75, 75, size)
    lat = rng.choice((-1, 1), size) * np.abs(rng.normal(17, 8, size)).clip(0, 70)
    lon, lat = np.round(lon, 6), np.round(lat, 6)  # HEK writes six decimals
    x = np.round(RSUN * np.cos(np.radians(lat)) * np.sin(np.radians(lon)), 6)
    y = np.round(RSUN * np.sin(np.radians(lat)), 6)
    half = np.round(np.array([k.size for k in KINDS])[kind] / 2 * rng.uniform(0.5, 1.5, size), 6)
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False) + rng.uniform(-0.3, 0.3, (size, 8))
    radius = half[:, None] * rng.uniform(0.6, 1, (size, 8))
    vertices = np.stack((x[:, None] + radius * np.cos(angle), y[:, None] + radius * np.sin(angle)), axis=-1)
    outline = shapely.polygons(np.round(np.concatenate((vertices, vertices[:, :1]), axis=1), 1))
    degrees = np.round(half / RSUN * 57.3, 6)
    return (
        shapely.points(x, y),
        shapely.points(lon, lat),
        _boxes(x, y, half),
        outline,
        _boxes(lon, lat, degrees),
    )


def _boxes(x: np.ndarray, y: np.ndarray, half: np.ndarray) -> np.ndarray:
    return shapely.box(*(np.round(side, 6) for side in (x - half, y - half, x + half, y + half)))


def _attributes(kind: Kind, start: str, end: str, number: int, wkt: list[str]) -> str:
    coord, hgs, box, outline, hgs_box = wkt
    outlined = f'"hpc_boundcc":"{outline}",' if kind.outline else ""
    return (
        f'{{"event_type":"{kind.code}","event_starttime":"{start}","event_endtime":"{end}",'
        f'"frm_name":"{kind.frm}","frm_identifier":"{kind.frm.split()[0]}","frm_institute":"LMSAL",'
        f'"frm_contact":"someone@example.org","frm_daterun":"{end}","frm_humanflag":false,'
        f'"obs_observatory":"SDO","obs_instrument":"{kind.instrument}","obs_channelid":"171",'
        f'"obs_meanwavel":1.71e-06,"obs_wavelunit":"cm","event_coordsys":"UTC-HPC-TOPO",'
        f'"event_coordunit":"arcsec,arcsec","event_coord1":{number % 1900 - 950},'
        f'"event_coord2":{number % 700},'
        f'"area_atdiskcenter":{number * 317 % 10**9},"area_unit":"km2","event_npixels":{number % 5000},'
        f'"hpc_coord":"{coord}","hgs_coord":"{hgs}","hpc_bbox":"{box}","hgs_bbox":"{hgs_box}",'
        f'{outlined}"active":true,"noposition":false,"kb_archivdate":"{end}","kb_archivist":"eds","revision":"1"}}'
    )
