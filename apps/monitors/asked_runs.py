"""Runs that a person asked for, while they are waited for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from apps.core.clock import database_now
from apps.monitors.engine.presence import is_present
from apps.monitors.models import LocationState, Monitor, Run, Schedule

# Longer than any run may take: what is not there by then never comes.
GIVEN_UP_AFTER = timedelta(minutes=20)


class Stage(StrEnum):
    """How far it is. `NO_WORKER`: nobody runs anything at its location now."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    NO_WORKER = "no_worker"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Asked:
    """The run at one location; `run` is there once it is done."""

    schedule: Schedule
    stage: Stage
    run: Run | None = None

    @property
    def is_over(self) -> bool:
        return self.stage in (Stage.DONE, Stage.LOST)


def asked_since(*, monitor_id: int) -> datetime:
    """Return from when on runs by hand answer somebody who asks now: an earlier request that has not begun does too."""
    waiting = Schedule.objects.filter(
        monitor_id=monitor_id, removed_at__isnull=True, run_now_at__isnull=False
    ).order_by("run_now_at")
    first = waiting.values_list("run_now_at", flat=True).first()
    now = database_now()
    return min(first, now) if first else now


def asked_runs(*, monitor: Monitor, since: datetime) -> list[Asked]:
    """Return how far the monitor's runs by hand are, for each of its locations; a constant number of queries."""
    schedules = list(
        Schedule.objects.filter(monitor=monitor, removed_at__isnull=True)
        .select_related("location")
        .order_by("location__name", "pk")
    )
    runs: dict[int, Run] = {}
    for run in Run.objects.filter(
        schedule_id__in=[one.pk for one in schedules], due_at__gte=since, is_manual=True
    ).order_by("-due_at"):
        runs[run.schedule_id] = run
    states = {
        state.location_id: state
        for state in LocationState.objects.filter(
            location_id__in=[one.location_id for one in schedules]
        )
    }
    now = database_now()
    found = []
    for schedule in schedules:
        run_of_it = runs.get(schedule.pk)
        if run_of_it is not None:
            run_of_it.schedule = schedule
            found.append(Asked(schedule, Stage.DONE, run_of_it))
            continue
        has_worker = is_present(states.get(schedule.location_id), now)
        found.append(Asked(schedule, _stage(schedule, since, now, has_worker=has_worker)))
    return found


def _stage(schedule: Schedule, since: datetime, now: datetime, *, has_worker: bool) -> Stage:
    if now - since > GIVEN_UP_AFTER:
        return Stage.LOST
    if schedule.slot_at is not None and schedule.slot_is_manual:
        return Stage.RUNNING
    return Stage.WAITING if has_worker else Stage.NO_WORKER
