"""Django's view of this room."""

from django.apps import AppConfig


class IngestConfig(AppConfig):
    """Ingest runs, quarantine and watermarks."""

    name = "ingest"
    verbose_name = "Ingest"
