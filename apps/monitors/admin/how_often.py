"""How often a monitor runs, chosen simply: from a short list, as another interval, or by a crontab."""

from __future__ import annotations

from typing import Any

from apps.monitors.models import Monitor

CUSTOM, CRONTAB = "custom", "crontab"
PRESETS = {
    "30": "Every 30 seconds",
    "60": "Every minute",
    "300": "Every 5 minutes",
    "900": "Every 15 minutes",
    "3600": "Every hour",
}
CHOICES = [*PRESETS.items(), (CUSTOM, "Another interval"), (CRONTAB, "By a crontab")]


def chosen_by(monitor: Monitor) -> str:
    """Return the choice that the monitor's own columns stand for."""
    if monitor.crontab:
        return CRONTAB
    return str(monitor.interval_s) if str(monitor.interval_s) in PRESETS else CUSTOM


def timing(choice: str, interval_s: int | None, crontab: str) -> tuple[int | None, str]:
    """Return (interval, crontab) as they are stored: what was not chosen is left out, whatever its field holds."""
    if choice == CRONTAB:
        return None, crontab
    return (interval_s if choice == CUSTOM else int(choice)), ""


def missing(choice: str, interval_s: Any, crontab: str) -> tuple[str, str] | None:
    """Return (field, message) of what the choice needs and does not have."""
    if choice == CUSTOM and interval_s is None:
        return "interval_s", "Write the interval in seconds."
    if choice == CRONTAB and not crontab:
        return "crontab", "Write the crontab, such as 30 6 * * 1-5."
    return None
