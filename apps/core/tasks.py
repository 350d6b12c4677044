from __future__ import annotations

import socket

from celery import shared_task
from django.utils import timezone

from apps.core.keys import fingerprint, ring
from apps.core.services.heartbeats import record_heartbeats
from apps.core.services.seals import seal_events

BEAT = "beat"
WORKER_PREFIX = "worker:"


@shared_task(name="core.heartbeat", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def heartbeat() -> None:
    """Note that this worker lives, and beat too: it sent this message, which expires in seconds.

    Twice is harmless: it is the same note.
    """
    ring.refresh()
    keys = [fingerprint(key) for key in ring.known()]
    record_heartbeats(names=[BEAT, f"{WORKER_PREFIX}{socket.gethostname()}"], keys=keys)


@shared_task(name="core.seal_audit", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def seal_audit() -> None:
    """Seal the audit trail's newest events. Twice is harmless: a seal's number is given out once."""
    seal_events(at=timezone.now())
