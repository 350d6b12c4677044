"""One run with all its details, for its own screen and for who waits for it."""

from __future__ import annotations

from typing import Any

from apps.core.adminkit import utc
from apps.monitors.admin.run_parts import request_parts
from apps.monitors.models import LatestPass, Run
from apps.monitors.selectors import run_detail


def run_shown(run: Run) -> dict[str, Any]:
    """Return what templates/admin/monitors/_run.html shows; two queries. The run's schedule and location are read already."""
    detail = run_detail(schedule_id=run.schedule_id, due_at=run.due_at) or _of_latest_pass(run)
    return {
        "run": run,
        "due": utc(run.due_at),
        "started": utc(run.started_at),
        "location": run.schedule.location,
        "requests": request_parts(detail or {}),
        "is_kept": detail is not None,
    }


def _of_latest_pass(run: Run) -> dict[str, Any] | None:
    kept = LatestPass.objects.filter(schedule_id=run.schedule_id, due_at=run.due_at).first()
    return kept.detail if kept else None
