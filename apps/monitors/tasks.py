"""How Celery calls the engine. What each does may happen twice or never: leases say what is to be run."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import connections
from django.utils import timezone

from apps.core.clock import database_now
from apps.monitors import partitions
from apps.monitors.engine import engine
from apps.monitors.engine.dispatch import dispatch
from apps.monitors.engine.presence import codes_of_queues
from apps.monitors.services import certificates, coverage, retention, rollups


@shared_task(name="monitors.dispatch_due", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def dispatch_due() -> None:
    """Claim what is due and send it to the locations. Twice at once is harmless: each row is claimed by one."""
    dispatch()


@shared_task(name="monitors.run_checks", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def run_checks(claims: list[list[int]]) -> None:
    """Hand [schedule id, claim number] pairs to the engine. Twice is harmless: a claim is adopted once.

    Lost is harmless too: the leases of the claims lapse, and they are claimed again.
    """
    engine.current().take([(schedule_id, claim_no) for schedule_id, claim_no in claims])


@shared_task(name="monitors.ensure_partitions", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def ensure_partitions() -> None:
    """Make the runs' partitions of the coming days. Twice is harmless: those that exist stay."""
    partitions.ensure_partitions()


@shared_task(name="monitors.roll_up", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def roll_up() -> None:
    """Count runs by hour and day. Twice, or killed, is harmless: each batch moves the progress on with it."""
    rollups.roll_up(at=database_now())


@shared_task(name="monitors.note_certificates", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def note_certificates() -> None:
    """Keep which certificates end when. Twice is harmless: the same is written."""
    certificates.note_certificates()


@shared_task(name="monitors.remove_old_runs", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def remove_old_runs() -> None:
    """Remove runs older than RUN_RETENTION_DAYS and thin details. Twice is harmless: what is gone is gone."""
    at = database_now()
    retention.remove_old_runs(at=at, keep_days=settings.RUN_RETENTION_DAYS)
    retention.thin_details(at=at)


@shared_task(name="monitors.find_unmeasured", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def find_unmeasured() -> None:
    """Note what is not measured while that lasts. Twice is harmless: a stretch is noted once, and made longer."""
    now = timezone.now()
    coverage.find_unmeasured(at=now)
    coverage.forget_old_stretches(at=now)


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery's
def serve_locations(sender: Any, **_: Any) -> None:
    """Be the locations whose queues this worker takes from, also while there is nothing to run."""
    codes = codes_of_queues(sender.app.amqp.queues.consume_from)
    if codes:
        engine.current().serve(codes)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # Celery's
def stop_taking(**_: Any) -> None:
    """Take nothing more from the moment that the worker is told to stop."""
    found = engine.running()
    if found is not None:
        found.stop_taking()


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery's
def stop_engine(**_: Any) -> None:
    """Give back what has not begun, and record what has."""
    engine.stop_current()
    connections.close_all()
