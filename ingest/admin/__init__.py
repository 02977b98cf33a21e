"""The operator's view of the ingest: what was asked of which source, what came of it, and once more."""

from django.contrib import admin

from ingest.admin.backfills import BackfillAdmin
from ingest.admin.imageruns import ImageRunAdmin
from ingest.admin.quarantined import QuarantinedRecordAdmin
from ingest.admin.runs import IngestRunAdmin, WatermarkAdmin
from ingest.models import Backfill, ImageRun, ImageWatermark, IngestRun, QuarantinedRecord, Watermark

admin.site.register(IngestRun, IngestRunAdmin)
admin.site.register(Backfill, BackfillAdmin)
admin.site.register([Watermark, ImageWatermark], WatermarkAdmin)
admin.site.register(QuarantinedRecord, QuarantinedRecordAdmin)
admin.site.register(ImageRun, ImageRunAdmin)
