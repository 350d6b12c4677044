"""Correct what an update of a maintenance says, or when readers see that it was said."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import changes_between, record, snapshot
from apps.core.editing import live_row
from apps.core.errors import Invalid, NotFound
from apps.core.validation import clean
from apps.incidents.drafting import check_text
from apps.incidents.models import (
    Maintenance,
    MaintenanceComponent,
    MaintenanceStatus,
    MaintenanceUpdate,
)
from apps.incidents.services import approval
from apps.pages.services import touch_pages


@transaction.atomic
def edit_maintenance_update(
    *,
    update_id: int,
    body: str | None = None,
    display_at: datetime | None = None,
    seen: str | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> MaintenanceUpdate:
    """Correct an update's text, or the time that readers see. Its place in the order, its sequence, stays.

    The times at which the maintenance began, was verified and ended follow the shown ones; periods of components
    and what it does by itself do not. Invalid for a time in the future; Conflict `needs_approval` as for a post,
    `text_moved` where its text is not the one that `seen` stands for (`drafting.digest_of_text`). The audit trail keeps what was there before.
    """
    updates = MaintenanceUpdate.objects.filter(pk=update_id)
    maintenance_id = updates.values_list("maintenance_id", flat=True).first()
    if maintenance_id is None:
        raise NotFound("not_found", "there is no such update")
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    approval.demand(maintenance, actor, approved=approved)
    update = updates.get()
    check_text(update.body, seen)
    before = snapshot(update)
    if body is not None:
        update.body = body
    if display_at is not None:
        if display_at != update.display_at and display_at > at:
            text = "an update cannot be shown with a future time"
            raise Invalid("invalid", text, field="display_at")
        update.display_at = display_at
    changes = changes_between(before, snapshot(update))
    if not changes:
        return update
    clean(update, exclude={"maintenance", "public_id", "sequence"})
    update.updated_at = at
    update.save(update_fields=[*changes, "updated_at"])
    if "display_at" in changes:
        _follow_shown_times(maintenance)
    maintenance.updated_at = max(at, maintenance.updated_at)
    maintenance.save(update_fields=["started_at", "verifying_at", "completed_at", "updated_at"])
    record(
        actor=actor,
        at=at,
        action="maintenance.update_edited",
        row=maintenance,
        changes={"update": update.public_id, **changes},
    )
    touch_pages(page_ids=[maintenance.page_id], at=at)
    return update


def _follow_shown_times(maintenance: Maintenance) -> None:
    """Bring the maintenance's times to those that its updates show, in memory.

    One that was told when it was over has its plan's times, which no update shows.
    """
    started_at = verifying_at = completed_at = None
    for update in maintenance.updates.order_by("sequence"):
        if update.status == MaintenanceStatus.COMPLETED:
            if update.sequence == 1:
                return
            shown = max(update.display_at, started_at or update.display_at)
            completed_at = completed_at or shown
            continue
        completed_at = None
        if update.status == MaintenanceStatus.SCHEDULED:
            started_at = verifying_at = None
            continue
        started_at = started_at or update.display_at
        if update.status == MaintenanceStatus.VERIFYING:
            verifying_at = verifying_at or update.display_at
    if completed_at is not None and completed_at != maintenance.completed_at:
        # What was covered to the end ends with it: reopened it is covered again (`covered.say`).
        MaintenanceComponent.objects.filter(
            maintenance=maintenance, ended_at=maintenance.completed_at
        ).update(ended_at=completed_at)
    maintenance.started_at, maintenance.verifying_at = started_at, verifying_at
    maintenance.completed_at = completed_at
