"""Reading incidents for publication: a constant number of queries, however many incidents there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.incidents.impact import impact_of
from apps.incidents.models import (
    Incident,
    IncidentComponent,
    IncidentUpdate,
    Postmortem,
    UpdateComponent,
)
from apps.publishing.documents import NEWEST
from apps.publishing.readmodel import POSTMORTEM, ChangeFacts, IncidentFacts, UpdateFacts

# So many of the past days or of a month are told of, however many a flapping monitor has opened.
MOST_TOLD = 200


def incidents_of(page_id: int) -> QuerySet[Incident]:
    """The page's live incidents that have said something; newest first."""
    incidents: QuerySet[Incident] = Incident.objects.live()
    return incidents.filter(page=page_id, last_sequence__gt=0).order_by("-started_at", "-pk")


def shown_incidents(page_id: int, *, since: datetime) -> list[Incident]:
    """Return every open incident, the newest ones, and those that began or ended after `since`; newest first.

    Of those that began after it at most MOST_TOLD. Two queries, each part of which an index answers: none looks
    through what is long over.
    """
    every = incidents_of(page_id).order_by()
    recent = incidents_of(page_id).filter(started_at__gte=since)[:MOST_TOLD]
    wanted = every.filter(resolved_at__isnull=True).union(
        every.filter(resolved_at__gte=since, started_at__lt=since),
        every.filter(pk__in=recent.values("pk")),
        all=True,
    )
    found = {row.pk: row for row in (*wanted, *incidents_of(page_id)[:NEWEST])}
    return sorted(found.values(), key=lambda row: (row.started_at, row.pk), reverse=True)


def told_from(incidents: Collection[Incident], *, since: datetime) -> datetime | None:
    """Return from when on those of `shown_incidents` are complete; None when they are from `since` on."""
    began = sorted((row.started_at for row in incidents if row.started_at >= since), reverse=True)
    return began[MOST_TOLD - 1] if len(began) >= MOST_TOLD else None


def changed_incidents(page_id: int, *, since: datetime, numbers: Collection[int]) -> list[Incident]:
    """Return incidents of the page that were changed after `since` or have one of these numbers; archived ones too."""
    every = Incident.objects.filter(page=page_id).order_by()
    changed = every.filter(updated_at__gte=since).union(
        every.filter(archived_at__gte=since),
        # Not by a join: that would lead a planner through all of the page's incidents.
        every.filter(pk__in=Postmortem.objects.filter(updated_at__gte=since).values("pk")),
        every.filter(merged_into__page=page_id, merged_into__updated_at__gte=since),
        every.filter(number__in=list(numbers)),
        all=True,
    )
    return sorted({row.pk: row for row in changed}.values(), key=lambda row: row.pk)


def facts_of(page_id: int, incidents: Iterable[Incident]) -> dict[int, IncidentFacts]:
    """Return {incident id: facts} in the given order, in five queries more.

    Components that are hidden, or are not the page's any more, are left out of everything, impact included.
    """
    rows = list(incidents)
    ids = [row.pk for row in rows]
    visible = Q(component__hidden=False, component__page=page_id)
    affected: dict[int, list[IncidentComponent]] = defaultdict(list)
    for one in (
        IncidentComponent.objects.filter(visible, incident__in=ids)
        .select_related("component")
        .order_by("component__position", "component__name", "pk")
    ):
        affected[one.incident_id].append(one)
    changes: dict[int, list[ChangeFacts]] = defaultdict(list)
    for change in (
        UpdateComponent.objects.filter(visible, update__incident__in=ids)
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
    for update in IncidentUpdate.objects.filter(incident__in=ids).order_by("-sequence"):
        updates[update.incident_id].append(_update(update, changes[update.pk]))
    postmortems = {
        row.pk: row
        for row in Postmortem.objects.filter(incident__in=ids, published_at__isnull=False)
    }
    targets = _merge_targets(page_id, rows)
    return {
        row.pk: _with_postmortem(
            _incident(row, affected[row.pk], updates[row.pk], targets), postmortems.get(row.pk)
        )
        for row in rows
        if updates[row.pk]
    }


def _merge_targets(page_id: int, rows: Iterable[Incident]) -> dict[int, tuple[str, str]]:
    """Return {incident id: (public id, name)} of the incidents that others were merged into."""
    wanted = {row.merged_into_id for row in rows if row.merged_into_id}
    found = incidents_of(page_id).filter(pk__in=wanted).values_list("pk", "public_id", "name")
    return {pk: (public_id, name) for pk, public_id, name in found}


def _update(row: IncidentUpdate, changes: list[ChangeFacts]) -> UpdateFacts:
    return UpdateFacts(
        id=row.public_id,
        status=row.status,
        body=row.body,
        created_at=row.created_at,
        updated_at=row.updated_at,
        display_at=row.display_at,
        deliver_notifications=row.deliver_notifications,
        changes=tuple(changes),
    )


def _incident(
    row: Incident,
    affected: list[IncidentComponent],
    updates: list[UpdateFacts],
    targets: dict[int, tuple[str, str]],
) -> IncidentFacts:
    return IncidentFacts(
        id=row.public_id,
        number=row.number,
        name=row.name,
        status=row.status,
        impact=impact_of((one.worst_status for one in affected), row.impact_override),
        started_at=row.started_at,
        recorded_at=row.created_at,
        updated_at=row.updated_at,
        monitoring_at=row.monitoring_at,
        resolved_at=row.resolved_at,
        updates=tuple(updates),
        affected=tuple((one.component.public_id, one.component.name) for one in affected),
        merged_into=targets.get(row.merged_into_id) if row.merged_into_id else None,
    )


def _with_postmortem(incident: IncidentFacts, row: Postmortem | None) -> IncidentFacts:
    """Return the incident with its published post-mortem as the newest update; unchanged while it is open."""
    if row is None or row.published_at is None or incident.is_open:
        return incident
    edited_at = max(row.published_at, row.body_updated_at or row.published_at)
    told = UpdateFacts(
        id=row.public_id,
        status=POSTMORTEM,
        body=row.body,
        created_at=row.published_at,
        updated_at=edited_at,
        display_at=row.published_at,
        deliver_notifications=row.deliver_notifications,
    )
    return replace(
        incident,
        status=POSTMORTEM,
        updated_at=max(incident.updated_at, edited_at),
        updates=(told, *incident.updates),
    )
