"""Keep a monitor's schedules in step with its definition.

Whoever changes more than one row of these locks the monitor first, then its schedules, then its state.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from apps.core.among import among
from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.engine.sql import as_text, vendor
from apps.monitors.models import Location, Monitor, Schedule

# The claim number rises, so whoever runs it now cannot record; what is in flight ends unseen.
_UNCLAIMED: dict[str, Any] = {
    "next_run_at": None,
    "owed_since": None,
    "run_now_at": None,
    "slot_at": None,
    "slot_count": 0,
    "slot_is_manual": False,
    "is_adopted": False,
    "leased_until": None,
    "claim_no": F("claim_no") + 1,
}


def place(
    *, monitor: Monitor, locations: Iterable[Location], at: datetime, is_retimed: bool = False
) -> None:
    """Make the monitor run at exactly these locations, in its present interval or by its crontab.

    A changed interval starts with a new phase, a changed crontab or zone (`is_retimed`) and a schedule that was
    stopped at their next slot; the others keep theirs. What is in flight stays so.
    """
    wanted = {location.pk: location for location in locations}
    held = {
        schedule.location_id: schedule
        for schedule in Schedule.objects.select_for_update(no_key=True)
        .filter(monitor=monitor)
        .order_by("pk")
    }
    now = database_now()
    for location_id, location in sorted(wanted.items()):
        schedule = held.get(location_id) or Schedule(monitor=monitor, location=location)
        stays = (
            location_id in held
            and not is_retimed
            and schedule.removed_at is None
            and schedule.is_active
            and schedule.interval_s == monitor.interval_s
        )
        schedule.removed_at = None
        schedule.is_active = monitor.enabled
        schedule.interval_s = monitor.interval_s
        if monitor.enabled and not stays:
            schedule.next_run_at = _first_slot(schedule, monitor, location, now)
            schedule.owed_since = schedule.next_run_at
        if location_id not in held:
            schedule.save()
        elif not stays:
            schedule.save(
                update_fields=[
                    *("removed_at", "is_active", "interval_s"),
                    *("next_run_at", "owed_since"),
                ]
            )
    if not monitor.enabled:
        stop(monitor_ids=[monitor.pk])
    gone = [schedule.pk for key, schedule in held.items() if key not in wanted]
    Schedule.objects.filter(pk__in=gone, removed_at__isnull=True).update(
        is_active=False,
        removed_at=at,
        is_failing=False,
        streak=0,
        streak_started_at=None,
        **_UNCLAIMED,
    )


def stop(*, monitor_ids: Collection[int]) -> None:
    """Stop the monitors' schedules: nothing is due, and a run in flight is not recorded."""
    lock(monitor_ids=monitor_ids)
    Schedule.objects.filter(monitor__in=among(monitor_ids)).update(is_active=False, **_UNCLAIMED)


def lock(*, monitor_ids: Collection[int]) -> None:
    """Lock the monitors' schedules in their keys' order, as the recorder does: an UPDATE has an order of its own."""
    list(
        Schedule.objects.select_for_update(no_key=True)
        .filter(monitor__in=among(monitor_ids))
        .order_by("pk")
        .values_list("pk")
    )


def start(*, monitors: Collection[Monitor]) -> None:
    """Let the monitors' schedules run again, from their next slots."""
    by_key = {monitor.pk: monitor for monitor in monitors}
    schedules = list(
        Schedule.objects.select_for_update(no_key=True, of=("self",))
        .filter(monitor__in=among(by_key), removed_at__isnull=True)
        .select_related("location")
        .order_by("pk")
    )
    now = database_now()
    for schedule in schedules:
        schedule.is_active = True
        schedule.next_run_at = _first_slot(
            schedule, by_key[schedule.monitor_id], schedule.location, now
        )
        schedule.owed_since = schedule.next_run_at
    _write_starts(schedules)


def _write_starts(schedules: Collection[Schedule]) -> None:
    """Write the first slots. Django's own bulk update takes seconds for a thousand rows."""
    if not schedules:
        return
    values = [(as_text(row.next_run_at), row.pk) for row in schedules]
    with connection.cursor() as cursor:
        if vendor() == "postgresql":
            cursor.execute(
                "UPDATE monitors_schedule s SET is_active = true, next_run_at = (v.e->>0)::timestamptz,"
                " owed_since = (v.e->>0)::timestamptz FROM jsonb_array_elements(%s::jsonb) v (e)"
                " WHERE s.id = (v.e->>1)::bigint",
                [json.dumps(values)],
            )
            return
        cursor.executemany(
            "UPDATE monitors_schedule SET is_active = 1, next_run_at = %s, owed_since = %s WHERE id = %s",
            [(at, at, key) for at, key in values],
        )


def _first_slot(
    schedule: Schedule, monitor: Monitor, location: Location, now: datetime
) -> datetime:
    cadence = slots.cadence_of(
        interval_s=monitor.interval_s,
        crontab=monitor.crontab,
        time_zone=monitor.crontab_time_zone,
    )
    key = f"{monitor.public_id}:{location.public_id}"
    slot = slots.first_of(cadence=cadence, key=key, now=now)
    # Recorded under a later time than now: the clock was set back.
    is_repeated = schedule.last_due_at is not None and slot <= schedule.last_due_at
    return slots.aside(slot, now) if is_repeated else slot
