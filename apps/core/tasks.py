from __future__ import annotations

import socket

from celery import shared_task

from apps.core.services.heartbeats import record_heartbeats

BEAT = "beat"
WORKER_PREFIX = "worker:"


@shared_task(name="core.heartbeat", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def heartbeat() -> None:
    """Note that this worker lives, and beat too: it sent this message, which expires in seconds.

    Twice is harmless: it is the same note.
    """
    record_heartbeats(names=[BEAT, f"{WORKER_PREFIX}{socket.gethostname()}"])
