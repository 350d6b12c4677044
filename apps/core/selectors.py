"""What core's rows say."""

from __future__ import annotations

from apps.core.clock import database_now
from apps.core.models import Heartbeat


def heartbeat_ages_s() -> dict[str, float]:
    """Return {process name: seconds since its last sign of life}, on the database's clock."""
    now = database_now()
    beats = Heartbeat.objects.values_list("name", "at")
    return {name: max(0.0, (now - at).total_seconds()) for name, at in beats}
