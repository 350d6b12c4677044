"""Days and months of uptime as facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from apps.pages import uptime
from apps.publishing.bars import MAINTENANCE
from apps.publishing.readmodel import DayFacts

# The present one and those before it that the uptime page shows at once.
SHOWN_MONTHS = 3
# A maintenance of less is not worth a bar of its own.
_LEAST_MAINTENANCE_S = 60


@dataclass(frozen=True, slots=True)
class MonthUptime:
    """A component's days of one month (key 2026-11), oldest first. `percentage` is None without measurements."""

    key: str
    percentage: float | None
    days: tuple[DayFacts, ...]


def day_facts(day: uptime.Day) -> DayFacts:
    level = str(day.level)
    if level == uptime.Level.OPERATIONAL and day.tally.maintenance >= _LEAST_MAINTENANCE_S:
        level = MAINTENANCE
    return DayFacts(
        day=day.date,
        level=level,
        operational_s=day.tally.operational,
        partial_s=day.tally.partial,
        major_s=day.tally.major,
        degraded_s=day.tally.degraded,
        maintenance_s=day.tally.maintenance,
        unmeasured_s=day.tally.unmeasured,
        corrections=day.corrections,
    )


def uptime_of(days: Iterable[DayFacts], *, before: uptime.Tally | None = None) -> float | None:
    """Return the uptime of the days together, and of those `before`, in percent; None when nothing was measured."""
    return uptime.statuspage_uptime(summed(days, before=before))


def summed(days: Iterable[DayFacts], *, before: uptime.Tally | None = None) -> uptime.Tally:
    """Return the measured seconds of the days together, on top of those `before`."""
    total = replace(before) if before else uptime.Tally()
    for day in days:
        total.operational += day.operational_s
        total.maintenance += day.maintenance_s
        total.degraded += day.degraded_s
        total.partial += day.partial_s
        total.major += day.major_s
    return total


def month_of(key: str, days: Iterable[DayFacts]) -> MonthUptime:
    """Return the month of those of the days that are in it."""
    inside = tuple(day for day in days if month_key(day.day) == key)
    return MonthUptime(key, uptime_of(inside), inside)


def mean_uptime(months: Sequence[MonthUptime]) -> float | None:
    """Return a group's uptime: the mean of its components that were measured (contract, section 7)."""
    measured = [month.percentage for month in months if month.percentage is not None]
    return sum(measured) / len(measured) if measured else None


def month_key(day: date) -> str:
    """Return a day's month, such as 2026-11."""
    return f"{day.year:04d}-{day.month:02d}"


def months_back(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before the day's; after it where negative."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def months_between(first: date, last: date) -> list[str]:
    """Return the keys of the months from the first day's to the last day's, newest first."""
    keys = []
    month = months_back(last, 0)
    while month >= months_back(first, 0):
        keys.append(month_key(month))
        month = months_back(month, 1)
    return keys
