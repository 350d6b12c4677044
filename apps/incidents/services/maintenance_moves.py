"""The steps of a maintenance: one published update each, by a person or by itself at its times."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from apps.core.actors import AUTOMATION, Actor
from apps.core.audit import record
from apps.core.validation import clean
from apps.incidents.models import Maintenance, MaintenanceStatus, MaintenanceUpdate
from apps.incidents.services import covered
from apps.incidents.transitions import Mover, check_maintenance_move
from apps.pages.services import touch_pages

logger = logging.getLogger(__name__)

BATCH = 100

# What an update says that sets a status and has no text of its own.
STOCK_TEXTS: dict[str, str] = {
    MaintenanceStatus.SCHEDULED: "We have planned a maintenance.",
    MaintenanceStatus.IN_PROGRESS: "The maintenance has begun. We will tell you here how it goes.",
    MaintenanceStatus.VERIFYING: "The work is done. We are checking that everything runs as it should.",
    MaintenanceStatus.COMPLETED: "The maintenance is completed.",
}
CANCELLED_TEXT = "This maintenance has been cancelled."
STEP_COLUMNS = [
    "status",
    "starts_itself",
    "ends_itself",
    "follows_series",
    "next_move_at",
    "started_at",
    "verifying_at",
    "completed_at",
    "cancelled_at",
    "last_sequence",
    "updated_at",
]


def mover_of(actor: Actor) -> Mover:
    return "automation" if actor.is_automation else "person"


def next_move_at(maintenance: Maintenance) -> datetime | None:
    """Return when the maintenance next moves by itself (UTC), or None."""
    if maintenance.status == MaintenanceStatus.SCHEDULED and maintenance.starts_itself:
        return maintenance.scheduled_for
    if maintenance.is_active and maintenance.ends_itself:
        return maintenance.scheduled_until
    return None


def step(
    *,
    maintenance: Maintenance,
    status: str,
    message: str = "",
    words: Mapping[int, str] | None = None,
    deliver_notifications: bool = True,
    action: str = "maintenance.updated",
    actor: Actor,
    at: datetime,
    since: datetime | None = None,
) -> MaintenanceUpdate:
    """Publish the next update of a locked maintenance and bring it to the status.

    `words` is {component id: status}, checked before. `since` is when the step takes effect and is shown;
    without it, `at`. A step that moves it and has no text gets the stock one.
    """
    effect = since or at
    before = copy.copy(maintenance)
    is_new = maintenance.last_sequence == 0
    moves = is_new or status != before.status
    _follow(maintenance, before, status, is_new=is_new, effect=effect)
    maintenance.last_sequence += 1
    maintenance.next_move_at = next_move_at(maintenance)
    maintenance.updated_at = max(at, maintenance.updated_at)
    maintenance.save(update_fields=STEP_COLUMNS)
    update = MaintenanceUpdate(
        maintenance=maintenance,
        sequence=maintenance.last_sequence,
        status=status,
        body=message or (STOCK_TEXTS[status] if moves else ""),
        display_at=effect,
        is_automated=actor.is_automation,
        author=actor.label[:200],
        deliver_notifications=deliver_notifications,
        created_at=at,
        updated_at=at,
    )
    clean(update)
    update.save(force_insert=True)
    covered.say(
        maintenance=maintenance,
        before=Maintenance(status=MaintenanceStatus.SCHEDULED) if is_new else before,
        update=update,
        words=words or {},
        actor=actor,
        since=effect,
    )
    touch_pages(page_ids=[maintenance.page_id], at=at)
    # Automation's steps are kept as well: readers see them, so staff ask who took them.
    changes = {
        "status": ["" if is_new else before.status, status],
        "sequence": [before.last_sequence, maintenance.last_sequence],
    }
    record(actor=actor, at=at, action=action, row=maintenance, changes=changes)
    return update


def _follow(
    maintenance: Maintenance, before: Maintenance, status: str, *, is_new: bool, effect: datetime
) -> None:
    """Bring the maintenance's own columns to the status, from `effect` on."""
    maintenance.status = status
    was_active = before.is_active and not is_new
    if maintenance.is_active and not was_active:
        # A reopened one goes on: it began when it began.
        maintenance.started_at = maintenance.started_at or effect
        maintenance.completed_at = None
    if status == MaintenanceStatus.VERIFYING and maintenance.verifying_at is None:
        maintenance.verifying_at = effect
    if status == MaintenanceStatus.SCHEDULED:
        maintenance.started_at = maintenance.verifying_at = None
    if status == MaintenanceStatus.COMPLETED and maintenance.completed_at is None:
        maintenance.completed_at = max(effect, maintenance.started_at or effect)


def move_due_maintenances(*, at: datetime) -> int:
    """Let every maintenance whose time has come by `at` (the database's clock) move; return how many did.

    Each moves in its own transaction, under its row's lock: two callers at once move it once.
    """
    due = (
        Maintenance.objects.live()
        .filter(next_move_at__lte=at)
        .order_by("next_move_at", "pk")
        .values_list("pk", flat=True)[:BATCH]
    )
    moved = 0
    for pk in list(due):
        try:
            moved += move_by_itself(maintenance_id=pk, at=at)
        except Exception:
            # One that cannot move must not hold up the others; it is tried again the next time.
            logger.exception("a maintenance did not move by itself", extra={"maintenance": pk})
    return moved


@transaction.atomic
def move_by_itself(*, maintenance_id: int, at: datetime) -> bool:
    """Make the moves that are due by `at`; return whether there was one.

    Each takes effect at its planned time, or at the latest update's where that is later. So one whose whole
    time passed while nothing ran is in progress and completed afterwards, as it was announced.
    """
    rows = Maintenance.objects.live().select_for_update(no_key=True)
    maintenance: Maintenance | None = rows.filter(pk=maintenance_id).first()
    moved = False
    while (
        maintenance is not None
        and maintenance.next_move_at is not None
        and maintenance.next_move_at <= at
    ):
        latest = maintenance.updates.aggregate(at=Max("display_at"))["at"]
        begins = maintenance.status == MaintenanceStatus.SCHEDULED
        status = MaintenanceStatus.IN_PROGRESS if begins else MaintenanceStatus.COMPLETED
        check_maintenance_move(maintenance.status, status, mover="automation")
        step(
            maintenance=maintenance,
            status=status,
            deliver_notifications=maintenance.deliver_notifications,
            actor=AUTOMATION,
            at=at,
            since=max(maintenance.next_move_at, latest or maintenance.next_move_at),
        )
        moved = True
    return moved
