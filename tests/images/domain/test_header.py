"""Headers of real files, the recorded row of the old service, and what is refused."""

from datetime import UTC, datetime

import numpy as np
import pytest

from images.domain.header import HeaderError, exposure_of, facts_of
from images.domain.slots import UnknownWaveError
from ingest.images import fits, jp2

HEADER = {
    "DATE-OBS": "2012-01-02T06:00:00.34", "WAVELNTH": "171", "QUALITY": "1073741824", "EXPTIME": "2.0",
    "NAXIS1": "4096", "NAXIS2": "4096", "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec",
    "CUNIT2": "arcsec", "CRPIX1": "2048.50", "CRPIX2": "2048.50", "CRVAL1": "0.0", "CRVAL2": "0.0",
    "CDELT1": "0.6", "CDELT2": "0.6", "CROTA2": "0.0", "X0_MP": "2053.23", "Y0_MP": "2045.8",
    "IMSCL_MP": "0.599076", "R_SUN": "1628.7837", "DSUN_OBS": "1.4712642e+11", "RSUN_OBS": "975.76",
    "IMG_TYPE": "LIGHT", "TOTVALS": "16777216", "MISSVALS": "0",
}  # fmt: skip


def facts(rows=4096, columns=4096, **changes):
    header = {key: value for key, value in (HEADER | changes).items() if value is not None}
    return facts_of(header, rows, columns)


def test_the_row_that_the_old_service_gave():
    """QUALITY,DSUN,X0,R_SUN,Y0,CDELT = 1073741824,147126420000.0,2053.23,1628.7837,2045.8,0.599076"""
    plate = facts().plate
    assert (plate.quality, plate.dsun, plate.x0) == (1073741824, 147126420000.0, 2053.23)
    assert (plate.r_sun, plate.y0, plate.cdelt) == (1628.7837, 2045.8, 0.599076)


@pytest.mark.parametrize(
    ("name", "observed", "wave", "plate"),
    [
        (
            "193 of 2022",
            datetime(2022, 1, 1, 0, 3, 52, 835000, UTC),
            193,
            (2039.83, 2039.2, 1.4709111e11, 1626.6655, 0.60071403, 1073741824),
        ),
        (
            "304 of 2024",
            datetime(2024, 4, 16, 11, 15, 41, 129000, UTC),
            304,
            (2069.3401, 2005.79, 1.5015903e11, 1593.4309, 0.60016501, 1073741824),
        ),
        (
            "304 of 2021",
            datetime(2021, 1, 6, 0, 1, 41, 130000, UTC),
            304,
            (2069.6299, 2005.39, 1.4708122e11, 1626.7751, 0.600165, 1073741824),
        ),
    ],
)
def test_real_jp2(picture_of, name, observed, wave, plate):
    picture = picture_of(name)
    found = facts_of(picture.header, *picture.pixels.shape)
    assert (found.observed, found.wave, found.image_type, found.missing_share) == (observed, wave, "LIGHT", 0)
    old = found.plate
    assert (old.x0, old.y0, old.dsun, old.r_sun, old.cdelt, old.quality) == plate
    assert found.wcs.centre == pytest.approx((2047.5, 2047.5))
    assert found.wcs.radius == pytest.approx(plate[3], abs=0.001)  # these files' R_SUN is in their own pixels
    assert found.wcs.roll == 0


@pytest.mark.parametrize("name", ["304 of 2024", "304 of 2021"])
def test_the_disk_is_where_the_coordinate_system_puts_it_and_not_the_plate(picture_of, name):
    """In 304 the limb is sharp: half of the pixels' mean on the disk is crossed at the radius."""
    picture = picture_of(name)
    found = facts_of(picture.header, *picture.pixels.shape)
    profile = picture.pixels[:, 2000:2096].mean(axis=1)
    bright = np.flatnonzero(profile > profile[1500:2500].mean() / 2)
    middle = (bright[0] + bright[-1]) / 2
    assert middle == pytest.approx(found.wcs.centre[1], abs=8)
    assert abs(middle - found.plate.y0) > 25


def test_the_reduced_copy_is_described_in_its_own_pixels(real_data):
    data = (real_data / "images" / "2013_06_24__17_31_30_84__SDO_AIA_AIA_193.jp2").read_bytes()
    header = jp2.read_header(data)
    found = facts_of(header, 410, 410)
    assert found.observed == datetime(2013, 6, 24, 17, 31, 30, 840000, UTC)
    assert found.plate.r_sun == 1571.9764
    assert found.wcs.scale == pytest.approx(0.6 * 4096 / 410)
    assert found.wcs.centre == pytest.approx((204.5, 204.5), abs=1e-6)
    assert facts_of(header, 4096, 4096).wcs.radius * 410 / 4096 == pytest.approx(found.wcs.radius)


def test_real_fits(real_data):
    picture = fits.read(real_data / "images" / "aia_171_level1.fits")
    found = facts_of(picture.header, *picture.pixels.shape)
    assert (found.wave, found.quality) == (171, 0)
    assert found.observed == datetime(2011, 2, 15, 0, 0, 0, 340000, UTC)
    assert found.wcs.roll == pytest.approx(0.019413)
    assert found.wcs.cdelt == pytest.approx((19.183648, 19.183648))
    # What the reference pixel (64.5, 64.5) looks at; the pixel at its north-east is half a pixel off.
    assert np.array(found.wcs.pixel_to_arcsec(63.5, 63.5)) == pytest.approx((-4.532172, 2.865575), abs=1e-5)


def test_degrees_and_matrices_are_understood():
    plain = facts(CRVAL1="36.0", CDELT1="0.6")
    degrees = facts(CUNIT1="deg", CRVAL1="0.01", CDELT1=str(0.6 / 3600))
    assert degrees.wcs.crval == pytest.approx(plain.wcs.crval)
    assert degrees.wcs.cd == pytest.approx(plain.wcs.cd)
    turned = facts(CROTA2="30")
    half, root = 0.5, 3**0.5 / 2
    matrix = facts(PC1_1=root, PC1_2=-half, PC2_1=half, PC2_2=root, CROTA2="77")
    assert matrix.wcs.cd == pytest.approx(turned.wcs.cd)
    assert facts(PC1_1=1.0).wcs.cd == facts().wcs.cd


@pytest.mark.parametrize("text", ["2012-01-02T06:00:00", "2012-01-02T06:00:00Z", "2012-01-02T07:00:00+01:00"])
def test_times_are_utc_with_and_without_a_zone(text):
    assert facts(**{"DATE-OBS": text}).observed == datetime(2012, 1, 2, 6, tzinfo=UTC)
    assert facts(**{"DATE-OBS": None, "DATE_OBS": text}).observed == datetime(2012, 1, 2, 6, tzinfo=UTC)


def test_what_may_be_missing():
    found = facts(R_SUN=None, IMSCL_MP=None, X0_MP=None, Y0_MP=None, CROTA2=None, IMG_TYPE=None, TOTVALS=None)
    assert (found.plate.x0, found.plate.y0, found.plate.cdelt) == (2048.5, 2048.5, 0.6)
    assert found.plate.r_sun == pytest.approx(975.76 / 0.6)
    assert (found.image_type, found.missing_share) == ("", 0)


def test_quality_is_32_bits_even_if_written_with_a_sign():
    assert facts(QUALITY="-2147483648").quality == 1 << 31
    assert facts(QUALITY=1073741824).quality == 1 << 30


def test_missing_share():
    assert facts(MISSVALS="167772").missing_share == pytest.approx(0.01, abs=1e-5)
    assert facts(MISSVALS="99999999").missing_share == 1
    assert facts(MISSVALS="-5").missing_share == 0
    assert facts(TOTVALS="0", MISSVALS="5").missing_share == 0


NEEDED = (
    "QUALITY", "NAXIS1", "NAXIS2", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CDELT1", "CDELT2", "DSUN_OBS",
    "RSUN_OBS", "WAVELNTH", "DATE-OBS",
)  # fmt: skip


@pytest.mark.parametrize("key", NEEDED)
def test_what_is_missing_is_named(key):
    with pytest.raises(HeaderError, match=f"^{key} is missing"):
        facts(**{key: None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"CRPIX1": "left"}, "CRPIX1 is no number: 'left'"),
        ({"DSUN_OBS": "nan"}, "DSUN_OBS is nan"),
        ({"RSUN_OBS": float("inf")}, "RSUN_OBS is inf"),
        ({"DATE-OBS": "yesterday"}, "DATE-OBS is no time"),
        ({"CTYPE1": "SOLARX"}, "CTYPE1 is 'SOLARX'"),
        ({"CUNIT2": "furlong"}, "CUNIT2 is 'furlong'"),
        ({"CDELT1": "0"}, "CDELT is 0"),
        ({"NAXIS2": "2048"}, "NAXIS is 4096 x 2048"),
        ({"NAXIS2": "0"}, "NAXIS2 is 0"),
        ({"NAXIS1": "1e300"}, "NAXIS1 is 1e"),
        ({"NAXIS1": 10**400}, "NAXIS1 is no number"),
        ({"NAXIS2": "²"}, "NAXIS2 is no number"),
        ({"DATE-OBS": "0001-01-01T00:00:00+05:00"}, "DATE-OBS is no time"),
        ({"PC1_1": 1, "PC2_2": 0}, "no coordinate system"),
        ({"CDELT1": "1e-320", "CDELT2": "1e-320"}, "no coordinate system"),
        ({"CDELT1": "1e308", "CUNIT1": "deg"}, "no coordinate system"),
        ({"IMSCL_MP": "0", "R_SUN": None}, "IMSCL_MP"),
        ({"IMSCL_MP": "0"}, "IMSCL_MP"),
    ],
)
def test_what_cannot_be_read_is_named(changes, message):
    with pytest.raises(HeaderError, match=message):
        facts(**changes)


def test_without_an_array_the_header_speaks_of_its_own():
    header = HEADER | {"NAXIS1": "8192", "NAXIS2": "2048"}
    assert facts_of(header) == facts_of(header, 2048, 8192)
    assert facts_of(HEADER).wcs == facts().wcs


def test_a_wave_without_slots():
    with pytest.raises(UnknownWaveError, match="WAVELNTH"):
        facts(WAVELNTH="4500")


def test_exposure():
    assert exposure_of(HEADER) == 2.0
    with pytest.raises(HeaderError, match="EXPTIME is 0"):
        exposure_of({"EXPTIME": 0})
    with pytest.raises(HeaderError, match="EXPTIME is missing"):
        exposure_of({})
