"""What integrations know of monitors, lent to the monitors' screens: what hangs on one, and what its outages made."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from apps.incidents.models import Incident
from apps.integrations.models import ComponentLink, DeliveryStream, Integration
from apps.monitors.admin import hands
from apps.monitors.models import Monitor, Outage
from apps.pages.access import pages_for


def _dependents(request: HttpRequest, monitor: Monitor) -> list[hands.Dependent]:
    """Return the monitor's live integrations with what each does (two queries)."""
    links = ComponentLink.objects.filter(archived_at__isnull=True).select_related("component")
    rows = (
        _screen()
        .get_queryset(request)
        .filter(monitor=monitor, archived_at__isnull=True)
        .select_related("page", "incident_rule", "metric_rule__metric")
        .prefetch_related(Prefetch("component_links", links, to_attr="live_links"))
        .order_by("nickname", "pk")
    )
    return [
        hands.Dependent(
            url=reverse("admin:integrations_integration_change", args=[row.pk]),
            name=row.nickname,
            note=f"On {row.page}: {_what(row)}.",
            is_on=row.enabled,
        )
        for row in rows
    ]


def _what(row: Any) -> str:
    parts = [
        f"sets {link.component} to {link.get_failure_status_display()}" for link in row.live_links
    ]
    rule = getattr(row, "incident_rule", None)
    if rule is not None and rule.enabled:
        parts.append(f"opens the incident “{rule.name}”")
    metric = getattr(row, "metric_rule", None)
    if metric is not None and metric.enabled:
        parts.append(f"sends each run to {metric.metric}")
    return ", ".join(parts) or "does nothing"


def _made(request: HttpRequest, outages: Collection[Outage]) -> dict[int, list[hands.Made]]:
    """Return the incidents of each outage; those on pages that the person does not see without their names."""
    streams = list(
        DeliveryStream.objects.filter(
            kind=DeliveryStream.Kind.INCIDENT, outage__in=[outage.pk for outage in outages]
        )
        .select_related("page", "connector")
        .order_by("pk")
    )
    if not streams:
        return {}
    user: Any = request.user
    ids = [stream.remote_id for stream in streams if stream.remote_id]
    shown = {
        incident.public_id: incident
        for incident in Incident.objects.filter(public_id__in=ids, page__in=pages_for(user))
    }
    found: dict[int, list[hands.Made]] = {}
    for stream in streams:
        if stream.outage_id is None:
            continue
        incident = shown.get(stream.remote_id)
        found.setdefault(stream.outage_id, []).append(
            hands.Made(
                reverse("admin:incidents_incident_change", args=[incident.pk]),
                incident.name,
                f"on {stream.page}, {incident.get_status_display()}",
            )
            if incident is not None
            else hands.Made("", f"An incident on {stream.page}", f"at {stream.connector}")
        )
    return found


def _place_to_add(request: HttpRequest, monitor: Monitor) -> tuple[str, str] | None:
    if monitor.is_archived or not _screen().has_add_permission(request):
        return None
    chosen = urlencode({"workspace": monitor.workspace_id, "monitor": monitor.pk})
    return f"{reverse('admin:integrations_integration_add')}?{chosen}", "Add an integration"


def _screen() -> Any:
    return admin.site.get_model_admin(Integration)


hands.lend(hands.Knowledge(dependents=_dependents, made=_made, place_to_add=_place_to_add))
