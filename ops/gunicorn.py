"""How the web process serves: read by gunicorn itself, the same under `make run` and in a container."""

import os

from ops.address import bind_address

bind = bind_address()
worker_class = "gthread"
preload_app = True  # loaded once and forked: half the time to start, and shared memory
workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_tmp_dir = "/dev/shm"  # noqa: S108 - the heartbeat file: on a disk it can block a healthy worker
timeout = 90  # seconds, above ISD_STATEMENT_TIMEOUT: a slow query ends as an answer, not as a killed worker
graceful_timeout = 15
control_socket_disable = True
accesslog = None
