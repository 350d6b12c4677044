"""What the monitors' rows say."""

from __future__ import annotations

from django.db.models import Q

from apps.core.clock import DatabaseNow, database_now
from apps.monitors.models import Schedule


def dispatch_lag_s() -> float:
    """Return by how many seconds the most overdue schedule waits to be claimed; 0 when none is.

    A schedule whose run is in flight is not waiting: its next slot may pass meanwhile.
    """
    oldest = (
        Schedule.objects.filter(is_active=True, next_run_at__isnull=False)
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lt=DatabaseNow()))
        .order_by("next_run_at")
        .values_list("next_run_at", flat=True)
        .first()
    )
    if oldest is None:
        return 0.0
    return max(0.0, (database_now() - oldest).total_seconds())
