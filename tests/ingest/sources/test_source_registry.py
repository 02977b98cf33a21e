"""Sources by name."""

import pytest

from ingest.sources import SOURCES, get_source
from ingest.sources.archive.source import ArchiveSource
from ingest.sources.base import SourceError
from ingest.sources.hek.source import HekSource


def test_every_source_knows_its_own_name(tmp_path) -> None:
    for name in SOURCES:
        source = get_source(name, path=tmp_path if name == "archive" else None)
        assert source.name == name


def test_hek_and_simulator_differ_by_address(settings) -> None:
    settings.ISD_HEK_URL, settings.ISD_SIMULATOR_URL = "http://one/her", "http://two/her"
    hek, simulator = get_source("hek"), get_source("simulator")
    assert isinstance(hek, HekSource)
    assert isinstance(simulator, HekSource)
    assert (hek._url, simulator._url) == ("http://one/her", "http://two/her")


def test_settings_reach_the_source(settings) -> None:
    settings.ISD_HEK_TIMEOUT, settings.ISD_HEK_MAX_BYTES, settings.ISD_HEK_RETRIES = 7.0, 8, 9
    hek = get_source("hek")
    assert isinstance(hek, HekSource)
    assert (hek._timeout, hek._max_bytes, hek._retries) == (7.0, 8, 9)


def test_an_archive_takes_a_path_as_text_too(tmp_path) -> None:
    assert isinstance(get_source("archive", path=str(tmp_path)), ArchiveSource)


@pytest.mark.parametrize(
    ("name", "path", "message"),
    [
        ("hekk", None, "no source is named 'hekk'; there are hek, archive, simulator"),
        ("archive", None, "needs a path"),
        ("hek", "/tmp", "reads an address, not the path /tmp; set ISD_HEK_URL"),
        ("simulator", "/tmp", "set ISD_SIMULATOR_URL"),
    ],
)
def test_what_cannot_be_a_source_is_told(name, path, message) -> None:
    with pytest.raises(SourceError, match=message) as failure:
        get_source(name, path=path)
    assert failure.value.permanent
