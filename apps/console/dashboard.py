"""What staff see first: what is wrong now, and what waits for them. A constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import for_user
from apps.core.adminkit import lasting, local_span
from apps.core.selectors import heartbeat_ages_s
from apps.incidents.maintenance_selectors import unfinished_maintenances
from apps.incidents.models import Incident
from apps.incidents.selectors import open_incidents
from apps.integrations.models import Delivery, DeliveryStream
from apps.integrations.selectors import (
    broken_integrations,
    dead_deliveries,
    incidents_left_to_staff,
    waiting_deliveries,
)
from apps.monitors.locations import Standing, standings
from apps.monitors.models import Monitor, Outage
from apps.monitors.selectors import dispatch_lag_s
from apps.pages.models import Page
from apps.pages.status import ComponentStatus

SHOWN = 10
LATE_S = 15.0
SILENT_S = 30.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a card: where it leads ("" : nowhere), its text, and what is said beside it."""

    url: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card of the overview. `more` leads to the whole list; `empty` is said when there is nothing."""

    title: str
    lines: list[Line]
    empty: str
    more: str = ""


def dashboard(user: Any) -> dict[str, Any]:
    """Return {notices: [text], cards: [Card], is_new: nothing is set up yet} for this person."""
    person: User = user
    sees_all = bool(person.is_superuser)
    workspaces = list(for_user(person).values_list("pk", flat=True)) if not sees_all else []
    mine = Q() if sees_all else Q(workspace__in=workspaces)
    cards = [
        _outages(Q() if sees_all else Q(monitor__workspace__in=workspaces)),
        _incidents(person),
        _maintenances(person),
        _left_to_staff(Q() if sees_all else Q(rule__integration__workspace__in=workspaces)),
        _deliveries(Q() if sees_all else Q(integration__workspace__in=workspaces)),
        _broken(None if sees_all else set(workspaces)),
        _pages(person),
    ]
    return {
        "notices": _notices(),
        "cards": [card for card in cards if card is not None],
        "is_new": not Monitor.objects.live().filter(mine).exists(),
    }


def _notices() -> list[str]:
    found = []
    lag_s = dispatch_lag_s()
    if lag_s > LATE_S:
        found.append(
            f"Monitors run late: the most overdue has waited for {round(lag_s)} s. Is a worker running at every location?"
        )
    ages = heartbeat_ages_s()
    workers = [age for name, age in ages.items() if name.startswith("worker:")]
    for what, age in (("worker", min(workers, default=None)), ("scheduler", ages.get("beat"))):
        if age is None:
            found.append(f"No {what} has been seen yet: nothing runs until one is started.")
        elif age > SILENT_S:
            found.append(f"The {what} was last seen {round(age)} s ago.")
    for one in standings():
        found.extend(_location_notices(one))
    return found


def _location_notices(one: Standing) -> list[str]:
    if not one.monitors:
        return []
    if not one.has_worker:
        seen = (
            "has never had a worker"
            if one.seen_s is None
            else f"has had no worker for {round(one.seen_s)} s"
        )
        return [
            f"The location {one.location} {seen}: what runs there is not measured."
            f" Start one for the queue checks.{one.location.code}."
        ]
    since = one.references_failing_since
    if since is None:
        return []
    return [
        f"None of the reference targets of the location {one.location} has answered since"
        f" {since:%Y-%m-%d %H:%M:%S} UTC: what gets no answer there counts as an error, not as an outage."
    ]


def _outages(mine: Q) -> Card:
    now = timezone.now()
    rows = Outage.objects.open().filter(mine).select_related("monitor")[:SHOWN]
    return Card(
        title="Open outages",
        lines=[
            Line(
                reverse("admin:monitors_monitor_change", args=[row.monitor_id]),
                str(row.monitor),
                f"for {lasting(row.opened_at, now)}: {row.reason or 'no reason kept'}",
            )
            for row in rows
        ],
        empty="No monitor is failing.",
        more=reverse("admin:monitors_outage_changelist") + "?state=open",
    )


def _incidents(user: User) -> Card | None:
    if not user.has_perm("incidents.view_incident"):
        return None
    return Card(
        title="Unresolved incidents",
        lines=[
            Line(
                reverse("admin:incidents_incident_change", args=[row.pk]),
                row.name,
                f"{row.page}, {row.get_status_display()}",
            )
            for row in open_incidents()[:SHOWN]
        ],
        empty="Every incident is resolved.",
        more=reverse("admin:incidents_incident_changelist") + "?state=open",
    )


def _maintenances(user: User) -> Card | None:
    if not user.has_perm("incidents.view_maintenance"):
        return None
    return Card(
        title="Maintenance",
        lines=[
            Line(
                reverse("admin:incidents_maintenance_change", args=[row.pk]),
                row.name,
                f"{row.page}, {row.get_status_display()}: "
                f"{local_span(row.scheduled_for, row.scheduled_until, row.page.time_zone)}",
            )
            for row in unfinished_maintenances()[:SHOWN]
        ],
        empty="None is planned.",
        more=reverse("admin:incidents_maintenance_changelist") + "?state=ahead",
    )


def _left_to_staff(mine: Q) -> Card:
    streams = list(incidents_left_to_staff().filter(mine)[:SHOWN])
    ours = [stream.remote_id for stream in streams if stream.remote_id]
    incidents = {row.public_id: row for row in Incident.objects.filter(public_id__in=ours)}
    return Card(
        title="Left to you",
        lines=[_left(stream, incidents.get(stream.remote_id)) for stream in streams],
        empty="No incident waits for a person to resolve it.",
    )


def _left(stream: DeliveryStream, incident: Incident | None) -> Line:
    if incident is None:
        return Line("", f"{stream.page}: an incident at {stream.connector}", "resolve it there")
    return Line(
        reverse("admin:incidents_incident_change", args=[incident.pk]),
        incident.name,
        f"{stream.page}: automation tends it no more, resolve it or post an update",
    )


def _deliveries(mine: Q) -> Card:
    rows = [*dead_deliveries().filter(mine)[:SHOWN], *waiting_deliveries().filter(mine)[:SHOWN]]
    return Card(
        title="Deliveries that did not arrive",
        lines=[
            Line(
                reverse("admin:integrations_delivery_change", args=[row.pk]),
                f"{row.integration or row.stream} → {row.stream.page}",
                f"{'given up' if row.state == Delivery.State.DEAD else 'tried again soon'}: {row.last_error or 'no reason kept'}",
            )
            for row in rows
        ],
        empty="Everything has arrived.",
        more=reverse("admin:integrations_delivery_changelist"),
    )


def _broken(workspaces: set[int] | None) -> Card | None:
    rows = [
        one
        for one in broken_integrations()
        if workspaces is None or one.integration.workspace_id in workspaces
    ]
    if not rows:
        return None
    return Card(
        title="Integrations to mend",
        lines=[
            Line(
                reverse("admin:integrations_integration_change", args=[one.integration.pk]),
                str(one.integration),
                one.reason,
            )
            for one in rows[:SHOWN]
        ],
        empty="",
    )


def _pages(user: User) -> Card | None:
    if not user.has_perm("pages.view_page"):
        return None
    shown = Q(components__archived_at__isnull=True, components__hidden=False)
    trouble = shown & ~Q(components__status=ComponentStatus.OPERATIONAL)
    rows = Page.objects.live().annotate(
        shown=Count("components", filter=shown), trouble=Count("components", filter=trouble)
    )[:SHOWN]
    return Card(
        title="Pages",
        lines=[
            Line(
                f"{settings.PUBLIC_URL}/status/{row.slug}/",
                row.name,
                "all operational"
                if not row.trouble
                else f"{row.trouble} of {row.shown} components not operational",
            )
            for row in rows
        ],
        empty="There is no page yet.",
        more=reverse("admin:pages_page_changelist"),
    )
