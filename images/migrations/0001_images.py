"""Headers of images, and the settings of their parameters."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='MeasuringSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('version', models.PositiveIntegerField()),
                ('wave', models.PositiveSmallIntegerField(help_text='angstrom')),
                ('knobs', models.JSONField(help_text='All of the settings, ParameterSettings as a dictionary')),
            ],
            options={
                'verbose_name_plural': 'measuring settings',
                'constraints': [models.UniqueConstraint(fields=('name', 'version', 'wave'), name='measuringsettings_once')],
            },
        ),
        migrations.CreateModel(
            name='ImageHeader',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('wave', models.PositiveSmallIntegerField(help_text='angstrom')),
                ('slot', models.PositiveIntegerField(help_text='On the 6-minute grid of images.domain.slots')),
                ('observed', models.DateTimeField(help_text='DATE_OBS, the start of the exposure')),
                ('x0', models.FloatField(help_text='X0 of the old service: X0_MP, pixels of the original plate')),
                ('y0', models.FloatField(help_text='Y0 of the old service: Y0_MP, pixels of the original plate')),
                ('dsun', models.FloatField(help_text='DSUN of the old service: DSUN_OBS, m')),
                ('r_sun', models.FloatField(help_text="R_SUN of the old service: the Sun's radius, pixels")),
                ('cdelt', models.FloatField(help_text='CDELT of the old service: IMSCL_MP, arcsec a pixel of the plate')),
                ('quality', models.PositiveBigIntegerField(help_text='QUALITY, 32 bits; images.domain.quality names them')),
                ('size', models.PositiveIntegerField(help_text='Pixels on each side')),
                ('crpix1', models.FloatField(help_text='Reference pixel, column, counted from 1')),
                ('crpix2', models.FloatField(help_text='Reference pixel, row, counted from 1 at the south edge as in FITS')),
                ('cdelt1', models.FloatField(help_text='arcsec a pixel')),
                ('cdelt2', models.FloatField(help_text='arcsec a pixel')),
                ('crval1', models.FloatField(help_text='Helioprojective longitude at the reference pixel, arcsec')),
                ('crval2', models.FloatField(help_text='Helioprojective latitude at the reference pixel, arcsec')),
                ('crota2', models.FloatField(help_text='Rotation, degrees')),
                ('dsun_obs', models.FloatField(help_text="From the observer to the Sun's centre, m")),
                ('rsun_obs', models.FloatField(help_text="The Sun's radius as seen, arcsec")),
                ('hgln_obs', models.FloatField(blank=True, help_text='Stonyhurst longitude of the observer, deg', null=True)),
                ('hglt_obs', models.FloatField(blank=True, help_text='Stonyhurst latitude of the observer, deg', null=True)),
                ('crln_obs', models.FloatField(blank=True, help_text='Carrington longitude of the observer, deg', null=True)),
                ('flags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, help_text='Ours: rotated, dark, duplicate, ...', size=None)),
                ('software', models.TextField(help_text='Name and version of what computed the parameters')),
                ('header', models.JSONField(help_text='Every keyword as it came')),
                ('source', models.TextField(help_text='The name of the source: files, helioviewer, ...')),
                ('origin', models.TextField(help_text='Path or address of the file')),
                ('content_hash', models.UUIDField(help_text="Of the file's bytes; equal content is never measured twice")),
                ('pixel_hash', models.UUIDField(help_text='Of the decoded pixels: tells a picture served for two times')),
                ('measured_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('settings', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='images.measuringsettings')),
            ],
            options={
                'indexes': [models.Index(fields=['observed', 'wave'], name='imageheader_observed'), models.Index(fields=['content_hash'], name='imageheader_content'), models.Index(fields=['pixel_hash'], name='imageheader_pixels')],
                'constraints': [models.UniqueConstraint(fields=('wave', 'slot'), name='imageheader_slot_once'), models.CheckConstraint(condition=models.Q(('wave__in', (94, 131, 171, 193, 211, 304, 335, 1600, 1700))), name='imageheader_known_wave'), models.CheckConstraint(condition=models.Q(('quality__lte', 4294967295)), name='imageheader_quality_32_bits')],
            },
        ),
    ]
