"""What the list of monitors shows of a page of them, and its filters: a constant number of queries, each bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.core.clock import database_now
from apps.monitors.conditions import LATE_AFTER, Condition, Place, condition_of, lag_of
from apps.monitors.coverage import unmeasured_stretches
from apps.monitors.engine.presence import is_present, present
from apps.monitors.locations import due_unclaimed, state_of
from apps.monitors.models import Monitor, Outage, Run, Schedule
from apps.monitors.newest import newest_runs
from apps.monitors.stretches import Stretch
from apps.monitors.uptime import Uptime, uptime

SPARK_RUNS = 24
UPTIMES: Mapping[str, timedelta] = {
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "90 d": timedelta(days=90),
}
OF_LIST = ("24 h", "30 d")


@dataclass(frozen=True, slots=True)
class Seen:
    """How a monitor stands at `now`. `runs`: its newest at all locations, the oldest first."""

    condition: Condition
    now: datetime
    lag: timedelta
    last_finished_at: datetime | None
    uptimes: Mapping[str, Uptime]
    runs: Sequence[Run] = ()
    schedules: Sequence[Schedule] = field(default=(), repr=False)


def seen(
    monitors: Collection[Monitor], *, windows: Collection[str] = OF_LIST, runs: int = SPARK_RUNS
) -> dict[int, Seen]:
    """Return {internal id: how it stands} of monitors that come with their state. Six queries, however many."""
    now = database_now()
    ids = [monitor.pk for monitor in monitors]
    placed: dict[int, list[Schedule]] = defaultdict(list)
    for schedule in _schedules(ids):
        placed[schedule.monitor_id].append(schedule)
    newest = newest_runs([one.pk for rows in placed.values() for one in rows], limit=runs)
    measured = uptimes(monitors, now=now, windows=windows)
    found = {}
    for monitor in monitors:
        schedules = placed[monitor.pk]
        places = [place_of(schedule, now) for schedule in schedules]
        finished = [one.last_finished_at for one in schedules if one.last_finished_at]
        found[monitor.pk] = Seen(
            condition=condition_of(
                is_archived=monitor.is_archived,
                is_enabled=monitor.enabled,
                is_failing=is_failing(monitor),
                places=places,
            ),
            now=now,
            lag=max((place.lag for place in places), default=timedelta(0)),
            last_finished_at=max(finished, default=None),
            uptimes=measured[monitor.pk],
            runs=_together((newest[one.pk] for one in schedules), runs),
            schedules=schedules,
        )
    return found


def uptimes(
    monitors: Collection[Monitor], *, now: datetime, windows: Collection[str]
) -> dict[int, dict[str, Uptime]]:
    """Return {internal id: {window: uptime until `now`}}, from outages and what was not measured; three queries.

    What was before the monitor was made is no part of it.
    """
    since = now - max(UPTIMES[name] for name in windows)
    ids = [monitor.pk for monitor in monitors]
    outages: dict[int, list[Stretch]] = defaultdict(list)
    rows = Outage.objects.filter(monitor__in=ids).filter(
        Q(closed_at__gt=since) | Q(closed_at__isnull=True)
    )
    for monitor_id, opened_at, closed_at in rows.order_by().values_list(
        *("monitor_id", "opened_at", "closed_at")
    ):
        outages[monitor_id].append((opened_at, closed_at or max(now, opened_at)))
    gaps = unmeasured_stretches(monitor_ids=ids, since=since, until=now)
    return {
        monitor.pk: {
            name: uptime(
                since=max(now - UPTIMES[name], monitor.created_at),
                until=now,
                outages=outages[monitor.pk],
                unmeasured=gaps[monitor.pk],
            )
            for name in windows
        }
        for monitor in monitors
    }


def place_of(schedule: Schedule, now: datetime) -> Place:
    """Return what the rules have to know of a schedule that comes with its location and that one's state."""
    return Place(
        has_worker=is_present(state_of(schedule.location), now),
        last_result=schedule.last_result,
        lag=lag_of(
            is_active=schedule.is_active,
            next_run_at=schedule.next_run_at,
            leased_until=schedule.leased_until,
            now=now,
        ),
    )


def is_failing(monitor: Monitor) -> bool:
    """Tell whether its outage is open."""
    state = getattr(monitor, "state", None)
    return state is not None and state.is_failing


def in_condition(rows: QuerySet[Any], condition: Condition, *, now: datetime) -> QuerySet[Any]:
    """Return those of the monitors that stand so at `now` (the database's), as `condition_of` says it."""
    if condition is Condition.ARCHIVED:
        return rows.filter(archived_at__isnull=False)
    rows = rows.filter(archived_at__isnull=True)
    if condition is Condition.PAUSED:
        return rows.filter(enabled=False)
    rows = rows.filter(enabled=True)
    if condition is Condition.FAILING:
        return rows.filter(state__is_failing=True)
    # A row without a state has never failed.
    rows = rows.exclude(state__is_failing=True)
    measuring = Exists(
        _of_monitor().filter(location__in=_with_worker(now)).exclude(last_result="error")
    )
    if condition is Condition.NOT_MEASURED:
        return rows.filter(~measuring)
    rows = rows.filter(measuring)
    late = Exists(due_unclaimed(_of_monitor(), before=now - LATE_AFTER, now=now))
    if condition is Condition.LATE:
        return rows.filter(late)
    has_run = Exists(_of_monitor().exclude(last_result=""))
    rows = rows.filter(~late)
    return rows.filter(~has_run) if condition is Condition.WAITING else rows.filter(has_run)


def late_by(rows: QuerySet[Any], longer_than: timedelta, *, now: datetime) -> QuerySet[Any]:
    """Return those of the monitors that have waited at some location for longer than this."""
    late = due_unclaimed(Schedule.objects.all(), before=now - longer_than, now=now)
    return rows.filter(pk__in=late.values("monitor_id"))


def at_location(rows: QuerySet[Any], location_id: int) -> QuerySet[Any]:
    """Return those of the monitors that run at this location."""
    return rows.filter(Exists(_of_monitor().filter(location=location_id)))


def _of_monitor() -> QuerySet[Schedule]:
    return Schedule.objects.filter(monitor=OuterRef("pk"), removed_at__isnull=True)


def _with_worker(now: datetime) -> QuerySet[Any]:
    return present(now).values("pk")


def _schedules(monitor_ids: Collection[int]) -> QuerySet[Schedule]:
    return (
        Schedule.objects.filter(monitor__in=monitor_ids, removed_at__isnull=True)
        .select_related("location__state")
        .order_by("location__name", "pk")
    )


def _together(parts: Any, number: int) -> list[Run]:
    runs = sorted((run for part in parts for run in part), key=lambda run: run.due_at)
    return runs[-number:]
