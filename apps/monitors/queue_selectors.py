"""What waits to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from apps.core.clock import DatabaseNow
from apps.monitors.models import Schedule


@dataclass(frozen=True, slots=True)
class Queue:
    """Schedules by what they wait for: `sent` for a worker to take them, `running` for their run's end."""

    sent: int
    running: int


def queue() -> Queue:
    """Return what is claimed now, read off the claimed rows alone. One query; no broker is asked."""
    claimed = Schedule.objects.filter(slot_at__isnull=False, leased_until__gte=DatabaseNow())
    found: dict[str, Any] = claimed.aggregate(
        sent=Count("pk", filter=Q(is_adopted=False)), running=Count("pk", filter=Q(is_adopted=True))
    )
    return Queue(**found)
