"""Let go of old runs and details. Nothing here makes the recorder or a claim wait: batches are small, locks short.

A run is removed only after its day was counted, and counted right: the runs are compared with the tallies before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, F

from apps.monitors.models import (
    EngineMinute,
    LateRun,
    Run,
    RunDay,
    RunDetail,
    RunProgress,
    Schedule,
)
from apps.monitors.partitions import DEFAULT, TABLE, drop_partitions
from apps.monitors.services.rollups import (
    DAY,
    HOUR,
    Work,
    begin,
    day_of,
    lock_progress,
    move_on,
    progress,
    recount,
    schedules_after,
    write_days,
    write_hours,
)
from apps.monitors.thinning import Kept, superfluous

# Tallies of hours are shown for a day, and days are made of them anew while their runs are there.
HOURS_KEPT = timedelta(days=40)
# A row a minute and engine.
PULSE_KEPT = timedelta(days=1)
BATCH = 200
# A statement of so many rows holds SQLite's write lock for some 20 ms.
ROWS_AT_ONCE = 2000
# A schedule with fewer failed runs in a day has nothing worth thinning: one an hour, and the ends of a stretch.
THINNED_FROM = 26


def remove_old_runs(*, at: datetime, keep_days: int, budget_s: float = 60.0) -> int:
    """Remove what is older than `keep_days` days (UTC) at `at`, the database's present time; return how many rows.

    A dropped partition's runs are not in that number. Stops after `budget_s`, and the next call goes on. Twice, or at once
    in two processes, is harmless.
    """
    deadline = time.monotonic() + budget_s
    begin(at)
    target = day_of(at) - keep_days * DAY
    _let_go(target, deadline)
    # After a clock that was fast the progress is ahead of what is old.
    until = min(target, progress()[Work.REMOVED])
    drop_partitions(before=until.date())
    runs = DEFAULT if connection.vendor == "postgresql" else TABLE
    hours_until = min(until, day_of(at - HOURS_KEPT))
    return (
        _delete(runs, "due_at", until, deadline)
        + _delete(RunDetail._meta.db_table, "due_at", until, deadline)
        + _delete("monitors_runhour", "started_at", hours_until, deadline)
        + EngineMinute.objects.filter(minute__lt=at - PULSE_KEPT).delete()[0]
    )


def thin_details(*, at: datetime, budget_s: float = 30.0) -> int:
    """Thin the details of days that ended a day before `at`, the database's present time; return how many went.

    What stays is told in `thinning.superfluous`. Twice is harmless.
    """
    deadline = time.monotonic() + budget_s
    begin(at)
    row = RunProgress.objects.get(pk=Work.DETAILS)
    removed = 0
    while time.monotonic() < deadline:
        day = row.until
        if day + 2 * DAY > at or day + DAY > progress()[Work.DAYS]:
            break
        batch = schedules_after(row.done_schedule_id, day, BATCH)
        failing = (
            RunDay.objects.filter(schedule_id__in=batch, started_at=day)
            .annotate(not_passed=F("failed") + F("error"))
            .filter(not_passed__gt=THINNED_FROM)
            .order_by()
        )
        for schedule_id in failing.values_list("schedule_id", flat=True):
            removed += _thin(schedule_id, day)
        until = day if batch else day + DAY
        if not move_on(row, until=until, done_schedule_id=batch[-1] if batch else 0):
            break
    return removed


def _let_go(target: datetime, deadline: float) -> None:
    """Move on the day before which runs are no longer complete, one day after the other, each compared before."""
    row = RunProgress.objects.get(pk=Work.REMOVED)
    while row.until < target and time.monotonic() < deadline:
        day = row.until
        if not _compare(day, deadline):
            return
        with transaction.atomic():
            known = lock_progress()
            waiting = LateRun.objects.filter(due_at__lt=day + DAY).exists()
            if (
                waiting
                or known[Work.DAYS] < day + DAY
                or not move_on(row, until=day + DAY, done_schedule_id=0)
            ):
                return


def _compare(day: datetime, deadline: float) -> bool:
    """Count again what has more runs on `day` than were counted (a clock was set back); tell whether all was seen."""
    done = 0
    while time.monotonic() < deadline:
        batch = schedules_after(done, day, BATCH)
        if not batch:
            return True
        done = batch[-1]
        there = (
            Run.objects.filter(schedule_id__in=batch, due_at__gte=day, due_at__lt=day + DAY)
            .order_by()
            .values_list("schedule_id")
            .annotate(number=Count("*"))
        )
        counted = {
            row.schedule_id: row.passed + row.failed + row.error
            for row in RunDay.objects.filter(schedule_id__in=batch, started_at=day).defer("buckets")
        }
        short = sorted(
            schedule_id for schedule_id, number in there if number > counted.get(schedule_id, 0)
        )
        if not short:
            continue
        tallies = recount(
            (schedule_id, day + number * HOUR) for number in range(24) for schedule_id in short
        )
        with transaction.atomic():
            known = lock_progress()
            if known[Work.DAYS] < day + DAY or known[Work.REMOVED] > day:
                return False
            write_hours(tallies)
            write_days(short, day)
    return False


def _thin(schedule_id: int, day: datetime) -> int:
    runs = (
        Run.objects.filter(schedule_id=schedule_id, due_at__gte=day, due_at__lt=day + DAY)
        .order_by("due_at")
        .values_list("due_at", "result", "is_manual")
    )
    going = superfluous(Kept(*run) for run in runs.iterator())
    removed = 0
    for start in range(0, len(going), ROWS_AT_ONCE // 4):
        dues = going[start : start + ROWS_AT_ONCE // 4]
        began = time.monotonic()
        removed += RunDetail.objects.filter(schedule_id=schedule_id, due_at__in=dues).delete()[0]
        _yield(began)
    return removed


def _delete(table: str, column: str, before: datetime, deadline: float) -> int:
    """Delete rows older than `before` by their key (schedule_id, column), in statements of a bounded size."""
    removed = 0
    for batch in _all_schedules():
        marks = ", ".join(["%s"] * len(batch))
        while True:
            if time.monotonic() >= deadline:
                return removed
            began = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM {table} WHERE (schedule_id, {column}) IN"  # noqa: S608 -- names of ours
                    f" (SELECT schedule_id, {column} FROM {table} WHERE schedule_id IN ({marks})"
                    f" AND {column} < %s LIMIT {ROWS_AT_ONCE})",
                    [*batch, connection.ops.adapt_datetimefield_value(before)],
                )
                removed += cursor.rowcount
                if cursor.rowcount < ROWS_AT_ONCE:
                    break
            _yield(began)
    return removed


def _all_schedules() -> Iterator[list[int]]:
    done = 0
    while batch := list(
        Schedule.objects.filter(pk__gt=done).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        yield batch
        done = batch[-1]


def _yield(began: float) -> None:
    """Leave the database to others for as long as it was used: on SQLite those who wait for its lock only look by and by."""
    time.sleep(min(0.2, 0.005 + time.monotonic() - began))
