"""The database's clock on this process's monotonic one: checks start on time without asking it, jumps are seen. Pure."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

# What two clocks of computers may part by, with room.
DRIFT = 100e-6
# Less than this is no jump: readings take their time.
JUMP = timedelta(seconds=3)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JumpWatch:
    """Whether the database's clock was set, from readings of it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[datetime, float] | None = None

    def jump(self, *, reading: datetime, monotonic: float) -> timedelta | None:
        """Return by how much the clock was set since the last reading, forward or (negative) back; 0: it was not.

        `monotonic` (seconds) is when it was read. None for the first reading: nobody has watched before.
        """
        with self._lock:
            last, self._last = self._last, (reading, monotonic)
        if last is None:
            return None
        passed = timedelta(seconds=monotonic - last[1])
        jump = reading - last[0] - passed
        return jump if abs(jump) > JUMP + passed * DRIFT else timedelta(0)


class DatabaseClock:
    """Where the database's clock stands, from readings of it that were asked for and answered at known moments.

    A reading bounds the difference of the clocks from both sides; every further one narrows the bounds, and the
    estimate moves only as far as they make it. So it is steadier than any single reading. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._low = self._high = self._offset = 0.0
        self._seen_at: float | None = None

    def observe(
        self, *, before: float, reading: datetime, after: float, resolution_s: float = 1e-6
    ) -> None:
        """Take note that the database's clock said `reading` between two monotonic moments (seconds)."""
        stamp = (reading - _EPOCH).total_seconds()
        low, high = stamp - after, stamp + resolution_s - before
        with self._lock:
            if self._seen_at is not None:
                drift = max(0.0, after - self._seen_at) * DRIFT
                narrowed = max(low, self._low - drift), min(high, self._high + drift)
                # Bounds that exclude each other: somebody has set the clock.
                if narrowed[0] <= narrowed[1]:
                    low, high = narrowed
            if not low <= self._offset <= high:
                self._offset = (low + high) / 2
            self._low, self._high, self._seen_at = low, high, after

    def monotonic_of(self, instant: datetime) -> float:
        """Return when, on `time.monotonic()`, the database's clock stands at `instant`."""
        return (instant - _EPOCH).total_seconds() - self._offset

    def instant_of(self, monotonic: float) -> datetime:
        """Return where the database's clock stands (aware UTC) at a monotonic moment."""
        return _EPOCH + timedelta(seconds=monotonic + self._offset)
