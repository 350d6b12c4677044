"""Incidents that are told after they were over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from apps.core.actors import Actor
from apps.core.audit import record
from apps.core.editing import live_row
from apps.core.errors import Invalid
from apps.core.validation import clean
from apps.incidents.models import (
    Incident,
    IncidentComponent,
    IncidentStatus,
    IncidentUpdate,
    UpdateComponent,
)
from apps.incidents.services import approval
from apps.incidents.services.affected import spoken
from apps.incidents.services.incidents import insert_once, with_key
from apps.incidents.services.steps import follow, refuse_far
from apps.incidents.transitions import Standing, move
from apps.pages.models import Page
from apps.pages.services import touch_pages
from apps.pages.status import ComponentStatus, worst


@dataclass(frozen=True, slots=True)
class PastUpdate:
    """One step of the story: `at` (UTC) is when it was; `components` is {component id: status} from then on."""

    status: str
    message: str
    at: datetime
    components: Mapping[int, str] = field(default_factory=dict)


@transaction.atomic
def tell_past_incident(
    *,
    page_id: int,
    name: str,
    updates: Sequence[PastUpdate],
    impact_override: str = "",
    idempotency_key: str | None = None,
    approved: bool = False,
    actor: Actor,
    at: datetime,
) -> tuple[Incident, bool]:
    """Tell an incident with all its updates after it was over; return it and whether it is new.

    It began with its first update, and never touches a component's status, periods or contributions; nobody is
    notified. Invalid unless the times are in the past and ascend, and the last update, and no other, resolves it.
    Conflict `needs_approval` as for a post.
    """
    first = with_key(page_id, idempotency_key)
    if first is not None:
        return first, False
    _refuse_unfit(updates, at)
    page = live_row(Page, page_id)
    named = {pk: status for one in updates for pk, status in one.components.items()}
    for one in updates:
        spoken(page_id=page_id, statuses=one.components, actor=actor)
    incident = Incident(
        page=page,
        name=name,
        impact_override=impact_override,
        started_at=updates[0].at,
        is_retrospective=True,
        idempotency_key=idempotency_key,
        created_at=at,
        updated_at=at,
    )
    approval.demand(incident, actor, approved=approved)
    standing = Standing.NEW
    for one in updates:
        step = move(standing, one.status)
        follow(incident, one.status, step, shown_at=one.at, at=at)
        standing = Standing.OPEN
    first = insert_once(incident)
    if first is not None:
        return first, False
    _write(incident, updates, sorted(named), actor, at)
    record(
        actor=actor,
        at=at,
        action="incident.told_afterwards",
        row=incident,
        changes={"sequence": [0, incident.last_sequence]},
    )
    touch_pages(page_ids=[page_id], at=at)
    return incident, True


def _refuse_unfit(updates: Sequence[PastUpdate], at: datetime) -> None:
    if not updates:
        raise Invalid("invalid", "tell at least how it was resolved", field="updates")
    last = len(updates) - 1
    for index, one in enumerate(updates):
        place = f"updates[{index}]"
        refuse_far(one.at, field=f"{place}.at")
        if one.at > at:
            raise Invalid("invalid", "must be in the past", field=f"{place}.at")
        if index and one.at <= updates[index - 1].at:
            raise Invalid("invalid", "must be after the update before it", field=f"{place}.at")
        if (one.status == IncidentStatus.RESOLVED) != (index == last):
            said = "the last update resolves it" if index == last else "only the last one resolves"
            raise Invalid("invalid", said, field=f"{place}.status")


def _write(
    incident: Incident,
    updates: Sequence[PastUpdate],
    component_ids: Sequence[int],
    actor: Actor,
    at: datetime,
) -> None:
    """Write the updates and what they said, as the incident would have said it at the time."""
    rows = [
        IncidentUpdate(
            incident=incident,
            sequence=sequence,
            status=one.status,
            body=one.message,
            display_at=one.at,
            is_automated=actor.is_automation,
            author=actor.label[:200],
            deliver_notifications=False,
            created_at=one.at,
            updated_at=at,
        )
        for sequence, one in enumerate(updates, start=1)
    ]
    for index, row in enumerate(rows):
        clean(row, at=f"updates[{index}]", exclude={"incident", "public_id", "sequence"})
    IncidentUpdate.objects.bulk_create(rows)
    now = dict.fromkeys(component_ids, ComponentStatus.OPERATIONAL.value)
    seen: dict[int, str] = {}
    history: list[UpdateComponent] = []
    for row, one in zip(rows, updates, strict=True):
        before = dict(now)
        now.update(one.components)
        if row.status == IncidentStatus.RESOLVED:
            now = {pk: one.components.get(pk, ComponentStatus.OPERATIONAL) for pk in now}
        for pk, status in one.components.items():
            seen[pk] = worst([seen.get(pk, status), status])
        history += [
            UpdateComponent(update=row, component_id=pk, old_status=before[pk], new_status=now[pk])
            for pk in component_ids
            if pk in seen
        ]
    UpdateComponent.objects.bulk_create(history)
    IncidentComponent.objects.bulk_create(
        IncidentComponent(incident=incident, component_id=pk, status=now[pk], worst_status=seen[pk])
        for pk in component_ids
    )
