"""Whether monitors run when they are due."""

from __future__ import annotations

from collections.abc import Iterable

from apps.console.doctor.findings import Finding
from apps.monitors.selectors import dispatch_lag_s

LATE_S = 15.0


def check_schedules() -> Iterable[Finding]:
    """Look for schedules that wait longer than they should."""
    lag_s = dispatch_lag_s()
    if lag_s > LATE_S:
        yield Finding(
            "problem",
            "schedules",
            f"run late: the most overdue has waited for {round(lag_s)} s",
            "See that beat runs, and a worker at every location.",
        )
    else:
        yield Finding("ok", "schedules", "run on time")
