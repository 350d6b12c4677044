"""Rows for the benches, in bulk and with Django set up already."""

from __future__ import annotations

from collections.abc import Callable


def make_monitors(
    count: int, url_of: Callable[[int], str], *, interval_s: int = 3600, is_due: bool = False
) -> list[int]:
    """Make monitors of one GET and one assertion on its status; return their schedules.

    `is_due`: they run at the interval, phases spread as the services do it; else only when somebody says so.
    """
    from apps.accounts.models import Workspace
    from apps.core.clock import database_now
    from apps.monitors.models import (
        Assertion,
        Location,
        Monitor,
        MonitorRequest,
        MonitorState,
        Schedule,
    )
    from apps.monitors.slots import first_slot

    workspace = Workspace.objects.create(name=f"Bench {Workspace.objects.count()}")
    location = Location.objects.get(code="default")
    monitors = Monitor.objects.bulk_create(
        (
            Monitor(workspace=workspace, name=f"Monitor {number}", interval_s=interval_s)
            for number in range(count)
        ),
        batch_size=5000,
    )
    MonitorState.objects.bulk_create(
        (MonitorState(monitor=monitor) for monitor in monitors), batch_size=5000
    )
    requests = MonitorRequest.objects.bulk_create(
        (
            MonitorRequest(monitor=monitor, name="Home", url=url_of(number))
            for number, monitor in enumerate(monitors)
        ),
        batch_size=5000,
    )
    Assertion.objects.bulk_create(
        (
            Assertion(request=request, source="status", operator="equals", value=200)
            for request in requests
        ),
        batch_size=5000,
    )
    now = database_now()

    def next_slot(monitor: Monitor) -> object:
        key = f"{monitor.public_id}:{location.public_id}"
        return first_slot(key=key, interval_s=interval_s, now=now) if is_due else None

    made = Schedule.objects.bulk_create(
        (
            Schedule(
                monitor=monitor,
                location=location,
                interval_s=interval_s,
                next_run_at=next_slot(monitor),
            )
            for monitor in monitors
        ),
        batch_size=5000,
    )
    return [schedule.pk for schedule in made]


def make_due(schedules: list[int]) -> None:
    """Make these schedules due now, at locations that have a worker."""
    from apps.core.among import among
    from apps.core.clock import database_now
    from apps.monitors.engine.presence import record_presence
    from apps.monitors.models import Location, Schedule

    record_presence(location_ids=list(Location.objects.values_list("pk", flat=True)), references={})
    Schedule.objects.filter(pk__in=among(schedules)).update(next_run_at=database_now())


def release(schedules: list[int]) -> None:
    """Let nobody hold these schedules, as if their runs were recorded, and none be due."""
    from apps.core.among import among
    from apps.monitors.models import Schedule

    Schedule.objects.filter(pk__in=among(schedules)).update(
        slot_at=None, leased_until=None, is_adopted=False, next_run_at=None
    )
