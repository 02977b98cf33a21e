"""Sources of images have watermarks of their own, since one of them has a name that one of events has."""

from django.db import migrations, models

_FORTH = """
UPDATE ingest_imagerun SET source = 'simulator' WHERE source = 'simulation';
UPDATE ingest_quarantinedrecord SET source = 'simulator' WHERE source = 'simulation';
UPDATE images_imageheader SET source = 'simulator', origin = regexp_replace(origin, '^simulation:', 'simulator:')
    WHERE source = 'simulation';
INSERT INTO ingest_imagewatermark (source, polled_until)
    SELECT replace(source, 'simulation', 'simulator'), polled_until FROM ingest_watermark
    WHERE source IN ('helioviewer', 'simulation');
DELETE FROM ingest_watermark WHERE source IN ('helioviewer', 'simulation');
"""
_BACK = """
INSERT INTO ingest_watermark (source, polled_until)
    SELECT replace(source, 'simulator', 'simulation'), polled_until FROM ingest_imagewatermark;
UPDATE images_imageheader SET source = 'simulation', origin = regexp_replace(origin, '^simulator:', 'simulation:')
    WHERE source = 'simulator';
UPDATE ingest_imagerun SET source = 'simulation' WHERE source = 'simulator';
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0005_image_runs_of_waves'),
        ('images', '0001_images'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImageWatermark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField(unique=True)),
                ('polled_until', models.DateTimeField()),
            ],
            options={'abstract': False},
        ),
        migrations.RunSQL(_FORTH, reverse_sql=_BACK),
    ]
