"""`measure_images`: images of any size into files."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from images.domain.parameters import parameters
from images.domain.settings import PARAMETERS, named
from ingest.images import fits
from ingest.images.limits import LARGEST_FILE


def command(*arguments):
    """What it says on stdout and stderr."""
    out, err = StringIO(), StringIO()
    try:
        call_command("measure_images", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), None


@pytest.fixture
def synoptic(fits_file):
    """A FITS file of 1024 x 1024, as AIA's synoptic ones are."""
    values = np.random.default_rng(7).uniform(20, 3000, (1024, 1024)).astype(np.float32)
    return fits_file(values, CRPIX1=512.5, CRPIX2=512.5, CDELT1=2.4, CDELT2=2.4)


@pytest.mark.parametrize("label", ["reference-1", "jp2-1"])
def test_an_image_of_another_size(tmp_path, synoptic, label):
    (tmp_path / "a.fits").write_bytes(synoptic)
    out, err, error = command("--path", tmp_path / "a.fits", "--output", tmp_path / "out", "--knobs", label)
    assert (out, err, error) == ("a.fits: 171 at 2012-01-02T06:00:00Z, 16 x 16 cells\n", "", None)
    with np.load(tmp_path / "out" / "a.fits.npz") as found:
        picture = fits.read(synoptic)
        expected = parameters(picture.pixels, named(label, 171), picture.missing)
        np.testing.assert_array_equal(found["parameters"], expected)
        assert tuple(found["names"]) == PARAMETERS
        about = json.loads(str(found["about"]))
    assert (about["wave"], about["observed"], about["flags"]) == (171, "2012-01-02T06:00:00.340000Z", [])
    assert (about["settings"]["name"], about["settings"]["wave"]) == (label.partition("-")[0], 171)


def test_all_that_can_be_measured_is_and_the_rest_is_told(tmp_path, synoptic, fits_file, real_data):
    (tmp_path / "a.fits").write_bytes(synoptic)
    (tmp_path / "b.fits").write_bytes(fits_file(np.ones((100, 128))))
    (tmp_path / "c.fits").write_bytes((real_data / "images" / "aia_171_level1.fits").read_bytes())
    out, err, error = command("--path", tmp_path, "--output", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.fits.npz", "c.fits.npz"]
    assert "c.fits: 171 at" in out
    assert "2 x 2 cells" in out
    assert "100 x 128 pixels cannot be cut" in err
    assert error == "1 of 3 images could not be measured"


def test_files_of_one_name_keep_their_folders(tmp_path, synoptic, fits_file):
    other = fits_file(np.full((128, 64), 100.0))
    for place, data in (("in/a/x.fits", synoptic), ("in/b/x.fits", other), ("in/x.fits", other)):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(data)
    _, _, error = command("--path", tmp_path / "in", "--output", tmp_path / "out")
    assert error is None
    shapes = {}
    for path in (tmp_path / "out").rglob("*.npz"):
        with np.load(path) as found:
            shapes[str(path.relative_to(tmp_path / "out"))] = found["parameters"].shape[:2]
    assert shapes == {"a/x.fits.npz": (16, 16), "b/x.fits.npz": (2, 1), "x.fits.npz": (2, 1)}


def test_a_header_that_makes_no_sense_is_one_image_and_not_the_end(tmp_path, synoptic, fits_file):
    for name, changes in {
        "early": {"DATE-OBS": "0001-01-01T00:00:00+05:00"}, "flat": {"CDELT1": 1e-320},
        "wave": {"WAVELNTH": 9}, "singular": {"PC1_1": 1.0, "PC2_2": 0.0},
    }.items():  # fmt: skip
        (tmp_path / f"{name}.fits").write_bytes(fits_file(np.full((64, 64), 100.0), **changes))
    with (tmp_path / "long.fits").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    (tmp_path / "z.fits").write_bytes(synoptic)
    out, err, error = command("--path", tmp_path, "--output", tmp_path / "out")
    assert out.startswith("z.fits: 171 at")
    assert error == "5 of 6 images could not be measured"
    assert len(err.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--path", "nowhere", "--output", "out"), "nowhere does not exist"),
        (("--path", ".", "--output", "out", "--knobs", "none-1"), "no settings are named 'none-1'"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    assert reason in command(*arguments)[2]
