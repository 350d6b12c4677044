"""Times as staff of a page read them: in the page's zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def in_zone(value: datetime | None, zone: str) -> str:
    """Return the time as the page's readers see it, with its zone; a dash for none."""
    if value is None:
        return "–"
    local = value.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S} {local:%Z}"
