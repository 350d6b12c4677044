"""Stretches of time in which nobody measured, as sorted lists of [from, until). Pure.

Source: docs/architecture.md, "Uptime". A schedule owes a measurement from the first slot after its last run that
measured (passed or failed). What it owes is paid by the next such run; if that begins too late, the time between was
not measured, whatever the reason: slots that were missed, errors only, a location without a worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# A lease lapses and is claimed again: what a slot may be late by, whatever its interval.
SLACK = timedelta(seconds=5)
CRONTAB_TOLERANCE = timedelta(seconds=60)

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A stretch, end exclusive, in which a monitor was measured at none of its locations."""

    monitor_id: int
    started_at: datetime
    ended_at: datetime


def tolerance(interval_s: int | None) -> timedelta:
    """Return how late a measurement may be: one slot missed is no gap. None: a crontab."""
    return CRONTAB_TOLERANCE if interval_s is None else timedelta(seconds=interval_s) + SLACK


def unmeasured(
    *, owed_since: datetime | None, interval_s: int | None, until: datetime
) -> Stretch | None:
    """Return what was not measured before `until`, when a run that measures began (or now). None: nothing."""
    if owed_since is None or until <= owed_since + tolerance(interval_s):
        return None
    return owed_since, until


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the stretches in order, those that overlap or touch made one."""
    result: list[Stretch] = []
    for started_at, ended_at in sorted(stretches):
        if result and started_at <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], ended_at))
        elif started_at < ended_at:
            result.append((started_at, ended_at))
    return result


def common(several: Sequence[Iterable[Stretch]]) -> list[Stretch]:
    """Return the time that is in all of these lists; nothing for no list."""
    if not several:
        return []
    result = joined(several[0])
    for other in several[1:]:
        result = _shared(result, joined(other))
    return result


def _shared(some: Sequence[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    result: list[Stretch] = []
    here = there = 0
    while here < len(some) and there < len(others):
        started_at = max(some[here][0], others[there][0])
        ended_at = min(some[here][1], others[there][1])
        if started_at < ended_at:
            result.append((started_at, ended_at))
        if some[here][1] <= others[there][1]:
            here += 1
        else:
            there += 1
    return result
