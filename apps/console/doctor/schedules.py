"""Whether monitors run when they are due."""

from __future__ import annotations

from collections.abc import Iterable

from apps.console.doctor.findings import Finding
from apps.monitors.selectors import dispatch_lag_s
from apps.monitors.upcoming import due_next

LATE_S = 15.0
SHOWN = 10


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
    yield from due_times()


def due_times(names: Iterable[str] = ()) -> Iterable[Finding]:
    """Tell the next due times of what is due first, or of the monitors of these names, all of them."""
    for due in due_next(limit=1000 if names else SHOWN, names=names):
        how = due.monitor.crontab or f"every {due.monitor.interval_s} s"
        when = ", ".join(f"{local} = {utc}" if local else utc for local, utc in due.texts())
        where = f"next due of {due.monitor.name} at {due.location}"
        yield Finding("note", where, f"{when} ({how})")
