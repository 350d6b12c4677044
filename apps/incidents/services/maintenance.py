"""Maintenance is announced once, changes by updates, and can be moved, extended and cancelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import archive_row, edit_row, live_row
from apps.core.errors import Conflict, Invalid
from apps.core.validation import clean
from apps.incidents.models import (
    EventNumber,
    Maintenance,
    MaintenanceComponent,
    MaintenanceSeries,
    MaintenanceStatus,
    MaintenanceUpdate,
)
from apps.incidents.services import approval, covered
from apps.incidents.services.maintenance_moves import (
    CANCELLED_TEXT,
    mover_of,
    next_move_at,
    step,
)
from apps.incidents.services.steps import refuse_far
from apps.incidents.transitions import check_maintenance_move
from apps.pages.models import Page
from apps.pages.services import touch_pages

NOTHING: Mapping[int, str] = {}


@transaction.atomic
def create_maintenance(
    *,
    page_id: int,
    name: str,
    scheduled_for: datetime,
    scheduled_until: datetime,
    message: str = "",
    components: Collection[int] = (),
    status: str = MaintenanceStatus.SCHEDULED,
    starts_itself: bool = True,
    ends_itself: bool = True,
    deliver_notifications: bool = True,
    idempotency_key: str | None = None,
    series: MaintenanceSeries | None = None,
    occurrence_at: datetime | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> tuple[Maintenance, bool]:
    """Announce a maintenance with its first update; return it and whether it is new.

    `components` are the ids of what it will cover. The same idempotency key on the same page again returns
    the first answer and changes nothing, also when two ask at once. Invalid when its end has passed, unless
    it is told as completed: then it is history, and no component is touched. Conflict `needs_approval` for a
    person on a page that has a second one approve, unless `approved`.
    """
    if idempotency_key is not None:
        if not 0 < len(idempotency_key) <= 200:
            raise Invalid("invalid", "use 1 to 200 characters", field="idempotency_key")
        first = _with_key(page_id, idempotency_key)
        if first is not None:
            return first, False
    page = live_row(Page, page_id)
    check_maintenance_move(None, status, mover=mover_of(actor))
    covered.named_components(page_id=page_id, ids=components)
    _refuse_backwards(scheduled_for, scheduled_until)
    if status != MaintenanceStatus.COMPLETED:
        _refuse_past(scheduled_until, at)
    maintenance = Maintenance(
        page=page,
        name=name,
        status=MaintenanceStatus.SCHEDULED,
        scheduled_for=scheduled_for,
        scheduled_until=scheduled_until,
        starts_itself=starts_itself,
        ends_itself=ends_itself,
        deliver_notifications=deliver_notifications,
        idempotency_key=idempotency_key,
        series=series,
        occurrence_at=occurrence_at,
        created_at=at,
        updated_at=at,
    )
    approval.demand(maintenance, actor, approved=approved)
    # The key is checked by the insertion: only that is safe from another one who asks at the same time.
    clean(maintenance, exclude={"number", "idempotency_key"})
    try:
        with transaction.atomic():
            maintenance.number = EventNumber.objects.create().pk
            maintenance.save(force_insert=True)
    except IntegrityError:
        first = _with_key(page_id, idempotency_key) if idempotency_key is not None else None
        if first is None:
            raise
        return first, False
    step(
        maintenance=maintenance,
        status=status,
        message=message,
        words=dict.fromkeys(components, covered.COVERED),
        deliver_notifications=deliver_notifications,
        action="maintenance.announced",
        actor=actor,
        at=at,
    )
    if status == MaintenanceStatus.COMPLETED:
        _tell_afterwards(maintenance, at)
    return maintenance, True


@transaction.atomic
def post_maintenance_update(
    *,
    maintenance_id: int,
    status: str | None = None,
    message: str = "",
    components: Mapping[int, str] = NOTHING,
    expected_sequence: int | None = None,
    stays_automated: bool = False,
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> MaintenanceUpdate:
    """Publish the next update; with a status the maintenance comes to it, also back (which frees its components).

    `components` is {component id: under_maintenance or operational}; those not named keep what was said, and
    a new one is covered from now on. Completing ends all of it and takes no components. A status that is set
    by hand switches automation off, unless `stays_automated` and what it would do next lies ahead. Conflict
    `sequence_moved` when `expected_sequence` is given and not the latest, `cancelled` when it was cancelled,
    `needs_approval` as for a new one.
    """
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    if expected_sequence is not None and expected_sequence != maintenance.last_sequence:
        raise Conflict(
            "sequence_moved",
            f"the maintenance is at update {maintenance.last_sequence}, not {expected_sequence}",
        )
    approval.demand(maintenance, actor, approved=approved)
    if status is None and not message and not components:
        raise Invalid("invalid", "write a message, or set a status", field="message")
    before = maintenance.status
    target = before if status is None else status
    check_maintenance_move(
        before, target, is_cancelled=maintenance.is_cancelled, mover=mover_of(actor)
    )
    if components and target == MaintenanceStatus.COMPLETED:
        text = "a completed maintenance covers nothing; leave the components out"
        raise Invalid("invalid", text, field="components")
    covered.check_words(components)
    covered.named_components(page_id=maintenance.page_id, ids=components, maintenance=maintenance)
    maintenance.follows_series = False
    if target != before:
        _leave_to_people(maintenance, target, stays_automated=stays_automated, at=at)
    return step(
        maintenance=maintenance,
        status=target,
        message=message,
        words=components,
        deliver_notifications=deliver_notifications,
        actor=actor,
        at=at,
    )


@transaction.atomic
def edit_maintenance(
    *,
    maintenance_id: int,
    name: str | None = None,
    components: Collection[int] | None = None,
    starts_itself: bool | None = None,
    ends_itself: bool | None = None,
    deliver_notifications: bool | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Maintenance:
    """Change what is no update. Nobody is told of it.

    `components` are the ids of all that it will cover: Conflict `begun` once it is not scheduled any more
    (an update names components then), `needs_approval` as for a new one. Invalid where automation is switched
    on for a time that has passed.
    """
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    approval.demand(maintenance, actor, approved=approved)
    wanted = {
        "name": name,
        "starts_itself": starts_itself,
        "ends_itself": ends_itself,
        "deliver_notifications": deliver_notifications,
    }
    fields = {field: value for field, value in wanted.items() if value is not None}
    changed = change(
        maintenance=maintenance, fields=fields, components=components, actor=actor, at=at
    )
    if changed:
        _by_hand(maintenance)
    return maintenance


@transaction.atomic
def reschedule_maintenance(
    *,
    maintenance_id: int,
    scheduled_for: datetime | None = None,
    scheduled_until: datetime | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Maintenance:
    """Give the maintenance new times, for all that it covers. Nobody is told of it.

    Automation follows them, and only goes forward: what has begun does not become scheduled again. Conflict
    `completed` when it is over, `needs_approval` as for a new one; Invalid when its new end has passed.
    """
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    approval.demand(maintenance, actor, approved=approved)
    _refuse_completed(maintenance)
    wanted = {"scheduled_for": scheduled_for, "scheduled_until": scheduled_until}
    fields = {field: value for field, value in wanted.items() if value is not None}
    if change(maintenance=maintenance, fields=fields, actor=actor, at=at):
        _by_hand(maintenance)
    return maintenance


@transaction.atomic
def cancel_maintenance(
    *,
    maintenance_id: int,
    message: str = "",
    deliver_notifications: bool = True,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> Maintenance:
    """Call a maintenance off by a last update; what it covers is free. Conflict `completed` when it is over."""
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    approval.demand(maintenance, actor, approved=approved)
    call_off(
        maintenance=maintenance,
        message=message,
        deliver_notifications=deliver_notifications,
        actor=actor,
        at=at,
    )
    return maintenance


@transaction.atomic
def archive_maintenance(*, maintenance_id: int, actor: Actor, at: datetime) -> Maintenance:
    """Take a maintenance off its page for good; what it covers is free, it moves no more, its key stays taken."""
    maintenance = live_row(Maintenance, maintenance_id, lock=True)
    archive_row(maintenance, action="maintenance.archived", actor=actor, at=at)
    maintenance.next_move_at = None
    maintenance.save(update_fields=["next_move_at"])
    covered.withdraw(maintenance=maintenance, actor=actor, at=at)
    touch_pages(page_ids=[maintenance.page_id], at=at)
    return maintenance


def change(
    *,
    maintenance: Maintenance,
    fields: Mapping[str, Any],
    components: Collection[int] | None = None,
    actor: Actor,
    at: datetime,
) -> bool:
    """Edit a locked maintenance's name, times, switches and planned components; return whether that differs."""
    if components is not None and maintenance.status != MaintenanceStatus.SCHEDULED:
        text = "it has begun: name components in an update"
        raise Conflict("begun", text, field="components")
    _refuse_backwards(
        fields.get("scheduled_for", maintenance.scheduled_for),
        fields.get("scheduled_until", maintenance.scheduled_until),
    )
    changes = edit_row(maintenance, fields, action="maintenance.edited", actor=actor, at=at)
    if "scheduled_until" in changes:
        _refuse_past(maintenance.scheduled_until, at)
    if maintenance.starts_itself and "starts_itself" in changes:
        _refuse_lapsed(maintenance, MaintenanceStatus.SCHEDULED, "starts_itself", at)
    if maintenance.ends_itself and "ends_itself" in changes and maintenance.is_active:
        _refuse_lapsed(maintenance, maintenance.status, "ends_itself", at)
    if changes:
        maintenance.next_move_at = next_move_at(maintenance)
        maintenance.save(update_fields=["next_move_at"])
    planned = components is not None and covered.plan(maintenance=maintenance, ids=components)
    if planned and not actor.is_automation:
        record(actor=actor, at=at, action="maintenance.edited", row=maintenance)
    if "name" in changes:
        covered.relabel(maintenance=maintenance, actor=actor, at=at)
    if changes or planned:
        touch_pages(page_ids=[maintenance.page_id], at=at)
    return bool(changes) or planned


def call_off(
    *,
    maintenance: Maintenance,
    message: str = "",
    deliver_notifications: bool = True,
    actor: Actor,
    at: datetime,
) -> None:
    """Cancel a locked maintenance."""
    _refuse_completed(maintenance)
    maintenance.cancelled_at = at
    step(
        maintenance=maintenance,
        status=MaintenanceStatus.COMPLETED,
        message=message or CANCELLED_TEXT,
        deliver_notifications=deliver_notifications,
        action="maintenance.cancelled",
        actor=actor,
        at=at,
    )


def _with_key(page_id: int, key: str) -> Maintenance | None:
    rows = Maintenance.objects.filter(page=page_id, idempotency_key=key)
    found: Maintenance | None = rows.first()
    return found


def _tell_afterwards(maintenance: Maintenance, at: datetime) -> None:
    """Give one that is told as completed the times of its plan, as far as they have passed."""
    if maintenance.scheduled_for >= at:
        return
    maintenance.started_at = maintenance.scheduled_for
    maintenance.completed_at = min(maintenance.scheduled_until, at)
    maintenance.save(update_fields=["started_at", "completed_at"])
    MaintenanceComponent.objects.filter(maintenance=maintenance).update(
        started_at=maintenance.started_at, ended_at=maintenance.completed_at
    )


def _leave_to_people(
    maintenance: Maintenance, target: str, *, stays_automated: bool, at: datetime
) -> None:
    """Switch automation off, unless it is to stay, goes forward from here, and has a time to come."""
    if target == MaintenanceStatus.COMPLETED:
        return
    forward = maintenance.status != MaintenanceStatus.COMPLETED
    forward = forward and target != MaintenanceStatus.SCHEDULED
    if not (stays_automated and forward and maintenance.scheduled_until > at):
        maintenance.starts_itself = maintenance.ends_itself = False


def _by_hand(maintenance: Maintenance) -> None:
    """Note that a person changed this one, so that a change of its series leaves it alone."""
    if maintenance.series_id is not None and maintenance.follows_series:
        maintenance.follows_series = False
        maintenance.save(update_fields=["follows_series"])


def _refuse_completed(maintenance: Maintenance) -> None:
    if maintenance.status == MaintenanceStatus.COMPLETED:
        what = "was cancelled" if maintenance.is_cancelled else "is completed"
        raise Conflict("completed", f"this maintenance {what}")


def _refuse_backwards(begins: datetime, ends: datetime) -> None:
    refuse_far(begins, field="scheduled_for")
    refuse_far(ends, field="scheduled_until")
    if ends <= begins:
        raise Invalid("invalid", "the end must be after the start", field="scheduled_until")


def _refuse_past(until: datetime, at: datetime) -> None:
    if until <= at:
        raise Invalid("invalid", "the end has passed already", field="scheduled_until")


def _refuse_lapsed(maintenance: Maintenance, status: str, field: str, at: datetime) -> None:
    """Refuse to switch automation on for a time that has passed: it would act at once, with a past time."""
    due = next_move_at(maintenance) if maintenance.status == status else None
    if due is not None and due <= at:
        raise Invalid("invalid", f"its time has passed: {due:%Y-%m-%d %H:%M} UTC", field=field)
