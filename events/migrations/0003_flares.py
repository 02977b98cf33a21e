"""Flares of a method and class over years, in order."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0002_tracks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('event_type', 'FL')), fields=['event_starttime', 'frm_name', 'goes_flux'], name='event_flares'),
        ),
    ]
