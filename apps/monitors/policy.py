"""When runs make a monitor fail or recover. Pure. Source: docs/architecture.md, "Runs"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["passed", "failed", "error"]
Decision = Literal["open", "close"]


@dataclass(frozen=True, slots=True)
class Streak:
    """Equal results in a row at one location.

    `length` runs since the one due at `started_at`, failing ones or not; `has_failed` is the location's state:
    it changes only when a streak reaches its threshold.
    """

    length: int = 0
    is_failing: bool = False
    started_at: datetime | None = None
    has_failed: bool = False


def advance(
    streak: Streak,
    *,
    result: Result,
    due_at: datetime,
    failure_threshold: int,
    recovery_threshold: int,
) -> Streak:
    """Return the streak after one more run. An `error` neither counts nor resets anything."""
    if result == "error":
        return streak
    is_failing = result == "failed"
    length, started_at = 1, streak.started_at
    if streak.length and streak.is_failing == is_failing:
        length += streak.length
    else:
        started_at = due_at
    threshold = failure_threshold if is_failing else recovery_threshold
    has_failed = is_failing if length >= threshold else streak.has_failed
    return Streak(length, is_failing, started_at, has_failed)


def decide(*, failing_locations: int, quorum: int, is_open: bool) -> Decision | None:
    """Return what to do with the monitor's outage, given how many of its locations are failing."""
    is_failing = failing_locations >= quorum
    if is_failing == is_open:
        return None
    return "open" if is_failing else "close"
