"""Count runs by hour and by day, so that they need not be kept.

An hour is counted `LAG` after its end, from the runs themselves; a day from its hours. How far that has come is a row
(`RunProgress`), written with each batch: killed anywhere, it goes on there, and a batch counted twice is the same.
A run recorded later than that leaves a `LateRun`, and its hour is counted again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Min, OuterRef, Subquery

from apps.monitors.models import LateRun, Run, RunDay, RunHour, RunProgress, RunRollup, Schedule
from apps.monitors.policy import Result
from apps.monitors.rollups import Tally, merge, tally

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# A run is recorded within seconds of its end, and lasts minutes at most.
LAG = timedelta(minutes=10)
# Less than LAG by more than any transaction lasts: what is counted without being seen is told.
LATE_AFTER = timedelta(minutes=5)
BATCH = 200
_LATE_BATCH = 500
_COUNTED = ["passed", "failed", "error", "timed", "sum_ms", "lowest_ms", "highest_ms", "buckets"]

Work = RunProgress.Work
Key = tuple[int, datetime]
"""(schedule id, beginning of the stretch)."""


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour (UTC)."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    """Return the beginning of the day (UTC)."""
    return hour_of(at).replace(hour=0)


def note_late_runs(
    runs: Iterable[tuple[int, datetime, Result, int | None]], *, at: datetime
) -> None:
    """Remember those of (schedule id, due_at, result, response time) whose hour may be counted already at `at`.

    Called in the transaction that records them. Without late ones, and that is nearly always, it asks nothing.
    """
    before = hour_of(at - LATE_AFTER)
    late = [
        LateRun(schedule_id=schedule_id, due_at=due_at, result=result, response_time_ms=time_ms)
        for schedule_id, due_at, result, time_ms in runs
        if due_at < before
    ]
    if late:
        LateRun.objects.bulk_create(late)


def roll_up(*, at: datetime, budget_s: float = 60.0, batch: int = BATCH) -> int:
    """Count the hours and days that were over `LAG` before `at`; return the tallies written.

    `at` is the database's present time. Stops after `budget_s`; the next call goes on. Twice at once is harmless:
    a batch (of `batch` schedules) is written by whoever moves the progress on.
    """
    deadline = time.monotonic() + budget_s
    begin(at)
    _step_back(at)
    return (
        _roll_up_hours(at, deadline, batch)
        + _count_late_runs(deadline)
        + _roll_up_days(deadline, batch)
    )


def begin(at: datetime) -> None:
    """Make the progress rows, once: counting begins with the first run there is."""
    if RunProgress.objects.count() == len(Work):
        return
    first = Schedule.objects.aggregate(
        at=Min(
            Subquery(
                Run.objects.filter(schedule_id=OuterRef("pk"))
                .order_by("due_at")
                .values("due_at")[:1]
            )
        )
    )["at"]
    since = hour_of(min(first or at, at - HOUR))
    RunProgress.objects.bulk_create(
        (
            RunProgress(work=work, until=since if work == Work.HOURS else day_of(since))
            for work in Work
        ),
        ignore_conflicts=True,
    )


def recount(keys: Iterable[Key]) -> dict[Key, Tally]:
    """Return the tallies of (schedule, hour) from the runs; one query for an hour. Hours without runs are left out."""
    by_hour: dict[datetime, set[int]] = defaultdict(set)
    for schedule_id, hour in keys:
        by_hour[hour].add(schedule_id)
    found: dict[Key, Tally] = {}
    for hour, schedule_ids in by_hour.items():
        rows = (
            Run.objects.filter(
                schedule_id__in=sorted(schedule_ids), due_at__gte=hour, due_at__lt=hour + HOUR
            )
            .order_by()
            .values_list("schedule_id", "result", "response_time_ms")
            .annotate(number=Count("*"))
        )
        counted: dict[int, list[tuple[Result, int | None, int]]] = defaultdict(list)
        for schedule_id, result, time_ms, number in rows:
            counted[schedule_id].append((result, time_ms, number))
        for schedule_id, parts in counted.items():
            found[schedule_id, hour] = tally(parts)
    return found


def write_hours(tallies: Mapping[Key, Tally]) -> int:
    """Write, or write again, the tallies of hours; return how many."""
    return _write(RunHour, tallies)


def write_days(schedule_ids: Sequence[int], day: datetime) -> int:
    """Write, or write again, the schedules' tallies of a day from its hours; return how many.

    The caller holds the lock of the hours' progress, so that no hour changes meanwhile.
    """
    parts: dict[Key, list[Tally]] = defaultdict(list)
    hours = RunHour.objects.filter(
        schedule_id__in=schedule_ids, started_at__gte=day, started_at__lt=day + DAY
    )
    for hour in hours.order_by():
        parts[hour.schedule_id, day].append(hour.tally)
    return _write(RunDay, {key: merge(tallies) for key, tallies in parts.items()})


def progress() -> dict[str, datetime]:
    """Return {work: until}."""
    return dict(RunProgress.objects.values_list("work", "until"))


def lock_progress() -> dict[str, datetime]:
    """Lock the progress until the transaction ends; return {work: until}. The recorder never waits for it."""
    rows = RunProgress.objects.select_for_update().order_by("work")
    return {row.work: row.until for row in rows}


def schedules_after(schedule_id: int, since: datetime, limit: int) -> list[int]:
    """Return the next schedules, in the order of their keys, of which a run was due at `since` or later."""
    return list(
        Schedule.objects.filter(pk__gt=schedule_id, last_due_at__gte=since)
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )


def move_on(row: RunProgress, *, until: datetime, done_schedule_id: int) -> bool:
    """Move the progress on, unless somebody else did; the row is locked until the transaction ends."""
    moved = RunProgress.objects.filter(
        work=row.work, until=row.until, done_schedule_id=row.done_schedule_id
    ).update(until=until, done_schedule_id=done_schedule_id)
    row.until, row.done_schedule_id = until, done_schedule_id
    return bool(moved)


def _step_back(at: datetime) -> None:
    """Go back to what is not over by `at`: it was counted, or removed, before the database's clock was set back.

    Of the day that goes on runs may be gone; those of the days after it are whole.
    """
    over = hour_of(at - LAG)
    if RunProgress.objects.filter(work=Work.HOURS, until__gt=over).exists():
        today = day_of(over)
        reached = {
            Work.HOURS: over,
            Work.DAYS: today,
            Work.DETAILS: today,
            Work.REMOVED: today + DAY,
        }
        with transaction.atomic():
            lock_progress()
            for work, until in reached.items():
                rows = RunProgress.objects.filter(work=work, until__gt=until)
                rows.update(until=until, done_schedule_id=0)


def _roll_up_hours(at: datetime, deadline: float, size: int) -> int:
    row = RunProgress.objects.get(pk=Work.HOURS)
    written = 0
    while row.until + HOUR + LAG <= at and time.monotonic() < deadline:
        batch = schedules_after(row.done_schedule_id, row.until, size)
        # Read before the lock: on SQLite nobody waits while runs are read.
        tallies = recount((schedule_id, row.until) for schedule_id in batch)
        until = row.until if batch else row.until + HOUR
        with transaction.atomic():
            if not move_on(row, until=until, done_schedule_id=batch[-1] if batch else 0):
                break
            written += write_hours(tallies)
    return written


def _roll_up_days(deadline: float, size: int) -> int:
    row = RunProgress.objects.get(pk=Work.DAYS)
    written = 0
    while time.monotonic() < deadline:
        batch = schedules_after(row.done_schedule_id, row.until, size)
        day = row.until
        with transaction.atomic():
            if day + DAY > lock_progress()[Work.HOURS]:
                break
            until = day if batch else day + DAY
            if not move_on(row, until=until, done_schedule_id=batch[-1] if batch else 0):
                break
            if batch:
                written += write_days(batch, day)
    return written


def _count_late_runs(deadline: float) -> int:
    """Count the hours of late runs again. Where runs were removed since, they are added to what is kept."""
    written = 0
    while time.monotonic() < deadline:
        before = progress()
        late = list(LateRun.objects.filter(due_at__lt=before[Work.HOURS])[:_LATE_BATCH])
        if not late:
            break
        whole = {
            (run.schedule_id, hour_of(run.due_at))
            for run in late
            if run.due_at >= before[Work.REMOVED]
        }
        tallies = recount(whole)
        with transaction.atomic():
            now = lock_progress()
            kept = LateRun.objects.filter(pk__in=[run.pk for run in late])
            if now[Work.REMOVED] != before[Work.REMOVED] or kept.count() != len(late):
                # Somebody else was here: read again.
                continue
            written += write_hours(tallies)
            by_day: dict[datetime, set[int]] = defaultdict(set)
            for schedule_id, hour in tallies:
                if hour < now[Work.DAYS]:
                    by_day[day_of(hour)].add(schedule_id)
            for day, schedule_ids in by_day.items():
                written += write_days(sorted(schedule_ids), day)
            written += _add([run for run in late if run.due_at < before[Work.REMOVED]])
            kept.delete()
    return written


def _add(late: Sequence[LateRun]) -> int:
    """Add runs to the tallies of their hour and day."""
    written = 0
    for model, start in ((RunHour, hour_of), (RunDay, day_of)):
        parts: dict[Key, list[Tally]] = defaultdict(list)
        for run in late:
            key = run.schedule_id, start(run.due_at)
            parts[key].append(tally([(_result(run.result), run.response_time_ms, 1)]))
        for (schedule_id, started_at), tallies in parts.items():
            row = model.objects.filter(schedule_id=schedule_id, started_at=started_at).first()
            if row is not None:
                tallies.append(row.tally)
        written += _write(model, {key: merge(tallies) for key, tallies in parts.items()})
    return written


def _write(model: type[RunRollup], tallies: Mapping[Key, Tally]) -> int:
    model._default_manager.bulk_create(
        (
            model.of(schedule_id, start, tallied)
            for (schedule_id, start), tallied in tallies.items()
        ),
        update_conflicts=True,
        unique_fields=["schedule", "started_at"],
        update_fields=_COUNTED,
        batch_size=500,
    )
    return len(tallies)


def _result(text: str) -> Result:
    return "passed" if text == "passed" else "failed" if text == "failed" else "error"
