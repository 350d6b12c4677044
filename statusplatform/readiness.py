"""What `/readyz` looks at: database, broker, heartbeats, scheduler. Each check names no address."""

from __future__ import annotations

import logging
import os

from celery import current_app
from django.conf import settings
from django.db import connections

from apps.core.selectors import heartbeat_ages_s
from apps.core.tasks import BEAT, WORKER_PREFIX
from apps.monitors.selectors import dispatch_lag_s
from statusplatform.health import LIMIT_S, Check

logger = logging.getLogger(__name__)

HEARTBEAT_LIMIT_S = 30.0
LAG_LIMIT_S = 15.0


def look_at_database() -> dict[str, Check]:
    """Look at the database and at what it says of worker, beat and scheduler."""
    try:
        return _database()
    finally:
        # The thread ends, and its connection with it.
        connections.close_all()


def look_at_broker() -> dict[str, Check]:
    """Look whether the broker is reached."""
    return {"broker": _broker()}


def _database() -> dict[str, Check]:
    try:
        ages = heartbeat_ages_s()
        lag_s = dispatch_lag_s()
    except Exception:
        logger.exception("readiness: database not usable")
        unknown = {"ok": False, "detail": "unknown without the database"}
        return {
            "database": {"ok": False, "detail": "not usable"},
            "worker": unknown,
            "beat": unknown,
            "scheduler": unknown,
        }
    workers = [age for name, age in ages.items() if name.startswith(WORKER_PREFIX)]
    on_time = lag_s <= LAG_LIMIT_S
    return {
        "database": {"ok": True, "detail": ""},
        "worker": _alive(min(workers, default=None)),
        "beat": _alive(ages.get(BEAT)),
        "scheduler": {
            "ok": on_time,
            "detail": "" if on_time else "schedules are overdue",
            "lag_s": round(lag_s, 1),
        },
    }


def _alive(age_s: float | None) -> Check:
    if age_s is None:
        return {"ok": False, "detail": "never seen"}
    ok = age_s <= HEARTBEAT_LIMIT_S
    return {"ok": ok, "detail": "" if ok else "no sign of life", "age_s": round(age_s, 1)}


def _broker() -> Check:
    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        folder = settings.BROKER_DIR if settings.BROKER_DIR.exists() else settings.DATA_DIR
        ok = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        return {"ok": ok, "detail": "" if ok else "its folder cannot be written"}
    try:
        with current_app.connection_for_write(connect_timeout=LIMIT_S) as connection:
            connection.connect()
    except Exception:  # each transport raises its own errors
        logger.exception("readiness: broker not reached")
        return {"ok": False, "detail": "not reached"}
    return {"ok": True, "detail": ""}
