"""What the tasks ask of the broker. PostgreSQL knows what is to be done; the broker only says when."""

from collections.abc import Iterable
from typing import Any

import structlog
from celery import Task, current_app
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger()

#: What is raised while it cannot be reached.
BROKER_AWAY = (OperationalError, RedisError, OSError)


def messages_waiting(queue: str = "") -> int:
    """Messages in a queue (the default one, if not named) that no worker has taken.

    Raises one of BROKER_AWAY.
    """
    with current_app.connection_for_read() as broker:
        channel: Any = broker.default_channel
        try:
            name = queue or current_app.conf.task_default_queue
            declared = channel.queue_declare(queue=name, passive=True)
            return int(declared.message_count)
        except ChannelError:  # Redis has no empty queues
            return 0


def send(task: Task, orders: Iterable[tuple[tuple[Any, ...], int]]) -> None:
    """A message for each order (the task's arguments, its priority).

    Without a broker nothing is sent and nothing lost: what is ordered stands in PostgreSQL, where it is found
    again (`ingest.tasks.resume`, `ingest.image_tasks.resume_images`).
    """
    try:
        with current_app.producer_or_acquire() as producer:
            for arguments, priority in orders:
                task.apply_async(arguments, priority=priority, producer=producer, retry=False)
    except BROKER_AWAY as error:
        log.warning("the broker is away; what is ordered waits in the books", error=str(error))
