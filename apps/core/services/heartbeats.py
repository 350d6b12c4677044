"""Signs of life of the long-running processes, for /readyz."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.clock import DatabaseNow
from apps.core.models import Heartbeat


def record_heartbeats(*, names: Sequence[str], keys: Sequence[str] = ()) -> None:
    """Note that the named processes live now, on the database's clock, and which encryption keys they know."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=DatabaseNow(), keys=list(keys)) for name in names],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["at", "keys"],
    )
