"""Whether the processes that everything needs are alive."""

from __future__ import annotations

from collections.abc import Iterable

from apps.console.doctor.findings import Finding
from apps.core.selectors import heartbeat_ages_s
from apps.core.tasks import BEAT, WORKER_PREFIX

SILENT_S = 30.0
_START = "Start everything with `manage.py up`, or see docs/operations.md."


def check_processes() -> Iterable[Finding]:
    """Look at the signs of life of workers and scheduler."""
    ages = heartbeat_ages_s()
    workers = [age for name, age in ages.items() if name.startswith(WORKER_PREFIX)]
    yield _alive("worker", min(workers, default=None))
    yield _alive("scheduler", ages.get(BEAT))


def _alive(subject: str, age_s: float | None) -> Finding:
    if age_s is None:
        return Finding("problem", subject, "has never been seen, so nothing runs", _START)
    if age_s > SILENT_S:
        return Finding("problem", subject, f"was last seen {round(age_s)} s ago", _START)
    return Finding("ok", subject, "is alive")
