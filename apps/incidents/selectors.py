"""Reading incidents."""

from __future__ import annotations

from django.db.models import F, QuerySet

from apps.core.errors import NotFound
from apps.incidents.impact import impact_of
from apps.incidents.models import Incident, IncidentComponent, IncidentStatus


def live_incidents() -> QuerySet[Incident]:
    """Incidents, open and resolved, newest first, with their page."""
    incidents: QuerySet[Incident] = Incident.objects.live()
    return incidents.select_related("page")


def open_incidents() -> QuerySet[Incident]:
    """Incidents that are not resolved."""
    return live_incidents().exclude(status=IncidentStatus.RESOLVED)


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
