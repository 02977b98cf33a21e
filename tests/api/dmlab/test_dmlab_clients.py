"""The two public clients, as they are published, against a live server; only their addresses are changed.

`make test` puts them into a folder of the virtual environment (requirements-clients.txt).
"""

import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests

FOLDER = Path(sys.prefix) / "clients"
T = datetime(2012, 2, 13, 20, 6, 30)  # noqa: DTZ001 - the clients know no zones
END = datetime(2012, 2, 13, 20, 36)  # noqa: DTZ001
THEIRS = "http://dmlab.cs.gsu.edu/dmlabapi/"
SIX = {"X0": 2053.23, "Y0": 2045.8, "DSUN": 147126420000.0, "R_SUN": 1628.7837, "CDELT": 0.599076}
SIX["QUALITY"] = 1073741824


@pytest.fixture
def client_of(monkeypatch, live_server, sky):
    """Imports a module of a client whose addresses are patched to ours, and numpy's old names restored."""
    assert FOLDER.is_dir(), "the clients are missing: make test installs them"
    monkeypatch.syspath_prepend(str(FOLDER))
    # Gone since numpy 1.24, of which both are older.
    monkeypatch.setattr(np, "int", int, raising=False)
    monkeypatch.setattr(np, "float", float, raising=False)

    def load(name, addresses):
        holder = import_module(addresses[0])
        holder = getattr(holder, addresses[1]) if addresses[1] else holder
        for attribute, url in vars(holder).copy().items():
            if isinstance(url, str) and url.startswith(THEIRS):
                ours = url.replace(THEIRS, f"{live_server.url}/dmlabapi/")
                monkeypatch.setattr(holder, attribute, ours)
        return import_module(name)

    yield load
    for module in [name for name in sys.modules if name.split(".")[0] in ("sdo", "sdo_image_parameter_api")]:
        monkeypatch.delitem(sys.modules, module)


@pytest.fixture
def cli(client_of):
    """sdo-cli 0.0.21: its copy of the lab's own client."""
    room = "sdo.data_loader.image_param"
    return client_of(f"{room}.api_wrappers.api_wrappers", (f"{room}.IP_CONSTANTS.URL_STRINGS", None))


@pytest.fixture
def muse(client_of):
    """sdo-image-parameter-api 0.1.0."""
    package = "sdo_image_parameter_api"
    constants = client_of(f"{package}.util.constants", (f"{package}.util.constants", "Url"))
    return SimpleNamespace(
        methods=import_module(f"{package}.image_methods"),
        convert=import_module(f"{package}.util.converters"),
        validate=import_module(f"{package}.util.validators"),
        constants=constants,
    )


def on_the_wire(frame):
    """[row, column, parameter] of the store as [x, y, parameter] with four decimals."""
    return np.vectorize(lambda value: float(f"{value:.4f}"))(frame.astype(np.float64)).transpose(1, 0, 2)


def test_sdo_cli_reads_images_and_heat_maps(cli):
    for word, size in (("2k", 2048), ("512", 512), ("256", 256)):
        image = cli.get_aia_image_jpeg(T, cli.AIA_WAVE.AIA_171, word)
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (size, size))
        heat = cli.get_aia_imageparam_jpeg(T, "171", word, cli.IMAGE_PARAM.TAMURA_DIRECTIONALITY)
        assert (heat.format, heat.mode, heat.size) == ("JPEG", "RGB", (size, size))


def test_sdo_cli_gives_the_array_of_the_store(cli, sky):
    expected = on_the_wire(sky.store.frame(171, 156921))
    xml = cli.get_aia_imageparam_xml(T, "171")
    np.testing.assert_array_equal(cli.convert_param_xml_to_ndarray(xml), expected)
    cells = cli.get_aia_imageparam_json(T, "171")
    values = np.array([[cell[f"p{n}"] for n in range(1, 11)] for cell in cells]).reshape(64, 64, 10)
    np.testing.assert_array_equal(values, expected)


def test_sdo_cli_gives_a_range(cli, sky):
    xml = cli.get_aia_imageparam_bulk_xml(T, END, "171", limit=100, offset=0, step=2)
    frames = cli.convert_param_bulk_xml_to_ndarray(xml)
    slots = {"2012-02-13T20:06:00": 156921, "2012-02-13T20:24:00": 156924}
    assert list(frames) == list(slots)
    for time, slot in slots.items():
        np.testing.assert_array_equal(frames[time], on_the_wire(sky.store.frame(171, slot)))


def test_sdo_cli_reads_headers(cli):
    xml = cli.convert_header_xml_to_dict(cli.get_aia_imageheader_xml(T, "171"))
    assert {name: float(value) for name, value in xml.items()} == SIX
    assert cli.get_aia_imageheader_json(T, "171") == SIX


def test_sdo_cli_stops_at_a_missing_image(cli):
    with pytest.raises(requests.HTTPError, match="404"):
        cli.get_aia_image_jpeg(datetime(2012, 2, 14), "171", "2k")  # noqa: DTZ001


def test_muse_reads_images_and_heat_maps(muse):
    get, constants = muse.methods.get_img_jpeg, muse.constants
    for size in muse.constants.get_const(constants.Size):
        image = get(constants.InfoType.AIA, constants.Wave.WAVE_171, "2012-02-13T20:06:00", size)
        heat = get(constants.InfoType.PARAM, constants.Wave.WAVE_171, T, size, constants.Param.ENTROPY)
        for picture in (image, heat):
            assert isinstance(picture, muse.validate.Img.JpegImageFile)  # else it refuses to show it


def test_muse_gives_the_array_of_the_store(muse, sky):
    wave, form = muse.constants.Wave.WAVE_171, muse.constants.Format
    expected = on_the_wire(sky.store.frame(171, 156921))
    xml = muse.methods.get_img_param(form.XML, wave, T.replace(microsecond=5))
    np.testing.assert_array_equal(muse.convert.convert_xml_to_ndarray(xml), expected)
    cells = muse.methods.get_img_param(form.JSON, wave, T)
    assert [cell["p10"] for cell in cells] == expected[:, :, 9].ravel().tolist()


def test_muse_gives_a_range(muse, sky):
    wave, form = muse.constants.Wave.WAVE_171, muse.constants.Format
    xml = muse.methods.get_img_param_range(form.XML, wave, T, END, 2, 1, 1)
    values = muse.convert.convert_xml_range_to_ndarray(xml, 2)
    for place, slot in enumerate((156922, 156924)):
        np.testing.assert_array_equal(values[place], on_the_wire(sky.store.frame(171, slot)))
    listed = muse.methods.get_img_param_range(form.JSON, wave, T, END, step=2)
    assert [frame["timestamp"] for frame in listed] == ["2012-02-13T20:06:00", "2012-02-13T20:24:00"]


def test_muse_reads_headers(muse):
    wave, form = muse.constants.Wave.WAVE_171, muse.constants.Format
    xml = muse.methods.get_img_header(form.XML, wave, T)
    assert muse.convert.convert_xml_header_to_dict(xml) == SIX
    assert muse.methods.get_img_header(form.JSON, wave, T) == SIX


def test_muse_s_355_is_335(muse, sky):
    sky.add(T.replace(tzinfo=UTC), wave=335)
    header = muse.methods.get_img_header("JSON", muse.constants.Wave.WAVE_355, T)
    assert header == SIX
