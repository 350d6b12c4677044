"""Pause, resume, archive and run a monitor."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core import audit, pump
from apps.core.actors import Actor
from apps.core.clock import DatabaseNow
from apps.core.errors import Conflict, NotFound
from apps.core.retrying import tried_again
from apps.monitors.models import Monitor, Schedule
from apps.monitors.services import schedules
from apps.monitors.services.coverage import note_unmeasured, unmeasured_until_now
from apps.monitors.services.outages import close_as_removed
from apps.monitors.signals import monitors_removed


@transaction.atomic
def pause_monitor(*, monitor_id: int, actor: Actor, at: datetime) -> Monitor:
    """Stop running; an open outage, and what it did, stay. Pausing a paused one changes nothing."""
    monitor = locked_monitor(monitor_id)
    if monitor.enabled:
        _set_enabled(monitor, False, at)
        owed = unmeasured_until_now(monitor_ids=[monitor_id])
        schedules.stop(monitor_ids=[monitor_id])
        note_unmeasured(found=owed, at=at)
        note(actor=actor, at=at, action="monitor.paused", row=monitor)
    return monitor


@transaction.atomic
def resume_monitor(*, monitor_id: int, actor: Actor, at: datetime) -> Monitor:
    """Run again, from the next slot. Resuming one that runs changes nothing."""
    monitor = locked_monitor(monitor_id)
    if not monitor.enabled:
        _set_enabled(monitor, True, at)
        schedules.start(monitors=[monitor])
        note(actor=actor, at=at, action="monitor.resumed", row=monitor)
    return monitor


@tried_again
@transaction.atomic
def archive_monitor(*, monitor_id: int, actor: Actor, at: datetime) -> Monitor:
    """Remove a monitor for good; its runs and outages stay. Its open outage closes as removed."""
    monitor = locked_monitor(monitor_id)
    owed = unmeasured_until_now(monitor_ids=[monitor_id])
    schedules.stop(monitor_ids=[monitor_id])
    monitor.archived_at = monitor.updated_at = at
    monitor.save(update_fields=["archived_at", "updated_at"])
    close_as_removed(monitor_ids=[monitor_id], actor=actor, at=at)
    monitors_removed.send(sender=Monitor, monitors=[monitor], actor=actor, at=at)
    note_unmeasured(found=owed, at=at)
    note(actor=actor, at=at, action="monitor.archived", row=monitor)
    return monitor


@transaction.atomic
def run_now(*, monitor_id: int, actor: Actor, at: datetime) -> Monitor:
    """Run the monitor at each of its locations as soon as possible; the run counts like any other.

    Asking again before it has begun changes nothing. Conflict when the monitor is paused.
    """
    monitor = locked_monitor(monitor_id)
    if not monitor.enabled:
        raise Conflict("monitor_paused", f"{monitor.name} is paused: resume it first")
    schedules.lock(monitor_ids=[monitor_id])
    Schedule.objects.filter(
        monitor=monitor, is_active=True, removed_at__isnull=True, run_now_at__isnull=True
    ).update(run_now_at=DatabaseNow())
    note(actor=actor, at=at, action="monitor.run_requested", row=monitor)
    pump.wake_on_commit("dispatch")
    return monitor


def locked_monitor(monitor_id: int) -> Monitor:
    """Lock and return a live monitor. Raises NotFound.

    A lock without the key lets rows that point at the monitor (outages) be written meanwhile.
    """
    try:
        found: Monitor = Monitor.objects.live().select_for_update(no_key=True).get(pk=monitor_id)
    except Monitor.DoesNotExist as error:
        raise NotFound("monitor_not_found", f"there is no monitor {monitor_id}") from error
    return found


def note(
    *,
    actor: Actor,
    at: datetime,
    action: str,
    row: Monitor,
    changes: dict[str, list[object]] | None = None,
) -> None:
    """Write the audit trail of what a person, token or command did."""
    if not actor.is_automation:
        audit.record(actor=actor, at=at, action=action, row=row, changes=changes)


def _set_enabled(monitor: Monitor, enabled: bool, at: datetime) -> None:
    monitor.enabled = enabled
    monitor.version += 1
    monitor.updated_at = at
    monitor.save(update_fields=["enabled", "version", "updated_at"])
