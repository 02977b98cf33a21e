"""Django's view of this room."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Solar events."""

    name = "events"
    verbose_name = "Solar events"
