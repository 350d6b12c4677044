"""The slots of an interval schedule: when it is due, keeping its phase. Pure.

Source: docs/architecture.md, "How a check becomes a page", step 1. `engine/claim.py` says the same in SQL for
PostgreSQL; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

HORIZON = timedelta(seconds=2)
# Below this a claim takes every slot of the horizon, so that a tick's lateness does not cost one.
SHORT_INTERVAL_S = 5
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim takes: `count` slots from `first`; `missed` older ones are skipped for good."""

    first: datetime
    count: int
    missed: int
    next_run_at: datetime


def first_slot(*, key: str, interval_s: int, now: datetime) -> datetime:
    """Return the first slot after `now`. `key` fixes the phase, so that schedules spread over the interval."""
    step = timedelta(seconds=interval_s)
    digest = int.from_bytes(blake2b(key.encode(), digest_size=8).digest())
    origin = _EPOCH + timedelta(milliseconds=digest % (interval_s * 1000))
    return origin + ((now - origin) // step + 1) * step


def claim(
    *, next_run_at: datetime, interval_s: int, now: datetime, horizon: timedelta = HORIZON
) -> Claimed:
    """Return what to claim of a schedule due by `now + horizon`.

    Of the slots that have passed only the newest is run, late; those before it are missed.
    """
    step = timedelta(seconds=interval_s)
    missed = max(0, (now - next_run_at) // step)
    first = next_run_at + missed * step
    count = 1
    if interval_s < SHORT_INTERVAL_S:
        count = max(1, (now + horizon - first) // step + 1)
    return Claimed(first, count, missed, first + count * step)


def skip(*, next_run_at: datetime, interval_s: int, until: datetime) -> tuple[datetime, int]:
    """Return the first slot after `until`, and how many are skipped to get there."""
    if next_run_at > until:
        return next_run_at, 0
    step = timedelta(seconds=interval_s)
    skipped = (until - next_run_at) // step + 1
    return next_run_at + skipped * step, skipped


def take(
    *, next_run_at: datetime, interval_s: int, until: datetime
) -> tuple[tuple[datetime, ...], datetime]:
    """Return the slots up to `until`, and the one after them."""
    after, count = skip(next_run_at=next_run_at, interval_s=interval_s, until=until)
    step = timedelta(seconds=interval_s)
    return tuple(next_run_at + number * step for number in range(count)), after


def claimed_slots(*, first: datetime, count: int, interval_s: int | None) -> tuple[datetime, ...]:
    """Return the due times of a claim of `count` slots."""
    step = timedelta(seconds=interval_s or 0)
    return tuple(first + number * step for number in range(count))
