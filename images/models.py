"""Headers of AIA images, and the settings that their parameters were computed with.

The arrays and pictures stand in `images.store`. A header's row is written last, in one transaction: it is the
commit point, and what has no row does not exist, whatever files there are.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from images.domain.slots import WAVES
from images.domain.wcs import Wcs

#: QUALITY has 32 bits and no sign.
_MOST_QUALITY = 2**32 - 1


class MeasuringSettings(models.Model):
    """One `images.domain.settings.ParameterSettings` that frames were computed with. Never changed."""

    name = models.TextField()
    version = models.PositiveIntegerField()
    wave = models.PositiveSmallIntegerField(help_text="angstrom")
    knobs = models.JSONField(help_text="All of the settings, ParameterSettings as a dictionary")

    class Meta:
        """One row a set and wavelength."""

        verbose_name_plural = "measuring settings"
        constraints = [
            models.UniqueConstraint(fields=["name", "version", "wave"], name="measuringsettings_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label} for {self.wave}"

    @property
    def label(self) -> str:
        """Name and version in one word: "reference-1"."""
        return f"{self.name}-{self.version}"


class ImageHeader(models.Model):
    """One image of one wavelength in one 6-minute slot; what it was, and whence its numbers come.

    The six columns from `x0` to `quality` are the values of the old service, and do not describe the pixels
    that we hold: those follow the WCS, from `crpix1` on.
    """

    wave = models.PositiveSmallIntegerField(help_text="angstrom")
    slot = models.PositiveIntegerField(help_text="On the 6-minute grid of images.domain.slots")
    observed = models.DateTimeField(help_text="DATE_OBS, the start of the exposure")

    x0 = models.FloatField(help_text="X0 of the old service: X0_MP, pixels of the original plate")
    y0 = models.FloatField(help_text="Y0 of the old service: Y0_MP, pixels of the original plate")
    dsun = models.FloatField(help_text="DSUN of the old service: DSUN_OBS, m")
    r_sun = models.FloatField(help_text="R_SUN of the old service: the Sun's radius, pixels")
    cdelt = models.FloatField(help_text="CDELT of the old service: IMSCL_MP, arcsec a pixel of the plate")
    quality = models.PositiveBigIntegerField(help_text="QUALITY, 32 bits; images.domain.quality names them")

    size = models.PositiveIntegerField(help_text="Pixels on each side")
    crpix1 = models.FloatField(help_text="Reference pixel, column, counted from 1")
    crpix2 = models.FloatField(help_text="Reference pixel, row, counted from 1 at the south edge as in FITS")
    cdelt1 = models.FloatField(help_text="arcsec a pixel")
    cdelt2 = models.FloatField(help_text="arcsec a pixel")
    crval1 = models.FloatField(help_text="Helioprojective longitude at the reference pixel, arcsec")
    crval2 = models.FloatField(help_text="Helioprojective latitude at the reference pixel, arcsec")
    crota2 = models.FloatField(help_text="Rotation, degrees")
    dsun_obs = models.FloatField(help_text="From the observer to the Sun's centre, m")
    rsun_obs = models.FloatField(help_text="The Sun's radius as seen, arcsec")
    hgln_obs = models.FloatField(null=True, blank=True, help_text="Stonyhurst longitude of the observer, deg")
    hglt_obs = models.FloatField(null=True, blank=True, help_text="Stonyhurst latitude of the observer, deg")
    crln_obs = models.FloatField(null=True, blank=True, help_text="Carrington longitude of the observer, deg")

    flags = ArrayField(
        models.TextField(), default=list, blank=True, help_text="Ours: rotated, dark, duplicate, ..."
    )
    settings = models.ForeignKey(MeasuringSettings, on_delete=models.PROTECT, related_name="+")
    software = models.TextField(help_text="Name and version of what computed the parameters")
    header = models.JSONField(help_text="Every keyword as it came")
    source = models.TextField(help_text="The name of the source: files, helioviewer, ...")
    origin = models.TextField(help_text="Path or address of the file")
    content_hash = models.UUIDField(help_text="Of the file's bytes; equal content is never measured twice")
    pixel_hash = models.UUIDField(help_text="Of the decoded pixels: tells a picture served for two times")
    frame_hash = models.UUIDField(
        null=True, blank=True, help_text="Of the frame in the store: another one there is not this image's"
    )
    measured_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """Found by slot within a wavelength, and by time over all of them.

        Within one wavelength slots and observations have the same order, so the first index serves both.
        """

        constraints = [
            models.UniqueConstraint(fields=["wave", "slot"], name="imageheader_slot_once"),
            models.CheckConstraint(condition=Q(wave__in=WAVES), name="imageheader_known_wave"),
            models.CheckConstraint(
                condition=Q(quality__lte=_MOST_QUALITY), name="imageheader_quality_32_bits"
            ),
        ]
        indexes = [
            models.Index(fields=["observed", "wave"], name="imageheader_observed"),
            models.Index(fields=["content_hash"], name="imageheader_content"),
            models.Index(fields=["pixel_hash"], name="imageheader_pixels"),
        ]

    def __str__(self) -> str:
        return f"AIA {self.wave} {self.observed:%FT%TZ}"

    @property
    def wcs(self) -> Wcs:
        """The coordinate system of the image's own pixels (FITS paper II, equation 189, for CROTA2)."""
        return Wcs.turned(
            shape=(self.size, self.size),
            crpix=(self.crpix1, self.crpix2),
            crval=(self.crval1, self.crval2),
            cdelt=(self.cdelt1, self.cdelt2),
            crota=self.crota2,
            dsun=self.dsun_obs,
            rsun=self.rsun_obs,
        )


class Replacement(models.Model):
    """What a slot held, while its image is being replaced: written before anything is overwritten.

    It goes with the old row, in the transaction that commits the new one. One that is found is that of a
    process which was killed: what it holds is put back.
    """

    header = models.OneToOneField(ImageHeader, on_delete=models.CASCADE, primary_key=True, related_name="+")
    content = models.BinaryField(help_text="The frame and the pictures by their sizes, as NumPy's npz")

    def __str__(self) -> str:
        return f"replacement of {self.header}"
