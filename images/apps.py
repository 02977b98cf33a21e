"""Django's view of this room."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    """AIA images and their parameters."""

    name = "images"
    verbose_name = "AIA images"
