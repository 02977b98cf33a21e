"""The WSGI application that the web server runs."""

import os
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "isd.settings")
application = get_wsgi_application()


def _limit_statements(connection: Any, **_: Any) -> None:
    """End what runs longer than ISD_STATEMENT_TIMEOUT; in web processes only, ingest and migrations may."""
    with connection.cursor() as cursor:
        milliseconds = round(settings.ISD_STATEMENT_TIMEOUT * 1000)
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [str(milliseconds)])


connection_created.connect(_limit_statements)
