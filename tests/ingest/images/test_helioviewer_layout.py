"""Names, folders and listings of Helioviewer's archive, and which file is whose slot's."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.domain.slots import CADENCE, WAVES, slots_between, start_of
from ingest.images.layout import SOURCE_IDS, Named, by_slot, file_name, folders, listed, named

DAY = datetime(2012, 1, 2, tzinfo=UTC)
#: hypothesis wants bounds without a zone.
LEAST, MOST = (datetime(year, 6, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2010, 2030))


@pytest.mark.parametrize(
    ("name", "time", "wave"),
    [
        ("2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2", "2022-01-01T00:03:52.835", 193),
        ("2013_06_24__17_31_30_84__SDO_AIA_AIA_193.jp2", "2013-06-24T17:31:30.84", 193),
        ("2024_04_16__11_15_41_129__SDO_AIA_AIA_1700.jp2", "2024-04-16T11:15:41.129", 1700),
    ],
)
def test_the_last_number_is_the_fraction_as_written(name, time, wave):
    observed = datetime.fromisoformat(time).replace(tzinfo=UTC)
    assert named(name) == Named(observed, wave, name)
    assert file_name(wave, observed) == name


def test_the_real_files_are_named_as_their_headers_say(real_data):
    for path in sorted((real_data / "images").glob("*.jp2")):
        file = named(path.name)
        text = path.read_bytes()[-20_000:] + path.read_bytes()[:20_000]
        assert f"<WAVELNTH>{file.wave}<".encode() in text
        assert f"<DATE_OBS>{file.observed:%FT%T}".encode() in text


@pytest.mark.parametrize(
    "name",
    [
        "2022_01_01__00_03_52_835__SDO_AIA_AIA_4500.jp2", "2022_02_30__00_03_52_835__SDO_AIA_AIA_193.jp2",
        "2022_01_01__00_03_52_835__SDO_HMI_HMI_magnetogram.jp2", "2022_01_01__00_03_52__SDO_AIA_AIA_193.jp2",
        "x2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2", "2022_01_01__24_03_52_835__SDO_AIA_AIA_193.jp2",
    ],
)  # fmt: skip
def test_other_names_tell_nothing(name):
    assert named(name) is None


@given(st.datetimes(LEAST, MOST), st.sampled_from(WAVES))
def test_names_are_read_as_they_are_made(time, wave):
    observed = time.replace(tzinfo=UTC)
    name = file_name(wave, observed)
    assert named(name) == Named(observed, wave, name)


def test_both_layouts_where_both_are_possible():
    assert folders(171, date(2010, 7, 1)) == ["171/2010/07/01/"]
    assert folders(94, date(2011, 12, 31)) == ["2011/12/31/94/", "94/2011/12/31/"]
    assert folders(94, date(2012, 1, 2)) == ["2012/01/02/94/", "94/2012/01/02/"]
    assert folders(1600, date(2013, 1, 1)) == ["2013/01/01/1600/"]


def test_a_listing_as_apache_writes_it():
    page = """<html><head><title>Index of /jp2/AIA/2022/01/01/193</title></head><body><table>
    <tr><th><a href="?C=N;O=D">Name</a></th></tr><tr><td><a href="/jp2/AIA/2022/01/01/">Parent</a></td>
    <tr><td><a href="2022_01_01__00_03_52_835__SDO_AIA_AIA_193.jp2">2022_01_01__00_03_52..&gt;</a></td></tr>
    <tr><td><A HREF='/jp2/AIA/2022/01/01/193/2022_01_01__00_00_04_84__SDO_AIA_AIA_193.jp2'>x</A></td></tr>
    <tr><td><a href="2022_01_01__00_09_00_8__SDO_AIA_AIA_193.jp2.partial">x</a></td></tr>
    <tr><td><a href="readme.html">x</a></td></tr></table></body></html>"""
    assert [file.observed.minute for file in listed(page)] == [0, 3]


@given(st.lists(st.integers(-3600, 7200), max_size=40))
def test_the_files_of_each_slot_by_time(seconds):
    slots = slots_between(DAY - timedelta(hours=2), DAY + timedelta(hours=3))
    times = [DAY + timedelta(seconds=second) for second in seconds]
    expected = {}
    for slot in slots:
        inside = [time for time in times if start_of(slot) <= time < start_of(slot) + CADENCE]
        if inside:
            expected[slot] = sorted(inside)
    found = by_slot(Named(time, 171, file_name(171, time)) for time in times)
    assert {slot: [file.observed for file in files] for slot, files in found.items()} == expected


def test_what_is_before_the_first_slot_is_in_none():
    assert by_slot([Named(start_of(0) - timedelta(seconds=1), 171, "x")]) == {}


def test_the_numbers_of_the_api_are_8_to_16():
    assert [SOURCE_IDS[wave] for wave in WAVES] == list(range(8, 17))
