"""What is to be tracked and interpolated; at first, every event that there is already."""

import django.db.models.deletion
from django.db import migrations, models

# The types that were tracked when this was written; `manage.py track_events --again` orders others.
ORDER_ALL = """
    INSERT INTO ingest_trackingorder (event_type, frm_name, day)
        SELECT DISTINCT event_type, frm_name, (event_starttime AT TIME ZONE 'UTC')::date FROM events_event
        WHERE event_type IN ('AR', 'CH', 'EF', 'FI', 'PG', 'SG', 'SS')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0002_tracks'),
        ('ingest', '0002_run_not_before'),
    ]

    operations = [
        migrations.CreateModel(
            name='EdgeOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('association', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='events.association')),
            ],
        ),
        migrations.CreateModel(
            name='ShapeOrder',
            fields=[
                ('track_id', models.BigIntegerField(help_text='Of events.Track, which may be gone', primary_key=True, serialize=False)),
                ('event_type', models.CharField(max_length=2)),
                ('frm_name', models.TextField(blank=True, default='')),
                ('first_time', models.DateTimeField(help_text='No stored shape of it is earlier')),
                ('last_time', models.DateTimeField(help_text='No stored shape of it is later')),
            ],
            options={
                'indexes': [models.Index(fields=['event_type', 'first_time'], name='shapeorder_type_time')],
            },
        ),
        migrations.CreateModel(
            name='TrackingOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_type', models.CharField(max_length=2)),
                ('frm_name', models.TextField(blank=True, default='')),
                ('day', models.DateField()),
            ],
            options={
                'indexes': [models.Index(fields=['event_type', 'day'], name='trackingorder_type_day')],
            },
        ),
        migrations.RunSQL(ORDER_ALL, migrations.RunSQL.noop),
    ]
