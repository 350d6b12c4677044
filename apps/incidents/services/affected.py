"""What an incident says about components, and what of it counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from apps.core.actors import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, IncidentComponent, IncidentUpdate, UpdateComponent
from apps.pages.models import Component, StatusContribution
from apps.pages.services import ContributionChange, Word, apply_contributions
from apps.pages.status import ComponentStatus, worst

SOURCE = StatusContribution.Source.INCIDENT


def named_components(
    *, page_id: int, statuses: Mapping[int, str], incident: Incident | None = None
) -> dict[int, Component]:
    """Return the named components. Invalid unless every status is one, and every component is live on the page.

    One that the incident affects already may be named although it was moved or archived since.
    """
    for status in statuses.values():
        if status not in ComponentStatus:
            raise Invalid("invalid", f"{status!r} is no component status", field="components")
    placed = Q(archived_at__isnull=True, page=page_id)
    if incident is not None:
        placed |= Q(pk__in=incident.affected.values("component_id"))
    found: dict[int, Component] = Component.objects.filter(placed).in_bulk(list(statuses))
    if len(found) != len(statuses):
        raise Invalid("invalid", "a component is not on the incident's page", field="components")
    return found


def say(
    *,
    incident: Incident,
    update: IncidentUpdate,
    statuses: Mapping[int, str],
    components: Mapping[int, Component],
    ends: bool,
    actor: Actor,
    at: datetime,
) -> None:
    """Take an update's words on components into a locked incident, its history, and the components.

    `statuses` is {component id: status}, `components` has their rows.

    Automation's words are listed but do not contribute, and never replace a person's. `ends`: the incident
    is resolved, so what it does not name is operational to it, and nothing contributes any more.
    """
    known = {row.component_id: row for row in IncidentComponent.objects.filter(incident=incident)}
    wanted = dict(statuses)
    if actor.is_automation and not ends:
        wanted = {
            pk: one for pk, one in wanted.items() if pk not in known or not known[pk].contributes
        }
    before = {pk: row.status for pk, row in known.items()}
    added: list[IncidentComponent] = []
    for pk, status in wanted.items():
        row = known.get(pk)
        if row is None:
            before[pk] = components[pk].status
            row = IncidentComponent(incident=incident, component_id=pk, worst_status=status)
            known[pk] = row
            added.append(row)
        row.status, row.worst_status = status, worst([row.worst_status, status])
        row.contributes = row.contributes or not actor.is_automation
    withdrawn = [pk for pk, row in known.items() if ends and row.pk is not None]
    if ends:
        for pk, row in known.items():
            row.status = wanted.get(pk, ComponentStatus.OPERATIONAL)
            row.contributes = False
    IncidentComponent.objects.bulk_update(
        [row for row in known.values() if row.pk is not None],
        ["status", "worst_status", "contributes"],
    )
    IncidentComponent.objects.bulk_create(added)
    UpdateComponent.objects.bulk_create(
        UpdateComponent(
            update=update, component_id=pk, old_status=before[pk], new_status=row.status
        )
        for pk, row in sorted(known.items())
    )
    label = incident.name[:200]
    apply_contributions(
        changes=[
            *(ContributionChange(pk, SOURCE, withdraw=(incident.public_id,)) for pk in withdrawn),
            *(
                ContributionChange(
                    pk, SOURCE, upsert=(Word(incident.public_id, status, at, label),)
                )
                for pk, status in wanted.items()
                if known[pk].contributes
            ),
        ],
        actor=actor,
        at=at,
    )


def withdraw(*, incident: Incident, actor: Actor, at: datetime) -> None:
    """End every contribution of the incident."""
    held = StatusContribution.objects.filter(source=SOURCE, key=incident.public_id)
    apply_contributions(
        changes=[
            ContributionChange(pk, SOURCE, withdraw=(incident.public_id,))
            for pk in held.values_list("component_id", flat=True)
        ],
        actor=actor,
        at=at,
    )


def relabel(*, incident: Incident, actor: Actor, at: datetime) -> None:
    """Show the incident's present name as the source of its contributions."""
    held = StatusContribution.objects.filter(source=SOURCE, key=incident.public_id)
    apply_contributions(
        changes=[
            ContributionChange(
                row.component_id,
                SOURCE,
                upsert=(Word(row.key, row.status, row.since, incident.name[:200]),),
            )
            for row in held
        ],
        actor=actor,
        at=at,
    )
