"""Every periodic entry of the platform.

Beat copies these into django-celery-beat's tables at its start. Monitors are not among them: what
is due is claimed by one statement (see docs/architecture.md). An entry's message lives about as
long as its interval, so that a stopped worker does not come back to a backlog.
"""

from __future__ import annotations

from typing import Any


def _every(task: str, seconds: float, *, expires_s: int) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expire_seconds": expires_s}}


MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "claim due schedules": _every("monitors.dispatch_due", 1, expires_s=2),
    "attempt waiting deliveries": _every("integrations.sweep", 5, expires_s=5),
    "post scheduled drafts": _every("incidents.publish_drafts", 1, expires_s=2),
    "move maintenances": _every("incidents.move_maintenances", 1, expires_s=2),
    "announce recurring maintenance": _every("incidents.announce_series", 60, expires_s=60),
    "publish changed pages": _every("publishing.sweep", 1, expires_s=2),
    "tell that beat and worker live": _every("core.heartbeat", 5, expires_s=10),
    "seal the audit trail": _every("core.seal_audit", 60, expires_s=60),
    "close days that are over": _every("pages.close_days", 60, expires_s=60),
    "count metrics' points": _every("pages.count_points", 60, expires_s=60),
    "delete old points of metrics": _every("pages.prune_metrics", 600, expires_s=600),
    "note what is not measured": _every("monitors.find_unmeasured", 60, expires_s=60),
    "make partitions ahead": _every("monitors.ensure_partitions", HOUR_S, expires_s=HOUR_S // 2),
    "count runs by hour and day": _every("monitors.roll_up", 5 * MINUTE_S, expires_s=MINUTE_S),
    "note certificates": _every(
        "monitors.note_certificates", 10 * MINUTE_S, expires_s=5 * MINUTE_S
    ),
    "remove old runs": _every("monitors.remove_old_runs", HOUR_S, expires_s=HOUR_S // 2),
    "remove old attempts": _every("integrations.remove_old_attempts", DAY_S, expires_s=DAY_S // 2),
    "remove old sessions": _every("accounts.remove_old_sessions", HOUR_S, expires_s=HOUR_S // 2),
}
