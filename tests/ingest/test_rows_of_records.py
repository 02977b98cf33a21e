"""Rows for events_event: typed columns, identity, what is refused; all real files, and any input at all."""

import csv
import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from events.domain.vocabulary import ATTRIBUTES, GEOMETRY_COLUMNS
from events.models import Event
from ingest.rows import COLUMNS, EventRow, RecordError, rows_of

BASE = {"event_type": "FL", "event_starttime": "2012-01-01T04:45:00", "event_endtime": "2012-01-01T04:57:00"}
CSV_TYPES = {"noaa_ar_2010-2020.csv": "AR", "flares_c1_1986-2019.csv": "FL"}


def row_of(**sent: object) -> EventRow:
    rows, rejected = rows_of([{**BASE, **sent}], "test")
    assert rejected == []
    return rows[0]


def reason_of(record: dict) -> str:
    rows, rejected = rows_of([record], "test")
    assert rows == []
    return rejected[0].reason


def table(real_data: Path, name: str) -> list[dict]:
    with (real_data / "hek" / name).open(newline="") as lines:
        return [{**row, "event_type": CSV_TYPES[name]} for row in csv.DictReader(lines)]


# --- the columns


def test_the_columns_are_those_of_the_table() -> None:
    ours = {"id", "period", "ingested_at", "updated_at"}
    assert [field.name for field in Event._meta.concrete_fields if field.name not in ours] == list(COLUMNS)


def test_typed_columns_of_a_real_flare(hek_answer) -> None:
    (record,) = [r for r in hek_answer("mixed_20230329.json")["result"] if r["frm_name"] == "SWPC"]
    (row,), _ = rows_of([record], "hek")
    head = row[: COLUMNS.index("hpc_coord")]
    assert head == (
        "ivo://helio-informatics.org/FL_SWPC_20230330_001521_20230329155800",
        "FL",
        "2023-03-29T15:58:00+00",
        "2023-03-29T16:14:00+00",
        "2023-03-29T16:12:00+00",
        "SWPC",
        "",
        "GOES",
        "GOES",
        "XRA",
        5e-08,
        13256,
        "C5.6",
        5.6e-06,
    )
    assert (row.revision, row.kb_archivdate, row.source) == (1, "2023-03-30T00:15:28+00", "hek")
    assert row.geometry_notes == "{}"
    assert json.loads(row.attributes)["event_endtime"] == "2023-03-29T16:14:00"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "event_type: missing"),
        ({**BASE, "event_type": ""}, "event_type: missing"),
        ({**BASE, "event_type": "UV"}, "event_type: 'UV' is no known type of event"),
        ({**BASE, "event_starttime": None}, "event_starttime: missing"),
        ({**BASE, "event_starttime": "n/a"}, "event_starttime: 'n/a' is not a time of the years 1 to 9999"),
        (
            {**BASE, "event_endtime": "2012-01-01T04:44:59"},
            "event_endtime: 2012-01-01T04:44:59 is before the start 2012-01-01T04:45:00",
        ),
        ({**BASE, "ar_noaanum": "n/a"}, "ar_noaanum: 'n/a' is not a number"),
        ({**BASE, "ar_noaanum": 2**31}, "ar_noaanum: 2147483648 is out of range"),
        ({**BASE, "revision": "two"}, "revision: 'two' is not a whole number"),
        ({**BASE, "revision": "99999999999"}, "revision: '99999999999' is not a whole number"),
        ({**BASE, "kb_archivid": "x" * 2001}, "kb_archivid: longer than 2000 bytes"),
    ],
)
def test_refused_records_come_back_with_payload_and_reason(record: dict, reason: str) -> None:
    rows, rejected = rows_of([record, BASE], "test")
    assert len(rows) == 1
    assert [piece.reason for piece in rejected] == [reason]
    assert json.loads(rejected[0].payload) == record
    assert issubclass(RecordError, ValueError)


def test_a_missing_end_is_the_start_and_noted() -> None:
    row = row_of(event_endtime="")
    assert row.event_endtime == row.event_starttime
    assert json.loads(row.geometry_notes) == {"event_endtime": "computed:event_starttime"}
    assert "event_endtime" not in json.loads(row.attributes)


def test_replaced_characters_are_noted() -> None:
    row = row_of(event_description="a\0b")
    assert json.loads(row.geometry_notes) == {"attributes": "repaired"}
    assert json.loads(row.attributes)["event_description"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("sent", "start", "number"),
    [
        (13256, "2023-03-29T15:58:00", 13256),
        (3256, "2023-03-29T15:58:00", 13256),
        ("1384", "2012-01-01T04:45:00", 11384),
        (0, "2012-01-01T04:45:00", None),
        (-1, "2012-01-01T04:45:00", None),
        (None, "2012-01-01T04:45:00", None),
        (4745, "1986-09-08T16:43:00", 4745),
        (9987, "2002-06-11T10:04:00", 9987),
        (9991, "2002-06-17T19:54:00", 9991),
        (9997, "2002-06-23T02:15:00", 9997),
        (5, "2002-06-20T00:00:00", 10005),
        (9997, "2010-01-01T00:00:00", 19997),
        (1775, "2013-06-18T05:35:00", 11775),
    ],
)
def test_noaa_numbers_have_five_digits_from_2002_on(sent, start, number) -> None:
    row = row_of(ar_noaanum=sent, event_starttime=start, event_endtime=start)
    assert row.ar_noaanum == number
    assert json.loads(row.attributes).get("ar_noaanum") == (None if sent is None else int(sent))


def test_goes_classes_are_numbers_too() -> None:
    fluxes = [row_of(fl_goescls=text).goes_flux for text in ("B8.1", "C5.6", "M9.9", "X2.0", "X15.", "?")]
    assert fluxes == [8.1e-07, 5.6e-06, 9.9e-05, 2e-4, 1.5e-3, None]


# --- identity


def test_records_without_an_id_get_one_of_their_content() -> None:
    row = row_of(frm_name="SSW Latest Events / (new)")
    assert row.kb_archivid == (
        f"ivo://integrated-solar-database/FL_SSWLatestEvents(new)_20120101_044500_{row.content_hash[:8]}"
    )
    assert "kb_archivid" not in json.loads(row.attributes)
    assert row_of().kb_archivid.startswith("ivo://integrated-solar-database/FL_unknown_20120101_044500_")
    assert row_of(event_coord1=1).kb_archivid != row_of(event_coord1=2).kb_archivid
    assert row_of(event_coord1="1.0").kb_archivid == row_of(event_coord1=1).kb_archivid


def test_attributes_of_a_row_give_the_same_row(hek_answer) -> None:
    """What is stored can be ingested again, a retry from the quarantine or a restore, and changes nothing."""
    for name in ("ar_spoca_201803", "mixed_20230329", "flares_ssw_20120101", "flares_swpc_20120101"):
        rows, _ = rows_of(hek_answer(f"{name}.json")["result"], "x")
        assert rows_of([json.loads(row.attributes) for row in rows], "x") == (rows, [])


# --- the real files and their oddities


def notes_of(rows: list[EventRow]) -> Counter:
    return Counter(item for row in rows for item in json.loads(row.geometry_notes).items())


@pytest.fixture(scope="module")
def real_rows(real_data: Path):
    """Rows of a real file; none of its records is refused."""
    known = {}

    def read(name: str) -> list[EventRow]:
        if name not in known:
            if name.endswith(".csv"):
                records = table(real_data, name)
            else:
                records = json.loads((real_data / "hek" / name).read_text())["result"]
            rows, rejected = rows_of(records, "x")
            assert rejected == []
            assert len(rows) == len(records)
            known[name] = rows
        return known[name]

    return read


def test_spoca_regions(real_rows) -> None:
    rows = real_rows("ar_spoca_201803.json")
    assert len({row.kb_archivid for row in rows}) == 98
    assert len({row.frm_specificid for row in rows}) == 19
    assert all(getattr(row, column) for row in rows for column in GEOMETRY_COLUMNS)
    # Self-intersecting in hpc and hrc, valid in hgs and hgc; everything else stays as it was sent.
    assert notes_of(rows) == {("hpc_boundcc", "repaired"): 1, ("hrc_boundcc", "repaired"): 1}
    (odd,) = [row.kb_archivid for row in rows if row.geometry_notes != "{}"]
    assert odd.endswith("_20180319_205355_20180319T203146_1")
    for row in rows:
        sent = json.loads(row.attributes)["hpc_geom"]
        assert row.kb_archivid == odd or shapely.from_wkb(row.hpc_boundcc).equals(shapely.from_wkb(sent))


def test_the_same_flare_told_twice(real_rows) -> None:
    swpc, ssw = (
        next(row for row in real_rows("mixed_20230329.json") if row.frm_name == name)
        for name in ("SWPC", "SSW Latest Events")
    )
    assert swpc.ar_noaanum == ssw.ar_noaanum == 13256
    assert json.loads(ssw.attributes)["ar_noaanum"] == 3256
    assert swpc.hgs_coord == ssw.hgs_coord
    # Its boxes were one repeated point; the numbers tell 2 deg around, SWPC has 1 deg around.
    box = shapely.from_wkb(ssw.hpc_bbox)
    assert box.contains(shapely.from_wkb(swpc.hpc_bbox))
    assert shapely.from_wkb(ssw.hgs_bbox).bounds == (66, -22, 68, -20)


def test_cactus_mass_ejections(real_rows) -> None:
    rows = [row for row in real_rows("mixed_20230329.json") if row.event_type == "CE"]
    assert len(rows) == 13
    assert sorted(row.revision for row in rows) == [1] * 11 + [2] * 2
    assert notes_of(rows) == {("hpc_bbox", "corners"): 13}
    for row in rows:
        assert row.hgs_coord is row.hgc_coord is row.hpc_boundcc is None
        sent = json.loads(row.attributes)
        point = shapely.from_wkb(row.hrc_coord)
        assert (point.x, point.y) == (sent["event_coord2"], sent["event_coord1"])


def test_noaa_regions_have_boxes_but_no_outlines(real_rows) -> None:
    rows = [row for row in real_rows("mixed_20230329.json") if row.event_type == "AR"]
    assert len(rows) == 8
    assert notes_of(rows) == {}
    assert {row.hpc_boundcc for row in rows} == {None}
    assert all(row.hpc_bbox == json.loads(row.attributes)["hpc_geom"].lower() for row in rows)


def test_ssw_flares_get_their_boxes_back(real_rows) -> None:
    rows = real_rows("flares_ssw_20120101.json")
    notes = notes_of(rows)
    assert notes["hgs_bbox", "recomputed:numbers"] == 13
    assert notes["hgc_bbox", "recomputed:hgs"] == 13
    for frame in ("hpc", "hrc"):  # eight lie at the limb
        assert notes[f"{frame}_bbox", "recomputed:hgs"] == 5
        assert notes[f"{frame}_bbox", "recomputed:hgs+limb"] == 8
    assert sorted(row.ar_noaanum or 0 for row in rows)[:2] == [0, 11384]
    assert {row.ar_noaanum for row in rows} == {None, 11384, 11389, 11391}
    assert min(row.revision for row in rows) == 2
    assert max(row.revision for row in rows) == 15
    for row in rows:
        square, box = (
            shapely.from_wkb(wkb) for wkb in (json.loads(row.attributes)["hpc_geom"], row.hpc_bbox)
        )
        assert square.intersects(box)


def test_swpc_flares_without_a_position(real_rows) -> None:
    rows = real_rows("flares_swpc_20120101.json")
    lost = [row for row in rows if row.hpc_coord is None]
    assert len(lost) == 9
    assert all(getattr(row, column) is None for row in lost for column in GEOMETRY_COLUMNS)
    columns = [f"{frame}_{shape}" for frame in ("hpc", "hgs", "hgc", "hrc") for shape in ("coord", "bbox")]
    assert notes_of(rows) == {(column, "dropped:noposition"): 9 for column in columns}
    assert [row.ar_noaanum for row in lost if row.ar_noaanum] == [11389]


def test_noaa_table(real_rows) -> None:
    rows = real_rows("noaa_ar_2010-2020.csv")
    assert len(rows) == 11_901
    # The 40 exact duplicates are one event each, the near duplicates are not.
    assert len({row.kb_archivid for row in rows}) == len({row.content_hash for row in rows}) == 11_861
    assert len({row.ar_noaanum for row in rows}) == 1_725
    assert min(row.ar_noaanum for row in rows) == 11_039
    assert notes_of(rows)["hpc_bbox", "computed:point"] == 11_901
    assert all(row.hpc_coord and row.hgs_coord and row.hgc_coord and row.hrc_coord for row in rows)
    # 160 rows lie behind the limb by their own numbers, which are kept.
    assert sum(abs(shapely.from_wkb(row.hgs_coord).x) > 90 for row in rows) == 160


def test_flare_table(real_rows) -> None:
    rows = real_rows("flares_c1_1986-2019.csv")
    assert len({row.kb_archivid for row in rows}) == len(rows) == 39_037
    assert Counter(row.fl_goescls[0] for row in rows) == {"C": 34_082, "M": 4_606, "X": 349}
    for row in rows:
        # The file's own column was multiplied out: 3.2999999999999997e-06.
        assert row.goes_flux == pytest.approx(float(json.loads(row.attributes)["goes_class"]), rel=1e-15)
    assert sum(row.ar_noaanum is None for row in rows) == 14_139
    assert {
        row.ar_noaanum for row in rows if row.ar_noaanum and row.ar_noaanum < 10_000 and row[2] > "2002-06-15"
    } == {
        9991,
        9997,
    }
    assert sum(row.event_peaktime > row.event_endtime for row in rows) == 86
    assert sum(row.event_peaktime < row.event_starttime for row in rows) == 11
    assert sum(row.event_starttime == row.event_endtime for row in rows) == 7
    assert not any(row.hpc_bbox for row in rows)


# --- any input

TIMES = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(datetime.isoformat)  # noqa: DTZ001
NUMBERS = st.integers(-400, 400) | st.floats() | st.floats(-2000, 2000).map(str)
RINGS = st.lists(st.tuples(st.integers(-400, 400), st.floats(-100, 100)), min_size=2, max_size=6).map(
    lambda points: f"POLYGON(({','.join(f'{x} {y}' for x, y in [*points, points[0]])}))"
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.binary(max_size=3)
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=5,
)
SYSTEMS = ["UTC-HPC-TOPO", "UTC-HGS-TOPO", "UTC-HGC-TOPO", "UTC-HRC-TOPO", "UTC-HPR-TOPO"]
NUMBERED = ["hpc_x", "hpc_y", "hgs_x", "hgs_y", "hgc_x", "hgc_y", "hrc_r", "hrc_a"]
NUMBERED += [
    "event_coord1",
    "event_coord2",
    "boundbox_c1ll",
    "boundbox_c2ll",
    "boundbox_c1ur",
    "boundbox_c2ur",
]
PLACES = st.fixed_dictionaries(
    {},
    optional={
        "event_coordsys": st.sampled_from(SYSTEMS),
        "noposition": st.booleans(),
        **dict.fromkeys(["bound_chaincode", "hpc_geom", *GEOMETRY_COLUMNS], RINGS),
        **dict.fromkeys(NUMBERED, NUMBERS),
    },
)


def check(rows: list[EventRow]) -> None:
    """What holds for every row, whatever it was made of."""
    for row in rows:
        assert row.event_endtime >= row.event_starttime
        assert datetime.fromisoformat(row.event_starttime).tzinfo == UTC
        notes = json.loads(row.geometry_notes)
        attributes = json.loads(row.attributes)
        for column in GEOMETRY_COLUMNS:
            wkb = getattr(row, column)
            if wkb is None:
                assert column not in notes or notes[column].startswith("dropped:")
                assert column not in attributes or column in notes
            else:
                shape = shapely.from_wkb(wkb)
                assert shape.is_valid
                assert not shape.is_empty
                assert (
                    column in attributes
                    or column.endswith("coord")
                    or column in notes
                    or "event_coordsys" in attributes
                )


@given(
    junk=st.dictionaries(st.sampled_from(list(ATTRIBUTES)) | SCALARS, JUNK, max_size=6),
    time=TIMES,
    base=st.booleans(),
)
def test_junk_is_refused_or_stored_and_never_raises(junk: dict, time: str, base: bool) -> None:
    record = {**BASE, "event_endtime": "", "event_starttime": time, **junk} if base else junk
    rows, rejected = rows_of([record, BASE], "test")
    assert len(rows) + len(rejected) == 2
    check(rows)
    for piece in rejected:
        assert piece.reason
        assert piece.payload.isascii()
        json.loads(piece.payload)


@given(places=PLACES, event_type=st.sampled_from(["AR", "CE", "FL"]))
def test_any_shapes_become_valid_ones(places: dict, event_type: str) -> None:
    rows, rejected = rows_of([{**BASE, **places, "event_type": event_type}], "test")
    assert len(rows) + len(rejected) == 1
    check(rows)


def test_nothing_to_do() -> None:
    assert rows_of([], "test") == ([], [])
    assert reason_of({"hv_thing": float("nan")}) == "hv_thing: nan is not a finite number"


@pytest.mark.django_db
def test_postgresql_takes_every_row(real_rows) -> None:
    """Types, constraints and PostGIS's own idea of validity, on real records and on random outlines."""
    chance = random.Random(20180316)
    rows = [
        *real_rows("ar_spoca_201803.json"),
        *real_rows("mixed_20230329.json"),
        *real_rows("flares_ssw_20120101.json"),
    ]
    wild = []
    for i in range(400):
        ring = [(chance.uniform(-200, 200), chance.uniform(-90, 90)) for _ in range(chance.randint(3, 9))]
        text = f"POLYGON(({','.join(f'{x} {y}' for x, y in [*ring, ring[0]])}))"
        column = chance.choice([name for name in GEOMETRY_COLUMNS if not name.endswith("coord")])
        wild.append(
            {**BASE, column: text, "event_description": f"{i} \0 \ud800 \\ \t", "event_endtime": None}
        )
    wild += [
        {**BASE, "event_starttime": f"{year}-01-01T00:00:00", "event_endtime": ""}
        for year in ("0001", "9999")
    ]
    more, rejected = rows_of(wild, "test")
    assert rejected == []
    rows += more
    marks = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO events_event ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    assert Event.objects.count() == len(rows)
    stored = Event.objects.get(kb_archivid=rows[0].kb_archivid)
    assert stored.attributes == json.loads(rows[0].attributes)
    assert stored.event_starttime == datetime(2018, 3, 16, 23, 31, 46, tzinfo=UTC)
    assert str(stored.content_hash) == rows[0].content_hash
    assert stored.hpc_boundcc.wkt == shapely.from_wkb(rows[0].hpc_boundcc).wkt
