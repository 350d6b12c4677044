"""What accounts do by themselves."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.accounts import sessions


@shared_task(name="accounts.remove_old_sessions", acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]  # celery ships no types
def remove_old_sessions() -> None:
    """Remove sessions that have run out. Twice is harmless: the second finds none; never: they open nothing."""
    sessions.remove_old_sessions(timezone.now())
