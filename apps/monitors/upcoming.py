"""When monitors are due next, as people read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.crontab import time_zone_of
from apps.monitors.models import Monitor, Schedule

COUNT = 5


@dataclass(frozen=True, slots=True)
class Due:
    """The next due times (aware UTC, in order) of a monitor at one location. `zone`: its crontab's, None for intervals."""

    monitor: Monitor
    location: str
    times: tuple[datetime, ...]
    zone: ZoneInfo | None

    def texts(self) -> list[tuple[str, str]]:
        """Return (in the monitor's zone, in UTC) for each time; for an interval the first is empty."""
        return [
            (
                f"{one.astimezone(self.zone):%a %Y-%m-%d %H:%M:%S %Z}" if self.zone else "",
                f"{one:%a %Y-%m-%d %H:%M:%S} UTC",
            )
            for one in self.times
        ]


def due_of(schedules: Iterable[Schedule], *, count: int = COUNT) -> list[Due]:
    """Return the next due times of schedules that come with their monitor and location; none for one that is stopped.

    Of those that have passed the first is the newest, which will be run late: the others are missed.
    """
    now = database_now()
    found = []
    for schedule in schedules:
        monitor = schedule.monitor
        try:
            zone = time_zone_of(monitor.crontab_time_zone) if monitor.crontab else None
            cadence = slots.cadence_of(
                interval_s=schedule.interval_s,
                crontab=monitor.crontab,
                time_zone=monitor.crontab_time_zone,
            )
        except ValueError:
            # It was checked when it was written; the zone is gone from this host since.
            continue
        times: list[datetime] = []
        if schedule.is_active and schedule.next_run_at is not None:
            first = schedule.next_run_at
            times.append(first if first > now else cadence.newest(first, now))
            while len(times) < count:
                times.append(cadence.after(times[-1], times[-1]))
        found.append(Due(monitor, schedule.location.name, tuple(times), zone))
    return found


def due_next(*, limit: int, names: Iterable[str] = ()) -> list[Due]:
    """Return the due times of those that are due first, at each of their locations; of these monitors, if named."""
    rows = (
        Schedule.objects.filter(is_active=True, removed_at__isnull=True, next_run_at__isnull=False)
        .select_related("monitor", "location")
        .defer("monitor__secret_variables", "monitor__variables")
        .order_by("next_run_at", "pk")
    )
    named = list(names)
    return due_of((rows.filter(monitor__name__in=named) if named else rows)[:limit])
