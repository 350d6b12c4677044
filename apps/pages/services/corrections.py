"""Staff reclassify a past stretch of a component. What was recorded stays; the last word on it counts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Min

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import live_row
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.validation import clean
from apps.pages.models import Component, Correction, StatusPeriod
from apps.pages.services.announcing import touch_pages
from apps.pages.services.days import forget_days


@transaction.atomic
def correct_period(
    *,
    component_id: int,
    started_at: datetime,
    ended_at: datetime,
    status: str,
    reason: str,
    actor: Actor,
    at: datetime,
) -> Correction:
    """Say what was true of a component in [started_at, ended_at), for a reason that readers see.

    `status` is a component's, or not_measured. Invalid where the stretch is not over, has no length, or
    begins before the component does. Conflict for automation: what was recorded is its word already.
    """
    if actor.is_automation:
        raise Conflict("staff_only", "only people correct what was recorded")
    component = live_row(Component, component_id, lock=True)
    refuse_unfit_stretch(component, started_at, ended_at, at=at)
    correction = Correction(
        component=component,
        started_at=started_at,
        ended_at=ended_at,
        status=status,
        # Kept one a line beside the day.
        reason=" ".join(reason.split()),
        author=actor.label[:200],
        created_at=at,
        updated_at=at,
    )
    clean(correction)
    correction.save(force_insert=True)
    said = f"{status} {started_at.isoformat()} – {ended_at.isoformat()}: {correction.reason}"
    _note(correction, component, "component.corrected", ["", said], actor=actor, at=at)
    return correction


def refuse_unfit_stretch(
    component: Component, started_at: datetime, ended_at: datetime, *, at: datetime
) -> None:
    """Raise Invalid where the stretch is not over at `at`, has no length, or begins before the component does."""
    if ended_at <= started_at:
        raise Invalid("invalid", "The end must come after the start.", field="ended_at")
    if ended_at > at:
        raise Invalid("invalid", "Only what is past can be corrected.", field="ended_at")
    began = StatusPeriod.objects.filter(component=component).aggregate(at=Min("started_at"))["at"]
    if began is None or started_at < began:
        since = f" ({began:%Y-%m-%d %H:%M:%S} UTC)" if began else ""
        raise Invalid(
            "invalid", f"The component's history begins later{since}.", field="started_at"
        )


@transaction.atomic
def revoke_correction(*, correction_id: int, actor: Actor, at: datetime) -> Correction:
    """Take a correction back: what was recorded, or said before, counts again. The row is kept.

    Conflict when it was taken back already.
    """
    component_id = (
        Correction.objects.filter(pk=correction_id).values_list("component_id", flat=True).first()
    )
    if component_id is None:
        raise NotFound("not_found", "there is no such correction")
    component = live_row(Component, component_id, lock=True)
    changed = Correction.objects.filter(pk=correction_id, revoked_at__isnull=True).update(
        revoked_at=at, revoked_by=actor.label[:200], updated_at=at
    )
    if not changed:
        raise Conflict("already_revoked", "the correction was taken back already")
    correction = Correction.objects.get(pk=correction_id)
    said = [correction.reason, ""]
    _note(correction, component, "component.correction_revoked", said, actor=actor, at=at)
    return correction


def _note(
    correction: Correction,
    component: Component,
    action: str,
    said: list[str],
    *,
    actor: Actor,
    at: datetime,
) -> None:
    forget_days(component_ids=[component.pk], since=correction.started_at)
    record(actor=actor, at=at, action=action, row=component, changes={"correction": said})
    # A hidden component is on no public surface, so readers' pages stay as they are.
    if not component.hidden:
        touch_pages(page_ids=[component.page_id], at=at)
