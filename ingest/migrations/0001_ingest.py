"""The books of the ingest."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Backfill',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField()),
                ('event_types', models.JSONField(blank=True, default=list, help_text='HEK codes; empty means all')),
                ('window_start', models.DateTimeField()),
                ('window_end', models.DateTimeField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
        ),
        migrations.CreateModel(
            name='Watermark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField(unique=True)),
                ('polled_until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='IngestRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField()),
                ('origin', models.TextField(blank=True, default='', help_text='Address or path that was read')),
                ('event_types', models.JSONField(blank=True, default=list, help_text='HEK codes; empty means all')),
                ('window_start', models.DateTimeField(blank=True, null=True)),
                ('window_end', models.DateTimeField(blank=True, null=True)),
                ('state', models.TextField(choices=[('pending', 'Pending'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed')], default='pending')),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('pages', models.PositiveIntegerField(default=0)),
                ('received', models.PositiveIntegerField(default=0)),
                ('created', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('quarantined', models.PositiveIntegerField(default=0)),
                ('associations', models.PositiveIntegerField(default=0, help_text='Edges received, not part of the account')),
                ('error', models.TextField(blank=True, default='')),
                ('queued_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('backfill', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='ingest.backfill')),
            ],
        ),
        migrations.CreateModel(
            name='QuarantinedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField()),
                ('reason', models.TextField()),
                ('payload', models.TextField(help_text='The record as it came: JSON of its fields, or the raw text')),
                ('payload_hash', models.UUIDField(unique=True)),
                ('times_seen', models.PositiveIntegerField(default=1)),
                ('first_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('resolved_at', models.DateTimeField(blank=True, help_text='When a retry stored it', null=True)),
                ('run', models.ForeignKey(blank=True, help_text='Where it was seen last', null=True, on_delete=django.db.models.deletion.SET_NULL, to='ingest.ingestrun')),
            ],
        ),
        migrations.AddIndex(
            model_name='ingestrun',
            index=models.Index(condition=models.Q(('state__in', ['pending', 'running'])), fields=['state'], name='ingestrun_open'),
        ),
        migrations.AddIndex(
            model_name='ingestrun',
            index=models.Index(fields=['source', 'window_start'], name='ingestrun_source_window'),
        ),
        migrations.AddConstraint(
            model_name='ingestrun',
            constraint=models.CheckConstraint(condition=models.Q(('received', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('created'), '+', models.F('updated')), '+', models.F('unchanged')), '+', models.F('quarantined')))), name='ingestrun_account_balances'),
        ),
    ]
