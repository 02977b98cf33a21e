"""Tracks: what the tracker makes of events."""

import django.contrib.gis.db.models.fields
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Rows that come by the million and go by the month. PostgreSQL asks a key to hold the partition's column.
SHAPES = """
    CREATE TABLE events_trackshape (
        track_id bigint NOT NULL,
        time timestamptz NOT NULL,
        event_type varchar(2) NOT NULL,
        method text NOT NULL,
        origin text NOT NULL CONSTRAINT trackshape_origin
            CHECK (origin IN ('reported', 'interpolated', 'extrapolated')),
        repaired boolean NOT NULL,
        report_id bigint,
        area double precision NOT NULL,
        hpc geometry(Polygon, 0) NOT NULL,
        PRIMARY KEY (track_id, time)
    ) PARTITION BY RANGE (time);
    CREATE INDEX trackshape_time ON events_trackshape (time, event_type);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0001_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='Track',
            fields=[
                ('id', models.BigIntegerField(help_text='The id of its first report', primary_key=True, serialize=False)),
                ('event_type', models.CharField(choices=[('AR', 'Active Region'), ('CE', 'CME'), ('CD', 'Coronal Dimming'), ('CH', 'Coronal Hole'), ('CW', 'Coronal Wave'), ('FI', 'Filament'), ('FE', 'Filament Eruption'), ('FA', 'Filament Activation'), ('FL', 'Flare'), ('LP', 'Loop'), ('OS', 'Oscillation'), ('SS', 'Sunspot'), ('EF', 'Emerging Flux'), ('CJ', 'Coronal Jet'), ('PG', 'Plage'), ('OT', 'Other'), ('NR', 'Nothing Reported'), ('SG', 'Sigmoid'), ('SP', 'Spray Surge'), ('CR', 'Coronal Rain'), ('CC', 'Coronal Cavity'), ('ER', 'Eruption'), ('TO', 'Topological Object'), ('HY', 'Hypothesis'), ('BU', 'UV Burst'), ('EE', 'Explosive Event'), ('PB', 'Prominence Bubble'), ('PT', 'Peacock Tail')], max_length=2)),
                ('frm_name', models.TextField(blank=True, default='')),
                ('event_starttime', models.DateTimeField(help_text='Start of the first report')),
                ('event_endtime', models.DateTimeField(help_text='The latest end of its reports')),
                ('period', models.GeneratedField(db_persist=True, expression=models.Func(models.F('event_starttime'), models.F('event_endtime'), models.Value('[]'), function='tstzrange'), help_text="The track's life, both ends included.", output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField())),
                ('report_count', models.IntegerField()),
                ('ar_noaanums', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, help_text='NOAA numbers of its reports', size=None)),
                ('hpc_bbox', django.contrib.gis.db.models.fields.PolygonField(help_text="Envelope of its reports' shapes, arcsec", null=True, spatial_index=False, srid=0)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'indexes': [models.Index(fields=['event_type', 'event_starttime'], name='track_type_start'), models.Index(fields=['event_starttime'], name='track_start'), django.contrib.postgres.indexes.GistIndex(fields=['event_type', 'period', 'hpc_bbox'], name='track_type_period_bbox'), django.contrib.postgres.indexes.GinIndex(fields=['ar_noaanums'], name='track_noaanums')],
                'constraints': [models.CheckConstraint(condition=models.Q(('report_count__gt', 0)), name='track_has_reports')],
            },
        ),
        migrations.CreateModel(
            name='TrackEdge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField(choices=[('follows', 'Follows'), ('splits', 'Splits'), ('merges', 'Merges')])),
                ('source', models.TextField(choices=[('association', "HEK's own edge"), ('specificid', "the method's own id"), ('noaanum', 'the NOAA number'), ('tracker', 'our tracker')])),
                ('probability', models.FloatField(help_text="1 where it was reported, else the tracker's own estimate")),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='edges_out', to='events.event')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='edges_in', to='events.event')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('first', 'second'), name='trackedge_once'), models.CheckConstraint(condition=models.Q(('first', models.F('second')), _negated=True), name='trackedge_not_to_itself'), models.CheckConstraint(condition=models.Q(('probability__gte', 0), ('probability__lte', 1)), name='trackedge_probability')],
            },
        ),
        migrations.CreateModel(
            name='TrackReport',
            fields=[
                ('event', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='in_track', serialize=False, to='events.event')),
                ('position', models.IntegerField(help_text='0 is the first')),
                ('event_starttime', models.DateTimeField(help_text="The event's, for a search by track and time")),
                ('observed', models.DateTimeField(help_text='When its shape holds: the event\'s start, or its end')),
                ('skipped', models.TextField(blank=True, default='', help_text='Why the tracker could not use it, or empty')),
                ('interpolated_from', models.UUIDField(help_text='Of all that the stored shapes from here to the next report were made of', null=True)),
                ('track', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='events.track')),
            ],
            options={
                'indexes': [models.Index(fields=['track', 'event_starttime'], name='trackreport_track_start'), models.Index(fields=['track', 'observed'], name='trackreport_track_observed')],
                'constraints': [models.UniqueConstraint(fields=('track', 'position'), name='trackreport_position_once'), models.CheckConstraint(condition=models.Q(('observed__gte', models.F('event_starttime'))), name='trackreport_observed_from_start')],
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(SHAPES, 'DROP TABLE events_trackshape')],
            state_operations=[
                migrations.CreateModel(
                    name='TrackShape',
                    fields=[
                        ('pk', models.CompositePrimaryKey('track_id', 'time', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('time', models.DateTimeField()),
                        ('event_type', models.CharField(help_text="The track's", max_length=2)),
                        ('method', models.TextField(help_text='reported, blend, MBR, CP, FI, areal, rotation, held')),
                        ('origin', models.TextField(choices=[('reported', 'Reported'), ('interpolated', 'Interpolated'), ('extrapolated', 'Extrapolated')])),
                        ('repaired', models.BooleanField()),
                        ('report_id', models.BigIntegerField(help_text='The event whose own shape this is', null=True)),
                        ('area', models.FloatField(help_text='On the plane of the sky, arcsec2')),
                        ('hpc', django.contrib.gis.db.models.fields.PolygonField(help_text='arcsec', spatial_index=False, srid=0)),
                        ('track', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='shapes', to='events.track')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['time', 'event_type'], name='trackshape_time')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('origin__in', ['reported', 'interpolated', 'extrapolated'])), name='trackshape_origin')],
                    },
                ),
            ],
        ),
    ]
