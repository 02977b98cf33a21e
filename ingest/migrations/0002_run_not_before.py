"""When a run that failed for now is tried again: in PostgreSQL, not in a message of the broker."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ingest', '0001_ingest'),
    ]

    operations = [
        migrations.AddField(
            model_name='ingestrun',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='When a pass that failed for now is tried again', null=True),
        ),
    ]
