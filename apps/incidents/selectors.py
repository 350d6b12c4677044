"""Reading incidents."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, QuerySet

from apps.core.errors import NotFound
from apps.incidents.impact import impact_of
from apps.incidents.models import (
    Incident,
    IncidentComponent,
    IncidentTemplate,
    Postmortem,
)


def live_incidents() -> QuerySet[Incident]:
    """Incidents, open and resolved, newest first, with their page."""
    incidents: QuerySet[Incident] = Incident.objects.live()
    return incidents.select_related("page")


def open_incidents() -> QuerySet[Incident]:
    """Incidents that are not resolved."""
    return live_incidents().filter(resolved_at__isnull=True)


def incident(public_id: str) -> Incident:
    """Return the live incident. NotFound when there is none."""
    row = live_incidents().filter(public_id=public_id).first()
    if row is None:
        raise NotFound("not_found", "there is no such incident")
    return row


def visible_affected() -> QuerySet[IncidentComponent]:
    """What incidents affect, as far as it is public: not what is hidden, or on the incident's page no more."""
    return IncidentComponent.objects.filter(
        component__hidden=False, component__page=F("incident__page")
    ).select_related("component")


def impact(row: Incident) -> str:
    """Return the incident's public impact: `incidents.impact.impact_of` over its visible components."""
    statuses = visible_affected().filter(incident=row).values_list("worst_status", flat=True)
    return impact_of(statuses, row.impact_override)


def impacts(rows: Collection[Incident]) -> dict[int, str]:
    """Return {key: public impact} of the incidents, in one query."""
    statuses: dict[int, list[str]] = {row.pk: [] for row in rows}
    found = visible_affected().filter(incident__in=statuses)
    for pk, worst in found.values_list("incident_id", "worst_status"):
        statuses[pk].append(worst)
    return {row.pk: impact_of(statuses[row.pk], row.impact_override) for row in rows}


def mergeable_into(row: Incident) -> QuerySet[Incident]:
    """The open incidents of the same page that this one may be merged into, newest first."""
    found = open_incidents().filter(page=row.page_id, merged_into__isnull=True)
    return found.exclude(pk=row.pk)


def postmortem_of(row: Incident) -> Postmortem | None:
    """Return the incident's post-mortem, draft or published."""
    return Postmortem.objects.filter(incident=row).first()


def templates_of(
    page_id: int | None = None, kind: str = IncidentTemplate.Kind.INCIDENT
) -> QuerySet[IncidentTemplate]:
    """The live templates of one kind, of a page or of all live pages, by name."""
    found: QuerySet[IncidentTemplate] = IncidentTemplate.objects.live()
    on_page = {"page__archived_at__isnull": True} if page_id is None else {"page": page_id}
    return found.filter(kind=kind, **on_page).select_related("page").order_by("name", "pk")
