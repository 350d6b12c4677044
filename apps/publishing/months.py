"""Months and quarters of the history, by key: 2026-11 and 2026-q4. Pure; days are the zone's."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from apps.pages.uptime import day_start


def month_of(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m}"


def month_start(key: str) -> date:
    """Return the month's first day."""
    year, month = (int(part) for part in key.split("-"))
    return date(year, month, 1)


def month_before(key: str) -> str:
    """Return the key of the month before."""
    first = month_start(key)
    return (
        f"{first.year - 1:04d}-12"
        if first.month == 1
        else f"{first.year:04d}-{first.month - 1:02d}"
    )


def month_bounds(key: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moments of the month and of the next one, in UTC."""
    first = month_start(key)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return day_start(first, zone), day_start(following, zone)


def quarter_of(month: str) -> str:
    """Return the quarter in which a month lies."""
    first = month_start(month)
    return f"{first.year:04d}-q{(first.month + 2) // 3}"


def months_of_quarter(quarter: str) -> tuple[str, str, str]:
    """Return its months, the last one first."""
    year, number = quarter.split("-q")
    last = int(number) * 3
    return f"{year}-{last:02d}", f"{year}-{last - 1:02d}", f"{year}-{last - 2:02d}"
