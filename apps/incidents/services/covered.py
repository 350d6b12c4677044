"""Which components a maintenance covers, from when to when, and what of it counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Q

from apps.core.actors import Actor
from apps.core.errors import Invalid
from apps.incidents.models import (
    Maintenance,
    MaintenanceComponent,
    MaintenanceStatus,
    MaintenanceUpdate,
    MaintenanceUpdateComponent,
)
from apps.pages.models import Component, StatusContribution
from apps.pages.services import ContributionChange, Word, apply_contributions
from apps.pages.status import ComponentStatus

SOURCE = StatusContribution.Source.MAINTENANCE
COVERED, DONE = ComponentStatus.UNDER_MAINTENANCE.value, ComponentStatus.OPERATIONAL.value


def named_components(
    *, page_id: int, ids: Collection[int], maintenance: Maintenance | None = None
) -> dict[int, Component]:
    """Return the named components. Invalid unless every one is live on the page.

    One that the maintenance covers already may be named although it was moved or archived since.
    """
    placed = Q(archived_at__isnull=True, page=page_id)
    if maintenance is not None:
        placed |= Q(pk__in=maintenance.affected.values("component_id"))
    found: dict[int, Component] = Component.objects.filter(placed).in_bulk(list(ids))
    if len(found) != len(set(ids)):
        message = "a component is not on the maintenance's page"
        raise Invalid("invalid", message, field="components")
    return found


def check_words(words: Mapping[int, str]) -> None:
    """Refuse what a maintenance cannot say: it covers a component, or is done with it."""
    for status in words.values():
        if status not in (COVERED, DONE):
            message = f"a maintenance says {COVERED} or {DONE}, not {status!r}"
            raise Invalid("invalid", message, field="components")


def say(
    *,
    maintenance: Maintenance,
    before: Maintenance,
    update: MaintenanceUpdate,
    words: Mapping[int, str],
    actor: Actor,
    since: datetime,
) -> None:
    """Take a step of a locked maintenance into what it covers, the update's history, and the components.

    `before` is the maintenance as it stood, `words` {component id: status} of the update. It takes effect at
    `since`. Once completed, nothing is covered any more; reopened, what was covered to the end is again.
    """
    rows = {
        row.component_id: row
        for row in MaintenanceComponent.objects.filter(maintenance=maintenance)
    }
    covered_before = {pk for pk, row in rows.items() if before.is_active and row.status == COVERED}
    reopened = maintenance.is_active and before.completed_at is not None
    for row in rows.values():
        if reopened and row.ended_at == before.completed_at:
            row.status = COVERED
    for pk, status in words.items():
        rows.setdefault(pk, MaintenanceComponent(maintenance=maintenance, component_id=pk))
        rows[pk].status = status
    for row in rows.values():
        if maintenance.status == MaintenanceStatus.COMPLETED:
            row.status = DONE
    covered = {pk for pk, row in rows.items() if maintenance.is_active and row.status == COVERED}
    for pk, row in rows.items():
        if pk in covered - covered_before:
            row.started_at, row.ended_at = row.started_at or since, None
        elif pk in covered_before - covered:
            row.ended_at = max(since, row.started_at or since)
        if maintenance.status == MaintenanceStatus.SCHEDULED:
            row.started_at = row.ended_at = None
    MaintenanceComponent.objects.bulk_update(
        [row for row in rows.values() if row.pk is not None], ["status", "started_at", "ended_at"]
    )
    MaintenanceComponent.objects.bulk_create([row for row in rows.values() if row.pk is None])
    MaintenanceUpdateComponent.objects.bulk_create(
        MaintenanceUpdateComponent(
            update=update,
            component_id=pk,
            old_status=COVERED if pk in covered_before else DONE,
            new_status=COVERED if pk in covered else DONE,
        )
        for pk in sorted(rows)
    )
    word = Word(maintenance.public_id, COVERED, since, maintenance.name[:200])
    apply_contributions(
        changes=[
            *(ContributionChange(pk, SOURCE, upsert=(word,)) for pk in covered - covered_before),
            *(
                ContributionChange(pk, SOURCE, withdraw=(maintenance.public_id,))
                for pk in covered_before - covered
            ),
        ],
        actor=actor,
        at=since,
    )


def plan(*, maintenance: Maintenance, ids: Collection[int]) -> bool:
    """Let a locked, scheduled maintenance cover these components and no others; return whether that differs."""
    present = set(
        MaintenanceComponent.objects.filter(maintenance=maintenance).values_list(
            "component_id", flat=True
        )
    )
    if present == set(ids):
        return False
    named_components(page_id=maintenance.page_id, ids=ids, maintenance=maintenance)
    MaintenanceComponent.objects.filter(
        maintenance=maintenance, component__in=present - set(ids)
    ).delete()
    MaintenanceComponent.objects.bulk_create(
        MaintenanceComponent(maintenance=maintenance, component_id=pk)
        for pk in sorted(set(ids) - present)
    )
    return True


def withdraw(*, maintenance: Maintenance, actor: Actor, at: datetime) -> None:
    """End every contribution of the maintenance."""
    held = StatusContribution.objects.filter(source=SOURCE, key=maintenance.public_id)
    MaintenanceComponent.objects.filter(
        maintenance=maintenance, started_at__isnull=False, ended_at__isnull=True
    ).update(ended_at=at)
    apply_contributions(
        changes=[
            ContributionChange(pk, SOURCE, withdraw=(maintenance.public_id,))
            for pk in held.values_list("component_id", flat=True)
        ],
        actor=actor,
        at=at,
    )


def relabel(*, maintenance: Maintenance, actor: Actor, at: datetime) -> None:
    """Show the maintenance's present name as the source of its contributions."""
    held = StatusContribution.objects.filter(source=SOURCE, key=maintenance.public_id)
    apply_contributions(
        changes=[
            ContributionChange(
                row.component_id,
                SOURCE,
                upsert=(Word(row.key, row.status, row.since, maintenance.name[:200]),),
            )
            for row in held
        ],
        actor=actor,
        at=at,
    )
