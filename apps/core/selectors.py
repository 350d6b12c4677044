"""What core's rows say."""

from __future__ import annotations

from datetime import timedelta

from apps.core.clock import database_now
from apps.core.models import Heartbeat

# A worker says every 5 s that it lives.
LIVE_FOR = timedelta(seconds=20)


def heartbeat_ages_s() -> dict[str, float]:
    """Return {process name: seconds since its last sign of life}, on the database's clock."""
    now = database_now()
    beats = Heartbeat.objects.values_list("name", "at")
    return {name: max(0.0, (now - at).total_seconds()) for name, at in beats}


def workers_without_key(fingerprint: str) -> list[str]:
    """Return the names of the live workers that did not say that they know the encryption key."""
    live = Heartbeat.objects.filter(name__startswith="worker:", at__gte=database_now() - LIVE_FOR)
    return [name for name, keys in live.values_list("name", "keys") if fingerprint not in keys]
