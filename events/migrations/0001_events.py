"""The tables of solar events."""

import django.contrib.gis.db.models.fields
import django.contrib.gis.geos.polygon
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        # Going back leaves them: they may not be ours to drop, and other tables may use them.
        migrations.RunSQL(
            sql=[f"CREATE EXTENSION IF NOT EXISTS {name}" for name in ('postgis', 'btree_gist')],
            reverse_sql=migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name='Association',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_ivorn', models.TextField(db_collation='C')),
                ('second_ivorn', models.TextField(db_collation='C')),
                ('edge_type', models.TextField(help_text='is_followed_by, splits_into, merges_into, causes, contains, ...')),
                ('first_event_type', models.TextField(blank=True, default='')),
                ('second_event_type', models.TextField(blank=True, default='')),
                ('first_id', models.BigIntegerField(blank=True, help_text="HEK's internal number", null=True)),
                ('second_id', models.BigIntegerField(blank=True, help_text="HEK's internal number", null=True)),
                ('strength', models.FloatField(blank=True, null=True)),
                ('reported_by', models.TextField(blank=True, default='')),
                ('source', models.TextField()),
            ],
            options={
                'indexes': [models.Index(fields=['second_ivorn'], name='association_second')],
                'constraints': [models.UniqueConstraint(fields=('first_ivorn', 'second_ivorn', 'edge_type'), name='association_once')],
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kb_archivid', models.TextField(db_collation='C')),
                ('event_type', models.CharField(choices=[('AR', 'Active Region'), ('CE', 'CME'), ('CD', 'Coronal Dimming'), ('CH', 'Coronal Hole'), ('CW', 'Coronal Wave'), ('FI', 'Filament'), ('FE', 'Filament Eruption'), ('FA', 'Filament Activation'), ('FL', 'Flare'), ('LP', 'Loop'), ('OS', 'Oscillation'), ('SS', 'Sunspot'), ('EF', 'Emerging Flux'), ('CJ', 'Coronal Jet'), ('PG', 'Plage'), ('OT', 'Other'), ('NR', 'Nothing Reported'), ('SG', 'Sigmoid'), ('SP', 'Spray Surge'), ('CR', 'Coronal Rain'), ('CC', 'Coronal Cavity'), ('ER', 'Eruption'), ('TO', 'Topological Object'), ('HY', 'Hypothesis'), ('BU', 'UV Burst'), ('EE', 'Explosive Event'), ('PB', 'Prominence Bubble'), ('PT', 'Peacock Tail')], max_length=2)),
                ('event_starttime', models.DateTimeField()),
                ('event_endtime', models.DateTimeField()),
                ('event_peaktime', models.DateTimeField(blank=True, null=True)),
                ('period', models.GeneratedField(db_persist=True, expression=models.Func(models.F('event_starttime'), django.db.models.functions.comparison.Greatest('event_starttime', 'event_endtime'), models.Value('[]'), function='tstzrange'), help_text="The event's duration, both ends included.", output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField())),
                ('frm_name', models.TextField(blank=True, default='')),
                ('frm_specificid', models.TextField(blank=True, default='', help_text="The method's own id, of a track")),
                ('obs_observatory', models.TextField(blank=True, default='')),
                ('obs_instrument', models.TextField(blank=True, default='')),
                ('obs_channelid', models.TextField(blank=True, default='')),
                ('obs_meanwavel', models.FloatField(blank=True, help_text='Mean wavelength, cm', null=True)),
                ('ar_noaanum', models.IntegerField(blank=True, help_text='NOAA number in five digits', null=True)),
                ('fl_goescls', models.TextField(blank=True, default='')),
                ('goes_flux', models.FloatField(blank=True, help_text='GOES class as peak flux, W/m2', null=True)),
                ('hpc_coord', django.contrib.gis.db.models.fields.PointField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hpc_bbox', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hpc_boundcc', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgs_coord', django.contrib.gis.db.models.fields.PointField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgs_bbox', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgs_boundcc', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgc_coord', django.contrib.gis.db.models.fields.PointField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgc_bbox', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hgc_boundcc', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hrc_coord', django.contrib.gis.db.models.fields.PointField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hrc_bbox', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('hrc_boundcc', django.contrib.gis.db.models.fields.GeometryField(blank=True, null=True, spatial_index=False, srid=0)),
                ('geometry_notes', models.JSONField(blank=True, default=dict, help_text='Column -> what was done to it: computed, repaired, dropped, ...')),
                ('attributes', models.JSONField(help_text='Every non-empty attribute as sent, canonical types')),
                ('revision', models.IntegerField(default=1)),
                ('kb_archivdate', models.DateTimeField(blank=True, null=True)),
                ('content_hash', models.UUIDField(help_text='Of the attributes; equal content is never written twice')),
                ('source', models.TextField(help_text='Where this revision came from')),
                ('ingested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'indexes': [models.Index(fields=['event_type', 'event_starttime'], name='event_type_start'), models.Index(fields=['event_starttime'], name='event_start'), models.Index(condition=models.Q(('ar_noaanum__isnull', False)), fields=['ar_noaanum'], name='event_noaanum'), models.Index(condition=models.Q(('frm_specificid', ''), _negated=True), fields=['frm_specificid'], name='event_specificid'), models.Index(condition=models.Q(('goes_flux__isnull', False)), fields=['goes_flux'], name='event_goes_flux'), django.contrib.postgres.indexes.GistIndex(fields=['event_type', 'period', 'hpc_bbox'], name='event_type_period_bbox')],
                'constraints': [models.UniqueConstraint(fields=('kb_archivid',), name='event_kb_archivid_once'), models.CheckConstraint(condition=models.Q(('event_endtime__gte', models.F('event_starttime'))), name='event_end_not_before_start'), models.CheckConstraint(condition=models.Q(('event_type__in', ['AR', 'CE', 'CD', 'CH', 'CW', 'FI', 'FE', 'FA', 'FL', 'LP', 'OS', 'SS', 'EF', 'CJ', 'PG', 'OT', 'NR', 'SG', 'SP', 'CR', 'CC', 'ER', 'TO', 'HY', 'BU', 'EE', 'PB', 'PT'])), name='event_known_type'), models.CheckConstraint(condition=models.Q(('kb_archivid', ''), _negated=True), name='event_has_kb_archivid'), models.CheckConstraint(condition=models.Q(('hpc_coord__coveredby', django.contrib.gis.geos.polygon.Polygon(((-10000000.0, -10000000.0), (-10000000.0, 10000000.0), (10000000.0, 10000000.0), (10000000.0, -10000000.0), (-10000000.0, -10000000.0))))), name='event_hpc_coord_finite'), models.CheckConstraint(condition=models.Q(('hpc_bbox__isvalid', True)), name='event_hpc_bbox_valid'), models.CheckConstraint(condition=models.Q(('hpc_boundcc__isvalid', True)), name='event_hpc_boundcc_valid'), models.CheckConstraint(condition=models.Q(('hgs_coord__coveredby', django.contrib.gis.geos.polygon.Polygon(((-10000000.0, -10000000.0), (-10000000.0, 10000000.0), (10000000.0, 10000000.0), (10000000.0, -10000000.0), (-10000000.0, -10000000.0))))), name='event_hgs_coord_finite'), models.CheckConstraint(condition=models.Q(('hgs_bbox__isvalid', True)), name='event_hgs_bbox_valid'), models.CheckConstraint(condition=models.Q(('hgs_boundcc__isvalid', True)), name='event_hgs_boundcc_valid'), models.CheckConstraint(condition=models.Q(('hgc_coord__coveredby', django.contrib.gis.geos.polygon.Polygon(((-10000000.0, -10000000.0), (-10000000.0, 10000000.0), (10000000.0, 10000000.0), (10000000.0, -10000000.0), (-10000000.0, -10000000.0))))), name='event_hgc_coord_finite'), models.CheckConstraint(condition=models.Q(('hgc_bbox__isvalid', True)), name='event_hgc_bbox_valid'), models.CheckConstraint(condition=models.Q(('hgc_boundcc__isvalid', True)), name='event_hgc_boundcc_valid'), models.CheckConstraint(condition=models.Q(('hrc_coord__coveredby', django.contrib.gis.geos.polygon.Polygon(((-10000000.0, -10000000.0), (-10000000.0, 10000000.0), (10000000.0, 10000000.0), (10000000.0, -10000000.0), (-10000000.0, -10000000.0))))), name='event_hrc_coord_finite'), models.CheckConstraint(condition=models.Q(('hrc_bbox__isvalid', True)), name='event_hrc_bbox_valid'), models.CheckConstraint(condition=models.Q(('hrc_boundcc__isvalid', True)), name='event_hrc_boundcc_valid')],
            },
        ),
        migrations.CreateModel(
            name='EventVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.IntegerField()),
                ('kb_archivdate', models.DateTimeField(null=True)),
                ('content_hash', models.UUIDField()),
                ('attributes', models.JSONField()),
                ('source', models.TextField()),
                ('superseded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='events.event')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('event', 'content_hash'), name='eventversion_content_once')],
            },
        ),
        # Attributes are a few kB of text a row: lz4 unpacks several times faster than the default pglz.
        migrations.RunSQL(
            sql=[
                f"ALTER TABLE {table} ALTER COLUMN attributes SET COMPRESSION lz4"
                for table in ('events_event', 'events_eventversion')
            ],
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
