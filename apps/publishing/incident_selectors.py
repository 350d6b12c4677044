"""Reading incidents for publication: four queries, however many incidents there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncMonth

from apps.incidents.impact import impact_of
from apps.incidents.models import Incident, IncidentComponent, IncidentUpdate, UpdateComponent
from apps.pages.uptime import day_start
from apps.publishing.documents import NEWEST
from apps.publishing.readmodel import ChangeFacts, IncidentFacts, MonthFacts, UpdateFacts


def incidents_of(page_id: int) -> QuerySet[Incident]:
    """The page's live incidents that have said something; newest first."""
    incidents: QuerySet[Incident] = Incident.objects.live()
    return incidents.filter(page=page_id, last_sequence__gt=0).order_by("-started_at", "-pk")


def shown_incidents(page_id: int, *, since: datetime) -> QuerySet[Incident]:
    """Every open incident, the newest ones, and those that began or ended after `since`."""
    every = incidents_of(page_id)
    return every.filter(
        Q(resolved_at__isnull=True)
        | Q(resolved_at__gte=since)
        | Q(started_at__gte=since)
        | Q(pk__in=every.values("pk")[:NEWEST])
    )


def month_bounds(key: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moments of the month (key 2026-11) and of the next one, in UTC."""
    year, month = (int(part) for part in key.split("-"))
    following = date(year + month // 12, month % 12 + 1, 1)
    return day_start(date(year, month, 1), zone), day_start(following, zone)


def months_of(page_id: int, zone: ZoneInfo) -> tuple[MonthFacts, ...]:
    """Return the months in which incidents began, newest first, in one query."""
    rows = (
        incidents_of(page_id)
        .order_by()
        .annotate(began_in=TruncMonth("started_at", tzinfo=zone))
        .values("began_in")
        .annotate(incidents=Count("pk"))
        .order_by("-began_in")
    )
    return tuple(
        MonthFacts(row["began_in"].year, row["began_in"].month, row["incidents"]) for row in rows
    )


def facts_of(page_id: int, incidents: Iterable[Incident]) -> dict[int, IncidentFacts]:
    """Return {incident id: facts} in the given order, in three queries more.

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
    return {
        row.pk: _incident(row, affected[row.pk], updates[row.pk]) for row in rows if updates[row.pk]
    }


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
    row: Incident, affected: list[IncidentComponent], updates: list[UpdateFacts]
) -> IncidentFacts:
    return IncidentFacts(
        id=row.public_id,
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
    )
