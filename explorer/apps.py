"""Django's view of this room."""

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """Pages for people."""

    name = "explorer"
