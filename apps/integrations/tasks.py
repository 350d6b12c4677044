from __future__ import annotations

from celery import shared_task

from apps.core.clock import database_now
from apps.integrations import deliver as deliveries
from apps.integrations.services import attempt_deliveries, retention


@shared_task(name="integrations.deliver", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def deliver() -> None:
    """Attempt the due deliveries. Twice is harmless: each stream is locked while it is worked on."""
    attempt_deliveries()


@shared_task(name="integrations.deliver_remote", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def deliver_remote() -> None:
    """Attempt the due deliveries to other destinations. Twice is harmless: each stream is leased."""
    deliveries.deliver_remote()


@shared_task(name="integrations.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def sweep() -> None:
    """Pick up what a dead process or a lost message left. Twice is harmless, as above."""
    deliveries.sweep()


@shared_task(name="integrations.remove_old_attempts", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def remove_old_attempts() -> None:
    """Remove old attempts, and old deliveries of metrics. Twice is harmless: what is gone is gone."""
    at = database_now()
    retention.remove_old_attempts(at=at)
    retention.remove_old_metric_deliveries(at=at)
