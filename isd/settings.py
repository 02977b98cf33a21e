"""All settings, from the environment; docs/operations.md lists each (a test holds the two together).

A missing or unreadable setting ends the process at start with one line that names it.
"""

import sys
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
import structlog
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from images.domain import slots
from images.domain.settings import NAMED

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def read(reader: Callable[..., Any], name: str, default: Any = environ.Env.NOTSET) -> Any:
    """One setting, or the end of the process with a line that says which and why."""
    try:
        return reader(name, default=default)
    except (ImproperlyConfigured, ValueError) as error:
        sys.exit(f"isd: setting {name}: {error} (docs/operations.md lists all settings)")


def text(name: str, default: Any) -> str:
    """A reader of texts that are not empty."""
    if value := str(env.str(name, default=default)).strip():
        return value
    raise ValueError("is empty")


def flag(name: str, *, default: Any) -> bool:
    """A reader of yes and no."""
    word = str(env.str(name, default=str(default))).lower()
    if word not in (*env.BOOLEAN_TRUE_STRINGS, "false", "off", "n", "no", "0"):
        raise ValueError(f"{word!r} is neither true nor false")
    return word in env.BOOLEAN_TRUE_STRINGS


def at_least(minimum: float, kind: type = float) -> Callable[..., Any]:
    """A reader of numbers that refuses what is smaller than `minimum`."""

    def reader(name: str, default: Any) -> Any:
        value = kind(env.str(name, default=str(default)))
        if not minimum <= value < float("inf"):
            raise ValueError(f"{value} is not a number of at least {minimum}")
        return value

    return reader


def address(*schemes: str) -> Callable[..., Any]:
    """A reader of addresses that begin with one of `schemes`."""

    def reader(name: str, default: Any) -> str:
        value = text(name, default)
        if not value.startswith(tuple(f"{scheme}:" for scheme in schemes)):
            raise ValueError(f"is no address that begins with {' or '.join(schemes)}:")
        return value

    return reader


def among(words: Collection[str]) -> Callable[..., Any]:
    """A reader of lists of which every item is one of `words`."""

    def reader(name: str, default: Any) -> list[str]:
        values = [str(value).strip() for value in env.list(name, default=default)]
        if unknown := [value for value in values if value not in words]:
            raise ValueError(f"{unknown[0]!r} is none of {', '.join(words)}")
        return values

    return reader


def one_of(words: Collection[str]) -> Callable[..., Any]:
    """A reader of one of `words`."""

    def reader(name: str, default: Any) -> str:
        value = text(name, default)
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value

    return reader


def place(*schemes: str) -> Callable[..., Any]:
    """A reader of folders, relative ones from the checkout, and of addresses that begin with `schemes`."""

    def reader(name: str, default: Any) -> str:
        value = text(name, default)
        if "://" not in value:
            return str(BASE_DIR / value)
        if value.partition(":")[0] not in schemes:
            raise ValueError(f"is neither a folder nor an address of {' or '.join(schemes) or 'any kind'}")
        return value

    return reader


def database(name: str, default: Any) -> dict[str, Any]:
    """A reader of the database's address."""
    address("postgis", "postgres", "postgresql")(name, default)
    return dict(env.db_url(name, engine="django.contrib.gis.db.backends.postgis"))


# --- who we are, and to whom we answer
DEBUG = read(flag, "DEBUG", False)
SECRET_KEY = read(text, "SECRET_KEY")
ALLOWED_HOSTS = read(env.list, "ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = read(env.list, "CSRF_TRUSTED_ORIGINS", [])
ISD_HTTPS = read(flag, "ISD_HTTPS", False)

# --- engines
DATABASES = {"default": read(database, "DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = None  # one connection a thread, for the life of the thread
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)  # seconds
REDIS_URL = read(address("redis", "rediss", "redis+socket"), "REDIS_URL")
ISD_STATEMENT_TIMEOUT = read(at_least(0.1), "ISD_STATEMENT_TIMEOUT", 60.0)  # seconds, web only

# --- ingest
ISD_HEK_URL = read(address("http", "https"), "ISD_HEK_URL", "https://www.lmsal.com/hek/her")
ISD_HEK_TIMEOUT = read(at_least(0.1), "ISD_HEK_TIMEOUT", 90.0)  # seconds; HEK itself gives up after 60
ISD_HEK_MAX_BYTES = read(at_least(1, int), "ISD_HEK_MAX_BYTES", 128 * 1024**2)  # of one answer
ISD_HEK_RETRIES = read(at_least(0, int), "ISD_HEK_RETRIES", 5)
ISD_SIMULATOR_URL = read(address("http", "https"), "ISD_SIMULATOR_URL", "http://127.0.0.1:8010/hek/her")
ISD_POLL_SOURCES = read(among(("hek", "simulator")), "ISD_POLL_SOURCES", ["hek"])
ISD_POLL_OVERLAP = timedelta(hours=read(at_least(0), "ISD_POLL_OVERLAP_HOURS", 96.0))
ISD_WINDOW = timedelta(hours=read(at_least(0.1), "ISD_WINDOW_HOURS", 6.0))

# --- shapes of tracks; the words are those of events.domain.interpolation
ISD_SHAPE_CADENCE = timedelta(seconds=read(at_least(1), "ISD_SHAPE_CADENCE", 360.0))
SHAPE_METHODS = ("auto", "MBR", "CP", "FI", "areal", "blend")
ISD_SHAPE_METHOD = read(one_of(SHAPE_METHODS), "ISD_SHAPE_METHOD", "auto")
ISD_SHAPE_MODE = read(one_of(("correct", "gsu")), "ISD_SHAPE_MODE", "correct")

# --- images; the two modules import nothing that takes time (numpy, numba)
WAVES = [str(wave) for wave in slots.WAVES]
ISD_PARAMETER_STORE = read(place("s3"), "ISD_PARAMETER_STORE", "var/parameters.zarr")
ISD_IMAGE_FOLDER = read(place(), "ISD_IMAGE_FOLDER", "var/images")
ISD_IMAGE_SETTINGS = read(one_of(NAMED), "ISD_IMAGE_SETTINGS", "reference-1")
ISD_POLL_IMAGES = read(among(("helioviewer", "simulator")), "ISD_POLL_IMAGES", [])
ISD_POLL_IMAGES_OVERLAP = timedelta(hours=read(at_least(1), "ISD_POLL_IMAGES_OVERLAP_HOURS", 48.0))
ISD_POLL_WAVES = read(among(WAVES), "ISD_POLL_WAVES", []) or WAVES
ISD_HELIOVIEWER_URL = read(
    address("http", "https"), "ISD_HELIOVIEWER_URL", "https://helioviewer.org/jp2/AIA/"
)
ISD_HELIOVIEWER_API = read(address("http", "https"), "ISD_HELIOVIEWER_API", "https://api.helioviewer.org/v2/")
ISD_HELIOVIEWER_TIMEOUT = read(at_least(0.1), "ISD_HELIOVIEWER_TIMEOUT", 60.0)  # seconds
ISD_HELIOVIEWER_RETRIES = read(at_least(0, int), "ISD_HELIOVIEWER_RETRIES", 5)

# --- answers; the words are those of api.dmlab.cells
ISD_DMLAB_XML = read(one_of(("hybrid", "flat", "nested")), "ISD_DMLAB_XML", "hybrid")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "events",
    "images",
    "ingest",
    "api",
    "explorer",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "isd.urls"
WSGI_APPLICATION = "isd.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# GDAL older than 3.9 may open files named by a spatial reference; none ever comes from outside here.
SILENCED_SYSTEM_CHECKS = ["gis.W001"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# --- time and language: everything is UTC
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i:s"

# --- static files: served by the web process itself, from the packages that hold them
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # no collecting step to forget

# --- transport security; the API is read-only, so old http clients are not sent away from it
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ISD_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^analytics/", r"^dmlabapi/", r"^hek/", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if ISD_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ISD_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ISD_HTTPS else None

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Integrated Solar Database",
    "DESCRIPTION": "Solar events, their tracks and shapes, AIA images and their ten parameters.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",  # the one whose schemas are JSON Schema proper
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # what a task did stands in IngestRun, in PostgreSQL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# A worker serves both unless its -Q names one.
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in ("celery", "images")}
CELERY_TASK_ROUTES = {"ingest.image_tasks.ingest_images": {"queue": "images"}}
CELERY_TASK_TIME_LIMIT = 3600  # seconds; a page may be asked for six times, each answer taking minutes
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Far above the longest task: Redis would otherwise hand a task that still runs to a second worker.
# Whoever orders work while Redis is away learns it at once; the order stands in PostgreSQL.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 4 * CELERY_TASK_TIME_LIMIT,
    "max_retries": 1,
    "interval_start": 0.2,
    "socket_connect_timeout": 5,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Beat copies it into its tables when it starts; in the admin an entry can be switched off. What no worker
# took in time expires instead of piling up.
CELERY_BEAT_SCHEDULE = {
    "poll the sources": {
        "task": "ingest.tasks.poll_sources",
        "schedule": crontab(hour="1", minute="0"),
        "options": {"expires": 12 * 3600},
    },
    "poll the images": {
        "task": "ingest.image_tasks.poll_images",
        "schedule": crontab(minute="5"),
        "options": {"expires": 3600},
    },
    "resume images that were cut off": {
        "task": "ingest.image_tasks.resume_images",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "resume what was cut off": {
        "task": "ingest.tasks.resume",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": read(one_of(LEVELS), "ISD_LOG_LEVEL", "INFO")},
    # At INFO it prints every address, with whatever stands in its query.
    "loggers": {"httpx": {"level": "WARNING"}},
}
