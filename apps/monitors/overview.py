"""What the page of a monitor says of it: a constant number of queries, each bounded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.core.models import AuditEvent
from apps.monitors.conditions import LATE_AFTER, Condition
from apps.monitors.history import Past, Window, past
from apps.monitors.list_selectors import UPTIMES, Seen, place_of, seen
from apps.monitors.models import Certificate, Monitor, Outage, Run, Schedule
from apps.monitors.newest import newest_runs

RUNS, OUTAGES = 10, 10


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands: since when (aware UTC; None: unknown), and why, in a sentence ("": nothing to say)."""

    condition: Condition
    since: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A monitor as its page shows it.

    `runs` come newest first; `outages` too, `first_runs` is {outage's key: the run that began it} as far as it is kept.
    `schedules` are those of all locations, also of former ones. `certificate` is the one that ends first.
    """

    seen: Seen
    standing: Standing
    past: Past
    schedules: Sequence[Schedule]
    runs: Sequence[Run]
    outages: Sequence[Outage]
    first_runs: dict[int, Run]
    certificate: Certificate | None


def overview(monitor: Monitor, *, window: Window) -> Overview:
    """Return what the monitor's page says; `window` is what its chart shows. It comes with its state."""
    found = seen([monitor], windows=tuple(UPTIMES), runs=RUNS)[monitor.pk]
    schedules = list(
        Schedule.objects.filter(monitor=monitor)
        .select_related("location")
        .order_by("location__name", "pk")
    )
    by_key = {schedule.pk: schedule for schedule in schedules}
    runs = list(reversed(found.runs))
    for run in runs:
        run.schedule = by_key[run.schedule_id]
    outages = list(Outage.objects.filter(monitor=monitor)[:OUTAGES])
    certificate = (
        Certificate.objects.filter(
            schedule__in=[row.pk for row in schedules if row.removed_at is None]
        )
        .order_by("expires_at")
        .first()
    )
    return Overview(
        seen=found,
        standing=_standing(monitor, found, outages, runs),
        past=past(schedule_ids=list(by_key), window=window, until=found.now),
        schedules=schedules,
        runs=runs,
        outages=outages,
        first_runs=first_runs(outages, schedules),
        certificate=certificate,
    )


def first_runs(outages: Collection[Outage], schedules: Collection[Schedule]) -> dict[int, Run]:
    """Return {outage's key: its first failing run} of those that are kept. `schedules`: of all their monitors."""
    if not outages:
        return {}
    by_key = {schedule.pk: schedule for schedule in schedules}
    rows = Run.objects.filter(
        schedule_id__in=sorted(by_key),
        due_at__in={outage.started_at for outage in outages},
        result=Run.Result.FAILED,
    ).order_by("schedule_id")
    found: dict[tuple[int, datetime], Run] = {}
    for run in rows:
        run.schedule = by_key[run.schedule_id]
        found.setdefault((run.schedule.monitor_id, run.due_at), run)
    named = {outage.pk: found.get((outage.monitor_id, outage.started_at)) for outage in outages}
    return {key: run for key, run in named.items() if run is not None}


def last_run(outage: Outage, schedules: Collection[Schedule]) -> Run | None:
    """Return the run that closed the outage, or the newest one while it is open; None when it is not kept."""
    by_key = {schedule.pk: schedule for schedule in schedules}
    before = (outage.closed_at, 0) if outage.closed_at is not None else None
    newest = newest_runs(by_key, limit=1, before=before)
    runs = [run for found in newest.values() for run in found if run.due_at >= outage.started_at]
    if not runs:
        return None
    run = max(runs, key=lambda one: one.due_at)
    run.schedule = by_key[run.schedule_id]
    return run


def _standing(
    monitor: Monitor, found: Seen, outages: Sequence[Outage], runs: Sequence[Run]
) -> Standing:
    condition = found.condition
    since, reason = None, ""
    match condition:
        case Condition.ARCHIVED:
            since, reason = monitor.archived_at, "It does not run any more; its history is kept."
        case Condition.PAUSED:
            since, reason = _paused(monitor)
        case Condition.FAILING:
            current = next((outage for outage in outages if outage.is_open), None)
            if current is not None:
                since, reason = current.opened_at, current.reason
        case Condition.NOT_MEASURED:
            owed = [one.owed_since for one in found.schedules if one.owed_since is not None]
            since = max(owed, default=None)
            since = since if since is not None and since < found.now else None
            reason = _not_measured(found, runs)
        case Condition.LATE:
            reason = _late(found)
        case Condition.WAITING:
            reason = "Its first run is still to come."
        case Condition.PASSING:
            since = getattr(getattr(monitor, "state", None), "changed_at", None)
    return Standing(condition, since, reason)


def _paused(monitor: Monitor) -> tuple[datetime | None, str]:
    event = AuditEvent.objects.filter(
        object_type=monitor._meta.label_lower,
        object_id=monitor.public_id,
        action="monitor.paused",
    ).first()
    outage = "" if not _is_failing(monitor) else " Its outage stays open meanwhile."
    if event is None:
        return None, f"It does not run until somebody resumes it.{outage}"
    return event.at, f"{event.actor_label} paused it: it does not run until it is resumed.{outage}"


def _is_failing(monitor: Monitor) -> bool:
    state = getattr(monitor, "state", None)
    return state is not None and state.is_failing


def _not_measured(found: Seen, runs: Sequence[Run]) -> str:
    if not found.schedules:
        return "It has no location to run at."
    parts = []
    for schedule in found.schedules:
        place = place_of(schedule, found.now)
        if not place.has_worker:
            parts.append(f"{schedule.location} has no worker")
        elif not place.measures:
            newest = next((run for run in runs if run.schedule_id == schedule.pk), None)
            why = f": {newest.reason}" if newest is not None and newest.reason else ""
            parts.append(f"the newest run at {schedule.location} is an error{why}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}. Such time counts neither as up nor as down."


def _late(found: Seen) -> str:
    parts = []
    for schedule in found.schedules:
        place = place_of(schedule, found.now)
        if place.lag > LATE_AFTER:
            why = "its workers are behind" if place.has_worker else "it has no worker"
            seconds = place.lag // timedelta(seconds=1)
            parts.append(f"a run has waited for {seconds} s to begin at {schedule.location}: {why}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
