"""What an incident says about components, and what of it counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.actors import Actor
from apps.core.errors import Invalid
from apps.incidents.models import Incident, IncidentComponent, IncidentUpdate, UpdateComponent
from apps.pages.models import Component, StatusContribution
from apps.pages.services import ContributionChange, Word, apply_contributions
from apps.pages.status import ComponentStatus, worst

SOURCE = StatusContribution.Source.INCIDENT


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an update says: {component id: status}, the locked components, and what the incident said before."""

    statuses: Mapping[int, str]
    components: Mapping[int, Component]
    known: dict[int, IncidentComponent]

    @property
    def by_public_id(self) -> dict[str, str]:
        return {self.components[pk].public_id: status for pk, status in self.statuses.items()}


def spoken(
    *, page_id: int, statuses: Mapping[int, str], actor: Actor, incident: Incident | None = None
) -> Spoken:
    """Look up what an update names, and lock every component that it can change, in one order.

    Invalid unless every status is one, and every component is live on the page; one that the incident affects
    already may be named although it was moved or archived since. Automation names what it knew when the trouble
    began, so what left the page meanwhile is left out of its words.
    """
    for status in statuses.values():
        if status not in ComponentStatus:
            raise Invalid("invalid", f"{status!r} is no component status", field="components")
    known = affected_by([incident.pk])[incident.pk] if incident is not None else {}
    contributing = {pk for pk, row in known.items() if row.contributes}
    rows = _locked({*statuses, *contributing})
    there = {
        pk: row
        for pk, row in rows.items()
        if pk in known or (row.page_id == page_id and not row.is_archived)
    }
    if not actor.is_automation and not statuses.keys() <= there.keys():
        raise Invalid("invalid", "a component is not on the incident's page", field="components")
    named = {pk: status for pk, status in statuses.items() if pk in there}
    return Spoken(named, there, known)


def affected_by(incident_ids: Collection[int]) -> dict[int, dict[int, IncidentComponent]]:
    """Return {incident id: {component id: what the incident says}}, in one query."""
    found: dict[int, dict[int, IncidentComponent]] = {pk: {} for pk in incident_ids}
    for row in IncidentComponent.objects.filter(incident__in=incident_ids):
        found[row.incident_id][row.component_id] = row
    return found


def _locked(ids: Collection[int]) -> dict[int, Component]:
    if not ids:
        return {}
    rows = Component.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def say(
    *,
    incident: Incident,
    update: IncidentUpdate,
    words: Spoken,
    ends: bool,
    actor: Actor,
    at: datetime,
) -> None:
    """Take an update's words on components into a locked incident, its history, and the components.

    Automation's words are listed but do not contribute, and never replace a person's. `ends`: the incident
    is resolved, so what it does not name is operational to it, and nothing contributes any more. An incident
    that was told after it was over never contributes.
    """
    known = words.known
    wanted = dict(words.statuses)
    if actor.is_automation and not ends:
        wanted = {
            pk: one for pk, one in wanted.items() if pk not in known or not known[pk].contributes
        }
    before = {pk: row.status for pk, row in known.items()}
    withdrawn = [pk for pk, row in known.items() if ends and row.contributes]
    counts = not (actor.is_automation or ends or incident.is_retrospective)
    for pk, status in wanted.items():
        row = known.get(pk)
        if row is None:
            before[pk] = words.components[pk].status
            row = IncidentComponent(incident=incident, component_id=pk, worst_status=status)
            known[pk] = row
        row.status, row.worst_status = status, worst([row.worst_status, status])
        row.contributes = row.contributes or counts
    if ends:
        for pk, row in known.items():
            row.status = wanted.get(pk, ComponentStatus.OPERATIONAL)
            row.contributes = False
    keep(update=update, rows=known, before=before)
    label = incident.name[:200]
    contribute(
        [
            *(ContributionChange(pk, SOURCE, withdraw=(incident.public_id,)) for pk in withdrawn),
            *(
                ContributionChange(
                    pk, SOURCE, upsert=(Word(incident.public_id, status, at, label),)
                )
                for pk, status in wanted.items()
                if known[pk].contributes
            ),
        ],
        page_id=incident.page_id,
        actor=actor,
        at=at,
    )


def keep(
    *, update: IncidentUpdate, rows: Mapping[int, IncidentComponent], before: Mapping[int, str]
) -> None:
    """Write an incident's words on components, and into its update's history what they were before."""
    stored = [row for row in rows.values() if row.pk is not None]
    added = [row for row in rows.values() if row.pk is None]
    if stored:
        IncidentComponent.objects.bulk_update(stored, ["status", "worst_status", "contributes"])
    IncidentComponent.objects.bulk_create(added)
    UpdateComponent.objects.bulk_create(
        UpdateComponent(
            update=update, component_id=pk, old_status=before[pk], new_status=row.status
        )
        for pk, row in sorted(rows.items())
    )


def contribute(
    changes: Sequence[ContributionChange], *, page_id: int, actor: Actor, at: datetime
) -> None:
    """Apply what incidents of a page say; the caller tells that this page changed."""
    if changes:
        apply_contributions(changes=changes, told=[page_id], actor=actor, at=at)


def withdraw(*, incident: Incident, actor: Actor, at: datetime) -> None:
    """End every contribution of the incident."""
    held = StatusContribution.objects.filter(source=SOURCE, key=incident.public_id)
    contribute(
        [
            ContributionChange(pk, SOURCE, withdraw=(incident.public_id,))
            for pk in held.values_list("component_id", flat=True)
        ],
        page_id=incident.page_id,
        actor=actor,
        at=at,
    )


def relabel(*, incident: Incident, actor: Actor, at: datetime) -> None:
    """Show the incident's present name as the source of its contributions."""
    held = StatusContribution.objects.filter(source=SOURCE, key=incident.public_id)
    contribute(
        [
            ContributionChange(
                row.component_id,
                SOURCE,
                upsert=(Word(row.key, row.status, row.since, incident.name[:200]),),
            )
            for row in held
        ],
        page_id=incident.page_id,
        actor=actor,
        at=at,
    )
