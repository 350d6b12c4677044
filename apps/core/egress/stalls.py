"""When a thread stood still: the process was stopped, the machine paused or overloaded. Pure.

A time that ran out meanwhile says nothing about whoever was waited for.
"""

from __future__ import annotations

# What a busy machine takes now and then, and what is much less than anybody's timeout.
NOTICED_S = 0.5


class StallWatch:
    """Remembers the last stretch in which a loop did not come round. Times are monotonic seconds, passed in."""

    def __init__(self, now: float) -> None:
        self._expected = now
        self._began = self._ended = 0.0

    def sleep(self, now: float, wait_s: float) -> None:
        """Note that the loop is about to wait for at most this long."""
        self._expected = now + wait_s

    def come_round(self, now: float) -> None:
        """Note that the loop is awake and about to look who is late."""
        if now - self._expected >= NOTICED_S:
            self._began, self._ended = self._expected, now
        self._expected = now

    def covers(self, moment: float) -> bool:
        """Tell whether the loop stood still at `moment`."""
        return self._began <= moment <= self._ended
