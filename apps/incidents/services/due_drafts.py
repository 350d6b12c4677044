"""Drafts that are posted at their time, by beat."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from apps.core.actors import AUTOMATION
from apps.core.audit import record
from apps.core.errors import Conflict, DomainError
from apps.incidents.models import Draft, MaintenanceStatus
from apps.incidents.services.drafts import lock_draft, publish

logger = logging.getLogger(__name__)

BATCH = 100


def publish_due_drafts(*, at: datetime) -> int:
    """Post every scheduled draft whose time has come by `at` (the database's clock); return how many were.

    Each in its own transaction, under its row's lock: two callers at once post it once, and a process that is
    killed leaves it to the next one. What cannot be posted any more says why, and waits for staff.
    """
    due = (
        Draft.objects.filter(state=Draft.State.SCHEDULED, publish_at__lte=at)
        .order_by("publish_at", "pk")
        .values_list("pk", flat=True)[:BATCH]
    )
    done = 0
    for pk in list(due):
        try:
            done += _publish_one(pk, at)
        except DomainError as refusal:
            done += _refuse_one(pk, refusal, at)
        except Exception:
            # One that cannot be posted must not hold up the others; it is tried again the next time.
            logger.exception("a scheduled draft was not posted", extra={"draft": pk})
    return done


@transaction.atomic
def _publish_one(pk: int, at: datetime) -> bool:
    draft = lock_draft(pk)
    if not _is_due(draft, at):
        return False
    _refuse_stale(draft)
    expected = draft.seen_sequence if draft.incident_id is not None else None
    publish(draft, expected_sequence=expected, actor=AUTOMATION, at=at)
    return True


@transaction.atomic
def _refuse_one(pk: int, refusal: DomainError, at: datetime) -> bool:
    """Note why a draft was not posted. Staff read it on the overview and on the draft's page."""
    draft = lock_draft(pk)
    if not _is_due(draft, at):
        return False
    text = refusal.message
    if refusal.code == "sequence_moved":
        text = "another update was posted since it was written"
    draft.state, draft.note, draft.updated_at = Draft.State.REFUSED, text, at
    draft.approved_by, draft.approved_at = "", None
    draft.save()
    record(actor=AUTOMATION, at=at, action="draft.refused", row=draft, changes={"reason": text})
    return False


def _is_due(draft: Draft, at: datetime) -> bool:
    is_scheduled = draft.state == Draft.State.SCHEDULED
    return is_scheduled and draft.publish_at is not None and draft.publish_at <= at


def _refuse_stale(draft: Draft) -> None:
    """Raise Conflict where a person spoke since, or it is over. (An incident's sequence is compared by its service.)

    A maintenance moves by itself as planned: that does not make an update out of date that was written before.
    """
    maintenance = draft.maintenance
    if maintenance is None:
        return
    if maintenance.status == MaintenanceStatus.COMPLETED:
        what = "was cancelled" if maintenance.is_cancelled else "is completed"
        raise Conflict("moved_on", f"the maintenance {what} by now")
    since = maintenance.updates.filter(sequence__gt=draft.seen_sequence, is_automated=False)
    if since.exists():
        raise Conflict("sequence_moved", "another update was posted since")
