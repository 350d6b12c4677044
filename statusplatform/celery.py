"""The Celery application: one JSON queue per location, and one for everything else.

Checks of a location travel on `checks.<location code>`: a worker anywhere with
`-Q checks.eu-west` is the location `eu-west`. All else is on `default`. Results are the
platform's own rows, so there is no result back-end.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.contrib.django.task import DjangoTask
from celery.signals import setup_logging, task_prerun
from django.conf import settings
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES

from statusplatform.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "statusplatform.settings")
# Celery's fix-up would run Django's system checks in worker and beat, which imports the whole
# admin and API there. `up` and CI run them instead.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

TRANSPORT_ALIASES["filesystem"] = "statusplatform.file_transport:Transport"

DEFAULT_QUEUE = "default"
DEFAULT_EXPIRES_S = 60
WORKER_THREADS = 4


def _transport_options(broker_url: str) -> dict[str, Any]:
    if not broker_url.startswith("filesystem:"):
        # A publisher must not hang on a broker that is gone: messages are wake-up calls only.
        return {"socket_connect_timeout": 2, "socket_timeout": 5, "visibility_timeout": 3600}
    return {"folder": str(settings.BROKER_DIR), "polling_interval": 0.05}


class Task(DjangoTask):  # type: ignore[misc]  # Celery ships no types
    """A task whose messages expire: a broker must not fill while no worker runs."""

    expires = DEFAULT_EXPIRES_S


class StatusCelery(Celery):  # type: ignore[misc]
    """An application that also lets messages expire whose task it does not know (beat's)."""

    def send_task(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("expires") is None and name not in self.tasks:
            kwargs["expires"] = DEFAULT_EXPIRES_S
        return super().send_task(name, *args, **kwargs)


def keep_django_logging(**_: Any) -> None:
    """Leave logging as settings.LOGGING has it; a receiver keeps Celery from configuring its own."""


def drop_broken_connections(**_: Any) -> None:
    """Let a thread reconnect after the database was away, as Django does for a request."""
    close_old_connections()


setup_logging.connect(keep_django_logging)
task_prerun.connect(drop_broken_connections)

app = StatusCelery("statusplatform", task_cls=Task)
app.conf.update(
    # kombu asks for a host name, also where there is none.
    broker_url=settings.CELERY_BROKER_URL.replace("filesystem://", "filesystem://localhost"),
    broker_transport_options=_transport_options(settings.CELERY_BROKER_URL),
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=3,
    broker_heartbeat=0,
    task_publish_retry_policy={
        "max_retries": 2,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    result_backend=None,
    result_expires=None,
    task_default_queue=DEFAULT_QUEUE,
    task_create_missing_queues=True,
    task_send_sent_event=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_pool="threads",
    worker_concurrency=WORKER_THREADS,
    worker_prefetch_multiplier=4,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # A thread keeps its connection from task to task (see drop_broken_connections).
    CELERY_DB_REUSE_MAX=1_000_000_000,
    enable_utc=True,
    timezone="UTC",
    beat_scheduler="statusplatform.beat:Scheduler",
    beat_schedule=BEAT_SCHEDULE,
    beat_max_loop_interval=5,
)
app.autodiscover_tasks()
