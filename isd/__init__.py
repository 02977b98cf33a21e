"""Wiring only: settings, URLs, Celery, WSGI, health. Nobody imports this package."""

from isd.celery import app as celery_app

__all__ = ["celery_app"]
