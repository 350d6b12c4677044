"""How an engine keeps time: it counts what it begins, and writes the counts with its sign of life."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime, timedelta

from apps.monitors.models import EngineMinute
from apps.monitors.rollups import bucket_of, pack

# While the database is away so many minutes wait; older ones are not worth keeping.
KEPT_MINUTES = 15
MILLISECOND = timedelta(milliseconds=1)


class Pulse:
    """The minutes of one engine. `note` may be called by any thread, `write` by one."""

    def __init__(self) -> None:
        self.engine = secrets.token_hex(6)
        self._lock = threading.Lock()
        self._minutes: dict[datetime, dict[int, int]] = {}
        self._extremes: dict[datetime, tuple[int, int]] = {}
        self._changed: set[datetime] = set()

    def note(self, *, due_at: datetime, started_at: datetime) -> None:
        """Count a run that began at `started_at` (both on the database's clock)."""
        late_ms = max(0, (started_at - due_at) // MILLISECOND)
        minute = started_at.replace(second=0, microsecond=0)
        bucket = bucket_of(late_ms)
        with self._lock:
            counts = self._minutes.setdefault(minute, {})
            counts[bucket] = counts.get(bucket, 0) + 1
            low, high = self._extremes.get(minute, (late_ms, late_ms))
            self._extremes[minute] = (min(low, late_ms), max(high, late_ms))
            self._changed.add(minute)

    def write(self) -> None:
        """Write the minutes that changed since the last time, in one statement; nothing when none did."""
        with self._lock:
            for minute in sorted(self._minutes)[:-KEPT_MINUTES]:
                del self._minutes[minute], self._extremes[minute]
                self._changed.discard(minute)
            changed = sorted(self._changed)
            rows = [
                EngineMinute(
                    engine=self.engine,
                    minute=minute,
                    runs=sum(self._minutes[minute].values()),
                    lowest_ms=self._extremes[minute][0],
                    highest_ms=self._extremes[minute][1],
                    buckets=pack(self._minutes[minute]),
                )
                for minute in changed
            ]
            self._changed.clear()
        if not rows:
            return
        try:
            EngineMinute.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["minute", "engine"],
                update_fields=["runs", "lowest_ms", "highest_ms", "buckets"],
            )
        except Exception:
            with self._lock:
                self._changed.update(minute for minute in changed if minute in self._minutes)
            raise
