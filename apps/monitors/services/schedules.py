"""Keep a monitor's schedules in step with its definition.

Whoever changes more than one row of these locks the monitor first, then its schedules, then its state.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import F

from apps.core.clock import database_now
from apps.monitors import slots
from apps.monitors.models import Location, Monitor, Schedule

# The claim number rises, so whoever runs it now cannot record; what is in flight ends unseen.
_UNCLAIMED: dict[str, Any] = {
    "next_run_at": None,
    "run_now_at": None,
    "slot_at": None,
    "slot_count": 0,
    "slot_is_manual": False,
    "is_adopted": False,
    "leased_until": None,
    "claim_no": F("claim_no") + 1,
}


def place(*, monitor: Monitor, locations: Iterable[Location], at: datetime) -> None:
    """Make the monitor run at exactly these locations, in its present interval.

    A changed interval starts with a new phase, a schedule that was stopped starts at its next slot; the others
    keep theirs, and what they have in flight.
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
        runs = monitor.enabled and monitor.interval_s is not None
        stays = (
            location_id in held
            and schedule.removed_at is None
            and schedule.is_active
            and schedule.interval_s == monitor.interval_s
        )
        schedule.removed_at = None
        schedule.is_active = monitor.enabled
        schedule.interval_s = monitor.interval_s
        if runs and not stays:
            schedule.next_run_at = _first_slot(monitor, location, now)
        if location_id not in held:
            schedule.save()
        elif not stays:
            schedule.save(update_fields=["removed_at", "is_active", "interval_s", "next_run_at"])
    if not monitor.enabled:
        stop(monitor_id=monitor.pk)
    gone = [schedule.pk for key, schedule in held.items() if key not in wanted]
    Schedule.objects.filter(pk__in=gone, removed_at__isnull=True).update(
        is_active=False,
        removed_at=at,
        is_failing=False,
        streak=0,
        streak_started_at=None,
        **_UNCLAIMED,
    )


def stop(*, monitor_id: int) -> None:
    """Stop the monitor's schedules: nothing is due, and a run in flight is not recorded."""
    lock(monitor_id=monitor_id)
    Schedule.objects.filter(monitor_id=monitor_id).update(is_active=False, **_UNCLAIMED)


def lock(*, monitor_id: int) -> None:
    """Lock the monitor's schedules in their keys' order, as the recorder does: an UPDATE has an order of its own."""
    list(
        Schedule.objects.select_for_update(no_key=True)
        .filter(monitor_id=monitor_id)
        .order_by("pk")
        .values_list("pk")
    )


def start(*, monitor: Monitor) -> None:
    """Let the monitor's schedules run again, from their next slots."""
    schedules = list(
        Schedule.objects.select_for_update(no_key=True, of=("self",))
        .filter(monitor=monitor, removed_at__isnull=True)
        .select_related("location")
        .order_by("pk")
    )
    now = database_now()
    for schedule in schedules:
        schedule.is_active = True
        schedule.next_run_at = _first_slot(monitor, schedule.location, now)
    Schedule.objects.bulk_update(schedules, ["is_active", "next_run_at"])


def _first_slot(monitor: Monitor, location: Location, now: datetime) -> datetime | None:
    if monitor.interval_s is None:
        return None
    return slots.first_slot(
        key=f"{monitor.public_id}:{location.public_id}", interval_s=monitor.interval_s, now=now
    )
