"""What incidents and maintenance say of components, lent to the components' screens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.utils.html import format_html

from apps.accounts.models import User
from apps.core.adminkit import link, local
from apps.incidents.models import (
    Incident,
    IncidentComponent,
    IncidentStatus,
    Maintenance,
    MaintenanceComponent,
    MaintenanceStatus,
)
from apps.pages.access import pages_for
from apps.pages.admin.knowledge import Happening, Knowledge, Source, Text, lend
from apps.pages.models import Component, StatusContribution
from apps.pages.status import ComponentStatus

MOST = 200
Kind = StatusContribution.Source


def _sources(user: User, contributions: Sequence[StatusContribution]) -> dict[int, Source]:
    keys = {(row.source, row.key): row.pk for row in contributions}
    found: dict[int, Source] = {}
    pages = pages_for(user)
    incidents = [key for source, key in keys if source == Kind.INCIDENT]
    for row in Incident.objects.filter(public_id__in=incidents, page__in=pages):
        found[keys[Kind.INCIDENT, row.public_id]] = Source(link(row), (row.get_status_display(),))
    plans = [key for source, key in keys if source == Kind.MAINTENANCE]
    known = Maintenance.objects.filter(public_id__in=plans, page__in=pages)
    for plan in known.select_related("page"):
        until = f"Planned until {local(plan.scheduled_until, plan.page.time_zone)}"
        found[keys[Kind.MAINTENANCE, plan.public_id]] = Source(link(plan), (until,))
    ours = {keys[Kind.INCIDENT, key] for key in incidents}
    ours |= {keys[Kind.MAINTENANCE, key] for key in plans}
    for pk in ours - found.keys():
        found[pk] = Source("On a page that you are not a member of, or archived")
    return found


def _beside(user: User, component: Component) -> list[Text]:
    listed = (
        IncidentComponent.objects.filter(
            component=component,
            contributes=False,
            incident__archived_at__isnull=True,
            incident__page=component.page_id,
        )
        .exclude(incident__status=IncidentStatus.RESOLVED)
        .exclude(status=ComponentStatus.OPERATIONAL)
        .select_related("incident")[:MOST]
    )
    found: list[Text] = [
        format_html(
            "The incident {} shows it as “{}”. Automation opened it, so the component follows its monitors until a "
            "person posts a status for it there.",
            link(row.incident),
            row.get_status_display(),
        )
        for row in listed
    ]
    planned = (
        MaintenanceComponent.objects.filter(
            component=component,
            maintenance__status=MaintenanceStatus.SCHEDULED,
            maintenance__archived_at__isnull=True,
            maintenance__page=component.page_id,
        )
        .select_related("maintenance__page")
        .order_by("maintenance__scheduled_for")[:MOST]
    )
    found += [
        format_html(
            "Maintenance is planned: {}, from {}.",
            link(row.maintenance),
            local(row.maintenance.scheduled_for, row.maintenance.page.time_zone),
        )
        for row in planned
    ]
    return found


def _happened(
    user: User, component: Component, since: datetime, until: datetime
) -> list[Happening]:
    incidents = (
        IncidentComponent.objects.filter(
            Q(incident__resolved_at__isnull=True) | Q(incident__resolved_at__gt=since),
            component=component,
            incident__started_at__lt=until,
            incident__archived_at__isnull=True,
            incident__page=component.page_id,
        )
        .select_related("incident")
        .order_by("-incident__started_at", "-pk")[:MOST]
    )
    plans = (
        MaintenanceComponent.objects.filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=since),
            component=component,
            started_at__lt=until,
            maintenance__archived_at__isnull=True,
            maintenance__page=component.page_id,
        )
        .select_related("maintenance")
        .order_by("-started_at", "-pk")[:MOST]
    )
    found = [
        Happening(
            "Incident",
            link(row.incident),
            row.incident.started_at,
            row.incident.resolved_at,
            f"At worst: {row.get_worst_status_display().lower()}",
        )
        for row in incidents
    ]
    for plan in plans:
        if plan.started_at is not None:
            found.append(
                Happening("Maintenance", link(plan.maintenance), plan.started_at, plan.ended_at)
            )
    return found


lend(Knowledge(sources=_sources, beside=_beside, happened=_happened))
