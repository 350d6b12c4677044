"""What the audit trail keeps of log-ins. Failed ones are bounded: nobody fills the trail by guessing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction

from apps.accounts.actors import person_actor
from apps.accounts.models import User
from apps.core.actors import Actor
from apps.core.audit import record

LOGIN = Actor("automation", "log-in", "Log-in")
# One event of failed log-ins per person in so long.
FAILURE_EVERY_S = 300


def note(
    user: User, action: str, *, at: datetime, changes: Mapping[str, Any] | None = None
) -> None:
    """Record what a person did with their own account. Nothing that opens it is kept."""
    record(actor=person_actor(user), at=at, action=action, row=user, changes=changes)


@transaction.atomic
def note_failure(*, username: str, address: str, at: datetime) -> bool:
    """Record a failed log-in with a known name, at most one per person in five minutes; tell whether it was.

    Unknown names are left to the limits: people type passwords there, and anybody can think of any number of them.
    """
    user = User.objects.filter(username__iexact=username).order_by("pk").first()
    if user is None or not cache.add(f"log-in-failed:{user.pk}", at.isoformat(), FAILURE_EVERY_S):
        return False
    record(
        actor=LOGIN,
        at=at,
        action="account.login_failed",
        row=user,
        changes={"from": ["", address]},
    )
    return True
