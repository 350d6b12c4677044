"""Reading maintenances for publication: a constant number of queries, however many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.incidents.models import (
    Maintenance,
    MaintenanceComponent,
    MaintenanceUpdate,
    MaintenanceUpdateComponent,
)
from apps.publishing.documents import NEWEST
from apps.publishing.readmodel import ChangeFacts, MaintenanceFacts, UpdateFacts


def maintenances_of(page_id: int) -> QuerySet[Maintenance]:
    """The page's live maintenances that have said something; the last announced first."""
    maintenances: QuerySet[Maintenance] = Maintenance.objects.live()
    return maintenances.filter(page=page_id, last_sequence__gt=0).order_by("-created_at", "-pk")


def shown_maintenances(page_id: int, *, since: datetime) -> list[Maintenance]:
    """Return every one that is not over, the last announced, and those that ended after `since`. Two queries."""
    every = maintenances_of(page_id).order_by()
    wanted = every.filter(completed_at__isnull=True).union(
        every.filter(completed_at__gte=since), all=True
    )
    found = {row.pk: row for row in (*wanted, *maintenances_of(page_id)[:NEWEST])}
    return sorted(found.values(), key=lambda row: (row.created_at, row.pk), reverse=True)


def changed_maintenances(
    page_id: int, *, since: datetime, numbers: Collection[int]
) -> list[Maintenance]:
    """Return those of the page that were changed after `since` or have one of these numbers; archived ones too."""
    every = Maintenance.objects.filter(page=page_id).order_by()
    changed = every.filter(updated_at__gte=since).union(
        every.filter(archived_at__gte=since), every.filter(number__in=list(numbers)), all=True
    )
    return sorted({row.pk: row for row in changed}.values(), key=lambda row: row.pk)


def told_between(first: datetime, following: datetime) -> Q:
    """Return the condition for maintenances that the history tells of in [first, following): see `told_at`."""
    # It says no more than that they are over, but an index answers it.
    is_over = Q(completed_at__gte=first)
    began = Q(started_at__gte=first, started_at__lt=following)
    never_began = Q(started_at__isnull=True, completed_at__gte=first, completed_at__lt=following)
    return is_over & (began | never_began)


def maintenance_facts_of(
    page_id: int, maintenances: Iterable[Maintenance]
) -> dict[int, MaintenanceFacts]:
    """Return {maintenance id: facts} in the given order, in three queries more; hidden components are left out."""
    rows = list(maintenances)
    ids = [row.pk for row in rows]
    visible = Q(component__hidden=False, component__page=page_id)
    affected: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for one in (
        MaintenanceComponent.objects.filter(visible, maintenance__in=ids)
        .select_related("component")
        .order_by("component__position", "component__name", "pk")
    ):
        affected[one.maintenance_id].append((one.component.public_id, one.component.name))
    changes: dict[int, list[ChangeFacts]] = defaultdict(list)
    for change in (
        MaintenanceUpdateComponent.objects.filter(visible, update__maintenance__in=ids)
        .select_related("component")
        .order_by("component__position", "component__name", "pk")
    ):
        changes[change.update_id].append(
            ChangeFacts(
                component_id=change.component.public_id,
                name=change.component.name,
                old_status=change.old_status,
                new_status=change.new_status,
            )
        )
    updates: dict[int, list[UpdateFacts]] = defaultdict(list)
    for update in MaintenanceUpdate.objects.filter(maintenance__in=ids).order_by("-sequence"):
        updates[update.maintenance_id].append(
            UpdateFacts(
                id=update.public_id,
                status=update.status,
                body=update.body,
                created_at=update.created_at,
                updated_at=update.updated_at,
                display_at=update.display_at,
                deliver_notifications=update.deliver_notifications,
                changes=tuple(changes[update.pk]),
            )
        )
    return {
        row.pk: _maintenance(row, affected[row.pk], updates[row.pk])
        for row in rows
        if updates[row.pk]
    }


def _maintenance(
    row: Maintenance, affected: list[tuple[str, str]], updates: list[UpdateFacts]
) -> MaintenanceFacts:
    return MaintenanceFacts(
        id=row.public_id,
        number=row.number,
        name=row.name,
        status=row.status,
        is_cancelled=row.is_cancelled,
        announced_at=row.created_at,
        updated_at=row.updated_at,
        scheduled_for=row.scheduled_for,
        scheduled_until=row.scheduled_until,
        started_at=row.started_at,
        verifying_at=row.verifying_at,
        completed_at=row.completed_at,
        updates=tuple(updates),
        affected=tuple(affected),
    )
