"""The operator's view of events: to find and look at them. Nothing here writes; the ingest does."""

from django.contrib import admin

from events.admin.pages import AssociationAdmin, EventAdmin, EventVersionAdmin
from events.admin.trajectories import TrackAdmin
from events.models import Association, Event, EventVersion, Track

admin.site.site_header = "Integrated Solar Database"
admin.site.site_title = "Integrated Solar Database"
admin.site.index_title = "Operation"

admin.site.register(Event, EventAdmin)
admin.site.register(EventVersion, EventVersionAdmin)
admin.site.register(Association, AssociationAdmin)
admin.site.register(Track, TrackAdmin)
