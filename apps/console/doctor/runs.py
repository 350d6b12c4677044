"""Whether runs are counted and let go in time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings

from apps.console.doctor.findings import Finding
from apps.core.clock import database_now
from apps.monitors.partitions import default_holds_runs
from apps.monitors.services.rollups import DAY, HOUR, Work, progress

COUNTED_WITHIN = 3 * HOUR
_REMOVED_WITHIN = timedelta(days=2)


def check_runs() -> Iterable[Finding]:
    """Look at how far counting and removing have come; nothing before they have begun."""
    known = progress()
    if not known:
        return
    now = database_now()
    counted = known[Work.HOURS]
    if now - counted > COUNTED_WITHIN:
        yield Finding(
            "warning",
            "runs",
            f"are counted until {counted:%Y-%m-%d %H:%M} UTC only, so old ones are not removed",
            "While it catches up nothing is to be done. Else see the worker's log for monitors.roll_up.",
        )
    elif now - known[Work.REMOVED] > settings.RUN_RETENTION_DAYS * DAY + _REMOVED_WITHIN:
        yield Finding(
            "warning",
            "runs",
            f"since {known[Work.REMOVED]:%Y-%m-%d} are still there, longer than RUN_RETENTION_DAYS",
            "See the worker's log for monitors.remove_old_runs; a long transaction may hold it up.",
        )
    else:
        yield Finding("ok", "runs", f"are counted until {counted:%Y-%m-%d %H:%M} UTC")
    if default_holds_runs():
        yield Finding(
            "note",
            "runs",
            "of some day have no partition of their own, and are removed more slowly",
            "Nothing, unless it stays: then see the worker's log for monitors.ensure_partitions.",
        )
