"""The newest runs of a monitor whose details are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.monitors.models import LatestPass, RunDetail, Schedule

_EACH = 3


def newest_details(*, monitor_id: int) -> list[tuple[datetime, dict[str, Any]]]:
    """Return (due_at, CheckOutcome.detail) of a few, the newest first: failed, by hand, and the newest that passed."""
    found: dict[tuple[int, datetime], dict[str, Any]] = {}
    schedules = list(
        Schedule.objects.filter(monitor_id=monitor_id, removed_at__isnull=True)
        .order_by("-last_finished_at")
        .values_list("pk", flat=True)[:_EACH]
    )
    for kept in LatestPass.objects.filter(schedule_id__in=schedules):
        found[kept.schedule_id, kept.due_at] = kept.detail
    for schedule_id in schedules:
        rows = RunDetail.objects.filter(schedule_id=schedule_id).order_by("-due_at")
        for row in rows[:_EACH]:
            found[schedule_id, row.due_at] = row.detail
    newest = sorted(found.items(), key=lambda item: item[0][1], reverse=True)
    return [(due_at, detail) for (_, due_at), detail in newest]
