"""A run over images names any number of wavelengths, and the quarantine names the run over images."""

import django.db.models.deletion
from django.db import migrations, models

_WAVES_OF_WAVE = "UPDATE ingest_imagerun SET waves = jsonb_build_array(wave) WHERE wave IS NOT NULL"
_WAVE_OF_WAVES = "UPDATE ingest_imagerun SET wave = (waves ->> 0)::smallint"


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0004_image_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='imagerun',
            name='waves',
            field=models.JSONField(blank=True, default=list, help_text='angstrom; empty means any'),
        ),
        migrations.RunSQL(_WAVES_OF_WAVE, reverse_sql=_WAVE_OF_WAVES),
        migrations.RemoveField(
            model_name='imagerun',
            name='wave',
        ),
        migrations.AddField(
            model_name='quarantinedrecord',
            name='image_run',
            field=models.ForeignKey(blank=True, help_text='The same, of an image', null=True, on_delete=django.db.models.deletion.SET_NULL, to='ingest.imagerun'),
        ),
        migrations.AlterField(
            model_name='quarantinedrecord',
            name='payload',
            field=models.TextField(help_text='The record as it came: JSON of its fields, or the raw text; of an image its address'),
        ),
        migrations.AddIndex(
            model_name='imagerun',
            index=models.Index(fields=['source', 'window_start'], name='imagerun_source_window'),
        ),
    ]
