"""What is behind an automated incident: its outage and the runs, as far as the person may see the monitor."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.selectors import for_user
from apps.core.adminkit import link, local
from apps.incidents.models import Incident
from apps.integrations.models import DeliveryStream
from apps.monitors.admin.runs import run_url
from apps.monitors.models import Outage, Run, Schedule

NOT_YOURS = "An outage of a monitor in a workspace that you are not a member of."


def may_see(request: HttpRequest, workspace_id: int) -> bool:
    """Tell whether the person is a member of the workspace; superusers see all."""
    user: Any = request.user
    return bool(user.is_superuser or for_user(user).filter(pk=workspace_id).exists())


def story(request: HttpRequest, incident: Incident) -> list[SafeString]:
    """Return a line on the outage, on the run that began it, and where the others are. Four queries at most."""
    if incident.idempotency_key is None:
        return []
    stream = (
        DeliveryStream.objects.filter(
            kind=DeliveryStream.Kind.INCIDENT, key=incident.idempotency_key
        )
        .select_related("outage__monitor")
        .first()
    )
    outage = stream.outage if stream is not None else None
    if outage is None:
        return []
    if not may_see(request, outage.monitor.workspace_id):
        return [format_html("{}", NOT_YOURS)]
    return [_outage(outage, incident.page.time_zone), *_runs(outage)]


def _outage(outage: Outage, zone: str) -> SafeString:
    ended = f"until {local(outage.closed_at, zone)}" if outage.closed_at else "and still lasts"
    return format_html(
        "{} of {}: since {} {}. {}",
        link(outage, "Outage"),
        link(outage.monitor),
        local(outage.opened_at, zone),
        ended,
        outage.reason,
    )


def _runs(outage: Outage) -> list[SafeString]:
    everything = reverse("admin:monitors_monitor_runs", args=[outage.monitor_id])
    schedules = Schedule.objects.filter(monitor=outage.monitor_id)
    first = (
        Run.objects.filter(
            schedule__in=schedules.values("pk"),
            due_at__gte=outage.started_at,
            due_at__lte=outage.opened_at,
            result=Run.Result.FAILED,
        )
        .select_related("schedule")
        .order_by("due_at")
        .first()
    )
    runs = format_html('<a href="{}">All runs of {}</a>', everything, outage.monitor)
    if first is None:
        return [runs]
    return [
        format_html(
            '<a href="{}">The first failing run</a>: {}',
            run_url(first),
            first.reason or "no reason kept",
        ),
        runs,
    ]
