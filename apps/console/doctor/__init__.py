"""What `manage.py doctor` looks at: one small check for each subject, in the order that they are told.

A check reads, changes nothing, and returns findings; it needs a database that is migrated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apps.console.doctor.clocks import check_clocks
from apps.console.doctor.findings import Finding, Level
from apps.console.doctor.locations import check_locations
from apps.console.doctor.processes import check_processes
from apps.console.doctor.runs import check_runs
from apps.console.doctor.schedules import check_schedules

Check = Callable[[], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    check_processes,
    check_clocks,
    check_locations,
    check_schedules,
    check_runs,
)


def examine() -> list[Finding]:
    """Return what all checks find."""
    return [finding for check in CHECKS for finding in check()]


__all__ = ["CHECKS", "Check", "Finding", "Level", "examine"]
