"""Days and months of uptime as facts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from apps.pages import uptime
from apps.publishing.bars import MAINTENANCE
from apps.publishing.readmodel import DayFacts, UptimeMonth

# A maintenance of less is not worth a bar of its own.
_LEAST_MAINTENANCE_S = 60


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


def uptime_month(key: str, days: Iterable[DayFacts]) -> UptimeMonth:
    """Return the month of those of the days that are in it, with their uptime."""
    inside = tuple(day for day in days if month_key(day.day) == key)
    summed = uptime.Tally()
    for day in inside:
        summed.operational += day.operational_s
        summed.maintenance += day.maintenance_s
        summed.degraded += day.degraded_s
        summed.partial += day.partial_s
        summed.major += day.major_s
    return UptimeMonth(key, uptime.statuspage_uptime(summed), inside)


def month_key(day: date) -> str:
    """Return a day's month, such as 2026-11."""
    return f"{day.year:04d}-{day.month:02d}"


def month_before(day: date, months: int) -> date:
    """Return the first day of the month that lies so many months before the day's."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
