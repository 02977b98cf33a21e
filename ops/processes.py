"""The processes of the product: one table for `make run`, and what docker-compose.yml is tested against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """One of our long-running processes; it reads its settings from the environment alone."""

    name: str
    command: tuple[str, ...]


WEB = Process("web", ("gunicorn", "--config", "python:ops.gunicorn", "isd.wsgi"))
WORKER = Process("worker", ("celery", "-A", "isd", "worker", "--loglevel", "INFO"))
SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
BEAT = Process(
    "beat",
    (
        "celery",
        "-A",
        "isd",
        "beat",
        "--loglevel",
        "INFO",
        "--enable-remote-control",
        "--scheduler",
        SCHEDULER,
    ),
)
PROCESSES = (WEB, WORKER, BEAT)


def simulator(port: int) -> Process:
    """The HEK look-alike that the demo comes from; `make run` has it, a deployment does not."""
    return Process("simulator", ("python", "manage.py", "serve_simulator", "--port", str(port)))


# Before the processes start, to its end.
MIGRATE = ("python", "manage.py", "migrate", "--noinput")
# Once they answer. Both decide by what the database holds whether there is anything to do.
ADMIN = ("python", "manage.py", "ensure_admin")
DEMO = ("python", "manage.py", "load_demo", "--if-empty")
