from __future__ import annotations

from celery import shared_task

from apps.core.clock import database_now
from apps.incidents.services import (
    announce_due_series,
    move_due_maintenances,
    publish_due_drafts,
)


@shared_task(name="incidents.move_maintenances", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def move_maintenances() -> None:
    """Let maintenances move whose time has come. Twice is harmless: each is locked and looked at again."""
    move_due_maintenances(at=database_now())


@shared_task(name="incidents.announce_series", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def announce_series() -> None:
    """Announce the next occurrences of recurring maintenance. Twice is harmless: each is made once."""
    announce_due_series(at=database_now())


@shared_task(name="incidents.publish_drafts", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
def publish_drafts() -> None:
    """Post the drafts whose time has come. Twice is harmless: each is locked and looked at again."""
    publish_due_drafts(at=database_now())
