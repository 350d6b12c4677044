"""How instants are written: on the wire and for people, always in the page's zone. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.pages.uptime import zone_of

__all__ = ["zone_of"]

_UTC_NAMES = {"UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "UCT", "Etc/UCT"}


def wire_zone(name: str) -> str:
    """Return the zone's name as readers know it: plain UTC is called Etc/UTC."""
    return "Etc/UTC" if name in _UTC_NAMES else name


def wire_time(at: datetime, zone: ZoneInfo) -> str:
    """Return ISO 8601 with three decimals: `Z` in zone UTC, else the offset of that instant (+00:00 in London's winter)."""
    if zone.key in _UTC_NAMES:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def wire_time_or_none(at: datetime | None, zone: ZoneInfo) -> str | None:
    return None if at is None else wire_time(at, zone)


def wire_seconds(at: datetime, zone: ZoneInfo) -> str:
    """Return RFC 3339 in whole seconds: `Z` in zone UTC, else the offset of that instant."""
    if zone.key in _UTC_NAMES:
        return machine_time(at)
    return at.astimezone(zone).isoformat(timespec="seconds")


def machine_time(at: datetime) -> str:
    """Return the value of a `datetime` attribute: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of_month_text(local: date) -> str:
    """Return the day's number, padded with a blank to two places."""
    return f"{local.day:2d}"


def day_text(day: date) -> str:
    """Return a day such as 5 Oct 2026."""
    return f"{day.day} {day:%b %Y}"


def long_day_text(day: date) -> str:
    """Return a day such as Monday, 5 October 2026."""
    return f"{day:%A}, {day.day} {day:%B %Y}"


def clock_text(at: datetime, zone: ZoneInfo) -> str:
    """Return a time of day with its zone, such as 14:05 CEST."""
    local = at.astimezone(zone)
    return f"{local:%H:%M} {zone_abbreviation(local)}"


def moment_text(at: datetime, zone: ZoneInfo) -> str:
    """Return a day and time such as 5 Oct 2026, 14:05 CEST."""
    return f"{day_text(at.astimezone(zone).date())}, {clock_text(at, zone)}"


def zone_abbreviation(local: datetime) -> str:
    """Return CET and the like; zones without letters are written as an offset (UTC+05:30)."""
    name = local.tzname() or ""
    if name.isalpha():
        return name
    offset = local.utcoffset() or timedelta(0)
    sign = "-" if offset < timedelta(0) else "+"
    minutes = abs(int(offset.total_seconds())) // 60
    return f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def duration_text(seconds: float) -> str:
    """Return a length of time in its two largest units: 45 s, 12 min, 3 h 5 min, 2 d 4 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
