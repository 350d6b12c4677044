"""The slots of a schedule: when it is due, in its interval or by its crontab. Pure.

Source: docs/architecture.md, "How a check becomes a page", step 1. `engine/claim.py` says the same of intervals in
SQL for PostgreSQL; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol
from zoneinfo import ZoneInfo

from apps.monitors import crontab_times
from apps.monitors.crontab import Crontab, parse, time_zone_of

HORIZON = timedelta(seconds=2)
# Below this a claim takes every slot of the horizon, so that a tick's lateness does not cost one.
SHORT_INTERVAL_S = 5
# Further ahead than a claim ever puts a schedule's next slot.
TOO_FAR = 2 * HORIZON
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Cadence(Protocol):
    """When slots follow one another. `slot` is always a slot that is not after `until`."""

    def count(self, slot: datetime, until: datetime) -> int:
        """Return how many slots there are from `slot` up to `until`, both with."""

    def newest(self, slot: datetime, until: datetime) -> datetime:
        """Return the last slot up to `until`."""

    def after(self, slot: datetime, until: datetime) -> datetime:
        """Return the first slot after `until`."""

    def brought_back(self, slot: datetime, now: datetime) -> datetime | None:
        """Return the next slot of a schedule whose clock was set back; None where `slot` is not too far ahead."""


@dataclass(frozen=True, slots=True)
class Every:
    """Slots at an interval, each in the phase of the one before it."""

    interval_s: int

    @property
    def step(self) -> timedelta:
        return timedelta(seconds=self.interval_s)

    def count(self, slot: datetime, until: datetime) -> int:
        return (until - slot) // self.step + 1

    def newest(self, slot: datetime, until: datetime) -> datetime:
        return slot + (until - slot) // self.step * self.step

    def after(self, slot: datetime, until: datetime) -> datetime:
        return self.newest(slot, until) + self.step

    def brought_back(self, slot: datetime, now: datetime) -> datetime | None:
        ahead = slot - now
        return None if ahead <= self.step + TOO_FAR else slot - ahead // self.step * self.step


@dataclass(frozen=True, slots=True)
class ByCrontab:
    """Slots on the clock of a zone."""

    crontab: Crontab
    zone: ZoneInfo

    def count(self, slot: datetime, until: datetime) -> int:
        return 1 + crontab_times.count_between(self.crontab, self.zone, slot, until)

    def newest(self, slot: datetime, until: datetime) -> datetime:
        # A slot may be none of the crontab's any more, after the rules of its zone were changed.
        return max(slot, crontab_times.newest_until(self.crontab, self.zone, until))

    def after(self, slot: datetime, until: datetime) -> datetime:
        return crontab_times.next_after(self.crontab, self.zone, until)

    def brought_back(self, slot: datetime, now: datetime) -> datetime | None:
        latest = crontab_times.next_after(self.crontab, self.zone, now + TOO_FAR)
        return None if slot <= latest else crontab_times.next_after(self.crontab, self.zone, now)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one claim takes: `count` slots from `first`; `missed` older ones are skipped for good."""

    first: datetime
    count: int
    missed: int
    next_run_at: datetime


def cadence_of(*, interval_s: int | None, crontab: str, time_zone: str) -> Cadence:
    """Return a monitor's cadence. ValueError for a crontab or zone that cannot be read."""
    return Every(interval_s) if interval_s is not None else by_crontab(crontab, time_zone)


@lru_cache(maxsize=1024)
def by_crontab(expression: str, time_zone: str) -> ByCrontab:
    """Return a crontab's cadence in a zone. ValueError where one of them cannot be read."""
    return ByCrontab(parse(expression), time_zone_of(time_zone))


def first_slot(*, key: str, interval_s: int, now: datetime) -> datetime:
    """Return the first slot after `now`. `key` fixes the phase, so that schedules spread over the interval."""
    step = timedelta(seconds=interval_s)
    digest = int.from_bytes(blake2b(key.encode(), digest_size=8).digest())
    origin = _EPOCH + timedelta(milliseconds=digest % (interval_s * 1000))
    return origin + ((now - origin) // step + 1) * step


def first_of(*, cadence: Cadence, key: str, now: datetime) -> datetime:
    """Return the first slot after `now` of a schedule that had none."""
    if isinstance(cadence, Every):
        return first_slot(key=key, interval_s=cadence.interval_s, now=now)
    return cadence.after(now, now)


def claim(
    *, next_run_at: datetime, cadence: Cadence, now: datetime, horizon: timedelta = HORIZON
) -> Claimed:
    """Return what to claim of a schedule due by `now + horizon`.

    Of the slots that have passed only the newest is run, late; those before it are missed.
    """
    first, missed = next_run_at, 0
    if next_run_at <= now:
        first = cadence.newest(next_run_at, now)
        missed = cadence.count(next_run_at, now) - 1
    last = first
    is_short = isinstance(cadence, Every) and cadence.interval_s < SHORT_INTERVAL_S
    if is_short and first <= now + horizon:
        last = cadence.newest(first, now + horizon)
    return Claimed(first, cadence.count(first, last), missed, cadence.after(last, last))


def skip(*, next_run_at: datetime, cadence: Cadence, until: datetime) -> tuple[datetime, int]:
    """Return the first slot after `until`, and how many are skipped to get there."""
    if next_run_at > until:
        return next_run_at, 0
    return cadence.after(next_run_at, until), cadence.count(next_run_at, until)


def take(
    *, next_run_at: datetime, cadence: Cadence, until: datetime
) -> tuple[tuple[datetime, ...], datetime]:
    """Return the slots up to `until`, and the one after them."""
    taken = []
    while next_run_at <= until:
        taken.append(next_run_at)
        next_run_at = cadence.after(next_run_at, next_run_at)
    return tuple(taken), next_run_at


def aside(slot: datetime, now: datetime) -> datetime:
    """Return a slot moved by less than a second, so that its key is a new one.

    A clock that was set back comes by the same times again, and their runs are there.
    """
    return slot + timedelta(milliseconds=1 + now.microsecond % 997)


def claimed_slots(*, first: datetime, count: int, interval_s: int | None) -> tuple[datetime, ...]:
    """Return the due times of a claim of `count` slots."""
    step = timedelta(seconds=interval_s or 0)
    return tuple(first + number * step for number in range(count))
